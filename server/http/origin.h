/* origin.h - where a browser says that a request comes from. A web page of another site can send
 * requests to a service on loopback; and if its name is made to lead there (DNS rebinding), it
 * reads the answers too, as pages of the service itself do. */
#ifndef SRV_HTTP_ORIGIN_H
#define SRV_HTTP_ORIGIN_H

#include <stdbool.h>

/* Whether a Host field is a name that nobody can make lead elsewhere: localhost, a name below it,
 * an address of 127.0.0.0/8 or [::1], with or without a port. NULL, none, is fine: every browser
 * sends one. */
bool srv_host_is_loopback(const char *host);

/* Whether a page of another site sends this: by Sec-Fetch-Site, else by Origin, which is the
 * service's own where it has the host of Host. Each may be NULL; without the first two it is no
 * browser that asks, and false. */
bool srv_origin_is_foreign(const char *fetch_site, const char *origin, const char *host);

#endif
