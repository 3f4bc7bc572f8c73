/* listen.c - see listen.h. */
#include "http/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Splits at the last colon; brackets around the host are taken off. */
static bool split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;

    if (!colon || length == 0 || length >= 256 || strlen(colon + 1) == 0 || strlen(colon + 1) > 5 ||
        strspn(colon + 1, "0123456789") != strlen(colon + 1))
        return false;
    if (address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    snprintf(port, 8, "%s", colon + 1);
    return true;
}

static int open_socket(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, SOMAXCONN) != 0) {
        int cause = errno;

        close(fd);
        errno = cause;
        return -1;
    }
    return fd;
}

static int bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return -1;
    return ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                               : ((struct sockaddr_in *)&address)->sin_port);
}

bool srv_listens_on_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    const struct in6_addr *six = &((struct sockaddr_in6 *)&address)->sin6_addr;

    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0)
        return false;
    if (address.ss_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    return address.ss_family == AF_INET &&
           ntohl(((struct sockaddr_in *)&address)->sin_addr.s_addr) >> 24 == 127;
}

enum fsn_status srv_listen(const char *address, int *socket_fd, int *port, struct fsn_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    char host[256], service[8];
    int code, fd;

    if (!split(address, host, service))
        return SRV_FAIL(err, FSN_INVALID, "--listen: expected HOST:PORT, got '%s'", address);
    code = getaddrinfo(host, service, &hints, &found);
    if (code != 0)
        return SRV_FAIL(err, FSN_IO, "cannot resolve %s: %s", address, gai_strerror(code));
    fd = open_socket(found);
    freeaddrinfo(found);
    if (fd < 0)
        return SRV_FAIL(err, FSN_IO, "cannot listen on %s: %s", address, strerror(errno));
    *socket_fd = fd;
    *port = bound_port(fd);
    return FSN_OK;
}
