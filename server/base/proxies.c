/* proxies.c - see proxies.h. */
#include "base/proxies.h"

#include "base/number.h"

#include <string.h>

#define SEPARATORS ", \t"

/* The next of a list, trimmed, as a text of its own; *at moves behind it. false: the list is over.
 * One that is too long to be an address is cut, and then is none. */
static bool next_of(const char **at, char *out, size_t room)
{
    size_t length;

    *at += strspn(*at, SEPARATORS);
    length = strcspn(*at, SEPARATORS);
    if (length == 0)
        return false;
    if (length < room) {
        memcpy(out, *at, length);
        out[length] = '\0';
    } else {
        memcpy(out, "-", sizeof "-");
    }
    *at += length;
    return true;
}

/* ---- the proxies --------------------------------------------------------------------------- */

/* text is cut in two. */
static bool parse_network(char *text, struct srv_address *prefix, int *bits)
{
    char *slash = strchr(text, '/');
    const int most = strchr(text, ':') ? 128 : 32;
    int64_t given = most;

    if (slash) {
        *slash = '\0';
        if (!srv_number_parse(slash + 1, false, 0, most, &given))
            return false;
    }
    *bits = 128 - most + (int)given;
    return srv_address_parse(text, prefix);
}

bool srv_proxies_parse(const char *text, struct srv_proxies *out)
{
    struct srv_proxies proxies = {0};
    char one[SRV_ADDRESS_SIZE + sizeof "/128"];

    while (next_of(&text, one, sizeof one)) {
        if (proxies.count == SRV_PROXIES_MOST ||
            !parse_network(one, &proxies.network[proxies.count].prefix,
                           &proxies.network[proxies.count].bits))
            return false;
        proxies.count++;
    }
    *out = proxies;
    return true;
}

bool srv_proxies_have(const struct srv_proxies *proxies, const struct srv_address *address)
{
    for (int i = 0; i < proxies->count; i++)
        if (srv_address_within(address, &proxies->network[i].prefix, proxies->network[i].bits))
            return true;
    return false;
}

/* ---- what they say ------------------------------------------------------------------------- */

/* "192.0.2.7", "192.0.2.7:80", "2001:db8::7", "[2001:db8::7]", "[2001:db8::7]:80"; text is cut. */
static bool parse_node(char *text, struct srv_address *out)
{
    char *port = NULL, *end;
    int64_t number;

    if (*text == '[') {
        end = strchr(++text, ']');
        if (!end || !strchr(text, ':'))
            return false;
        *end++ = '\0';
        if (*end != '\0' && *end != ':')
            return false;
        port = *end == ':' ? end + 1 : NULL;
    } else if ((end = strchr(text, ':')) && end == strrchr(text, ':')) {
        *end = '\0';
        port = end + 1;
    }
    return (!port || srv_number_parse(port, false, 0, UINT16_MAX, &number)) &&
           srv_address_parse(text, out);
}

void srv_forwarded_read(struct srv_forwarded *forwarded, const struct srv_proxies *proxies,
                        const char *field)
{
    char one[sizeof "[]:65535" + SRV_ADDRESS_SIZE];
    struct srv_address address;

    while (next_of(&field, one, sizeof one)) {
        if (!parse_node(one, &address)) {
            forwarded->known = false;
        } else if (!forwarded->known || !srv_proxies_have(proxies, &address)) {
            forwarded->known = true;
            forwarded->address = address;
        }
    }
}
