/*
 * partials.c - /v1/uploads: models and data sets that come in parts, by the protocol of
 * tus.io 1.0.0 (core, creation, creation-with-upload, checksum, expiration, termination).
 *
 * The last part makes the upload what a plain POST makes at once: it is read as a job would read
 * it, and stored or refused. Which of the two stays to be asked for until the upload expires.
 */
#include "base/clock.h"
#include "handlers/partial_files.h"
#include "handlers/quota.h"
#include "handlers/uploads.h"
#include "http/surplus.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum fsn_status srv_get_tus(struct srv_call *call, struct fsn_error *err)
{
    struct srv_request *request = call->request;
    char text[32];

    (void)err;
    snprintf(text, sizeof text, "%" PRId64, call->service->max_upload_bytes);
    srv_reply_empty(request, MHD_HTTP_OK);
    srv_tus_headers(request, NULL, 0);
    srv_reply_header(request, "Tus-Version", SRV_TUS_VERSION);
    srv_reply_header(request, "Tus-Extension",
                     "creation,creation-with-upload,checksum,expiration,termination");
    srv_reply_header(request, "Tus-Checksum-Algorithm", SRV_CHECKSUM_ALGORITHMS);
    srv_reply_header(request, "Tus-Max-Size", text);
    return FSN_OK;
}

/* Stores the whole file. *room false: the quota of its owner has none. */
static enum fsn_status store(struct srv_call *call, struct srv_partial *partial, const char *path,
                             bool *room, struct fsn_error *err)
{
    enum srv_upload_insert outcome = SRV_UPLOAD_INSERTED;
    struct srv_upload upload = {0};
    enum fsn_status status = srv_read_upload(
        partial->kind, path, *partial->format ? partial->format : NULL, &upload, err);

    if (status == FSN_OK) {
        upload.name = strdup(partial->name);
        memcpy(upload.owner, partial->owner, sizeof upload.owner);
        status = upload.name ? srv_digest_file(path, upload.sha256, &upload.size_bytes, err)
                             : SRV_NOMEM(err);
    }
    if (status == FSN_OK)
        status = srv_keep_upload(call, &upload, path, NULL, &outcome, err);
    *room = outcome != SRV_UPLOAD_QUOTA;
    if (status == FSN_OK && *room)
        memcpy(partial->resource, upload.id, sizeof partial->resource);
    srv_upload_clear(&upload);
    return status;
}

/* All bytes are there. What the server is to blame for may be tried again, with an empty part: the
 * store takes a second name of the file, and the first stays until the upload has been judged. */
static enum fsn_status complete(struct srv_call *call, struct srv_partial *partial,
                                struct fsn_error *err)
{
    char path[SRV_PATH_SIZE], whole[SRV_PATH_SIZE];
    bool room = true;
    enum srv_problem problem;
    enum fsn_status status = srv_partial_path(call->service, partial->id, path, err);

    if (status == FSN_OK)
        status = srv_path(whole, err, "%s/%s", call->service->temporary_dir, partial->id);
    if (status == FSN_OK && link(path, whole) != 0 && errno != EEXIST)
        status =
            SRV_FAIL(err, fsn_status_of_errno(errno), "cannot link %s: %s", whole, strerror(errno));
    if (status == FSN_OK)
        status = store(call, partial, whole, &room, err);
    unlink(whole); /* unless the store has moved it */
    if (status == FSN_OK && !room)
        return srv_reply_quota_bytes(call->request, call->db, partial->length, false, err);
    if (status == FSN_OK) {
        status = srv_partials_update(call->db, partial, err);
        if (status == FSN_OK)
            unlink(path);
        return status;
    }
    problem = srv_problem_of_status(status);
    if (srv_problem_http_status(problem) < 500) {
        snprintf(partial->error_type, sizeof partial->error_type, "%s", srv_problem_type(problem));
        snprintf(partial->error_detail, sizeof partial->error_detail, "%s", err->text);
        if (srv_partials_update(call->db, partial, NULL) == FSN_OK)
            unlink(path);
    }
    return status;
}

