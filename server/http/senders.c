/* senders.c - see senders.h. */
#include "http/senders.h"

#include <string.h>
#include <sys/socket.h>

bool srv_senders_begin(struct srv_senders *senders)
{
    senders->first = NULL;
    return uv_mutex_init(&senders->mutex) == 0;
}

void srv_senders_end(struct srv_senders *senders)
{
    uv_mutex_destroy(&senders->mutex);
}

void srv_senders_add(struct srv_senders *senders, struct srv_request *request)
{
    uv_mutex_lock(&senders->mutex);
    request->next_sender = senders->first;
    senders->first = request;
    uv_mutex_unlock(&senders->mutex);
}

void srv_senders_remove(struct srv_senders *senders, struct srv_request *request)
{
    uv_mutex_lock(&senders->mutex);
    for (struct srv_request **at = &senders->first; *at; at = &(*at)->next_sender) {
        if (*at == request) {
            *at = request->next_sender;
            break;
        }
    }
    uv_mutex_unlock(&senders->mutex);
}

/* The socket stays open for as long as the request is in the list, so that its number cannot have
 * become another's. */
static void cut(struct srv_request *request)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(request->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

    if (info)
        shutdown(info->connect_fd, SHUT_RDWR); /* fails where it is closed on the other side */
}

void srv_senders_cut_off(struct srv_senders *senders, const char *target)
{
    uv_mutex_lock(&senders->mutex);
    for (struct srv_request *at = senders->first; at; at = at->next_sender) {
        if (strcmp(at->body.target, target) == 0)
            cut(at);
    }
    uv_mutex_unlock(&senders->mutex);
}
