/* config.h - the settings of fsnetd: one table (config.c) from which the flags, the environment
 * variables, --help and the table in the README come. A flag wins over FSNETD_..., that over the
 * default. */
#ifndef SRV_CONFIG_H
#define SRV_CONFIG_H

#include "base/error.h"

#include <stdint.h>
#include <stdio.h>

struct srv_config {
    const char *listen;    /* "127.0.0.1:8080", "[::1]:0", "localhost:8080" */
    const char *data_dir;  /* "" until set */
    const char *port_file; /* "": none */
    const char *log_level;
    const char *tls_cert, *tls_key; /* "": none */
    const char *auth;               /* a word of srv_auth_parse */
    int64_t workers;
    int64_t http_threads;
    int64_t validators;
    int64_t max_connections;
    int64_t connection_timeout_s;
    int64_t max_upload_bytes;
    int64_t max_json_bytes;
    int64_t max_queued_jobs;
    int64_t max_attempts;
    int64_t lease_s;
};

/* Defaults, then the environment, then argv[0..argc) ("--name value" or "--name=value"). Texts are
 * borrowed from argv and the environment. Errors: INVALID, naming the setting and what it takes. */
FSN_NODISCARD enum fsn_status srv_config_load(int argc, char *const *argv, struct srv_config *out,
                                              struct fsn_error *err);

void srv_config_help(FILE *out);     /* a line per flag */
void srv_config_markdown(FILE *out); /* the table of the README */

#endif
