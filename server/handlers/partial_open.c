/*
 * partial_open.c - what a part of an upload is appended to, settled by its headers before its bytes
 * come: they are written where they stay, so that whatever came before a connection breaks is
 * there.
 */
#include "base/base64.h"
#include "base/clock.h"
#include "base/number.h"
#include "handlers/partial_files.h"
#include "handlers/quota.h"
#include "handlers/uploads.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PART_TYPE "application/offset+octet-stream"

static void refuse_header(struct srv_request *request, const char *name, const char *expected)
{
    const char *value = srv_request_header(request, name);

    srv_reply_problem(request, SRV_PROBLEM_BAD_HEADER, "%s: expected %s, got '%.200s'", name,
                      expected, value ? value : "");
}

/* ---- Upload-Metadata ------------------------------------------------------------------------- */

/* The value of `key` in "key BASE64,key BASE64", as text; "" where it is not there. false: it does
 * not fit, is not BASE64, or no printable UTF-8. */
static bool read_metadata(const char *metadata, const char *key, char *out, size_t size)
{
    const size_t key_length = strlen(key);

    out[0] = '\0';
    for (const char *at = metadata; *at;) {
        const size_t length = strcspn(at, ",");

        if (length > key_length && strncmp(at, key, key_length) == 0 && at[key_length] == ' ') {
            size_t decoded;
            json_t *text;

            if (!srv_base64_decode(at + key_length + 1, length - key_length - 1, (uint8_t *)out,
                                   size - 1, &decoded))
                return false;
            out[decoded] = '\0';
            for (size_t i = 0; i < decoded; i++)
                if ((unsigned char)out[i] < 0x20 || out[i] == 0x7f)
                    return false;
            text = json_stringn(out, decoded);
            json_decref(text);
            return text != NULL;
        }
        at += length;
        while (*at == ',' || *at == ' ')
            at++;
    }
    return true;
}

/* Fills kind, name, format and metadata; false: a reply has been left. */
static bool describe(struct srv_request *request, struct srv_partial *partial)
{
    const char *metadata = srv_request_header(request, "Upload-Metadata");
    char kind[32], text[256];

    metadata = metadata ? metadata : "";
    if (strlen(metadata) >= sizeof partial->metadata ||
        !read_metadata(metadata, "kind", kind, sizeof kind) ||
        (strcmp(kind, "model") != 0 && strcmp(kind, "dataset") != 0)) {
        refuse_header(request, "Upload-Metadata",
                      "at most 1024 bytes, with kind, which is 'model' or 'dataset', in BASE64");
        return false;
    }
    partial->kind = strcmp(kind, "model") == 0 ? SRV_UPLOAD_MODEL : SRV_UPLOAD_DATASET;
    memcpy(partial->metadata, metadata, strlen(metadata) + 1);
    if (!read_metadata(metadata, "name", text, sizeof text) ||
        strlen(text) >= sizeof partial->name) {
        refuse_header(request, "Upload-Metadata", "a name of at most 200 bytes in UTF-8");
        return false;
    }
    memcpy(partial->name, text, strlen(text) + 1);
    if (!read_metadata(metadata, "format", text, sizeof text) ||
        (*text && (partial->kind == SRV_UPLOAD_MODEL || !srv_known_format(text)))) {
        refuse_header(request, "Upload-Metadata", "a format of data sets that is known");
        return false;
    }
    memcpy(partial->format, text, strnlen(text, sizeof partial->format - 1));
    return true;
}

/* ---- the two ways to begin ------------------------------------------------------------------- */

static bool has_part_type(struct srv_request *request)
{
    const char *type = srv_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE);

    if (type && strcmp(type, PART_TYPE) == 0)
        return true;
    srv_reply_problem(request, SRV_PROBLEM_MEDIA_TYPE,
                      "Content-Type: expected " PART_TYPE ", got '%.100s'", type ? type : "");
    return false;
}

static bool read_checksum(struct srv_request *request, struct srv_checksum *checksum)
{
    if (srv_checksum_begin(checksum, srv_request_header(request, "Upload-Checksum")))
        return true;
    refuse_header(request, "Upload-Checksum",
                  "'sha1' or 'sha256', a space and the digest in BASE64");
    return false;
}

