/* address.h - network addresses as text, and which are of the public internet. A service that calls
 * where its clients say could be made to call its own neighbours (server-side request forgery,
 * CWE-918); this tells them apart. */
#ifndef SRV_BASE_ADDRESS_H
#define SRV_BASE_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

/* NULL for a public address, else what it is: "loopback", "private", ... Addresses that carry an
 * IPv4 address (mapped, NAT64, 6to4) are what that is. What is neither IPv4 nor IPv6 is not public.
 */
const char *srv_address_not_public(const struct sockaddr *address);

/* The same for an address as text, IPv6 without brackets and zone. "" : it is no address. */
const char *srv_address_text_not_public(const char *text);

/* "192.0.2.7" or "2001:db8::7", without the port; an IPv4 address that came mapped into IPv6 is
 * written as what it is. false: it is neither. */
#define SRV_ADDRESS_SIZE 46
bool srv_address_text(const struct sockaddr *address, char out[SRV_ADDRESS_SIZE]);

#endif
