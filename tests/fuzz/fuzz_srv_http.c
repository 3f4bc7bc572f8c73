/* fuzz_srv_http.c - any text as what a client writes into a request and the service reads itself: a
 * method, a path, a Range header, an Authorization header, a Host and an X-Forwarded-For, a line
 * each. Never a crash; a range lies within the content; what is taken for a token ends as one; a
 * page of the host itself is no other site's; who stands behind a proxy stands in what it says. */
#include "base/proxies.h"
#include "base/token.h"
#include "fuzz_main.h"
#include "handlers/api.h"
#include "http/origin.h"
#include "http/range.h"

#include <stdio.h>
#include <string.h>

static void route(const char *method, const char *path)
{
    struct srv_arena arena = {0};
    struct srv_match match = {0};
    struct fsn_error err = {0};

    if (srv_route_find(srv_api_routes, method, path, &arena, &match, &err) != FSN_OK)
        abort();
    for (int i = 0; match.route && i < SRV_MAX_PARAMS; i++)
        if (match.params[i].name && (!match.params[i].value || match.params[i].value[0] == '\0'))
            abort();
    srv_arena_free(&arena);
}

static void range(const char *header)
{
    static const int64_t sizes[] = {0, 1, 10000, INT64_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t first = -1, last = -1;

        if (srv_range_parse(header, sizes[i], &first, &last) == SRV_RANGE_PART &&
            (first < 0 || first > last || last >= sizes[i]))
            abort();
    }
}

static void authorization(const char *header)
{
    struct srv_token token;

    if (srv_token_parse(header, &token) &&
        (strlen(header) < SRV_TOKEN_SIZE || strlen(token.id) != SRV_TOKEN_ID_SIZE - 1 ||
         strncmp(header + strlen(header) - (SRV_TOKEN_SIZE - 1) + strlen("fsn_"), token.id,
                 strlen(token.id)) != 0))
        abort();
}

static void host(const char *header)
{
    char origin[512];
    const int length = snprintf(origin, sizeof origin, "http://%s", header);

    (void)srv_host_is_loopback(header);
    if (length < (int)sizeof origin && srv_origin_is_foreign(NULL, origin, header))
        abort();
}

static void forwarded(const char *header)
{
    struct srv_forwarded forwarded = {0};
    struct srv_proxies proxies;

    if (srv_proxies_parse(header, &proxies) && proxies.count > SRV_PROXIES_MOST)
        abort();
    if (!srv_proxies_parse("10.0.0.0/8", &proxies))
        abort();
    srv_forwarded_read(&forwarded, &proxies, header);
    if (forwarded.known && strcspn(header, "0123456789abcdefABCDEF:") == strlen(header))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size), *rest = text, *line[6];

    if (!text)
        return 0;
    for (int i = 0; i < 6; i++) {
        line[i] = strsep(&rest, "\n");
        if (!line[i])
            line[i] = "";
    }
    route(line[0], line[1]);
    range(line[2]);
    authorization(line[3]);
    host(line[4]);
    forwarded(line[5]);
    free(text);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/srv_http");
