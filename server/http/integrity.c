/* integrity.c - see integrity.h. */
#include "http/integrity.h"

#include "http/digest_field.h"

#include <string.h>

static const char *const fields[] = {SRV_CONTENT_DIGEST, SRV_REPR_DIGEST};
enum { FIELD_COUNT = sizeof fields / sizeof *fields };

bool srv_integrity_wants_512(const struct srv_request *request, const char *field)
{
    return srv_digest_field_wants_512(srv_request_header(request, field));
}

bool srv_integrity_needs_512(const struct srv_request *request)
{
    struct srv_digests said;

    for (int i = 0; i < FIELD_COUNT; i++) {
        const char *field = srv_request_header(request, fields[i]);

        if (field && srv_digest_field_read(field, &said) && *said.sha512)
            return true;
    }
    return false;
}

/* JSON is not hashed as it comes. */
static void hash_text(struct srv_body *body)
{
    const char *bytes = body->bytes ? body->bytes : "";
    struct srv_digest digest;

    srv_digest_bytes(bytes, (size_t)body->size_bytes, body->sha256);
    srv_digest_begin_512(&digest);
    srv_digest_add(&digest, bytes, (size_t)body->size_bytes);
    srv_digest_end(&digest, body->sha512);
}

static bool same(struct srv_request *request, const char *name, const char *algorithm,
                 const char *said, const char *got)
{
    if (*said == '\0' || strcmp(said, got) == 0)
        return true;
    srv_reply_problem(request, SRV_PROBLEM_DIGEST,
                      "%s says that the body has the %s %s, what came has %s", name, algorithm,
                      said, got);
    return false;
}

static bool holds(struct srv_request *request, const char *name)
{
    const struct srv_body *body = &request->body;
    const char *field = srv_request_header(request, name);
    struct srv_digests said;

    if (!field)
        return true;
    if (!srv_digest_field_read(field, &said)) {
        srv_reply_problem(request, SRV_PROBLEM_BAD_HEADER,
                          "%s: expected sha-256=:BASE64 OF 32 BYTES: or sha-512=:BASE64 OF 64 "
                          "BYTES:, got '%.300s'",
                          name, field);
        return false;
    }
    return same(request, name, "SHA-256", said.sha256, body->sha256) &&
           same(request, name, "SHA-512", said.sha512, body->sha512);
}

bool srv_check_integrity(struct srv_request *request)
{
    const enum srv_body_kind kind = request->body.kind;

    if (kind == SRV_BODY_NONE || kind == SRV_BODY_APPEND)
        return true; /* none, or a part, which has a checksum of its own */
    if (kind == SRV_BODY_JSON &&
        (srv_request_header(request, fields[0]) || srv_request_header(request, fields[1])))
        hash_text(&request->body);
    for (int i = 0; i < FIELD_COUNT; i++)
        if (!holds(request, fields[i]))
            return false;
    return true;
}
