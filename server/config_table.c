/* config_table.c - see config_table.h. */
#include "config_table.h"

#include "base/rate.h"

#include <ctype.h>
#include <string.h>

#define AT(field) offsetof(struct srv_config, field)
#define GIB ((int64_t)1 << 30)

static const struct srv_setting settings[] = {
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
    {"trusted-proxies", "LIST", "",
     "addresses and networks (10.0.0.0/8), separated by commas, of proxies whose X-Forwarded-For "
     "says who asked",
     TEXT, AT(trusted_proxies), 0, 0},
    {"workers", "N", "0", "jobs that run at once, sharing the cores; 0: one for each core", COUNT,
     AT(workers), 0, 64},
    {"worker-nice", "N", "20",
     "how far jobs stand behind requests for the processor, 0 (not at all) to 19; 20: they have "
     "what nothing else on the machine wants",
     COUNT, AT(worker_nice), 0, 20},
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

const struct srv_setting *srv_setting_at(size_t row)
{
    return row < SETTING_COUNT ? &settings[row] : NULL;
}

const struct srv_setting *srv_setting_find(const char *name, size_t length)
{
    for (size_t i = 0; i < SETTING_COUNT; i++)
        if (strlen(settings[i].name) == length && strncmp(settings[i].name, name, length) == 0)
            return &settings[i];
    return NULL;
}

size_t srv_setting_row(const struct srv_setting *setting)
{
    return (size_t)(setting - settings);
}

const char *srv_setting_variable(const struct srv_setting *setting, char out[64])
{
    size_t n = (size_t)snprintf(out, 64, SRV_VARIABLE_PREFIX "%s", setting->name);

    for (size_t i = 0; i < n && i < 64; i++)
        out[i] = out[i] == '-' ? '_' : (char)toupper((unsigned char)out[i]);
    return out;
}
