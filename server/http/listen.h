/* listen.h - the listening socket from "HOST:PORT". */
#ifndef SRV_HTTP_LISTEN_H
#define SRV_HTTP_LISTEN_H

#include "base/error.h"

/* Whether the text is HOST:PORT, with a port from 0 to 65535. */
bool srv_listen_can_be(const char *address);

/* Binds and listens. HOST may be a name, an IPv4 address or an IPv6 address in brackets; port 0
 * takes a free one. *port is the one bound. Errors: INVALID (not HOST:PORT), IO. */
FSN_NODISCARD enum fsn_status srv_listen(const char *address, int *socket_fd, int *port,
                                         struct fsn_error *err);

/* Whether the socket is bound to an address that this machine alone reaches: 127.0.0.0/8, ::1. */
bool srv_listens_on_loopback(int socket_fd);

/* Whether srv_listen could; nothing is served meanwhile. *in_use: another socket has the port.
 * Errors: as of srv_listen, but for that one. */
FSN_NODISCARD enum fsn_status srv_listen_try(const char *address, bool *loopback, bool *in_use,
                                             struct fsn_error *err);

#endif
