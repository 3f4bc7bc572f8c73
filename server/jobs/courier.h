/* courier.h - sends bytes to URLs that clients named, several at once, from one thread; the only
 * place that knows libcurl. Where a client's word leads is not trusted: only http and https, no
 * redirect, no proxy of the environment, and no address but of the public internet, judged when the
 * socket is made, so that a name which resolves to another address then is caught too. */
#ifndef SRV_JOBS_COURIER_H
#define SRV_JOBS_COURIER_H

#include "base/error.h"

#include <stdint.h>

enum { SRV_COURIER_ROOM = 16, SRV_COURIER_TIMEOUT_MS = 15000 };

struct srv_courier;

/* allow_private: the addresses of this machine and its networks too. Errors: NOMEM. *out new:
 * srv_courier_destroy. */
FSN_NODISCARD enum fsn_status srv_courier_create(bool allow_private, struct srv_courier **out,
                                                 struct fsn_error *err);
void srv_courier_destroy(struct srv_courier *courier); /* breaks off what is under way */

/* Whether a letter could go there: NULL, or why not. No name is resolved. */
const char *srv_courier_refuses(const char *url, bool allow_private);

/* A POST; all is copied. headers: "name: value", NULL at the end. */
struct srv_letter {
    const char *url, *body;
    const char *const *headers;
};
/* Begins to send it. user: for the result. Errors: LIMIT (SRV_COURIER_ROOM are under way), INVALID,
 * NOMEM. */
FSN_NODISCARD enum fsn_status srv_courier_send(struct srv_courier *courier,
                                               const struct srv_letter *letter, void *user,
                                               struct fsn_error *err);
size_t srv_courier_room(const struct srv_courier *courier); /* for so many more */

/* What came of a letter: http_status, and Retry-After in seconds (0: it was not sent), or 0 and why
 * there was no answer. */
struct srv_courier_answer {
    int http_status;
    int64_t retry_after_s;
    const char *why;
};
typedef void srv_courier_ended_fn(void *letter, const struct srv_courier_answer *answer,
                                  void *user);
/* Gets on with all of it, then tells what has come to its end, or waits for wait_ms, for a wake or
 * until there is more to do; to be called again and again. ended is called for each letter that is
 * done. */
void srv_courier_turn(struct srv_courier *courier, int wait_ms, srv_courier_ended_fn *ended,
                      void *user);
void srv_courier_wake(struct srv_courier *courier); /* any thread */

#endif
