/* http.c - starts and stops the HTTP server; exchange.c has what happens in between. */
#include "http/http.h"

#include "http/account.h"
#include "http/exchange.h"
#include "http/listen.h"
#include "log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STOP_PATIENCE_NS ((uint64_t)5 * 1000000000)
/* Of each connection: a request's headers, and MHD's buffers. MHD clears half of it before a body
 * and all of it between two requests, so that this is what an idle connection holds. */
#define CONNECTION_MEMORY ((size_t)32768)

__attribute__((format(printf, 2, 0))) static void on_log(void *user, const char *format,
                                                         va_list args)
{
    char text[512];

    (void)user;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = '\0';
    SRV_LOG(SRV_LOG_DEBUG, "libmicrohttpd", SRV_TEXT("detail", text));
}

static void secure_by(const struct srv_tls *tls, struct MHD_OptionItem out[4])
{
    out[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, tls->certificate};
    out[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, tls->key};
    out[2] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_PRIORITIES, 0,
                                     (void *)(uintptr_t)SRV_TLS_PRIORITIES};
    out[3] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
}

static enum fsn_status start_daemon(struct srv_http *http, struct fsn_error *err)
{
    const struct srv_http_options *options = &http->options;
    const bool secure = *options->tls_cert != '\0';
    struct MHD_OptionItem tls[4] = {{MHD_OPTION_END, 0, NULL}};
    enum fsn_status status = FSN_OK;
    int socket = -1;

    if (secure)
        status = srv_tls_load(options->tls_cert, options->tls_key, &http->tls, err);
    if (secure)
        secure_by(&http->tls, tls);
    if (status == FSN_OK)
        status = srv_listen(options->listen, &socket, &http->port, err);
    if (status != FSN_OK)
        return status;
    if (options->loopback_only && !srv_listens_on_loopback(socket)) {
        close(socket);
        return SRV_FAIL(err, FSN_INVALID, "--listen %s: %s", options->listen,
                        options->loopback_only);
    }
    http->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
            (secure ? MHD_USE_TLS : 0u),
        0, NULL, NULL, srv_on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
        MHD_OPTION_LISTEN_SOCKET, socket, MHD_OPTION_NOTIFY_COMPLETED, srv_on_completed, http,
        MHD_OPTION_NOTIFY_CONNECTION, srv_on_connection, http, MHD_OPTION_THREAD_POOL_SIZE,
        (unsigned)options->threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)options->max_connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)options->connection_timeout_s,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, CONNECTION_MEMORY, MHD_OPTION_ARRAY, tls,
        MHD_OPTION_END);
    if (http->daemon)
        return FSN_OK;
    close(socket);
    return SRV_FAIL(err, FSN_IO, "cannot serve on %s", options->listen);
}

enum fsn_status srv_http_start(const struct srv_http_options *options, struct srv_http **out,
                               struct fsn_error *err)
{
    struct srv_http *http = calloc(1, sizeof *http);
    enum fsn_status status;

    if (!http)
        return SRV_NOMEM(err);
    http->options = *options;
    srv_account_start();
    if (uv_mutex_init(&http->mutex) != 0 || uv_cond_init(&http->idle) != 0 ||
        !srv_senders_begin(&http->senders)) {
        free(http);
        return SRV_NOMEM(err);
    }
    status = srv_offload_create(options->helpers, &http->helpers, err);
    if (status == FSN_OK)
        status = srv_offload_create(options->predictors, &http->predictors, err);
    if (status == FSN_OK)
        status = srv_offload_create(1, &http->hasher, err);
    if (status == FSN_OK)
        status = srv_offload_create(1, &http->closer, err);
    if (status == FSN_OK)
        status = start_daemon(http, err);
    if (status == FSN_OK)
        *out = http;
    else
        srv_http_stop(http);
    return status;
}

int srv_http_port(const struct srv_http *http)
{
    return http->port;
}

struct srv_offload *srv_http_hasher(const struct srv_http *http)
{
    return http->hasher;
}

void srv_http_cut_off(struct srv_http *http, const char *target)
{
    srv_senders_cut_off(&http->senders, target);
}

void srv_http_stop(struct srv_http *http)
{
    MHD_socket listening = MHD_INVALID_SOCKET;
    uint64_t now, until;

    if (!http)
        return;
    if (http->daemon)
        listening = MHD_quiesce_daemon(http->daemon);
    if (http->helpers)
        srv_offload_close(http->helpers);
    if (http->predictors)
        srv_offload_stop(http->predictors);
    if (http->helpers)
        srv_offload_stop(http->helpers);
    srv_streams_close(http->options.streams);
    until = uv_hrtime() + STOP_PATIENCE_NS;
    uv_mutex_lock(&http->mutex);
    while (http->active > 0 && (now = uv_hrtime()) < until)
        (void)uv_cond_timedwait(&http->idle, &http->mutex, until - now);
    uv_mutex_unlock(&http->mutex);
    if (http->daemon)
        MHD_stop_daemon(http->daemon);
    if (http->hasher)
        srv_offload_stop(http->hasher);
    if (http->closer)
        srv_offload_stop(http->closer);
    if (listening != MHD_INVALID_SOCKET)
        close(listening);
    srv_tls_clear(&http->tls);
    srv_offload_destroy(http->helpers);
    srv_offload_destroy(http->predictors);
    srv_offload_destroy(http->hasher);
    srv_offload_destroy(http->closer);
    srv_senders_end(&http->senders);
    uv_cond_destroy(&http->idle);
    uv_mutex_destroy(&http->mutex);
    free(http);
}
