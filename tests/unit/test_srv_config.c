/* test_srv_config.c - settings from defaults, file, environment and flags, in this order of rank.
 */
#include "config.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct srv_config config;
static struct fsn_error err;

#define LOAD(...) load((char *const[]){__VA_ARGS__, NULL})
static enum fsn_status load(char *const *argv)
{
    int argc = 0;

    while (argv[argc])
        argc++;
    err = (struct fsn_error){0};
    return srv_config_load(argc, argv, &config, &err);
}

static int clear_environment(void **state)
{
    (void)state;
    unsetenv("FSNETD_WORKERS");
    unsetenv("FSNETD_DATA_DIR");
    unsetenv("FSNETD_CONFIG");
    return 0;
}

static void an_address_has_a_host_and_a_port(void **state)
{
    (void)state;
    for (const char *const *good =
             (const char *const[]){"x:0", "127.0.0.1:65535", "[::1]:80", "a.b:00080", NULL};
         *good; good++)
        assert_int_equal(LOAD("--data-dir", "d", "--listen", (char *)*good), FSN_OK);
    for (const char *const *bad = (const char *const[]){"foo", "", ":80", "x:", "x:65536",
                                                        "x:99999", "x:-1", "x:80a", "x:8K", NULL};
         *bad; bad++) {
        assert_int_equal(LOAD("--data-dir", "d", "--listen", (char *)*bad), FSN_INVALID);
        assert_non_null(
            strstr(err.text, "--listen: expected HOST:PORT with a port from 0 to 65535, got '"));
    }
}

static void variables_that_are_no_settings_are_found(void **state)
{
    struct srv_stray_variable stray;

    (void)state;
    assert_false(srv_config_stray(0, &stray));
    setenv("FSNETD_WORKERS", "3", 1);
    setenv("FSNETD_MAX_UPLOAD", "5", 1);
    assert_true(srv_config_stray(0, &stray));
    assert_string_equal(stray.name, "FSNETD_MAX_UPLOAD");
    assert_string_equal(stray.nearest, "FSNETD_MAX_UPLOAD_BYTES");
    assert_false(srv_config_stray(1, &stray));
    unsetenv("FSNETD_MAX_UPLOAD");
    setenv("FSNETD_ZZZZZZ", "", 1);
    assert_true(srv_config_stray(0, &stray));
    assert_string_equal(stray.nearest, "");
    unsetenv("FSNETD_ZZZZZZ");
}

static struct temp_dir dir;

static int set_up_file(void **state)
{
    temp_dir_create(&dir);
    return clear_environment(state);
}

static int tear_down_file(void **state)
{
    srv_config_clear(&config);
    temp_dir_remove(&dir);
    return clear_environment(state);
}

/* A settings file of this text. */
static char *file_of(const char *text)
{
    temp_dir_write(&dir, "conf", text, strlen(text));
    return (char *)temp_dir_path(&dir, "conf");
}

static void defaults_stand_where_nothing_is_said(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--data-dir", "d"), FSN_OK);
    assert_string_equal(config.listen, "127.0.0.1:8080");
    assert_string_equal(config.auth, "auto");
    assert_int_equal(config.workers, 0);
    assert_int_equal(config.max_upload_bytes, 2147483648);
    assert_int_equal(config.max_json_bytes, 1048576);
}

static void a_flag_wins_over_the_environment_and_that_over_the_default(void **state)
{
    (void)state;
    setenv("FSNETD_WORKERS", "3", 1);
    setenv("FSNETD_DATA_DIR", "from-environment", 1);
    assert_int_equal(LOAD("--listen", "x:1"), FSN_OK);
    assert_int_equal(config.workers, 3);
    assert_string_equal(config.data_dir, "from-environment");
    assert_int_equal(LOAD("--workers=4", "--data-dir=d"), FSN_OK);
    assert_int_equal(config.workers, 4);
    assert_string_equal(config.data_dir, "d");
}

static void sizes_take_a_suffix(void **state)
{
    (void)state;
    assert_int_equal(LOAD("--data-dir", "d", "--max-upload-bytes", "3K"), FSN_OK);
    assert_int_equal(config.max_upload_bytes, 3072);
    assert_int_equal(LOAD("--data-dir", "d", "--max-upload-bytes", "5M"), FSN_OK);
    assert_int_equal(config.max_upload_bytes, 5242880);
    assert_int_equal(LOAD("--data-dir", "d", "--max-upload-bytes", "1000G"), FSN_OK);
    assert_int_equal(config.max_upload_bytes, 1073741824000);
}

