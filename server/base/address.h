/* address.h - network addresses as text, and which are of the public internet. A service that calls
 * where its clients say could be made to call its own neighbours (server-side request forgery,
 * CWE-918); this tells them apart. */
#ifndef SRV_BASE_ADDRESS_H
#define SRV_BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* An address of either kind; one of IPv4 in its mapped form (::ffff:0:0/96, RFC 4291), so that it
 * is the same however it came. */
struct srv_address {
    uint8_t bytes[16];
};
/* IPv6 without brackets and zone. false: it is no address. */
bool srv_address_parse(const char *text, struct srv_address *out);
/* false: it is neither IPv4 nor IPv6. */
bool srv_address_of(const struct sockaddr *address, struct srv_address *out);
/* Whether both begin with the same bits, so many of 128. */
bool srv_address_within(const struct srv_address *address, const struct srv_address *prefix,
                        int bits);

/* NULL for a public address, else what it is: "loopback", "private", ... Addresses that carry an
 * IPv4 address (mapped, NAT64, 6to4) are what that is. What is neither IPv4 nor IPv6 is not public.
 */
const char *srv_address_not_public(const struct sockaddr *address);

/* The same for an address as text, IPv6 without brackets and zone. "" : it is no address. */
const char *srv_address_text_not_public(const char *text);

/* "192.0.2.7" or "2001:db8::7"; an IPv4 address is written as what it is. */
#define SRV_ADDRESS_SIZE 46
void srv_address_write(const struct srv_address *address, char out[SRV_ADDRESS_SIZE]);

#endif