static const char *resource_path(struct srv_call *call, const struct srv_partial *partial)
{
    return srv_arena_printf(&call->request->arena, "%s/%s", srv_upload_path(partial->kind),
                            partial->resource);
}

/* The part has come. */
static enum fsn_status take_part(struct srv_call *call, unsigned http_status, const char *location,
                                 struct fsn_error *err)
{
    struct srv_request *request = call->request;
    struct srv_body *body = &request->body;
    const int64_t offset = body->start + body->size_bytes;
    struct srv_partial partial = {0};
    bool found = false;
    enum fsn_status status;

    if (body->status != FSN_OK) {
        srv_reply_body_failure(request);
        return FSN_OK;
    }
    status = srv_partials_get(call->db, body->target, &partial, &found, err);
    if (status != FSN_OK)
        return status;
    if (!found) { /* deleted since */
        srv_reply_problem(request, SRV_PROBLEM_NOT_FOUND, "no upload has the id '%s'",
                          body->target);
        return FSN_OK;
    }
    if (!srv_checksum_holds(&body->checksum)) {
        srv_body_discard(body);
        srv_reply_problem(request, SRV_PROBLEM_CHECKSUM,
                          "the part of %" PRId64 " bytes from %" PRId64
                          " on has another checksum; it was dropped",
                          offset - body->start, body->start);
        return FSN_OK;
    }
    body->unchecked = false;
    partial.verified = SRV_PARTIAL_ALL;
    if (fsync(body->fd) != 0)
        return SRV_FAIL(err, fsn_status_of_errno(errno), "cannot sync %s: %s", partial.id,
                        strerror(errno));
    partial.expires_at_ms = srv_now_ms() + call->service->upload_expiry_ms;
    status = srv_partials_update(call->db, &partial, err);
    if (status == FSN_OK && offset == partial.length)
        status = complete(call, &partial, err);
    if (status != FSN_OK || request->response)
        return status;
    srv_reply_empty(request, http_status);
    if (!location && *partial.resource)
        location = resource_path(call, &partial);
    if (location)
        srv_reply_header(request, MHD_HTTP_HEADER_LOCATION, location);
    srv_tus_headers(request, &partial, offset);
    return FSN_OK;
}

/* Every answer says that it speaks tus, also the refusals. */
static enum fsn_status answer_part(struct srv_call *call, unsigned http_status,
                                   const char *location)
{
    struct fsn_error err = {0};
    enum fsn_status status = take_part(call, http_status, location, &err);

    if (status != FSN_OK)
        srv_reply_error(call->request, &err);
    if (call->request->status >= 400)
        srv_tus_headers(call->request, NULL, 0);
    return FSN_OK;
}

/* Who is refused is not told where the upload is: it goes, unless it can go on without sending all
 * again. */
enum fsn_status srv_post_partial(struct srv_call *call, struct fsn_error *err)
{
    struct srv_request *request = call->request;
    const char *location =
        srv_arena_printf(&request->arena, "/v1/uploads/%s", request->body.target);
    bool locked = false;
    enum fsn_status status;

    if (!location)
        return SRV_NOMEM(err);
    status = answer_part(call, MHD_HTTP_CREATED, location);
    if (status != FSN_OK || request->status < 400)
        return status;
    if (request->status >= 500 || request->status == MHD_HTTP_TOO_MANY_REQUESTS) {
        srv_reply_header(request, MHD_HTTP_HEADER_LOCATION, location);
        return FSN_OK;
    }
    srv_body_discard(&request->body); /* which unlocks the file */
    return srv_partial_remove(call->service, call->db, request->body.target, &locked, err);
}

enum fsn_status srv_patch_partial(struct srv_call *call, struct fsn_error *err)
{
    (void)err;
    return answer_part(call, MHD_HTTP_NO_CONTENT, NULL);
}

