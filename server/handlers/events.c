/* events.c - /v1/jobs/{id}/events: a job as server-sent events, for who watches it.
 *
 * What is sent is read from the store each time the job is touched, so a client that comes late or
 * comes back misses nothing: it gets the epochs after the last one that it has (Last-Event-ID) and
 * the job as it is. */
#include "handlers/access.h"
#include "handlers/job_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The id of the event after which nothing comes; who reconnects with it is told to stop. */
#define LAST_EVENT "end"

struct watch {
    struct srv_service *service;
    struct srv_caller caller;
    char id[SRV_ID_SIZE];
    int candidate, epoch;       /* the last that was sent */
    char sent[SRV_SHA256_SIZE]; /* digest of the job as it was last sent */
};

/* How far the client is when it has the event. */
#define ID_SIZE 32
static void write_id(const struct watch *watch, char id[ID_SIZE])
{
    snprintf(id, ID_SIZE, "%d.%d", watch->candidate, watch->epoch);
}

/* The one line of an event's data, new; takes value over. NULL: no memory. */
static char *line_of(json_t *value)
{
    char *line = value ? json_dumps(value, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;

    json_decref(value);
    return line;
}

static void write_event(FILE *out, const char *name, const char *id, const char *line)
{
    fprintf(out, "event: %s\nid: %s\ndata: %s\n\n", name, id, line);
}

static enum fsn_status write_epochs(struct watch *watch, struct srv_db *db, FILE *out,
                                    struct fsn_error *err)
{
    struct fsn_epoch *rows = NULL;
    size_t count = 0;
    enum fsn_status status = srv_metrics_list(db, watch->id, &rows, &count, err);

    for (size_t i = 0; status == FSN_OK && i < count; i++) {
        char id[ID_SIZE], *line;

        if (rows[i].candidate < watch->candidate ||
            (rows[i].candidate == watch->candidate && rows[i].epoch <= watch->epoch))
            continue;
        watch->candidate = rows[i].candidate;
        watch->epoch = rows[i].epoch;
        write_id(watch, id);
        line = line_of(srv_epoch_json(&rows[i]));
        if (line)
            write_event(out, "epoch", id, line);
        free(line);
    }
    free(rows);
    return status;
}

/* Whether the job differs from what was sent last. */
static bool is_new(struct watch *watch, const char *line)
{
    char digest[SRV_SHA256_SIZE];
    bool differs;

    srv_digest_bytes(line, strlen(line), digest);
    differs = strcmp(digest, watch->sent) != 0;
    memcpy(watch->sent, digest, sizeof digest);
    return differs;
}

static enum fsn_status write_news(struct watch *watch, struct srv_db *db, FILE *out, bool *end,
                                  struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false, admitted = false;
    enum fsn_status status = srv_access_holds(watch->service, db, &watch->caller, &admitted, err);

    /* The job before its curve: epochs that end in between are sent with the next news, and an end
     * that was read is after all of them. */
    if (status == FSN_OK && admitted)
        status = srv_jobs_get(db, watch->id, &job, &found, err);
    if (status == FSN_OK && !found)
        *end = true; /* it was deleted, or the token has ended */
    else if (status == FSN_OK)
        status = write_epochs(watch, db, out, err);
    if (status == FSN_OK && found) {
        char id[ID_SIZE], *line = line_of(srv_job_live_json(&job));

        *end = srv_job_has_ended(job.status);
        write_id(watch, id);
        if (line && is_new(watch, line))
            write_event(out, "job", *end ? LAST_EVENT : id, line);
        free(line);
    }
    srv_job_clear(&job);
    return status;
}

/* A failure (the store is busy, no memory) says nothing; the next touch or heartbeat asks again. */
static char *next(void *user, bool *end)
{
    struct watch *watch = user;
    struct fsn_error err = {0};
    struct srv_db *db = NULL;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (out && srv_db_acquire(watch->service->dbs, &db, &err) == FSN_OK &&
        write_news(watch, db, out, end, &err) != FSN_OK)
        *end = false;
    srv_db_release(watch->service->dbs, db);
    if (out && fclose(out) == 0 && size > 0)
        return text;
    free(text);
    return NULL;
}

/* A whole number below 10^9 at *at, which moves behind it. */
static bool read_number(const char **at, int *out)
{
    int digits = 0;

    for (*out = 0; **at >= '0' && **at <= '9' && digits < 9; ++*at, digits++)
        *out = 10 * *out + (**at - '0');
    return digits > 0;
}

/* Last-Event-ID, as write_id wrote it; what was never sent is taken for none. */
static void go_on_after(struct watch *watch, const char *last)
{
    int candidate, epoch;

    if (last && read_number(&last, &candidate) && *last++ == '.' && read_number(&last, &epoch) &&
        *last == '\0') {
        watch->candidate = candidate;
        watch->epoch = epoch;
    }
}

enum fsn_status srv_get_job_events(struct srv_call *call, struct fsn_error *err)
{
    const char *last = srv_request_header(call->request, "Last-Event-ID");
    const char *id = srv_request_param(call->request, "id");
    struct srv_job job = {0};
    struct watch *watch;
    bool found = false;
    enum fsn_status status = srv_jobs_get(call->db, id, &job, &found, err);
    bool over = last && strcmp(last, LAST_EVENT) == 0 && srv_job_has_ended(job.status);

    srv_job_clear(&job);
    if (status == FSN_OK && !found)
        return srv_reply_unknown(call, "job");
    if (status != FSN_OK)
        return status;
    if (over) {
        srv_reply_empty(call->request, MHD_HTTP_NO_CONTENT);
        return FSN_OK;
    }
    watch = calloc(1, sizeof *watch);
    if (!watch)
        return SRV_NOMEM(err);
    watch->service = call->service;
    watch->caller = call->request->caller;
    go_on_after(watch, last);
    snprintf(watch->id, sizeof watch->id, "%s", id);
    srv_reply_stream(call->request, call->service->streams, id, next, watch);
    return FSN_OK;
}
