/* origin.c - see origin.h. */
#include "http/origin.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define BELOW ".localhost" /* browsers resolve no such name: it is loopback (RFC 6761, 6.3) */

static bool is_localhost(const char *name)
{
    const size_t length = strlen(name), tail = strlen(BELOW);

    return strcasecmp(name, &BELOW[1]) == 0 ||
           (length > tail && strcasecmp(name + length - tail, BELOW) == 0);
}

bool srv_host_is_loopback(const char *host)
{
    char name[256];
    struct in6_addr six;
    struct in_addr four;
    bool bracketed;
    size_t length;

    if (!host)
        return true;
    bracketed = *host == '[';
    host += bracketed;
    length = strcspn(host, bracketed ? "]" : ":");
    if (length >= sizeof name)
        return false;
    memcpy(name, host, length);
    name[length] = '\0';
    if (bracketed)
        return inet_pton(AF_INET6, name, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
    if (inet_pton(AF_INET, name, &four) == 1)
        return ntohl(four.s_addr) >> 24 == 127;
    return is_localhost(name);
}

bool srv_origin_is_foreign(const char *fetch_site, const char *origin, const char *host)
{
    const char *authority;

    if (fetch_site) /* none: a person, by the address bar or a bookmark */
        return strcmp(fetch_site, "same-origin") != 0 && strcmp(fetch_site, "none") != 0;
    if (!origin)
        return false;
    authority = strstr(origin, "://");
    return !authority || !host || strcasecmp(authority + 3, host) != 0;
}
