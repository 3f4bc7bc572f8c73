/*
 * server.c - starts the parts in the order in which they need each other, and stops them in the
 * opposite one:
 *
 *     data folder (lock) -> database (migrations) -> blobs (sweep) -> queue (recovery) -> webhooks
 *     -> workers -> HTTP -> loop
 *
 * On SIGTERM or SIGINT: not ready any more, but served for `drain` seconds; then HTTP finishes the
 * requests under way; workers interrupt their jobs at the next step and put them back; the next
 * start goes on from their checkpoints.
 */
#include "server.h"

#include "base/data_dir.h"
#include "base/rate.h"
#include "handlers/access.h"
#include "handlers/job_json.h"
#include "handlers/partial_files.h"
#include "handlers/webhooks.h"
#include "jobs/retention.h"
#include "jobs/sweep.h"
#include "log.h"
#include "loop.h"
#include "store/migrate.h"
#include "store/tokens.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define MAX_TICK_MS 5000
#define LOADED_BYTES \
    ((int64_t)256 << 20) /* of models and data sets that are kept for predictions */

struct server {
    const struct srv_config *config;
    struct srv_data_dir dir;
    struct srv_service service;
    struct srv_retention retention;
    struct srv_http *http;
};

/* One for each core, which is also what a job is cut into. */
static int default_threads(void)
{
    const int cores = fsn_cores();

    return cores < FSN_MAX_THREADS ? cores : FSN_MAX_THREADS;
}

static void warn_of_strays(void)
{
    struct srv_stray_variable stray;

    for (int i = 0; srv_config_stray(i, &stray); i++)
        SRV_LOG(SRV_LOG_WARN, "a variable of the environment is no setting",
                SRV_TEXT("variable", stray.name), SRV_TEXT("nearest", stray.nearest));
}

/* Where photographs of uploads and jobs are unpacked: without it none could be uploaded. */
static enum fsn_status look_for_temporary_folder(struct fsn_error *err)
{
    struct fsn_error cause = {0};

    if (fsn_temporary_check(&cause) == FSN_OK)
        return FSN_OK;
    return SRV_FAIL(err, FSN_IO,
                    "%s; photographs are unpacked there: let user %d write to it, or set TMPDIR to "
                    "a folder on a disk",
                    cause.text, (int)geteuid());
}

/* Migrations, files without rows, jobs of a server that was killed. */
static enum fsn_status prepare_store(struct server *server, struct fsn_error *err)
{
    struct srv_service *service = &server->service;
    int migrations = 0, orphans = 0, recovered = 0;
    struct srv_db *db = NULL;
    enum fsn_status status;

    status = srv_db_pool_create(server->dir.database, &service->dbs, err);
    if (status == FSN_OK)
        status = srv_blobs_create(server->dir.blobs, &service->blobs, err);
    if (status == FSN_OK)
        status = srv_db_acquire(service->dbs, &db, err);
    if (status == FSN_OK)
        status = srv_migrate(db, srv_migrations, &migrations, err);
    if (status == FSN_OK)
        status = srv_blobs_sweep(service->blobs, db, &orphans, err);
    if (status == FSN_OK)
        status = srv_queue_recover(db, INT64_MAX, server->config->max_attempts, &recovered, err);
    if (status == FSN_OK)
        status = srv_sweep_work(db, server->dir.work, err);
    if (status == FSN_OK)
        SRV_LOG(SRV_LOG_INFO, "store ready", SRV_INT("migrations_applied", migrations),
                SRV_INT("orphans_removed", orphans), SRV_INT("jobs_recovered", recovered));
    srv_db_release(service->dbs, db);
    return status;
}

/* Tokens that are there stay, if only as revoked ones: then they are asked for whatever comes. */
static enum fsn_status settle_auth(struct srv_service *service, struct fsn_error *err)
{
    struct srv_db *db = NULL;
    bool any = false;
    enum fsn_status status = srv_db_acquire(service->dbs, &db, err);

    if (status == FSN_OK)
        status = srv_tokens_any(db, &any, err);
    srv_db_release(service->dbs, db);
    if (service->auth == SRV_AUTH_AUTO && any)
        service->auth = SRV_AUTH_TOKENS;
    return status;
}

