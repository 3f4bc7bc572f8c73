/* client.h - who is at the other end. */
#ifndef SRV_HTTP_CLIENT_H
#define SRV_HTTP_CLIENT_H

#include "base/address.h"
#include "http/request.h"

/* The address that the request comes from, without the port; "-" when it has none. */
void srv_client_address(const struct srv_request *request, char out[SRV_ADDRESS_SIZE]);

/* What tells one caller from another: the id of its token, or, where none is asked for, its
 * address. */
#define SRV_CLIENT_SIZE SRV_ADDRESS_SIZE /* the longer one */
void srv_client_name(const struct srv_request *request, char out[SRV_CLIENT_SIZE]);

#endif
