/* response.c - replies; see request.h. */
#include "base/counters.h"
#include "http/digest_field.h"
#include "http/integrity.h"
#include "http/range.h"
#include "http/request.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void srv_reply_response(struct srv_request *request, unsigned status, struct MHD_Response *response)
{
    if (request->response)
        MHD_destroy_response(request->response);
    request->status = status;
    request->problem = NULL;
    request->response = response;
    request->json = NULL;
}

void srv_reply_header(struct srv_request *request, const char *name, const char *value)
{
    if (request->response)
        MHD_add_response_header(request->response, name, value);
}

/* Whether an If-None-Match list names the tag; weak comparison, as RFC 9110 13.1.2 wants. */
static bool lists_tag(const char *list, const char *tag)
{
    if (!list)
        return false;
    while (*list == ' ')
        list++;
    return strcmp(list, "*") == 0 || strstr(list, tag) != NULL;
}

/* "The client has it": 304 and true. */
static bool reply_unchanged(struct srv_request *request, const char *tag)
{
    if (!lists_tag(srv_request_header(request, MHD_HTTP_HEADER_IF_NONE_MATCH), tag))
        return false;
    srv_reply_empty(request, MHD_HTTP_NOT_MODIFIED);
    srv_reply_header(request, MHD_HTTP_HEADER_ETAG, tag);
    srv_reply_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
    return true;
}

static bool reads(const struct srv_request *request)
{
    return strcmp(request->method, MHD_HTTP_METHOD_GET) == 0 ||
           strcmp(request->method, MHD_HTTP_METHOD_HEAD) == 0;
}

/* mode: whether the text is copied, or stays as long as the request. */
static void reply_text(struct srv_request *request, unsigned status, const char *content_type,
                       const char *text, enum MHD_ResponseMemoryMode mode,
                       const char *cache_control)
{
    /* MHD only reads from the buffer in either mode. */
    srv_reply_response(
        request, status,
        MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text, mode));
    srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    srv_reply_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, cache_control);
}

void srv_reply_text(struct srv_request *request, unsigned status, const char *content_type,
                    const char *text)
{
    reply_text(request, status, content_type, text, MHD_RESPMEM_MUST_COPY, "no-store");
}

void srv_reply_common_headers(struct srv_request *request)
{
    srv_reply_header(request, SRV_REQUEST_ID_HEADER, request->id);
    if (!request->rate)
        return;
    srv_reply_header(request, "RateLimit-Policy", request->rate_policy);
    srv_reply_header(request, "RateLimit", request->rate);
}

