/* problem.c - see problem.h. */
#include "http/problem.h"

#include <stdlib.h>
#include <string.h>

#define TYPE_PREFIX "urn:fsnet:problem:"

static const struct {
    unsigned http_status;
    const char *type, *title;
} problems[SRV_PROBLEM_COUNT] = {
#define SRV__ROW(code, http, name, title) [SRV_PROBLEM_##code] = {http, TYPE_PREFIX name, title},
    SRV_PROBLEM_LIST(SRV__ROW)
#undef SRV__ROW
};

static const enum srv_problem of_status[FSN_STATUS_COUNT] = {
    [FSN_OK] = SRV_PROBLEM_INTERNAL,
    [FSN_NOMEM] = SRV_PROBLEM_NOMEM,
    [FSN_INVALID] = SRV_PROBLEM_INVALID,
    [FSN_IO] = SRV_PROBLEM_IO,
    [FSN_FULL] = SRV_PROBLEM_FULL,
    [FSN_FORMAT] = SRV_PROBLEM_MALFORMED,
    [FSN_UNSUPPORTED] = SRV_PROBLEM_UNSUPPORTED,
    [FSN_SHAPE] = SRV_PROBLEM_SHAPE,
    [FSN_LIMIT] = SRV_PROBLEM_LIMIT,
    [FSN_MISMATCH] = SRV_PROBLEM_MISMATCH,
    [FSN_BUDGET] = SRV_PROBLEM_BUDGET,
    [FSN_CANCELLED] = SRV_PROBLEM_CANCELLED,
    [FSN_DIVERGED] = SRV_PROBLEM_DIVERGED,
    [FSN_INTERNAL] = SRV_PROBLEM_INTERNAL,
};

unsigned srv_problem_http_status(enum srv_problem problem)
{
    return problems[problem].http_status;
}

const char *srv_problem_type(enum srv_problem problem)
{
    return problems[problem].type;
}

enum srv_problem srv_problem_of_status(enum fsn_status status)
{
    return (unsigned)status < FSN_STATUS_COUNT ? of_status[status] : SRV_PROBLEM_INTERNAL;
}

/* Details quote names from uploads, which may hold any bytes; JSON is UTF-8. */
static json_t *readable(const char *text)
{
    json_t *value = json_string(text);
    char *copy;

    if (value || !(copy = strdup(text)))
        return value;
    for (char *c = copy; *c; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *srv_problem_json(enum srv_problem problem, const char *detail,
                         const struct fsn_faults *faults)
{
    json_t *body =
        json_pack("{ss ss si so}", "type", problems[problem].type, "title", problems[problem].title,
                  "status", (int)problems[problem].http_status, "detail", readable(detail));
    json_t *errors;

    if (!body || !faults || faults->count == 0)
        return body;
    errors = json_array();
    for (size_t i = 0; i < faults->count; i++)
        json_array_append_new(errors,
                              json_pack("{so so}", "pointer", readable(faults->item[i].pointer),
                                        "detail", readable(faults->item[i].text)));
    json_object_set_new(body, "errors", errors);
    return body;
}