static void refused(char *const *argv, const char *text)
{
    assert_int_equal(load(argv), FSN_INVALID);
    if (!strstr(err.text, text))
        fail_msg("'%s' is not in '%s'", text, err.text);
}
#define REFUSED(text, ...) refused((char *const[]){__VA_ARGS__, NULL}, (text))

static void faults_name_the_setting_and_what_it_takes(void **state)
{
    (void)state;
    REFUSED("--data-dir (or FSNETD_DATA_DIR) must be given", "--workers=1");
    REFUSED("unknown argument '--color'", "--color", "red");
    REFUSED("unknown argument 'serve'", "serve");
    REFUSED("unknown argument '--work=1'", "--work=1");
    REFUSED("--workers: expected a value (N)", "--workers");
    REFUSED("expected a whole number from 1 to 64, got '0'", "--validators", "0");
    REFUSED("expected a whole number from 0 to 64, got '65'", "--workers", "65");
    REFUSED("got '-1'", "--workers", "-1");
    REFUSED("got '2x'", "--workers", "2x");
    REFUSED("got '2K'", "--workers", "2K");
    REFUSED("got ''", "--workers=");
    REFUSED("got '99999999999999999999'", "--workers", "99999999999999999999");
    REFUSED("got '9999999999999G'", "--max-upload-bytes", "9999999999999G");
    REFUSED("expected debug, info, warn or error, got 'loud'", "--log-level", "loud");
    REFUSED("--tls-cert and --tls-key are given together", "--data-dir", "d", "--tls-cert", "c");
    REFUSED("--auth: expected auto, tokens or none, got 'off'", "--auth", "off");
    REFUSED(
        "--trusted-proxies: expected addresses and networks (10.0.0.0/8, fd00::/8), separated by "
        "commas, at most 64, got '10.0.0.1, proxy'",
        "--trusted-proxies", "10.0.0.1, proxy");
    setenv("FSNETD_WORKERS", "many", 1);
    REFUSED("FSNETD_WORKERS: expected a whole number", "--data-dir", "d");
}

static void a_file_wins_over_the_default_alone(void **state)
{
    (void)state;
    setenv("FSNETD_VALIDATORS", "5", 1);
    assert_int_equal(LOAD("--workers=7", "--config",
                          file_of("# all of them\n"
                                  "\n"
                                  "data-dir = /srv/a b#c  # a path\r\n"
                                  "\tlisten=x:1\n"
                                  "workers = 3\n"
                                  "validators = 4\n"
                                  "port-file =\n"
                                  "max-upload-bytes = 3M")),
                     FSN_OK);
    unsetenv("FSNETD_VALIDATORS");
    assert_string_equal(config.data_dir, "/srv/a b#c");
    assert_string_equal(config.listen, "x:1");
    assert_string_equal(config.port_file, "");
    assert_int_equal(config.workers, 7);
    assert_int_equal(config.validators, 5);
    assert_int_equal(config.max_upload_bytes, 3145728);
    assert_int_equal(config.http_threads, 2);
}

static void the_environment_may_name_the_file(void **state)
{
    (void)state;
    setenv("FSNETD_CONFIG", file_of("data-dir = d\nlease = 9\n"), 1);
    assert_int_equal(LOAD("--lease=8"), FSN_OK);
    assert_int_equal(config.lease_s, 8);
    srv_config_clear(&config);
    assert_int_equal(LOAD("--workers=1"), FSN_OK);
    assert_int_equal(config.lease_s, 9);
}

