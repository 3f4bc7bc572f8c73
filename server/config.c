/* config.c - the settings table, and the only code that reads flags and FSNETD_ variables. */
#include "config.h"

#include "base/caller.h"
#include "base/number.h"
#include "log.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, COUNT, BYTES }; /* BYTES takes a suffix K, M or G */

struct setting {
    const char *name, *value, *initial, *help;
    enum kind kind;
    size_t offset;
    int64_t min, max; /* of COUNT and BYTES */
};

#define AT(field) offsetof(struct srv_config, field)
#define GIB ((int64_t)1 << 30)

static const struct setting settings[] = {
    {"listen", "HOST:PORT", "127.0.0.1:8080", "address to serve on; port 0 takes a free one", TEXT,
     AT(listen), 0, 0},
    {"data-dir", "DIR", "", "where models, data sets, jobs and artifacts live (required)", TEXT,
     AT(data_dir), 0, 0},
    {"port-file", "FILE", "", "write the port that is served on into this file", TEXT,
     AT(port_file), 0, 0},
    {"log-level", "LEVEL", "info", "debug, info, warn or error", TEXT, AT(log_level), 0, 0},
    {"tls-cert", "FILE", "", "serve HTTPS with this certificate, its chain behind it (PEM)", TEXT,
     AT(tls_cert), 0, 0},
    {"tls-key", "FILE", "", "its private key (PEM, without a password)", TEXT, AT(tls_key), 0, 0},
    {"auth", "WHEN", "auto",
     "auto: ask for tokens as soon as there is one, and beyond loopback not start without; tokens: "
     "always ask; none: anyone may do everything",
     TEXT, AT(auth), 0, 0},
    {"workers", "N", "0", "jobs that run at once, sharing the cores; 0: one for each core", COUNT,
     AT(workers), 0, 64},
    {"http-threads", "N", "2", "threads that serve connections", COUNT, AT(http_threads), 1, 64},
    {"validators", "N", "2", "threads that check uploads and plan jobs", COUNT, AT(validators), 1,
     64},
    {"max-connections", "N", "512", "connections at once", COUNT, AT(max_connections), 8, 65536},
    {"connection-timeout", "SECONDS", "60", "close a connection that is idle for so long", COUNT,
     AT(connection_timeout_s), 1, 86400},
    {"max-upload-bytes", "BYTES", "2G", "largest model or data set that is accepted", BYTES,
     AT(max_upload_bytes), 1, 1024 * GIB},
    {"max-json-bytes", "BYTES", "1M", "largest JSON body that is accepted", BYTES,
     AT(max_json_bytes), 1, GIB},
    {"max-queued-jobs", "N", "1000", "jobs that may wait; more are refused", COUNT,
     AT(max_queued_jobs), 1, 1000000},
    {"max-attempts", "N", "5", "starts of a job after which a crash fails it", COUNT,
     AT(max_attempts), 1, 1000},
    {"lease", "SECONDS", "60", "a running job that gives no sign for so long is queued again",
     COUNT, AT(lease_s), 3, 86400},
};
#define SETTING_COUNT (sizeof settings / sizeof *settings)

/* "max-upload-bytes" -> "FSNETD_MAX_UPLOAD_BYTES" */
static const char *variable_name(const struct setting *setting, char out[64])
{
    size_t n = (size_t)snprintf(out, 64, "FSNETD_%s", setting->name);

    for (size_t i = 0; i < n && i < 64; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
    return out;
}

/* source names where the value came from, for the message. */
static enum fsn_status assign(const struct setting *setting, const char *source, const char *text,
                              struct srv_config *config, struct fsn_error *err)
{
    void *field = (char *)config + setting->offset;

    if (setting->kind == TEXT)
        *(const char **)field = text;
    else if (!srv_number_parse(text, setting->kind == BYTES, setting->min, setting->max, field))
        return SRV_FAIL(err, FSN_INVALID,
                        "%s: expected a whole number from %" PRId64 " to %" PRId64 "%s, got '%s'",
                        source, setting->min, setting->max,
                        setting->kind == BYTES ? " (K, M or G may follow)" : "", text);
    if (strcmp(setting->name, "log-level") == 0 && srv_log_level_parse(text) == SRV_LOG_COUNT)
        return SRV_FAIL(err, FSN_INVALID, "%s: expected %s, got '%s'", source, setting->help, text);
    if (strcmp(setting->name, "auth") == 0 && srv_auth_parse(text) == SRV_AUTH_COUNT)
        return SRV_FAIL(err, FSN_INVALID, "%s: expected auto, tokens or none, got '%s'", source,
                        text);
    return FSN_OK;
}

static const struct setting *find(const char *name, size_t length)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strlen(settings[i].name) == length && strncmp(settings[i].name, name, length) == 0)
            return &settings[i];
    return NULL;
}

static enum fsn_status read_flags(int argc, char *const *argv, struct srv_config *config,
                                  struct fsn_error *err)
{
    for (int i = 0; i < argc; i++) {
        const char *flag = argv[i];
        const char *equals = strchr(flag, '=');
        size_t length = equals ? (size_t)(equals - flag) : strlen(flag);
        const struct setting *setting =
            strncmp(flag, "--", 2) == 0 ? find(flag + 2, length - 2) : NULL;
        enum fsn_status status;

        if (!setting)
            return SRV_FAIL(err, FSN_INVALID, "unknown argument '%s'; see fsnetd --help", flag);
        if (!equals && i + 1 >= argc)
            return SRV_FAIL(err, FSN_INVALID, "%s: expected a value (%s)", flag, setting->value);
        status = assign(setting, flag, equals ? equals + 1 : argv[++i], config, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

enum fsn_status srv_config_load(int argc, char *const *argv, struct srv_config *out,
                                struct fsn_error *err)
{
    struct srv_config config = {0};
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < SETTING_COUNT; i++) {
        char name[64];
        const char *text = getenv(variable_name(&settings[i], name));

        status = assign(&settings[i], "default", settings[i].initial, &config, err);
        if (status == FSN_OK && text)
            status = assign(&settings[i], name, text, &config, err);
    }
    if (status == FSN_OK)
        status = read_flags(argc, argv, &config, err);
    if (status == FSN_OK && *config.data_dir == '\0')
        status = SRV_FAIL(err, FSN_INVALID, "--data-dir (or FSNETD_DATA_DIR) must be given");
    if (status == FSN_OK && (*config.tls_cert == '\0') != (*config.tls_key == '\0'))
        status = SRV_FAIL(err, FSN_INVALID, "--tls-cert and --tls-key are given together or not");
    if (status == FSN_OK)
        *out = config;
    return status;
}

void srv_config_help(FILE *out)
{
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char flag[64];

        snprintf(flag, sizeof flag, "--%s %s", settings[i].name, settings[i].value);
        fprintf(out, "  %-30s %s", flag, settings[i].help);
        fprintf(out, *settings[i].initial ? " [%s]\n" : "%s\n", settings[i].initial);
    }
}

void srv_config_markdown(FILE *out)
{
    fputs("| flag | environment | default | what it sets |\n|---|---|---|---|\n", out);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char name[64];

        fprintf(out, "| `--%s %s` | `%s` | %s | %s |\n", settings[i].name, settings[i].value,
                variable_name(&settings[i], name), settings[i].initial, settings[i].help);
    }
}
