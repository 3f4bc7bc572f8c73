/* config.c - the only code that reads flags, FSNETD_ variables and the settings file. */
#include "config.h"

#include "base/caller.h"
#include "base/number.h"
#include "base/proxies.h"
#include "config_file.h"
#include "config_table.h"
#include "http/listen.h"
#include "log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads a number or a switch; a fault names what was expected. */
static enum fsn_status read_number(const struct srv_setting *setting, const char *place,
                                   const char *text, int64_t *out, struct fsn_error *err)
{
    if (setting->kind == SWITCH) {
        *out = strcmp(text, "on") == 0;
        return *out || strcmp(text, "off") == 0
                   ? FSN_OK
                   : SRV_FAIL(err, FSN_INVALID, "%s: expected on or off, got '%s'", place, text);
    }
    if (setting->kind == DURATION)
        return srv_duration_parse(text, out)
                   ? FSN_OK
                   : SRV_FAIL(
                         err, FSN_INVALID,
                         "%s: expected a number and d, h, m or s, at most 36500d, or 0, got '%s'",
                         place, text);
    if (srv_number_parse(text, setting->kind == BYTES, setting->min, setting->max, out))
        return FSN_OK;
    return SRV_FAIL(err, FSN_INVALID,
                    "%s: expected a whole number from %" PRId64 " to %" PRId64 "%s, got '%s'",
                    place, setting->min, setting->max,
                    setting->kind == BYTES ? " (K, M or G may follow)" : "", text);
}

static enum fsn_status check_text(const struct srv_setting *setting, const char *place,
                                  const char *text, struct fsn_error *err)
{
    struct srv_proxies proxies;
    const char *expected = NULL;

    if (setting->offset == offsetof(struct srv_config, log_level) &&
        srv_log_level_parse(text) == SRV_LOG_COUNT)
        expected = setting->help;
    if (setting->offset == offsetof(struct srv_config, auth) &&
        srv_auth_parse(text) == SRV_AUTH_COUNT)
        expected = "auto, tokens or none";
    if (setting->offset == offsetof(struct srv_config, listen) && !srv_listen_can_be(text))
        expected = "HOST:PORT with a port from 0 to 65535";
    if (setting->offset == offsetof(struct srv_config, trusted_proxies) &&
        !srv_proxies_parse(text, &proxies))
        expected = "addresses and networks (10.0.0.0/8, fd00::/8), separated by commas, at most 64";
    return expected ? SRV_FAIL(err, FSN_INVALID, "%s: expected %s, got '%s'", place, expected, text)
                    : FSN_OK;
}

/* Checks a value and puts it in, unless one of higher rank is there. place names where it stands,
 * for the message; line is that of the settings file. */
static enum fsn_status assign(const struct srv_setting *setting, enum srv_config_source source,
                              const char *place, int line, const char *text,
                              struct srv_config *config, struct fsn_error *err)
{
    size_t row = srv_setting_row(setting);
    void *field = (char *)config + setting->offset;
    enum fsn_status status = FSN_OK;
    int64_t number = 0;

    if (setting->kind == TEXT)
        status = check_text(setting, place, text, err);
    else
        status = read_number(setting, place, text, &number, err);
    if (status != FSN_OK)
        return status;
    if (config->origin[row].source > source)
        return FSN_OK;
    if (setting->kind == TEXT)
        *(const char **)field = text;
    else
        *(int64_t *)field = number;
    config->origin[row].source = source;
    config->origin[row].line = line;
    return FSN_OK;
}

