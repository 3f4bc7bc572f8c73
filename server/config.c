/* config.c - the settings table, and the only code that reads flags and FSNETD_ variables. */
#include "config.h"

#include "base/caller.h"
#include "base/number.h"
#include "base/rate.h"
#include "config_file.h"
#include "log.h"

#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* BYTES takes a suffix K, M or G; SWITCH is on or off; DURATION, in ms, is 30d, 12h, 15m, 90s or 0.
 */
enum kind { TEXT, COUNT, BYTES, SWITCH, DURATION };

struct setting {
    const char *name, *value, *initial, *help;
    enum kind kind;
    size_t offset;
    int64_t min, max; /* of COUNT and BYTES */
};

#define AT(field) offsetof(struct srv_config, field)
#define GIB ((int64_t)1 << 30)

static const struct setting settings[] = {
    {"config", "FILE", "", "settings file: lines 'key = value', keys as the flags without --", TEXT,
     AT(file), 0, 0},
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
    {"worker-nice", "N", "19",
     "how far jobs stand behind requests for the processor, 0 (not at all) to 19", COUNT,
     AT(worker_nice), 0, 19},
    {"http-threads", "N", "2", "threads that serve connections", COUNT, AT(http_threads), 1, 64},
    {"validators", "N", "2",
     "threads that check uploads and plan jobs, and as many for predictions", COUNT, AT(validators),
     1, 64},
    {"max-connections", "N", "512", "connections at once", COUNT, AT(max_connections), 8, 65536},
    {"connection-timeout", "SECONDS", "60", "close a connection that is idle for so long", COUNT,
     AT(connection_timeout_s), 1, 86400},
    {"max-upload-bytes", "BYTES", "2G", "largest model or data set that is accepted", BYTES,
     AT(max_upload_bytes), 1, 1024 * GIB},
    {"max-json-bytes", "BYTES", "1M", "largest JSON body that is accepted", BYTES,
     AT(max_json_bytes), 1, GIB},
    {"max-queued-jobs", "N", "1000", "jobs that may wait; more are refused", COUNT,
     AT(max_queued_jobs), 1, 1000000},
    {"rate-per-minute", "N", "0",
     "requests a minute that a token may make, unless it has a rate of its own; 0: any number",
     COUNT, AT(rate_per_minute), 0, SRV_RATE_MOST},
    {"max-attempts", "N", "5", "starts of a job after which a crash fails it", COUNT,
     AT(max_attempts), 1, 1000},
    {"lease", "SECONDS", "60", "a running job that gives no sign for so long is queued again",
     COUNT, AT(lease_s), 3, 86400},
    {"drain", "SECONDS", "0", "serve on for so long after SIGTERM, not ready any more", COUNT,
     AT(drain_s), 0, 3600},
    {"expire-artifacts", "TIME", "0",
     "files of a job go so long after its end (30d, 12h, 15m, 90s), the job and its report stay; "
     "0: never",
     DURATION, AT(expire_artifacts_ms), 0, 0},
    {"expire-jobs", "TIME", "0", "jobs go so long after their end, with their files; 0: never",
     DURATION, AT(expire_jobs_ms), 0, 0},
    {"expire-uploads", "TIME", "0",
     "models and data sets that no job has used for so long go; 0: never", DURATION,
     AT(expire_uploads_ms), 0, 0},
    {"webhook-attempts", "N", "10",
     "times that a webhook is sent, until it is answered by 2xx; 1 s after the first, then 4 times "
     "as long each time, at most 12 h",
     COUNT, AT(webhook_attempts), 1, 100},
    {"webhook-allow-private", "ON", "off",
     "on: webhooks may go to this machine and its networks, which clients could explore by them",
     SWITCH, AT(webhook_allow_private), 0, 1},
    {"upload-expiry", "SECONDS", "86400",
     "an upload in parts is forgotten when nothing has come for so long", COUNT,
     AT(upload_expiry_s), 1, 31536000},
};
#define SETTING_COUNT (sizeof settings / sizeof *settings)
_Static_assert(SETTING_COUNT <= SRV_SETTING_ROOM, "every setting has an origin");

