/* stream.h - replies that go on while something happens (server-sent events). A stream sleeps, its
 * connection suspended and no thread waiting, until its topic is touched or a heartbeat is due. */
#ifndef SRV_HTTP_STREAM_H
#define SRV_HTTP_STREAM_H

#include "http/request.h"

struct srv_streams; /* all that are open */

/* connections: as many as the server has at once. Streams leave a sixteenth of them free, one at
 * least, and those of one token take no more than half. */
FSN_NODISCARD enum fsn_status srv_streams_create(int connections, struct srv_streams **out,
                                                 struct fsn_error *err);
/* What a stream says next: new text (free()), or NULL when there is nothing new. *end: it is the
 * last. Called on a thread of the HTTP server, one call at a time for a stream. */
typedef char *srv_stream_next_fn(void *user, bool *end);

/* Replies a stream of text/event-stream, or 503 or 429 when there are too many. topic is copied.
 * user is taken over: freed by free(), also when the reply could not be made. */
void srv_reply_stream(struct srv_request *request, struct srv_streams *streams, const char *topic,
                      srv_stream_next_fn *next, void *user);

/* Something may have happened: the streams of this topic are asked. Any thread. */
void srv_streams_touch(struct srv_streams *streams, const char *topic);
/* Asks every stream that has said nothing for some seconds; it says at least that it is alive, by
 * which a client that has gone is noticed. For a timer. */
void srv_streams_beat(struct srv_streams *streams);
/* Ends all streams, and those that would begin. Before the HTTP server stops. */
void srv_streams_close(struct srv_streams *streams);
/* After the HTTP server has stopped; NULL is fine. */
void srv_streams_destroy(struct srv_streams *streams);

#endif
