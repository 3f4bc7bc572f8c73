/* uploads.c - see uploads.h. */
#include "handlers/uploads.h"

#include "base/clock.h"
#include "handlers/idempotency.h"
#include "handlers/quota.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const srv_upload_nouns[] = {
    [SRV_UPLOAD_MODEL] = "model",
    [SRV_UPLOAD_DATASET] = "data set",
};
static const struct {
    const char *id_prefix, *path;
} kinds[] = {
    [SRV_UPLOAD_MODEL] = {"mdl", "/v1/models"},
    [SRV_UPLOAD_DATASET] = {"dst", "/v1/datasets"},
};

static json_t *upload_json(const struct srv_upload *upload)
{
    return json_pack("{ss ss ss ss sI so so so}", "id", upload->id, "name", upload->name, "format",
                     upload->format, "sha256", upload->sha256, "size_bytes",
                     (json_int_t)upload->size_bytes, "created_at",
                     srv_time_json(upload->created_at_ms), "owner", srv_owner_json(upload->owner),
                     "summary", srv_stored_json(upload->summary));
}

const char *srv_upload_path(enum srv_upload_kind kind)
{
    return kinds[kind].path;
}

enum fsn_status srv_read_upload(enum srv_upload_kind kind, const char *path, const char *format,
                                struct srv_upload *upload, struct fsn_error *err)
{
    return kind == SRV_UPLOAD_MODEL ? srv_read_model(path, upload, err)
                                    : srv_read_dataset(path, format, upload, err);
}

enum fsn_status srv_keep_upload(struct srv_call *call, struct srv_upload *upload, const char *path,
                                const struct srv_key *key, enum srv_upload_insert *outcome,
                                struct fsn_error *err)
{
    enum fsn_status status = srv_id_new(kinds[upload->kind].id_prefix, upload->id, err);

    if (status != FSN_OK)
        return status;
    upload->created_at_ms = srv_now_ms();
    return srv_uploads_insert(call->service->blobs, call->db, upload, path, key, outcome, err);
}

/* ---- POST ------------------------------------------------------------------------------------ */

static const char *name_of(struct srv_request *request)
{
    const char *name = srv_request_query(request, "name");

    return name ? name : "";
}

/* What is sent, and what it is called. */
static void digest_request(struct srv_request *request, const char *format,
                           char sha256[SRV_SHA256_SIZE])
{
    const char *const parts[] = {name_of(request), format ? format : "", request->body.sha256};
    struct srv_digest digest;

    srv_digest_begin(&digest);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        srv_digest_add(&digest, parts[i], strlen(parts[i]) + 1); /* its end, too */
    srv_digest_end(&digest, sha256);
}

static void reply_created(struct srv_request *request, const struct srv_upload *upload)
{
    const char *location =
        srv_arena_printf(&request->arena, "%s/%s", kinds[upload->kind].path, upload->id);

    srv_reply_json(request, MHD_HTTP_CREATED, upload_json(upload));
    if (location)
        srv_reply_header(request, MHD_HTTP_HEADER_LOCATION, location);
}

/* Answers an upload under a key that has been used: with what it made, or that it was another.
 * *answered false: none has the key. */
static enum fsn_status answer_again(struct srv_call *call, enum srv_upload_kind kind,
                                    const struct srv_key *key, bool *answered,
                                    struct fsn_error *err)
{
    bool taken = false, same = false, found = false;
    struct srv_upload upload = {0};
    char id[SRV_ID_SIZE];
    enum fsn_status status = srv_uploads_find_key(call->db, kind, key, id, &taken, &same, err);

    *answered = false;
    if (status == FSN_OK && taken)
        status = srv_uploads_get(call->db, kind, id, &upload, &found, err);
    if (status != FSN_OK || !found) /* or it has just been deleted, and the key with it */
        return status;
    *answered = true;
    if (same) {
        reply_created(call->request, &upload);
        srv_key_replayed(call->request);
    } else {
        srv_key_reused(call->request, id);
    }
    srv_upload_clear(&upload);
    return FSN_OK;
}

static enum fsn_status store(struct srv_call *call, struct srv_upload *upload,
                             const struct srv_key *key, struct fsn_error *err)
{
    enum srv_upload_insert outcome = SRV_UPLOAD_INSERTED;
    struct srv_request *request = call->request;
    bool answered = false;
    enum fsn_status status;

    upload->name = strdup(name_of(request));
    if (!upload->name)
        return SRV_NOMEM(err);
    memcpy(upload->sha256, request->body.sha256, sizeof upload->sha256);
    upload->size_bytes = request->body.size_bytes;
    memcpy(upload->owner, request->caller.token_id, sizeof upload->owner);
    status = srv_keep_upload(call, upload, request->body.path, key, &outcome, err);
    if (status != FSN_OK)
        return status;
    switch (outcome) {
    case SRV_UPLOAD_QUOTA:
        return srv_reply_quota_bytes(request, call->db, upload->size_bytes, false, err);
    case SRV_UPLOAD_KEY_TAKEN: /* since it was looked for */
        status = answer_again(call, upload->kind, key, &answered, err);
        if (status == FSN_OK && !answered) /* and free again: the next try will do */
            srv_reply_problem(request, SRV_PROBLEM_UNAVAILABLE,
                              "the upload was sent twice at once");
        return status;
    case SRV_UPLOAD_INSERTED:
        break;
    }
    reply_created(request, upload);
    return FSN_OK;
}