/* "max-upload-bytes" -> "FSNETD_MAX_UPLOAD_BYTES" */
static const char *variable_name(const struct setting *setting, char out[64])
{
    size_t n = (size_t)snprintf(out, 64, "FSNETD_%s", setting->name);

    for (size_t i = 0; i < n && i < 64; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
    return out;
}

/* Reads a number or a switch; a fault names what was expected. */
static enum fsn_status read_number(const struct setting *setting, const char *place,
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

/* Checks a value and puts it in, unless one of higher rank is there. place names where it stands,
 * for the message; line is that of the settings file. */
static enum fsn_status assign(const struct setting *setting, enum srv_config_source source,
                              const char *place, int line, const char *text,
                              struct srv_config *config, struct fsn_error *err)
{
    size_t row = (size_t)(setting - settings);
    void *field = (char *)config + setting->offset;
    enum fsn_status status = FSN_OK;
    int64_t number = 0;

    if (setting->kind != TEXT)
        status = read_number(setting, place, text, &number, err);
    if (status != FSN_OK)
        return status;
    if (strcmp(setting->name, "log-level") == 0 && srv_log_level_parse(text) == SRV_LOG_COUNT)
        return SRV_FAIL(err, FSN_INVALID, "%s: expected %s, got '%s'", place, setting->help, text);
    if (strcmp(setting->name, "auth") == 0 && srv_auth_parse(text) == SRV_AUTH_COUNT)
        return SRV_FAIL(err, FSN_INVALID, "%s: expected auto, tokens or none, got '%s'", place,
                        text);
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
        status =
            assign(setting, SRV_FROM_FLAG, flag, 0, equals ? equals + 1 : argv[++i], config, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

static enum fsn_status read_defaults(struct srv_config *config, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < SETTING_COUNT; i++)
        status =
            assign(&settings[i], SRV_FROM_DEFAULT, "default", 0, settings[i].initial, config, err);
    return status;
}

static enum fsn_status read_environment(struct srv_config *config, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < SETTING_COUNT; i++) {
        char name[64];
        const char *text = getenv(variable_name(&settings[i], name));

        if (text)
            status = assign(&settings[i], SRV_FROM_ENVIRONMENT, name, 0, text, config, err);
    }
    return status;
}

/* What has been read of a settings file: the line of each key, 0 for none. */
struct file_state {
    struct srv_config *config;
    int line[SETTING_COUNT];
};

static enum fsn_status read_file_line(const char *key, const char *value, int line, void *user,
                                      struct fsn_error *err)
{
    struct file_state *state = user;
    const char *path = state->config->file;
    const struct setting *setting = find(key, strlen(key));
    size_t row = setting ? (size_t)(setting - settings) : 0;
    char place[512];

    if (!setting)
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: unknown key '%s'; see fsnetd --help", path, line,
                        key);
    if (setting->offset == AT(file))
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
    struct srv_config config = {0};
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

void srv_config_clear(struct srv_config *config)
{
    free(config->file_text);
    config->file_text = NULL;
}

static const char *text_of(const struct srv_config *config, const struct setting *setting)
{
    return *(const char *const *)((const char *)config + setting->offset);
}

static int64_t number_of(const struct srv_config *config, const struct setting *setting)
{
    return *(const int64_t *)((const char *)config + setting->offset);
}

/* As a settings file has it. */
static const char *value_of(const struct srv_config *config, const struct setting *setting,
                            char number[32])
{
    if (setting->kind == TEXT)
        return text_of(config, setting);
    if (setting->kind == SWITCH)
        return number_of(config, setting) ? "on" : "off";
    if (setting->kind == DURATION)
        srv_duration_text(number_of(config, setting), number);
    else
        snprintf(number, 32, "%" PRId64, number_of(config, setting));
    return number;
}

static json_t *value_json(const struct srv_config *config, const struct setting *setting)
{
    char duration[SRV_DURATION_SIZE];

    switch (setting->kind) {
    case TEXT:
        return json_string(text_of(config, setting));
    case SWITCH:
        return json_boolean(number_of(config, setting));
    case DURATION:
        srv_duration_text(number_of(config, setting), duration);
        return json_string(duration);
    case COUNT:
    case BYTES:
        break;
    }
    return json_integer(number_of(config, setting));
}

static const char *const source_names[] = {
    [SRV_FROM_DEFAULT] = "default",
    [SRV_FROM_FILE] = "file",
    [SRV_FROM_ENVIRONMENT] = "environment",
    [SRV_FROM_FLAG] = "flag",
};

void srv_config_print(const struct srv_config *config, FILE *out)
{
    if (*config->file)
        fprintf(out, "# settings file: %s\n", config->file);
    for (size_t i = 0; i < SETTING_COUNT; i++) {
        char number[32], name[64];

        if (settings[i].offset == AT(file))
            continue;
        fprintf(out, "%-18s = %-24s # %s", settings[i].name, value_of(config, &settings[i], number),
                source_names[config->origin[i].source]);
        if (config->origin[i].source == SRV_FROM_FILE)
            fprintf(out, ", line %d", config->origin[i].line);
        if (config->origin[i].source == SRV_FROM_ENVIRONMENT)
            fprintf(out, ", %s", variable_name(&settings[i], name));
        fputc('\n', out);
    }
}

enum fsn_status srv_config_print_json(const struct srv_config *config, FILE *out,
                                      struct fsn_error *err)
{
    json_t *all = json_object();
    bool whole = all != NULL;

    for (size_t i = 0; i < SETTING_COUNT; i++) {
        json_t *value = value_json(config, &settings[i]);
        json_t *row =
            json_pack("{so* ss}", "value", value, "source", source_names[config->origin[i].source]);

        if (config->origin[i].source == SRV_FROM_FILE)
            json_object_set_new(row, "line", json_integer(config->origin[i].line));
        whole = json_object_set_new(all, settings[i].name, row) == 0 && value && whole;
    }
    whole = whole && json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(all);
    return whole ? FSN_OK
                 : SRV_FAIL(err, FSN_INTERNAL,
                            "settings as JSON: no memory, or a text that is not UTF-8");
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

const char *srv_config_name(int i)
{
    return i >= 0 && (size_t)i < SETTING_COUNT ? settings[i].name : NULL;
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
