/* client.h - who is at the other end. */
#ifndef SRV_HTTP_CLIENT_H
#define SRV_HTTP_CLIENT_H

#include "http/request.h"

/* Fills request->client: the address that is connected, without the port, or, where that is a proxy
 * of ours, what this says of who asked it; "-" when there is none. */
void srv_client_find(struct srv_request *request, const struct srv_proxies *proxies);

/* What tells one caller from another: the id of its token, or, where none is asked for, its
 * address. Borrowed from the request. */
const char *srv_client_name(const struct srv_request *request);

#endif
