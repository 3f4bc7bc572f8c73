/*
 * stream.c - see stream.h.
 *
 * MHD asks a stream for bytes through read_stream. When there are none the connection is suspended
 * under the lock that a touch takes too, so a touch falls either before the suspension (the stream
 * is marked and asks again) or after it (the connection is resumed). Nothing is ever missed, and a
 * sleeping stream costs its connection and a few hundred bytes.
 */
#include "http/stream.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define BLOCK_BYTES 1024 /* which MHD allocates, and uses for clients of HTTP/1.0 alone */
#define HEARTBEAT_MS 10000
#define HEARTBEAT ": alive\n\n" /* a comment, which clients skip */

struct stream {
    struct srv_streams *all;
    struct stream *previous, *next_stream; /* guarded by the lock, like touched and asleep */
    bool touched, asleep;
    struct MHD_Connection *connection;
    char topic[64];
    char token_id[SRV_TOKEN_ID_SIZE]; /* whose it is */
    srv_stream_next_fn *next;
    void *user;
    char *text; /* being sent; NULL: none */
    size_t at, size;
    bool ended;
    int64_t spoken_ticks_ms;
};

struct srv_streams {
    uv_mutex_t mutex;
    struct stream *first;
    bool closed;
    int most, most_of_token;
};

enum fsn_status srv_streams_create(int connections, struct srv_streams **out, struct fsn_error *err)
{
    struct srv_streams *streams = calloc(1, sizeof *streams);

    if (!streams || uv_mutex_init(&streams->mutex) != 0) {
        free(streams);
        return SRV_NOMEM(err);
    }
    streams->most = connections - connections / 16 - 1;
    streams->most_of_token = connections / 2;
    *out = streams;
    return FSN_OK;
}

/* The next text to send; false: none now. */
static bool ask(struct stream *stream)
{
    bool due = srv_ticks_ms() - stream->spoken_ticks_ms >= HEARTBEAT_MS;

    stream->text = stream->next(stream->user, &stream->ended);
    if (!stream->text && due && !stream->ended)
        stream->text = strdup(HEARTBEAT);
    stream->at = 0;
    stream->size = stream->text ? strlen(stream->text) : 0;
    if (stream->text)
        stream->spoken_ticks_ms = srv_ticks_ms();
    return stream->text != NULL;
}

/* Suspends the connection, unless the stream was touched since it was last asked. */
static bool fall_asleep(struct stream *stream)
{
    struct srv_streams *all = stream->all;

    uv_mutex_lock(&all->mutex);
    stream->asleep = !stream->touched && !all->closed;
    if (stream->asleep)
        MHD_suspend_connection(stream->connection);
    uv_mutex_unlock(&all->mutex);
    return stream->asleep;
}

/* Whether all streams are to end; from here on a touch means news. */
static bool look(struct stream *stream)
{
    bool closed;

    uv_mutex_lock(&stream->all->mutex);
    closed = stream->all->closed;
    stream->touched = false;
    uv_mutex_unlock(&stream->all->mutex);
    return closed;
}

static ssize_t read_stream(void *user, uint64_t position, char *out, size_t max)
{
    struct stream *stream = user;
    size_t part;

    (void)position;
    while (stream->at == stream->size) {
        if (stream->ended || look(stream))
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!ask(stream) && !stream->ended && fall_asleep(stream))
            return 0;
    }
    part = stream->size - stream->at < max ? stream->size - stream->at : max;
    memcpy(out, stream->text + stream->at, part);
    stream->at += part;
    if (stream->at == stream->size) { /* it may sleep long now */
        free(stream->text);
        stream->text = NULL;
    }
    return (ssize_t)part;
}

static void free_stream(void *user)
{
    struct stream *stream = user;
    struct srv_streams *all = stream->all;

    uv_mutex_lock(&all->mutex);
    if (stream->previous)
        stream->previous->next_stream = stream->next_stream;
    else
        all->first = stream->next_stream;
    if (stream->next_stream)
        stream->next_stream->previous = stream->previous;
    uv_mutex_unlock(&all->mutex);
    free(stream->text);
    free(stream->user);
    free(stream);
}

