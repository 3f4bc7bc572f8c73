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

enum fsn_status srv_request_limit(struct srv_request *request, int64_t *out)
{
    const char *text = srv_request_query(request, "limit");
    int64_t limit = DEFAULT_LIMIT;
    char *end = NULL;

    if (text) {
        errno = 0;
        limit = isdigit((unsigned char)*text) ? strtoll(text, &end, 10) : 0;
        if (errno != 0 || (end && *end != '\0') || limit < 1 || limit > MAX_LIMIT) {
            srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                              "limit: expected a whole number from 1 to %d, got '%s'", MAX_LIMIT,
                              text);
            return FSN_INVALID;
        }
    }
    *out = limit;
    return FSN_OK;
}
