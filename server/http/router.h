/* router.h - which handler answers a method and a path; the table itself is handlers/api.c. */
#ifndef SRV_HTTP_ROUTER_H
#define SRV_HTTP_ROUTER_H

#include "base/arena.h"
#include "base/error.h"

struct srv_call; /* handlers/api.h: the request and what the service lends it */
typedef enum fsn_status srv_handler_fn(struct srv_call *call, struct fsn_error *err);

enum srv_body_kind {
    SRV_BODY_NONE,   /* a body that comes all the same is read, dropped and refused */
    SRV_BODY_JSON,   /* kept in memory */
    SRV_BODY_FILE,   /* streamed to a temporary file while it is hashed */
    SRV_BODY_IMAGE,  /* the same, of SRV_MAX_IMAGE_BYTES at most, and nothing of it is kept */
    SRV_BODY_APPEND, /* appended to a file that srv_http_options.open_body has opened */
};

/* Who may call a route, where the service asks for tokens; see handlers/access.c. */
enum srv_access {
    SRV_ACCESS_TOKEN,   /* any token; what is not GET, not a viewer's */
    SRV_ACCESS_ASKS,    /* any token: it is a question whatever its method, and stores nothing */
    SRV_ACCESS_ORDERS,  /* as SRV_ACCESS_ASKS where ?dry_run=true asks for the plan alone */
    SRV_ACCESS_OVERALL, /* not a user's: it tells of everybody's things */
    SRV_ACCESS_OPEN,    /* everybody, without a token */
};

/* Where a handler runs. What may take long has threads for it while the connection is suspended;
 * predictions have their own, since clients send them by the dozen, and orders and uploads would
 * wait behind all of them. */
enum srv_runs {
    SRV_RUNS_HERE, /* on the thread of its connection */
    SRV_RUNS_ON_HELPER,
    SRV_RUNS_ON_PREDICTOR,
};

#define SRV_MAX_IMAGE_BYTES ((int64_t)32 << 20)
#define SRV_MAX_QUERY 18
struct srv_route {
    const char *method;
    const char *pattern; /* "/v1/models/{id}/content": a {name} takes one segment */
    srv_handler_fn *handler;
    enum srv_body_kind body;
    enum srv_runs runs;
    const char *query[SRV_MAX_QUERY]; /* parameters it takes after '?' */
    enum srv_access access;
};

#define SRV_MAX_PARAMS 2
struct srv_param {
    const char *name, *value;
};
struct srv_match {
    const struct srv_route *route; /* NULL: none */
    struct srv_param params[SRV_MAX_PARAMS];
    char allow[64]; /* the path's methods ("GET, HEAD, DELETE"); "": the path is unknown */
};

/* HEAD is served by the route of GET. routes ends with a NULL method. Texts live in the arena.
 * Errors: NOMEM. */
FSN_NODISCARD enum fsn_status srv_route_find(const struct srv_route *routes, const char *method,
                                             const char *path, struct srv_arena *arena,
                                             struct srv_match *out, struct fsn_error *err);

#endif
