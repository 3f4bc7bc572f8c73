/* request.c - what handlers ask of a request; see request.h. */
#include "http/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000
#define MAX_QUERY_BYTES 200 /* of one value; the names of uploads are the longest */

bool srv_request_identify(struct srv_request *request)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    const char *sent = srv_request_header(request, SRV_REQUEST_ID_HEADER);
    const size_t length = sent ? strlen(sent) : 0;
    char made[SRV_ID_SIZE];

    if (length > 0 && length < SRV_REQUEST_ID_SIZE && strspn(sent, allowed) == length) {
        memcpy(request->id, sent, length + 1);
        return true;
    }
    if (srv_id_new("req", made, NULL) != FSN_OK)
        return false;
    memcpy(request->id, made, sizeof made);
    return true;
}

const char *srv_request_param(const struct srv_request *request, const char *name)
{
    for (int i = 0; i < SRV_MAX_PARAMS && request->match.params[i].name; i++)
        if (strcmp(request->match.params[i].name, name) == 0)
            return request->match.params[i].value;
    return NULL;
}

const char *srv_request_query(const struct srv_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

const char *srv_request_header(const struct srv_request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

struct query_check {
    struct srv_request *request;
    bool seen[SRV_MAX_QUERY]; /* of the route's parameters */
    bool ok;
};

/* Every parameter must be one of the route's and come once, since handlers see the first alone; its
 * value short, UTF-8 and free of control bytes. */
static enum MHD_Result check_query_value(void *user, enum MHD_ValueKind kind, const char *key,
                                         size_t key_size, const char *value, size_t value_size)
{
    struct query_check *check = user;
    const struct srv_route *route = check->request->match.route;
    json_t *text;
    int i = 0;

    (void)kind;
    while (i < SRV_MAX_QUERY && route->query[i] && strcmp(key, route->query[i]) != 0)
        i++;
    if (i == SRV_MAX_QUERY || !route->query[i] || strlen(key) != key_size) {
        srv_reply_problem(check->request, SRV_PROBLEM_BAD_QUERY, "unknown query parameter '%s'",
                          key);
        check->ok = false;
        return MHD_NO;
    }
    if (check->seen[i]) {
        srv_reply_problem(check->request, SRV_PROBLEM_BAD_QUERY,
                          "%s: expected once, came more than once", key);
        check->ok = false;
        return MHD_NO;
    }
    check->seen[i] = true;
    text = value && value_size <= MAX_QUERY_BYTES ? json_stringn(value, value_size) : NULL;
    check->ok = text != NULL;
    json_decref(text);
    for (size_t c = 0; check->ok && c < value_size; c++)
        check->ok = (unsigned char)value[c] >= 0x20 && value[c] != 0x7f;
    if (!check->ok)
        srv_reply_problem(check->request, SRV_PROBLEM_BAD_QUERY,
                          "%s: expected a value of at most %d bytes in UTF-8, without control "
                          "characters",
                          key, MAX_QUERY_BYTES);
    return check->ok ? MHD_YES : MHD_NO;
}

bool srv_request_check_query(struct srv_request *request)
{
    struct query_check check = {.request = request, .ok = true};

    MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, check_query_value,
                                &check);
    return check.ok;
}

/* A whole number from 1 to max, nothing before or after it. */
static bool parse_number(const char *text, int64_t max, int64_t *out)
{
    char *end = NULL;

    errno = 0;
    *out = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
    return errno == 0 && end && *end == '\0' && *out >= 1 && *out <= max;
}

enum fsn_status srv_request_page(struct srv_request *request, struct srv_page *out)
{
    const char *limit = srv_request_query(request, "limit");
    const char *cursor = srv_request_query(request, "cursor");
    const char *sort = srv_request_query(request, "sort");

    *out = (struct srv_page){.limit = DEFAULT_LIMIT, .before = INT64_MAX};
    if (limit && !parse_number(limit, MAX_LIMIT, &out->limit)) {
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "limit: expected a whole number from 1 to %d, got '%s'", MAX_LIMIT,
                          limit);
        return FSN_INVALID;
    }
    if (cursor && !parse_number(cursor, INT64_MAX, &out->before)) {
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "cursor: expected a next_cursor of this list, got '%s'", cursor);
        return FSN_INVALID;
    }
    if (cursor)
        out->after = out->before;
    out->oldest_first = sort && strcmp(sort, "created_at") == 0;
    if (sort && !out->oldest_first && strcmp(sort, "-created_at") != 0) {
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "sort: expected created_at or -created_at, got '%s'", sort);
        return FSN_INVALID;
    }
    return FSN_OK;
}