/* Takes over fd. */
static void append_to(struct srv_request *request, const struct srv_partial *partial, int fd,
                      int64_t offset, const struct srv_checksum *checksum)
{
    srv_body_append(&request->body, fd, offset, partial->length - offset, checksum, partial->id,
                    srv_http_hasher(request->http));
}

/* Of a part from `offset` on: with a checksum it counts when it has been compared. */
static int64_t verified_before(const struct srv_checksum *checksum, int64_t offset)
{
    return checksum->algorithm == SRV_CHECKSUM_NONE ? SRV_PARTIAL_ALL : offset;
}

/* All that can be refused by the headers alone, before there is anything to be left behind. */
static bool admit_creation(struct srv_request *request, const struct srv_service *service,
                           struct srv_partial *partial, struct srv_checksum *checksum)
{
    const char *length = srv_request_header(request, "Upload-Length");
    const char *body = srv_request_header(request, MHD_HTTP_HEADER_CONTENT_LENGTH);
    const bool has_body = srv_request_header(request, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
                          (body && strcmp(body, "0") != 0);

    if (!srv_tus_spoken(request))
        return false;
    if (!length || !srv_number_parse(length, false, 1, INT64_MAX, &partial->length)) {
        refuse_header(request, "Upload-Length", "a whole number from 1 on");
        return false;
    }
    if (partial->length > service->max_upload_bytes) {
        srv_reply_problem(request, SRV_PROBLEM_BODY_TOO_LARGE,
                          "an upload may have at most %" PRId64 " bytes",
                          service->max_upload_bytes);
        return false;
    }
    if (body && strtoll(body, NULL, 10) > partial->length) {
        srv_reply_problem(request, SRV_PROBLEM_BODY_TOO_LARGE,
                          "the body may have at most %" PRId64 " bytes, as Upload-Length says",
                          partial->length);
        return false;
    }
    return describe(request, partial) && (!has_body || has_part_type(request)) &&
           read_checksum(request, checksum);
}

static enum fsn_status create(struct srv_request *request, const struct srv_service *service,
                              struct srv_db *db, struct fsn_error *err)
{
    struct srv_partial partial = {.created_at_ms = srv_now_ms()};
    struct srv_checksum checksum;
    enum fsn_status status;
    bool room = true;
    int fd = -1;

    if (!admit_creation(request, service, &partial, &checksum))
        return FSN_OK;
    partial.verified = verified_before(&checksum, 0);
    partial.expires_at_ms = partial.created_at_ms + service->upload_expiry_ms;
    memcpy(partial.owner, request->caller.token_id, sizeof partial.owner);
    status = srv_id_new("upl", partial.id, err);
    if (status == FSN_OK)
        status = srv_partials_insert(db, &partial, &room, err);
    if (status == FSN_OK && !room)
        status = srv_reply_quota_bytes(request, db, partial.length, true, err);
    if (status != FSN_OK || !room)
        return status;
    status = srv_partial_open(service, partial.id, &fd, err);
    if (status == FSN_OK && fd >= 0)
        append_to(request, &partial, fd, 0, &checksum);
    else if (srv_partials_delete(db, partial.id, NULL) != FSN_OK)
        SRV_LOG(SRV_LOG_WARN, "an upload that cannot begin stays until it expires",
                SRV_TEXT("upload", partial.id));
    return status;
}

static void reply_wrong_offset(struct srv_request *request, const struct srv_partial *partial,
                               int64_t offset)
{
    srv_reply_problem(request, SRV_PROBLEM_UPLOAD_OFFSET,
                      "Upload-Offset: the upload has %" PRId64 " bytes of %" PRId64
                      ", so the next part begins there",
                      offset, partial->length);
    srv_tus_headers(request, partial, offset);
}

/* With the file locked: what a part that was never compared has left is dropped. */
static enum fsn_status make_ready(struct srv_db *db, struct srv_partial *partial, int fd,
                                  int64_t offset, const struct srv_checksum *checksum,
                                  struct fsn_error *err)
{
    const int64_t verified = verified_before(checksum, offset);