/* Under the lock. */
static bool has_room(const struct srv_streams *streams, const char *token_id,
                     struct srv_request *request)
{
    int all = 0, own = 0;

    for (const struct stream *s = streams->first; s; s = s->next_stream) {
        all++;
        own += strcmp(s->token_id, token_id) == 0;
    }
    if (all >= streams->most)
        srv_reply_problem(request, SRV_PROBLEM_UNAVAILABLE,
                          "%d event streams are open, and no more may be, so that connections are "
                          "left for other requests (--max-connections); ask for the job instead",
                          all);
    else if (*token_id && own >= streams->most_of_token)
        srv_reply_problem(request, SRV_PROBLEM_QUOTA,
                          "the token has %d event streams open, and may have no more; close one, "
                          "or ask for the job instead",
                          own);
    else
        return true;
    return false;
}

/* false: there are too many, which has been replied. */
static bool add(struct srv_streams *streams, struct stream *stream, struct srv_request *request)
{
    bool added;

    uv_mutex_lock(&streams->mutex);
    added = has_room(streams, stream->token_id, request);
    if (added) {
        stream->next_stream = streams->first;
        if (streams->first)
            streams->first->previous = stream;
        streams->first = stream;
    }
    uv_mutex_unlock(&streams->mutex);
    return added;
}

void srv_reply_stream(struct srv_request *request, struct srv_streams *streams, const char *topic,
                      srv_stream_next_fn *next, void *user)
{
    struct stream *stream = calloc(1, sizeof *stream);
    struct MHD_Response *response;

    if (!stream) {
        free(user);
        return; /* without a reply: 503 */
    }
    *stream = (struct stream){
        .all = streams,
        .connection = request->connection,
        .next = next,
        .user = user,
        .spoken_ticks_ms = srv_ticks_ms(),
    };
    snprintf(stream->topic, sizeof stream->topic, "%s", topic);
    memcpy(stream->token_id, request->caller.token_id, sizeof stream->token_id);
    if (!add(streams, stream, request)) {
        free(stream);
        free(user);
        return;
    }
    response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES, read_stream, stream,
                                                 free_stream);
    if (!response) {
        free_stream(stream);
        return;
    }
    srv_reply_response(request, MHD_HTTP_OK, response);
    srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    srv_reply_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    srv_reply_header(request, "X-Accel-Buffering", "no"); /* nginx: pass on at once */
}

/* Under the lock. */
static void wake(struct stream *stream)
{
    stream->touched = true;
    if (stream->asleep) {
        stream->asleep = false;
        MHD_resume_connection(stream->connection);
    }
}

void srv_streams_touch(struct srv_streams *streams, const char *topic)
{
    uv_mutex_lock(&streams->mutex);
    for (struct stream *s = streams->first; s; s = s->next_stream)
        if (strcmp(s->topic, topic) == 0)
            wake(s);
    uv_mutex_unlock(&streams->mutex);
}

void srv_streams_beat(struct srv_streams *streams)
{
    int64_t now = srv_ticks_ms();

    uv_mutex_lock(&streams->mutex);
    for (struct stream *s = streams->first; s; s = s->next_stream)
        if (s->asleep && now - s->spoken_ticks_ms >= HEARTBEAT_MS)
            wake(s);
    uv_mutex_unlock(&streams->mutex);
}

void srv_streams_close(struct srv_streams *streams)
{
    if (!streams)
        return;
    uv_mutex_lock(&streams->mutex);
    streams->closed = true;
    for (struct stream *s = streams->first; s; s = s->next_stream)
        wake(s);
    uv_mutex_unlock(&streams->mutex);
}

void srv_streams_destroy(struct srv_streams *streams)
{
    if (!streams)
        return;
    uv_mutex_destroy(&streams->mutex);
    free(streams);
}