static enum fsn_status start_hooks(struct server *server, struct fsn_error *err)
{
    const struct srv_hooks_options options = {
        .dbs = server->service.dbs,
        .body = srv_webhook_body,
        .allow_private = server->service.webhook_allow_private,
        .attempts = server->config->webhook_attempts,
    };

    return srv_hooks_start(&options, &server->service.hooks, err);
}

static enum fsn_status start_workers(struct server *server, struct fsn_error *err)
{
    const struct srv_config *config = server->config;
    const int workers = config->workers > 0 ? (int)config->workers : server->service.job_threads;
    struct srv_runner runner = {
        .blobs = server->service.blobs,
        .streams = server->service.streams,
        .hooks = server->service.hooks,
        .work_dir = server->dir.work,
        .lease_ms = config->lease_s * 1000,
        .max_attempts = config->max_attempts,
    };

    enum fsn_status status =
        srv_workers_start(&runner, server->service.dbs, workers, (int)config->worker_nice,
                          &server->service.workers, err);

    if (status == FSN_OK)
        SRV_LOG(SRV_LOG_INFO, "workers ready", SRV_INT("workers", workers),
                SRV_INT("cores", fsn_cores()));
    return status;
}

static enum fsn_status start_http(struct server *server, struct fsn_error *err)
{
    const struct srv_config *config = server->config;
    struct srv_http_options options = {
        .listen = config->listen,
        .tls_cert = config->tls_cert,
        .tls_key = config->tls_key,
        .temporary_dir = server->dir.temporary,
        .loopback_only = server->service.auth == SRV_AUTH_AUTO ? SRV_NEEDS_TOKEN : NULL,
        .routes = srv_api_routes,
        .enter = srv_api_enter,
        .leave = srv_api_leave,
        .admit = srv_api_admit,
        .open_body = srv_open_part,
        .call = srv_api_call,
        .context = &server->service,
        .streams = server->service.streams,
        .threads = (int)config->http_threads,
        .helpers = (int)config->validators,
        .predictors = (int)config->validators,
        .max_connections = (int)config->max_connections,
        .connection_timeout_s = (int)config->connection_timeout_s,
        .max_upload_bytes = config->max_upload_bytes,
        .max_json_bytes = config->max_json_bytes,
    };

    if (!srv_proxies_parse(config->trusted_proxies, &options.trusted_proxies))
        return SRV_FAIL(err, FSN_INVALID, "--trusted-proxies: '%s'", config->trusted_proxies);
    return srv_http_start(&options, &server->http, err);
}

/* Written to a temporary name first: who waits for the file never reads half a number. */
static enum fsn_status write_port_file(const char *path, int port, struct fsn_error *err)
{
    char temporary[SRV_PATH_SIZE];
    enum fsn_status status = srv_path(temporary, err, "%s.tmp", path);
    bool written;
    FILE *file;

    if (status != FSN_OK)
        return status;
    file = fopen(temporary, "w");
    if (!file)
        return SRV_FAIL(err, FSN_IO, "cannot write %s: %s", temporary, strerror(errno));
    written = fprintf(file, "%d\n", port) > 0;
    if (fclose(file) != 0 || !written || rename(temporary, path) != 0)
        return SRV_FAIL(err, FSN_IO, "cannot write %s: %s", path, strerror(errno));
    return FSN_OK;
}

static enum fsn_status announce(const struct server *server, struct fsn_error *err)
{
    const char *listen = server->config->listen;
    int host_length = (int)(strrchr(listen, ':') - listen);
    int port = srv_http_port(server->http);
    char address[300];

    snprintf(address, sizeof address, "http%s://%.*s:%d", *server->config->tls_cert ? "s" : "",
             host_length, listen, port);
    SRV_LOG(SRV_LOG_INFO, "listening", SRV_TEXT("address", address), SRV_INT("port", port),
            SRV_TEXT("auth", srv_auth_name(server->service.auth)),
            SRV_TEXT("version", FSN_VERSION));
    if (*server->config->port_file == '\0')
        return FSN_OK;
    return write_port_file(server->config->port_file, port, err);
}