void srv_reply_empty(struct srv_request *request, unsigned status)
{
    srv_reply_response(request, status,
                       MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

static void tag_of(const char *text, char tag[SRV_TAG_SIZE])
{
    char sha256[SRV_SHA256_SIZE];

    srv_digest_bytes(text, strlen(text), sha256);
    snprintf(tag, SRV_TAG_SIZE, "\"%s\"", sha256);
}

/* The line that shows a value, and behind its own members these (or NULL), in the request's memory;
 * NULL when out of memory. Takes value. */
static const char *line_of(struct srv_request *request, json_t *value,
                           const struct srv_member *members)
{
    static const char before[] = ",\n  \"", between[] = "\": ", end[] = "\n}\n", none[] = "null";
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    size_t size = text ? strlen(text) : 0, room = size + sizeof end;
    char *line = NULL, *to;

    json_decref(value);
    for (const struct srv_member *m = members; m && m->name; m++)
        room += sizeof before + strlen(m->name) + sizeof between + strlen(m->text ? m->text : none);
    if (text)
        line = srv_arena_alloc(&request->arena, room);
    if (line) {
        to = mempcpy(line, text, members ? size - strlen("\n}") : size);
        for (const struct srv_member *m = members; m && m->name; m++)
            to = stpcpy(stpcpy(stpcpy(stpcpy(to, before), m->name), between),
                        m->text ? m->text : none);
        memcpy(to, members ? end : "\n", members ? sizeof end : sizeof "\n");
    }
    free(text);
    return line;
}

bool srv_line_write(struct srv_request *request, json_t *value, const struct srv_member *members,
                    struct srv_line *out)
{
    out->text = line_of(request, value, members);
    if (out->text)
        tag_of(out->text, out->tag);
    return out->text != NULL;
}

/* Strong comparison: a tag that is marked as weak matches nothing. */
static bool lists_strongly(const char *list, const char *tag)
{
    for (const char *at = list; (at = strstr(at, tag)); at++)
        if (at == list || at[-1] != '/')
            return true;
    return false;
}

bool srv_if_match(struct srv_request *request, json_t *current, const struct srv_member *members)
{
    const char *list = srv_request_header(request, MHD_HTTP_HEADER_IF_MATCH);
    struct srv_line line;

    if (!list || strcmp(list + strspn(list, " "), "*") == 0) {
        json_decref(current);
        return true;
    }
    if (srv_line_write(request, current, members, &line) && lists_strongly(list, line.tag))
        return true;
    srv_reply_problem(request, SRV_PROBLEM_PRECONDITION,
                      "If-Match does not name what the resource is now; read it again");
    return false;
}

/* What was read carries a tag, so that who polls is told in a few bytes that nothing has changed.
 */
static void reply_read(struct srv_request *request, const char *content_type, const char *text,
                       enum MHD_ResponseMemoryMode mode, const char *tag)
{
    if (reply_unchanged(request, tag))
        return;
    reply_text(request, MHD_HTTP_OK, content_type, text, mode, "private, no-cache");
    srv_reply_header(request, MHD_HTTP_HEADER_ETAG, tag);
}

void srv_reply_line(struct srv_request *request, const char *text, const char *tag)
{
    reply_read(request, "application/json", text, MHD_RESPMEM_MUST_COPY, tag);
}

static void reply_dump(struct srv_request *request, unsigned status, const char *content_type,
                       json_t *value, const struct srv_member *members)
{
    const char *line = line_of(request, value, members);
    char tag[SRV_TAG_SIZE];

    if (line && status == MHD_HTTP_OK && reads(request)) {
        tag_of(line, tag);
        reply_read(request, content_type, line, MHD_RESPMEM_PERSISTENT, tag);
    } else if (line)
        reply_text(request, status, content_type, line, MHD_RESPMEM_PERSISTENT, "no-store");
    else
        reply_text(request, MHD_HTTP_SERVICE_UNAVAILABLE, "application/problem+json",
                   "{\"type\": \"urn:fsnet:problem:out-of-memory\", \"status\": 503,"
                   " \"title\": \"The server is short of memory\"}\n",
                   MHD_RESPMEM_PERSISTENT, "no-store");
    request->json = line;
}

void srv_reply_json(struct srv_request *request, unsigned status, json_t *value)
{
    reply_dump(request, status, "application/json", value, NULL);
}

void srv_reply_json_with(struct srv_request *request, unsigned status, json_t *value,
                         const struct srv_member *members)
{
    reply_dump(request, status, "application/json", value, members);
}

void srv_reply_page(struct srv_request *request, json_t *items, int64_t next)
{
    char cursor[24];

    snprintf(cursor, sizeof cursor, "%" PRId64, next);
    srv_reply_json(request, MHD_HTTP_OK,
                   json_pack("{so so}", "items", items, "next_cursor",
                             next ? json_string(cursor) : json_null()));
}

void srv_reply_faults(struct srv_request *request, enum srv_problem problem, const char *detail,
                      const struct fsn_faults *faults)
{
    json_t *body = srv_problem_json(problem, detail, faults);

    if (body && json_object_set_new(body, "request_id", json_string(request->id)) != 0) {
        json_decref(body);
        body = NULL;
    }
    reply_dump(request, srv_problem_http_status(problem), "application/problem+json", body, NULL);
    request->problem = srv_problem_type(problem);
}

void srv_reply_problem(struct srv_request *request, enum srv_problem problem, const char *format,
                       ...)
{
    char detail[1200];
    va_list args;

    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    srv_reply_faults(request, problem, detail, NULL);
}

void srv_reply_error(struct srv_request *request, const struct fsn_error *err)
{
    enum srv_problem problem = srv_problem_of_status(err->status);

    if (srv_problem_http_status(problem) < 500) {
        srv_reply_problem(request, problem, "%s", err->text);
        return;
    }
    SRV_LOG(SRV_LOG_ERROR, "request failed", SRV_TEXT("method", request->method),
            SRV_TEXT("path", request->path), SRV_TEXT("request", request->id),
            SRV_TEXT("problem", srv_problem_type(problem)), SRV_TEXT("detail", err->text),
            SRV_TEXT("file", err->file), SRV_INT("line", err->line));
    srv_reply_problem(request, problem, "%s; the server's log has the details",
                      fsn_status_text(err->status));
}

void srv_reply_embedded(struct srv_request *request, const struct srv_embedded *file)
{
    char tag[SRV_SHA256_SIZE + 2];

    snprintf(tag, sizeof tag, "\"%s\"", file->sha256);
    if (reply_unchanged(request, tag))
        return;
    srv_reply_response(request, MHD_HTTP_OK,
                       MHD_create_response_from_buffer(file->size_bytes,
                                                       (void *)(uintptr_t)file->bytes,
                                                       MHD_RESPMEM_PERSISTENT));
    srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
    srv_reply_header(request, MHD_HTTP_HEADER_ETAG, tag);
    srv_reply_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
}

/* The part that the client asked for. An If-Range with another tag asks for all (RFC 9110 13.1.5).
 */
static enum srv_range wanted_range(const struct srv_request *request, const struct srv_file *file,
                                   const char *tag, int64_t *first, int64_t *last)
{
    const char *if_range = srv_request_header(request, MHD_HTTP_HEADER_IF_RANGE);

    *first = 0;
    *last = file->size_bytes - 1;
    if (if_range && strcmp(if_range, tag) != 0)
        return SRV_RANGE_NONE;
    return srv_range_parse(srv_request_header(request, MHD_HTTP_HEADER_RANGE), file->size_bytes,
                           first, last);
}

/* What a client is told of a file besides. A browser shows a page itself; nothing in it may run,
 * ask anyone or be taken for a page of this server. */
static void add_safety_headers(struct srv_request *request, const struct srv_file *file)
{
    const bool page = strncmp(file->content_type, "text/html", strlen("text/html")) == 0;
    char disposition[128];

    snprintf(disposition, sizeof disposition, "%s; filename=\"%s\"", page ? "inline" : "attachment",
             file->name);
    srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_DISPOSITION, disposition);
    srv_reply_header(request, "X-Content-Type-Options", "nosniff");
    if (page)
        srv_reply_header(request, "Content-Security-Policy",
                         "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
}

/* Values of digest fields. */
struct digests {
    char repr[SRV_DIGEST_FIELD_SIZE], content[SRV_DIGEST_FIELD_SIZE];
};

/* Of the whole file, each by the algorithm that the client prefers. Of a part nothing is known but
 * by reading it, and what HEAD gets has no content. */
static enum fsn_status find_digests(const struct srv_request *request, const struct srv_file *file,
                                    bool whole, struct digests *out, struct fsn_error *err)
{
    const bool sends = whole && strcmp(request->method, MHD_HTTP_METHOD_HEAD) != 0;
    const bool long_repr = srv_integrity_wants_512(request, SRV_WANT_REPR_DIGEST);
    const bool long_content = sends && srv_integrity_wants_512(request, SRV_WANT_CONTENT_DIGEST);
    char sha512[SRV_SHA512_SIZE];
    enum fsn_status status = FSN_OK;

    *out = (struct digests){"", ""};
    if (long_repr || long_content)
        status = srv_digest_file_512(file->path, sha512, err);
    if (status != FSN_OK)
        return status;
    srv_digest_field_write(long_repr ? sha512 : file->sha256, out->repr);
    if (sends)
        srv_digest_field_write(long_content ? sha512 : file->sha256, out->content);
    return FSN_OK;
}

static void add_file_headers(struct srv_request *request, const struct srv_file *file,
                             const char *tag, const struct digests *digests)
{
    srv_reply_header(request, MHD_HTTP_HEADER_ETAG, tag);
    srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_TYPE, file->content_type);
    srv_reply_header(request, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    srv_reply_header(request, SRV_REPR_DIGEST, digests->repr);
    if (*digests->content)
        srv_reply_header(request, SRV_CONTENT_DIGEST, digests->content);
    srv_reply_header(request, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
}

enum fsn_status srv_reply_file(struct srv_request *request, const struct srv_file *file,
                               struct fsn_error *err)
{
    char tag[SRV_SHA256_SIZE + 2], content_range[80];
    struct digests digests;
    struct MHD_Response *response;
    enum fsn_status status;
    int64_t first, last;
    enum srv_range range;
    int fd;

    snprintf(tag, sizeof tag, "\"%s\"", file->sha256);
    if (reply_unchanged(request, tag))
        return FSN_OK;
    range = wanted_range(request, file, tag, &first, &last);
    if (range == SRV_RANGE_BAD) {
        srv_reply_problem(request, SRV_PROBLEM_RANGE, "the content has %" PRId64 " bytes",
                          file->size_bytes);
        snprintf(content_range, sizeof content_range, "bytes */%" PRId64, file->size_bytes);
        srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
        return FSN_OK;
    }
    status = find_digests(request, file, range != SRV_RANGE_PART, &digests, err);
    if (status != FSN_OK)
        return status;
    fd = open(file->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return SRV_FAIL(err, FSN_IO, "cannot open %s: %s", file->path, strerror(errno));
    response =
        MHD_create_response_from_fd_at_offset64((uint64_t)(last - first + 1), fd, (uint64_t)first);
    if (!response) {
        close(fd);
        return SRV_NOMEM(err);
    }
    srv_count(SRV_COUNT_SENT, NULL, (double)(last - first + 1));
    srv_reply_response(request, range == SRV_RANGE_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK,
                       response);
    add_file_headers(request, file, tag, &digests);
    add_safety_headers(request, file);
    if (range == SRV_RANGE_PART) {
        snprintf(content_range, sizeof content_range, "bytes %" PRId64 "-%" PRId64 "/%" PRId64,
                 first, last, file->size_bytes);
        srv_reply_header(request, MHD_HTTP_HEADER_CONTENT_RANGE, content_range);
    }
    return FSN_OK;
}
