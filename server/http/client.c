/* client.c - see client.h. */
#include "http/client.h"

#include <string.h>

_Static_assert(SRV_CLIENT_SIZE >= SRV_TOKEN_ID_SIZE, "either fits");

/* Of who is connected, which is a proxy where there is one: what it says of others,
 * X-Forwarded-For, anyone could say. */
void srv_client_address(const struct srv_request *request, char out[SRV_ADDRESS_SIZE])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

    if (!info || !srv_address_text(info->client_addr, out))
        memcpy(out, "-", sizeof "-");
}

void srv_client_name(const struct srv_request *request, char out[SRV_CLIENT_SIZE])
{
    const char *token = request->caller.token_id;

    if (*token)
        memcpy(out, token, SRV_TOKEN_ID_SIZE);
    else
        srv_client_address(request, out);
}