static enum fsn_status read_flags(int argc, char *const *argv, struct srv_config *config,
                                  struct fsn_error *err)
{
    for (int i = 0; i < argc; i++) {
        const char *flag = argv[i];
        const char *equals = strchr(flag, '=');
        size_t length = equals ? (size_t)(equals - flag) : strlen(flag);
        const struct srv_setting *setting =
            strncmp(flag, "--", 2) == 0 ? srv_setting_find(flag + 2, length - 2) : NULL;
        enum fsn_status status;

        if (!setting)
            return SRV_FAIL(err, FSN_INVALID, "unknown argument '%s'; see fsnetd --help", flag);
        if (!equals && i + 1 >= argc)
            return SRV_FAIL(err, FSN_INVALID, "%s: expected a value (%s)", flag, setting->value);
        status =
            assign(setting, SRV_FROM_FLAG, flag, 0, equals ? equals + 1 : argv[++i], config, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

static enum fsn_status read_defaults(struct srv_config *config, struct fsn_error *err)
{
    const struct srv_setting *setting;
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && (setting = srv_setting_at(i)); i++)
        status = assign(setting, SRV_FROM_DEFAULT, "default", 0, setting->initial, config, err);
    return status;
}

static enum fsn_status read_environment(struct srv_config *config, struct fsn_error *err)
{
    const struct srv_setting *setting;
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && (setting = srv_setting_at(i)); i++) {
        char name[64];
        const char *text = getenv(srv_setting_variable(setting, name));

        if (text)
            status = assign(setting, SRV_FROM_ENVIRONMENT, name, 0, text, config, err);
    }
    return status;
}

/* What has been read of a settings file: the line of each key, 0 for none. */
struct file_state {
    struct srv_config *config;
    int line[SRV_SETTING_ROOM];
};

static enum fsn_status read_file_line(const char *key, const char *value, int line, void *user,
                                      struct fsn_error *err)
{
    struct file_state *state = user;
    const char *path = state->config->file;
    const struct srv_setting *setting = srv_setting_find(key, strlen(key));
    size_t row = setting ? srv_setting_row(setting) : 0;
    char place[512];

    if (!setting)
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: unknown key '%s'; see fsnetd --help", path, line,
                        key);
    if (setting->offset == offsetof(struct srv_config, file))
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: a settings file names no other", path, line);
    if (state->line[row] > 0)
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: '%s' is given a second time, first in line %d",
                        path, line, key, state->line[row]);
    state->line[row] = line;
    snprintf(place, sizeof place, "%s:%d: %s", path, line, key);
    return assign(setting, SRV_FROM_FILE, place, line, value, state->config, err);
}

enum fsn_status srv_config_load(int argc, char *const *argv, struct srv_config *out,
                                struct fsn_error *err)
{
    struct srv_config config = {.file = "", .data_dir = "", .tls_cert = "", .tls_key = ""};
    struct file_state file = {.config = &config};
    enum fsn_status status = read_defaults(&config, err);

    /* The file comes after those that may name it; assign keeps what has a higher rank. */
    if (status == FSN_OK)
        status = read_environment(&config, err);
    if (status == FSN_OK)
        status = read_flags(argc, argv, &config, err);
    if (status == FSN_OK && *config.file != '\0')
        status = srv_config_file_read(config.file, read_file_line, &file, &config.file_text, err);
    if (status == FSN_OK && *config.data_dir == '\0')
        status = SRV_FAIL(err, FSN_INVALID, "--data-dir (or FSNETD_DATA_DIR) must be given");
    if (status == FSN_OK && (*config.tls_cert == '\0') != (*config.tls_key == '\0'))
        status = SRV_FAIL(err, FSN_INVALID, "--tls-cert and --tls-key are given together or not");
    if (status == FSN_OK)
        *out = config;
    else
        srv_config_clear(&config);
    return status;
}

/* What variable may have been meant: the nearest, of which it may be the beginning. */
static void find_nearest(struct srv_stray_variable *stray)
{
    const size_t prefix = strlen(SRV_VARIABLE_PREFIX);
    const char *meant = stray->name + prefix;
    size_t best = strlen(meant) / 2 + 1;
    const struct srv_setting *setting;
    char known[64];

    for (size_t i = 0; (setting = srv_setting_at(i)); i++) {
        const char *name = srv_setting_variable(setting, known) + prefix;
        const size_t distance =
            *meant && strncmp(name, meant, strlen(meant)) == 0 ? 1 : fsn_edit_distance(name, meant);

        if (distance >= best)
            continue;
        best = distance;
        memcpy(stray->nearest, known, sizeof known);
    }
}

static bool is_variable(const char *name)
{
    const struct srv_setting *setting;
    char known[64];

    for (size_t i = 0; (setting = srv_setting_at(i)); i++)
        if (strcmp(srv_setting_variable(setting, known), name) == 0)
            return true;
    return false;
}

bool srv_config_stray(int i, struct srv_stray_variable *out)
{
    struct srv_stray_variable stray = {0};

    for (char **entry = environ; *entry; entry++) {
        const size_t length = strcspn(*entry, "=");

        if (strncmp(*entry, SRV_VARIABLE_PREFIX, strlen(SRV_VARIABLE_PREFIX)) != 0)
            continue;
        snprintf(stray.name, sizeof stray.name, "%.*s", (int)length, *entry);
        if (is_variable(stray.name) || i-- > 0)
            continue;
        find_nearest(&stray);
        *out = stray;
        return true;
    }
    return false;
}

void srv_config_clear(struct srv_config *config)
{
    free(config->file_text);
    config->file_text = NULL;
}