static json_t *partial_json(struct srv_call *call, const struct srv_partial *partial,
                            int64_t offset)
{
    const bool stored = *partial->resource, refused = *partial->error_type;
    json_t *error =
        refused ? json_pack("{ss ss}", "type", partial->error_type, "detail", partial->error_detail)
                : json_null();

    return json_pack(
        "{ss ss ss ss sI sI so so so so so}", "id", partial->id, "kind",
        partial->kind == SRV_UPLOAD_MODEL ? "model" : "dataset", "name", partial->name, "status",
        stored    ? "stored"
        : refused ? "refused"
                  : "receiving",
        "offset", (json_int_t)offset, "length", (json_int_t)partial->length, "resource",
        stored ? json_string(resource_path(call, partial)) : json_null(), "error", error,
        "created_at", srv_time_json(partial->created_at_ms), "expires_at",
        srv_time_json(partial->expires_at_ms), "owner", srv_owner_json(partial->owner));
}

enum fsn_status srv_list_partials(struct srv_call *call, struct fsn_error *err)
{
    struct srv_request *request = call->request;
    struct srv_partial *rows = NULL;
    json_t *items = json_array();
    enum fsn_status status;
    struct srv_page page;
    int64_t next = 0, offset = 0;
    size_t count = 0;

    if (srv_request_page(request, &page) != FSN_OK) {
        json_decref(items);
        return FSN_OK; /* it has been answered */
    }
    status = srv_partials_list(call->db, srv_caller_scope(&request->caller), &page, &rows, &count,
                               &next, err);
    for (size_t i = 0; status == FSN_OK && i < count; i++) {
        status = srv_partial_offset(call->service, &rows[i], &offset, err);
        if (status == FSN_OK)
            json_array_append_new(items, partial_json(call, &rows[i], offset));
    }
    free(rows);
    if (status == FSN_OK)
        srv_reply_page(request, items, next);
    else
        json_decref(items);
    return status;
}

/* HEAD, which tus asks, is served by it too. */
enum fsn_status srv_get_partial(struct srv_call *call, struct fsn_error *err)
{
    struct srv_request *request = call->request;
    struct srv_partial partial = {0};
    bool found = false;
    int64_t offset = 0;
    char *text;
    json_t *value;
    enum fsn_status status =
        srv_partials_get(call->db, srv_request_param(request, "id"), &partial, &found, err);

    if (status == FSN_OK && !found)
        return srv_reply_unknown(call, "upload");
    if (status == FSN_OK)
        status = srv_partial_offset(call->service, &partial, &offset, err);
    if (status != FSN_OK)
        return status;
    value = partial_json(call, &partial, offset);
    text = value ? json_dumps(value, JSON_INDENT(2)) : NULL;
    json_decref(value);
    if (!text)
        return SRV_NOMEM(err);
    srv_reply_text(request, MHD_HTTP_OK, "application/json", text); /* which no cache keeps */
    free(text);
    srv_tus_headers(request, &partial, offset);
    srv_reply_header(request, "Upload-Length",
                     srv_arena_printf(&request->arena, "%" PRId64, partial.length));
    if (*partial.metadata)
        srv_reply_header(request, "Upload-Metadata", partial.metadata);
    return FSN_OK;
}

enum fsn_status srv_delete_partial(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_partial partial = {0};
    bool found = false, locked = false;
    enum fsn_status status = srv_partials_get(call->db, id, &partial, &found, err);

    if (status == FSN_OK && !found)
        return srv_reply_unknown(call, "upload");
    if (status != FSN_OK || !srv_tus_spoken(call->request))
        return status;
    status = srv_partial_remove(call->service, call->db, id, &locked, err);
    if (status != FSN_OK)
        return status;
    if (locked)
        srv_partial_locked(call->request, id);
    else
        srv_reply_empty(call->request, MHD_HTTP_NO_CONTENT);
    srv_tus_headers(call->request, NULL, 0);
    return FSN_OK;
}
