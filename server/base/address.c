/*
 * address.c - see address.h.
 *
 * Source: the special-purpose address registries of IANA (RFC 6890 and its successors). Of IPv6
 * only 2000::/3 is handed out at all; what is refused beside it is what lies within. IPv4 addresses
 * are looked at in their mapped form (::ffff:0:0/96, RFC 4291), so that one table does.
 */
#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static const struct {
    const char *prefix;
    int bits;
    const char *what;
} blocks[] = {
    {"::ffff:0.0.0.0", 96 + 8, "unspecified"},
    {"::ffff:10.0.0.0", 96 + 8, "private"},
    {"::ffff:100.64.0.0", 96 + 10, "carrier-grade NAT"},
    {"::ffff:127.0.0.0", 96 + 8, "loopback"},
    {"::ffff:169.254.0.0", 96 + 16, "link-local"},
    {"::ffff:172.16.0.0", 96 + 12, "private"},
    {"::ffff:192.0.0.0", 96 + 24, "reserved"},
    {"::ffff:192.0.2.0", 96 + 24, "documentation"},
    {"::ffff:192.88.99.0", 96 + 24, "reserved"},
    {"::ffff:192.168.0.0", 96 + 16, "private"},
    {"::ffff:198.18.0.0", 96 + 15, "benchmarking"},
    {"::ffff:198.51.100.0", 96 + 24, "documentation"},
    {"::ffff:203.0.113.0", 96 + 24, "documentation"},
    {"::ffff:224.0.0.0", 96 + 4, "multicast"},
    {"::ffff:240.0.0.0", 96 + 4, "reserved"},
    {"::", 128, "unspecified"},
    {"::1", 128, "loopback"},
    {"fc00::", 7, "private"},
    {"fe80::", 10, "link-local"},
    {"fec0::", 10, "private"},
    {"ff00::", 8, "multicast"},
    {"2001::", 23, "reserved"}, /* Teredo among others */
    {"2001:db8::", 32, "documentation"},
    {"3fff::", 20, "documentation"},
};

static void map(const uint8_t ipv4[4], uint8_t out[16])
{
    uint8_t result[16] = {[10] = 0xff, [11] = 0xff};

    memcpy(result + 12, ipv4, 4);
    memcpy(out, result, sizeof result);
}

bool srv_address_parse(const char *text, struct srv_address *out)
{
    uint8_t ipv4[4];

    if (inet_pton(AF_INET, text, ipv4) != 1)
        return inet_pton(AF_INET6, text, out->bytes) == 1;
    map(ipv4, out->bytes);
    return true;
}

bool srv_address_of(const struct sockaddr *address, struct srv_address *out)
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET)
        map((const uint8_t *)&v4->sin_addr, out->bytes);
    else if (address->sa_family == AF_INET6)
        memcpy(out->bytes, &v6->sin6_addr, sizeof out->bytes);
    else
        return false;
    return true;
}

bool srv_address_within(const struct srv_address *address, const struct srv_address *prefix,
                        int bits)
{
    const size_t whole = (size_t)bits / 8;
    const unsigned mask = 0xff00U >> (bits % 8);

    return memcmp(address->bytes, prefix->bytes, whole) == 0 &&
           (bits % 8 == 0 || ((address->bytes[whole] ^ prefix->bytes[whole]) & mask & 0xff) == 0);
}

static bool lies_within(const struct srv_address *address, const char *prefix_text, int bits)
{
    struct srv_address prefix;

    return inet_pton(AF_INET6, prefix_text, prefix.bytes) == 1 &&
           srv_address_within(address, &prefix, bits);
}

static const char *judge(const struct srv_address *given)
{
    struct srv_address address = *given;

    if (lies_within(&address, "64:ff9b::", 96)) /* NAT64, RFC 6052 */
        map(given->bytes + 12, address.bytes);
    else if (lies_within(&address, "2002::", 16)) /* 6to4, RFC 3056 */
        map(given->bytes + 2, address.bytes);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (lies_within(&address, blocks[i].prefix, blocks[i].bits))
            return blocks[i].what;
    if (lies_within(&address, "::ffff:0:0", 96) || lies_within(&address, "2000::", 3))
        return NULL;
    return "reserved";
}

const char *srv_address_not_public(const struct sockaddr *address)
{
    struct srv_address of;

    return srv_address_of(address, &of) ? judge(&of) : "of another kind";
}

const char *srv_address_text_not_public(const char *text)
{
    struct srv_address address;

    return srv_address_parse(text, &address) ? judge(&address) : "";
}

void srv_address_write(const struct srv_address *address, char out[SRV_ADDRESS_SIZE])
{
    if (lies_within(address, "::ffff:0:0", 96))
        inet_ntop(AF_INET, address->bytes + 12, out, SRV_ADDRESS_SIZE);
    else
        inet_ntop(AF_INET6, address->bytes, out, SRV_ADDRESS_SIZE);
}
