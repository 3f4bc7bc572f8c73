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

static bool lies_within(const uint8_t address[16], const char *prefix_text, int bits)
{
    uint8_t prefix[16];
    const size_t whole = (size_t)bits / 8;
    const unsigned mask = 0xff00U >> (bits % 8);

    return inet_pton(AF_INET6, prefix_text, prefix) == 1 && memcmp(address, prefix, whole) == 0 &&
           (bits % 8 == 0 || ((address[whole] ^ prefix[whole]) & mask & 0xff) == 0);
}

static void map(const uint8_t ipv4[4], uint8_t out[16])
{
    uint8_t result[16] = {[10] = 0xff, [11] = 0xff};

    memcpy(result + 12, ipv4, 4);
    memcpy(out, result, sizeof result);
}

static const char *judge(const uint8_t bytes[16])
{
    uint8_t address[16];

    memcpy(address, bytes, sizeof address);
    if (lies_within(address, "64:ff9b::", 96)) /* NAT64, RFC 6052 */
        map(bytes + 12, address);
    else if (lies_within(address, "2002::", 16)) /* 6to4, RFC 3056 */
        map(bytes + 2, address);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        if (lies_within(address, blocks[i].prefix, blocks[i].bits))
            return blocks[i].what;
    if (lies_within(address, "::ffff:0:0", 96) || lies_within(address, "2000::", 3))
        return NULL;
    return "reserved";
}

const char *srv_address_not_public(const struct sockaddr *address)
{
    uint8_t bytes[16];

    switch (address->sa_family) {
    case AF_INET:
        map((const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr, bytes);
        return judge(bytes);
    case AF_INET6:
        memcpy(bytes, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
               sizeof bytes);
        return judge(bytes);
    default:
        return "of another kind";
    }
}

const char *srv_address_text_not_public(const char *text)
{
    uint8_t bytes[16], ipv4[4];

    if (inet_pton(AF_INET, text, ipv4) == 1)
        map(ipv4, bytes);
    else if (inet_pton(AF_INET6, text, bytes) != 1)
        return "";
    return judge(bytes);
}

bool srv_address_text(const struct sockaddr *address, char out[SRV_ADDRESS_SIZE])
{
    const struct sockaddr_in *v4 = (const void *)address;
    const struct sockaddr_in6 *v6 = (const void *)address;

    if (address->sa_family == AF_INET)
        return inet_ntop(AF_INET, &v4->sin_addr, out, SRV_ADDRESS_SIZE) != NULL;
    if (address->sa_family != AF_INET6)
        return false;
    if (IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
        return inet_ntop(AF_INET, v6->sin6_addr.s6_addr + 12, out, SRV_ADDRESS_SIZE) != NULL;
    return inet_ntop(AF_INET6, &v6->sin6_addr, out, SRV_ADDRESS_SIZE) != NULL;
}
