/* client.c - see client.h. */
#include "http/client.h"

#include <string.h>
#include <strings.h>

struct reading {
    const struct srv_proxies *proxies;
    struct srv_forwarded forwarded;
};

static enum MHD_Result read_header(void *user, enum MHD_ValueKind kind, const char *name,
                                   const char *value)
{
    struct reading *reading = user;

    (void)kind;
    if (value && strcasecmp(name, "X-Forwarded-For") == 0)
        srv_forwarded_read(&reading->forwarded, reading->proxies, value);
    return MHD_YES;
}

void srv_client_find(struct srv_request *request, const struct srv_proxies *proxies)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    struct reading reading = {.proxies = proxies};
    struct srv_address peer;

    if (!info || !srv_address_of(info->client_addr, &peer)) {
        memcpy(request->client, "-", sizeof "-");
        return;
    }
    if (srv_proxies_have(proxies, &peer))
        MHD_get_connection_values(request->connection, MHD_HEADER_KIND, read_header, &reading);
    srv_address_write(reading.forwarded.known ? &reading.forwarded.address : &peer,
                      request->client);
}

const char *srv_client_name(const struct srv_request *request)
{
    return *request->caller.token_id ? request->caller.token_id : request->client;
}
