/* exchange.h - the HTTP server from inside, for http.c, which starts and stops it, and exchange.c,
 * which MHD calls for each connection and request. */
#ifndef SRV_HTTP_EXCHANGE_H
#define SRV_HTTP_EXCHANGE_H

#include "http/http.h"
#include "http/offload.h"
#include "http/senders.h"
#include "http/tls.h"

#include <uv.h>

struct srv_http {
    struct srv_http_options options;
    struct srv_tls tls;
    struct MHD_Daemon *daemon;
    struct srv_offload *helpers, *predictors;
    struct srv_offload *hasher, *closer; /* one thread each, for bodies */
    struct srv_senders senders;
    int port;
    uv_mutex_t mutex;
    uv_cond_t idle; /* active has become 0 */
    int active;     /* requests under way; guarded by mutex */
};

/* Callbacks of MHD; user is the struct srv_http, *state the request. */
void srv_on_connection(void *user, struct MHD_Connection *connection, void **state,
                       enum MHD_ConnectionNotificationCode what);
enum MHD_Result srv_on_request(void *user, struct MHD_Connection *connection, const char *url,
                               const char *method, const char *version, const char *upload_data,
                               size_t *upload_size, void **state);
void srv_on_completed(void *user, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode how);

#endif
