/* surplus.h - bodies that are not taken: what is said of one, and how much of it is read all the
 * same. */
#ifndef SRV_HTTP_SURPLUS_H
#define SRV_HTTP_SURPLUS_H

#include "http/request.h"

/* How much of what is not taken is still read, so that the client, which mostly listens only when
 * it has sent all, gets the answer. */
#define SRV_SURPLUS_BYTES ((int64_t)16 << 20)

/* 413 with body.limit_bytes. */
void srv_reply_too_large(struct srv_request *request);
/* Why the body is not there whole, by body.status, which is not FSN_OK. */
void srv_reply_body_failure(struct srv_request *request);
/* 400: a body of so many bytes would be ignored, and with it what the client wants. */
void srv_reply_unexpected_body(struct srv_request *request, int64_t bytes);

/* After a piece of the body: whether its sender may go on. Who is far beyond the limit is answered
 * in the middle of it (request->state is SRV_REQUEST_CUT_SHORT from then on), and has as much again
 * to notice. false: the connection is to be closed. */
bool srv_surplus_goes_on(struct srv_request *request);

#endif