    if (partial->verified != SRV_PARTIAL_ALL && ftruncate(fd, offset) != 0)
        return SRV_FAIL(err, FSN_IO, "cannot cut %s: %s", partial->id, strerror(errno));
    if (partial->verified == verified)
        return FSN_OK;
    partial->verified = verified;
    return srv_partials_update(db, partial, err);
}

static void reply_unknown(struct srv_request *request, const char *id)
{
    srv_reply_problem(request, SRV_PROBLEM_NOT_FOUND, "no upload has the id '%s'", id);
}

/* With the file locked, as *partial is now; takes over fd. */
static enum fsn_status append_part(struct srv_request *request, const struct srv_service *service,
                                   struct srv_db *db, struct srv_partial *partial, int fd,
                                   int64_t given, const struct srv_checksum *checksum,
                                   struct fsn_error *err)
{
    int64_t offset = 0;
    enum fsn_status status = srv_partial_offset(service, partial, &offset, err);

    if (status == FSN_OK && given != offset)
        reply_wrong_offset(request, partial, offset);
    else if (status == FSN_OK)
        status = make_ready(db, partial, fd, offset, checksum, err);
    if (status == FSN_OK && given == offset)
        append_to(request, partial, fd, offset, checksum);
    else
        close(fd);
    return status;
}

static enum fsn_status go_on(struct srv_request *request, const struct srv_service *service,
                             struct srv_db *db, struct srv_partial *partial, struct fsn_error *err)
{
    const char *field = srv_request_header(request, "Upload-Offset");
    struct srv_checksum checksum;
    char path[SRV_PATH_SIZE];
    int64_t given = 0;
    bool found = false;
    int fd = -1;
    enum fsn_status status;

    if (!srv_tus_spoken(request) || !has_part_type(request))
        return FSN_OK;
    if (!field || !srv_number_parse(field, false, 0, INT64_MAX, &given)) {
        refuse_header(request, "Upload-Offset", "a whole number from 0 on");
        return FSN_OK;
    }
    if (!read_checksum(request, &checksum))
        return FSN_OK;
    if (srv_partial_is_judged(partial)) {
        reply_wrong_offset(request, partial, partial->length);
        return FSN_OK;
    }
    status = srv_partial_open(service, partial->id, &fd, err);
    if (status == FSN_OK && fd < 0)
        srv_partial_locked(request, partial->id);
    if (status != FSN_OK || fd < 0)
        return status;
    /* Whoever had the file before may have changed the row. */
    status = srv_partials_get(db, partial->id, partial, &found, err);
    if (status == FSN_OK && found && !srv_partial_is_judged(partial))
        return append_part(request, service, db, partial, fd, given, &checksum, err);
    if (status == FSN_OK && !found)
        reply_unknown(request, partial->id);
    else if (status == FSN_OK)
        reply_wrong_offset(request, partial, partial->length);
    if (status == FSN_OK && srv_partial_path(service, partial->id, path, NULL) == FSN_OK)
        unlink(path); /* made anew by being opened */
    close(fd);
    return status;
}

enum fsn_status srv_open_part(struct srv_request *request, void *context, struct fsn_error *err)
{
    const struct srv_service *service = context;
    const char *id = srv_request_param(request, "id");
    struct srv_partial partial = {0};
    struct srv_db *db = NULL;
    bool found = false;
    enum fsn_status status = srv_db_acquire(service->dbs, &db, err);

    if (status == FSN_OK && !id)
        status = create(request, service, db, err);
    else if (status == FSN_OK)
        status = srv_partials_get(db, id, &partial, &found, err);
    if (status == FSN_OK && found && srv_caller_sees(&request->caller, partial.owner))
        status = go_on(request, service, db, &partial, err);
    else if (status == FSN_OK && id)
        reply_unknown(request, id);
    if (request->response)
        srv_tus_headers(request, NULL, 0);
    srv_db_release(service->dbs, db);
    return status;
}
