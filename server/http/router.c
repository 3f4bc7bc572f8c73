/* router.c - linear search through the table; a dozen short patterns need nothing cleverer. */
#include "http/router.h"

#include <stdio.h>
#include <string.h>

/* The segment at *at without its slash; *at moves behind it. */
static size_t next_segment(const char **at, const char **segment)
{
    const char *start = *at + 1;
    size_t length = strcspn(start, "/");

    *segment = start;
    *at = start + length;
    return length;
}

static char *copy(struct srv_arena *arena, const char *text, size_t length)
{
    char *result = srv_arena_alloc(arena, length + 1);

    if (result) {
        memcpy(result, text, length);
        result[length] = '\0';
    }
    return result;
}

/* Compares segment by segment. params may be NULL (compare only); *nomem tells of a failed copy. */
static bool matches(const char *pattern, const char *path, struct srv_arena *arena,
                    struct srv_param *params, bool *nomem)
{
    int count = 0;

    while (*pattern == '/' && *path == '/') {
        const char *want, *got;
        size_t want_length = next_segment(&pattern, &want);
        size_t got_length = next_segment(&path, &got);

        if (want_length > 2 && want[0] == '{') {
            if (got_length == 0)
                return false;
            if (params && count < SRV_MAX_PARAMS) {
                params[count].name = copy(arena, want + 1, want_length - 2);
                params[count].value = copy(arena, got, got_length);
                *nomem |= !params[count].name || !params[count].value;
                count++;
            }
        } else if (want_length != got_length || memcmp(want, got, got_length) != 0) {
            return false;
        }
    }
    return *pattern == '\0' && *path == '\0';
}

static void allow(struct srv_match *match, const char *method)
{
    size_t used = strlen(match->allow);

    snprintf(match->allow + used, sizeof match->allow - used, "%s%s", used ? ", " : "", method);
    if (strcmp(method, "GET") == 0)
        allow(match, "HEAD");
}

enum fsn_status srv_route_find(const struct srv_route *routes, const char *method, const char *path,
                               struct srv_arena *arena, struct srv_match *out,
                               struct fsn_error *err)
{
    struct srv_match match = {0};
    bool nomem = false;

    if (strcmp(method, "HEAD") == 0)
        method = "GET";
    for (const struct srv_route *route = routes; route->method; route++) {
        if (!matches(route->pattern, path, arena, NULL, &nomem))
            continue;
        allow(&match, route->method);
        if (match.route || strcmp(route->method, method) != 0)
            continue;
        match.route = route;
        matches(route->pattern, path, arena, match.params, &nomem);
    }
    if (nomem)
        return SRV_NOMEM(err);
    *out = match;
    return FSN_OK;
}
