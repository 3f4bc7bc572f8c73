/* proxies.h - the proxies whose word is taken for who asks (X-Forwarded-For), and what they say.
 * Each proxy writes behind what came the address that it was asked from. So of several the
 * right-most counts that is no proxy of ours: what stands before it, anyone could have written. */
#ifndef SRV_BASE_PROXIES_H
#define SRV_BASE_PROXIES_H

#include "base/address.h"

#include <stddef.h>

#define SRV_PROXIES_MOST 64
struct srv_proxies { /* zero: none */
    int count;
    struct {
        struct srv_address prefix;
        int bits; /* of 128 */
    } network[SRV_PROXIES_MOST];
};

/* "10.0.0.5, 172.16.0.0/12, fd00::/8": addresses and networks, separated by commas or blanks.
 * false: it is not that, or too many; then *out is not touched. */
bool srv_proxies_parse(const char *text, struct srv_proxies *out);
bool srv_proxies_have(const struct srv_proxies *proxies, const struct srv_address *address);

/* Who asks a proxy, as far as it was read. Zero: not known. */
struct srv_forwarded {
    bool known;
    struct srv_address address;
};
/* Reads an X-Forwarded-For field; if there are several, in the order in which they came. Addresses
 * may have a port, those of IPv6 brackets. Behind what is no address one begins anew, since a proxy
 * of ours that writes such a thing does not know who it was; of proxies alone the first counts. */
void srv_forwarded_read(struct srv_forwarded *forwarded, const struct srv_proxies *proxies,
                        const char *field);

#endif
