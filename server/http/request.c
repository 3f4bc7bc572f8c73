/* request.c - what handlers ask of a request; see request.h. */
#include "http/request.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_LIMIT 100
#define MAX_LIMIT 1000

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
    return FSN_OK;
}
