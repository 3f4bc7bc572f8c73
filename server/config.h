/* config.h - the settings of fsnetd: one table (config_table.c) from which the flags, the
 * environment variables, the keys of a settings file, --help and the table in the README come. A
 * flag wins over FSNETD_..., that over the file, that over the default. */
#ifndef SRV_CONFIG_H
#define SRV_CONFIG_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

/* Where a value came from, by rank. */
enum srv_config_source {
    SRV_FROM_DEFAULT,
    SRV_FROM_FILE,
    SRV_FROM_ENVIRONMENT,
    SRV_FROM_FLAG,
};

#define SRV_SETTING_ROOM 64

struct srv_config {
    const char *file;      /* settings file; "": none */
    const char *listen;    /* "127.0.0.1:8080", "[::1]:0", "localhost:8080" */
    const char *data_dir;  /* "" until set */
    const char *port_file; /* "": none */
    const char *log_level;
    const char *tls_cert, *tls_key; /* "": none */
    const char *auth;               /* a word of srv_auth_parse */
    const char *trusted_proxies;    /* as srv_proxies_parse takes it */
    int64_t workers;
    int64_t worker_nice;
    int64_t http_threads;
    int64_t validators;
    int64_t max_connections;
    int64_t connection_timeout_s;
    int64_t max_upload_bytes;
    int64_t max_json_bytes;
    int64_t max_queued_jobs;
    int64_t rate_per_minute; /* 0: none */
    int64_t max_attempts;
    int64_t lease_s;
    int64_t drain_s;
    int64_t expire_artifacts_ms, expire_jobs_ms, expire_uploads_ms; /* 0: never */
    int64_t webhook_attempts;
    int64_t webhook_allow_private; /* 0 or 1 */
    int64_t upload_expiry_s;

    char *file_text; /* what texts of the file point into */
    struct {
        enum srv_config_source source;
        int line;               /* of the file */
    } origin[SRV_SETTING_ROOM]; /* of each row of the table */
};

/* Defaults, then the settings file that --config or FSNETD_CONFIG names, the environment, and
 * argv[0..argc) ("--name value" or "--name=value"). Texts are borrowed from argv and the
 * environment. Errors: INVALID, naming the setting (and file:line) and what it takes; IO: the file
 * cannot be read. *out: srv_config_clear. */
FSN_NODISCARD enum fsn_status srv_config_load(int argc, char *const *argv, struct srv_config *out,
                                              struct fsn_error *err);
void srv_config_clear(struct srv_config *config);

/* A variable of the environment that begins as those of settings do and is none: it says nothing,
 * so whoever misspelt it should hear of that. */
struct srv_stray_variable {
    char name[64];    /* the beginning of a longer one */
    char nearest[64]; /* the one that may be meant; "": none is like it */
};
/* The i-th of them; false past the last one. */
bool srv_config_stray(int i, struct srv_stray_variable *out);

/* What is in force and where each value came from; the first form is a settings file itself. */
void srv_config_print(const struct srv_config *config, FILE *out);
FSN_NODISCARD enum fsn_status srv_config_print_json(const struct srv_config *config, FILE *out,
                                                    struct fsn_error *err);

void srv_config_help(FILE *out);     /* a line per flag */
const char *srv_config_name(int i);  /* of setting i, without dashes; NULL past the last one */
void srv_config_markdown(FILE *out); /* the table of the README */

#endif