static void faults_of_a_file_name_the_line(void **state)
{
    (void)state;
    REFUSED("conf:2: unknown key 'color'", "--config", file_of("workers = 1\ncolor = red\n"));
    REFUSED("conf:3: 'lease' is given a second time, first in line 1", "--config",
            file_of("lease = 5\n\nlease = 5\n"));
    REFUSED("conf:1: workers: expected a whole number from 0 to 64, got '65'", "--config",
            file_of("workers = 65"));
    REFUSED("conf:1: workers: expected a whole number from 0 to 64, got ''", "--config",
            file_of("workers = # none"));
    /* what a flag overrides is checked all the same */
    REFUSED("conf:1: log-level: expected debug, info, warn or error, got 'loud'", "--config",
            file_of("log-level = loud"), "--log-level", "info");
    REFUSED("conf:1: expected 'key = value', got 'workers 3'", "--config", file_of("workers 3\n"));
    REFUSED("conf:1: expected 'key = value', got '= 3'", "--config", file_of("= 3\n"));
    REFUSED("conf:1: a settings file names no other", "--config", file_of("config = x\n"));
    REFUSED("conf:2: data-dir: expected a value without quotes, got \"/srv/a\"", "--config",
            file_of("lease = 5\ndata-dir = \"/srv/a\"  # a path\n"));
    REFUSED("conf:1: data-dir: expected a value without quotes, got '/srv/a'", "--config",
            file_of("data-dir = '/srv/a'\n"));
    REFUSED("must be given", "--config", file_of(""));
    temp_dir_write(&dir, "binary", "a\0b", 3);
    REFUSED("it is not text", "--config", (char *)temp_dir_path(&dir, "binary"));
    assert_int_equal(LOAD("--config", "/nowhere/conf"), FSN_IO);
    assert_non_null(strstr(err.text, "/nowhere/conf: No such file"));
}

/* A settings file made of what is in force gives the same settings. */
static void what_is_printed_is_a_settings_file(void **state)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    setenv("FSNETD_WORKERS", "3", 1);
    assert_int_equal(LOAD("--listen", "x:1", "--config", file_of("data-dir = d\nlease = 9\n")),
                     FSN_OK);
    srv_config_print(&config, out);
    fclose(out);
    assert_non_null(strstr(text, "# flag\n"));
    assert_non_null(strstr(text, "# environment, FSNETD_WORKERS\n"));
    assert_non_null(strstr(text, "# file, line 2\n"));
    assert_non_null(strstr(text, "# default\n"));
    unsetenv("FSNETD_WORKERS");
    srv_config_clear(&config);
    assert_int_equal(LOAD("--config", file_of(text)), FSN_OK);
    assert_string_equal(config.listen, "x:1");
    assert_string_equal(config.data_dir, "d");
    assert_int_equal(config.workers, 3);
    assert_int_equal(config.lease_s, 9);
    assert_int_equal(config.max_upload_bytes, 2147483648);
    free(text);
}

static void help_and_documentation_list_every_setting(void **state)
{
    char *help = NULL, *table = NULL;
    size_t size;
    FILE *file = open_memstream(&help, &size);

    (void)state;
    srv_config_help(file);
    fclose(file);
    file = open_memstream(&table, &size);
    srv_config_markdown(file);
    fclose(file);
    assert_non_null(strstr(help, "--max-upload-bytes BYTES"));
    assert_non_null(strstr(help, "[127.0.0.1:8080]"));
    assert_non_null(
        strstr(table, "| `--max-upload-bytes BYTES` | `FSNETD_MAX_UPLOAD_BYTES` | 2G |"));
    free(help);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(defaults_stand_where_nothing_is_said, clear_environment),
        cmocka_unit_test_setup(a_flag_wins_over_the_environment_and_that_over_the_default,
                               clear_environment),
        cmocka_unit_test_setup(sizes_take_a_suffix, clear_environment),
        cmocka_unit_test_setup_teardown(faults_name_the_setting_and_what_it_takes,
                                        clear_environment, clear_environment),
        cmocka_unit_test_setup_teardown(a_file_wins_over_the_default_alone, set_up_file,
                                        tear_down_file),
        cmocka_unit_test_setup_teardown(the_environment_may_name_the_file, set_up_file,
                                        tear_down_file),
        cmocka_unit_test_setup_teardown(faults_of_a_file_name_the_line, set_up_file,
                                        tear_down_file),
        cmocka_unit_test_setup_teardown(what_is_printed_is_a_settings_file, set_up_file,
                                        tear_down_file),
        cmocka_unit_test_setup(an_address_has_a_host_and_a_port, clear_environment),
        cmocka_unit_test_setup_teardown(variables_that_are_no_settings_are_found, clear_environment,
                                        clear_environment),
        cmocka_unit_test_setup(help_and_documentation_list_every_setting, clear_environment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