enum fsn_status srv_post_upload(struct srv_call *call, enum srv_upload_kind kind,
                                const char *format, struct fsn_error *err)
{
    struct srv_upload upload = {0};
    enum fsn_status status = FSN_OK;
    char sha256[SRV_SHA256_SIZE];
    bool answered = false;
    struct srv_key key;

    if (!srv_key_read(call->request, &key))
        return FSN_OK;
    digest_request(call->request, format, sha256);
    key.request_sha256 = sha256;
    if (key.key)
        status = answer_again(call, kind, &key, &answered, err);
    if (status != FSN_OK || answered)
        return status;
    status = srv_read_upload(kind, call->request->body.path, format, &upload, err);
    if (status == FSN_OK)
        status = store(call, &upload, &key, err);
    srv_upload_clear(&upload);
    return status;
}

/* ---- GET, DELETE ------------------------------------------------------------------------------
 */

/* NULL is fine; false: the request has been answered. */
static bool check_sha256(struct srv_request *request, const char *text)
{
    if (!text ||
        (strlen(text) == SRV_SHA256_SIZE - 1 && text[strspn(text, "0123456789abcdef")] == '\0'))
        return true;
    srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                      "sha256: expected %d lower-case hexadecimal digits, got '%s'",
                      SRV_SHA256_SIZE - 1, text);
    return false;
}

enum fsn_status srv_reply_uploads(struct srv_call *call, enum srv_upload_kind kind,
                                  const char *format, struct fsn_error *err)
{
    const struct srv_upload_filter filter = {
        .kind = kind,
        .format = format,
        .owner = srv_caller_scope(&call->request->caller),
        .name = srv_request_query(call->request, "name"),
        .sha256 = srv_request_query(call->request, "sha256"),
    };
    struct srv_upload *rows = NULL;
    enum fsn_status status;
    struct srv_page page;
    size_t count = 0;
    int64_t next = 0;
    json_t *items;

    if (!check_sha256(call->request, filter.sha256) ||
        srv_request_page(call->request, &page) != FSN_OK)
        return FSN_OK; /* it has been answered */
    status = srv_uploads_list(call->db, &filter, &page, &rows, &count, &next, err);
    if (status != FSN_OK)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(items, upload_json(&rows[i]));
        srv_upload_clear(&rows[i]);
    }
    free(rows);
    srv_reply_page(call->request, items, next);
    return FSN_OK;
}

enum fsn_status srv_reply_upload(struct srv_call *call, enum srv_upload_kind kind,
                                 struct fsn_error *err)
{
    struct srv_upload upload = {0};
    bool found = false;
    enum fsn_status status = srv_uploads_get(call->db, kind, srv_request_param(call->request, "id"),
                                             &upload, &found, err);

    if (status == FSN_OK && !found)
        status = srv_reply_unknown(call, srv_upload_nouns[kind]);
    else if (status == FSN_OK)
        srv_reply_json(call->request, MHD_HTTP_OK, upload_json(&upload));
    srv_upload_clear(&upload);
    return status;
}

/* An upload is never changed, so what has been looked at is what will be deleted. false: answered.
 */
static enum fsn_status if_match(struct srv_call *call, enum srv_upload_kind kind, bool *matches,
                                struct fsn_error *err)
{
    struct srv_upload upload = {0};
    bool found = false;
    enum fsn_status status = srv_uploads_get(call->db, kind, srv_request_param(call->request, "id"),
                                             &upload, &found, err);

    *matches =
        status == FSN_OK && (!found || srv_if_match(call->request, upload_json(&upload), NULL));
    srv_upload_clear(&upload);
    return status;
}

/* Which jobs keep an upload; of those of other owners, which the caller may not know, how many. */
static void reply_in_use(struct srv_request *request, const char *noun,
                         const struct srv_in_use *in_use)
{
    const int64_t count = in_use->own + in_use->others;
    const char *more = in_use->own > SRV_IN_USE_MOST ? " and others" : "";
    const char *way = in_use->others > 0 ? "wait"
                      : count == 1       ? "cancel the job or wait"
                                         : "cancel the jobs or wait";
    char strangers[48] = "";

    if (in_use->others == 1)
        snprintf(strangers, sizeof strangers, "a job of another owner");
    else if (in_use->others > 1)
        snprintf(strangers, sizeof strangers, "%" PRId64 " jobs of other owners", in_use->others);
    srv_reply_problem(request, SRV_PROBLEM_IN_USE, "%s%s%s%s %s this %s; %s for %s end",
                      in_use->ids, more, in_use->own > 0 && in_use->others > 0 ? " and " : "",
                      strangers, count == 1 ? "needs" : "need", noun, way,
                      count == 1 ? "its" : "their");
}

enum fsn_status srv_delete_upload(struct srv_call *call, enum srv_upload_kind kind,
                                  struct fsn_error *err)
{
    struct srv_request *request = call->request;
    struct srv_in_use in_use = {0};
    bool found = false, matches = false;
    enum fsn_status status = if_match(call, kind, &matches, err);

    if (status == FSN_OK && matches)
        status = srv_uploads_delete(call->service->blobs, call->db, kind,
                                    srv_request_param(request, "id"),
                                    srv_caller_scope(&request->caller), &found, &in_use, err);
    if (status != FSN_OK || !matches)
        return status;
    if (!found)
        return srv_reply_unknown(call, srv_upload_nouns[kind]);
    if (in_use.own + in_use.others > 0)
        reply_in_use(request, srv_upload_nouns[kind], &in_use);
    else
        srv_reply_empty(request, MHD_HTTP_NO_CONTENT);
    return FSN_OK;
}