static void tick(void *user)
{
    struct server *server = user;

    srv_workers_tend(server->service.workers);
    srv_retention_tend(&server->retention, server->service.blobs, server->service.dbs);
    srv_streams_beat(server->service.streams);
    srv_expire_partials(&server->service);
}

/* Not ready any more, so that load balancers send their requests elsewhere; still served. */
static void begin_stop(int signal_number, void *user)
{
    struct server *server = user;

    atomic_store(&server->service.stopping, true);
    SRV_LOG(SRV_LOG_INFO, "stopping", SRV_TEXT("signal", strsignal(signal_number)),
            SRV_INT("drain_seconds", server->config->drain_s));
}

static enum fsn_status run(struct server *server, struct fsn_error *err)
{
    struct srv_loop_options options = {
        .tick = tick,
        /* Three ticks a lease: one may be late or fail, and the lease still holds. Streams that are
         * silent want a heartbeat more often than a long lease. */
        .interval_ms = (uint64_t)server->config->lease_s * 1000 / 3,
        .stopping = begin_stop,
        .linger_ms = (uint64_t)server->config->drain_s * 1000,
        .user = server,
    };

    if (options.interval_ms > MAX_TICK_MS)
        options.interval_ms = MAX_TICK_MS;
    return srv_loop_run(&options, err);
}

static void stop(struct server *server)
{
    struct srv_service *service = &server->service;

    atomic_store(&service->stopping, true);
    srv_http_stop(server->http);
    srv_workers_stop(service->workers);
    srv_hooks_stop(service->hooks);
    srv_streams_destroy(service->streams);
    srv_cache_destroy(service->loaded);
    srv_rates_destroy(service->rates);
    srv_blobs_destroy(service->blobs);
    srv_db_pool_destroy(service->dbs);
    srv_data_dir_close(&server->dir);
}

enum fsn_status srv_serve(const struct srv_config *config, struct fsn_error *err)
{
    struct server server = {
        .config = config,
        .dir.lock_fd = -1,
        .retention.keep_ms =
            {
                [SRV_EXPIRY_ARTIFACTS] = config->expire_artifacts_ms,
                [SRV_EXPIRY_JOBS] = config->expire_jobs_ms,
                [SRV_EXPIRY_UPLOADS] = config->expire_uploads_ms,
            },
        .service.max_queued_jobs = config->max_queued_jobs,
        .service.rate_per_minute = config->rate_per_minute,
        .service.max_upload_bytes = config->max_upload_bytes,
        .service.upload_expiry_ms = config->upload_expiry_s * 1000,
        .service.auth = srv_auth_parse(config->auth),
        .service.webhook_allow_private = config->webhook_allow_private != 0,
        .service.job_threads = default_threads(),
    };
    enum fsn_status status;

    warn_of_strays();
    srv_retention_begin();
    srv_job_json_expiry(config->expire_artifacts_ms, config->expire_jobs_ms);
    signal(SIGPIPE, SIG_IGN); /* a client that goes away is an error of one write */
    status = look_for_temporary_folder(err);
    if (status == FSN_OK)
        status = srv_data_dir_open(config->data_dir, &server.dir, err);
    server.service.temporary_dir = server.dir.temporary;
    server.service.partial_dir = server.dir.partial;
    if (status == FSN_OK)
        status = prepare_store(&server, err);
    if (status == FSN_OK)
        status = settle_auth(&server.service, err);
    if (status == FSN_OK)
        status = srv_streams_create((int)config->max_connections, &server.service.streams, err);
    if (status == FSN_OK)
        status = start_hooks(&server, err);
    if (status == FSN_OK)
        status = srv_cache_create(LOADED_BYTES, &server.service.loaded, err);
    if (status == FSN_OK)
        status = srv_rates_create(&server.service.rates, err);
    if (status == FSN_OK)
        status = start_workers(&server, err);
    if (status == FSN_OK)
        status = start_http(&server, err);
    if (status == FSN_OK)
        status = announce(&server, err);
    if (status == FSN_OK)
        status = run(&server, err);
    stop(&server);
    SRV_LOG(SRV_LOG_INFO, "stopped", SRV_TEXT("status", fsn_status_name(status)));
    return status;
}
