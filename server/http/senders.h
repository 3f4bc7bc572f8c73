/* senders.h - requests whose body is appended to something that one request alone may write to. A
 * client whose connection broke comes back before the server has noticed; what is left of the old
 * one is then cut off, instead of keeping the client waiting until it times out. */
#ifndef SRV_HTTP_SENDERS_H
#define SRV_HTTP_SENDERS_H

#include "http/request.h"

#include <uv.h>

struct srv_senders {
    uv_mutex_t mutex;
    struct srv_request *first; /* linked by next_sender; guarded by mutex */
};

/* false: the system has no mutex. */
bool srv_senders_begin(struct srv_senders *senders);
void srv_senders_end(struct srv_senders *senders);
/* The request must be removed before its connection closes. */
void srv_senders_add(struct srv_senders *senders, struct srv_request *request);
/* What is not there is fine. */
void srv_senders_remove(struct srv_senders *senders, struct srv_request *request);
/* Ends the connection of who appends to `target` (request->body.target), whose thread then lets go
 * of it. Any thread. */
void srv_senders_cut_off(struct srv_senders *senders, const char *target);

#endif
