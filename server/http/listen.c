/* listen.c - see listen.h. */
#include "http/listen.h"

#include "base/number.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_PORT 65535

/* Splits at the last colon; brackets around the host are taken off. */
static bool split(const char *address, char host[256], char port[8])
{
    const char *colon = strrchr(address, ':');
    size_t length = colon ? (size_t)(colon - address) : 0;
    int64_t number;

    if (!colon || length == 0 || length >= 256 ||
        !srv_number_parse(colon + 1, false, 0, MAX_PORT, &number))
        return false;
    if (address[0] == '[' && address[length - 1] == ']') {
        address++;
        length -= 2;
    }
    memcpy(host, address, length);
    host[length] = '\0';
    snprintf(port, 8, "%d", (int)number);
    return true;
}

bool srv_listen_can_be(const char *address)
{
    char host[256], port[8];

    return split(address, host, port);
}

/* *out: freeaddrinfo. */
static enum fsn_status resolve(const char *address, struct addrinfo **out, struct fsn_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    char host[256], service[8];
    int code;

    if (!split(address, host, service))
        return SRV_FAIL(err, FSN_INVALID, "--listen: expected HOST:PORT, got '%s'", address);
    code = getaddrinfo(host, service, &hints, out);
    if (code != 0)
        return SRV_FAIL(err, FSN_IO, "cannot resolve %s: %s", address, gai_strerror(code));
    return FSN_OK;
}

/* -1: errno says why not. */
static int bind_socket(const struct addrinfo *info)
{
    const int on = 1;
    int fd = socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    info->ai_protocol);

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0) {
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

static bool is_loopback(const struct sockaddr *address)
{
    const struct sockaddr_in *four = (const void *)address;
    const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr;

    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(six) || (IN6_IS_ADDR_V4MAPPED(six) && six->s6_addr[12] == 127);
    return address->sa_family == AF_INET && ntohl(four->sin_addr.s_addr) >> 24 == 127;
}

/* *fd -1: it is resolved but cannot be bound, and errno says why. */
static enum fsn_status resolve_and_bind(const char *address, int *fd, bool *loopback,
                                        struct fsn_error *err)
{
    struct addrinfo *found = NULL;
    enum fsn_status status = resolve(address, &found, err);
    int cause;

    *fd = -1;
    if (status != FSN_OK || !found)
        return status;
    *loopback = is_loopback(found->ai_addr);
    *fd = bind_socket(found);
    cause = errno;
    freeaddrinfo(found);
    errno = cause;
    return FSN_OK;
}

bool srv_listens_on_loopback(int fd)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    return getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
           is_loopback((const struct sockaddr *)&address);
}

static enum fsn_status fail(const char *address, struct fsn_error *err)
{
    return SRV_FAIL(err, FSN_IO, "cannot listen on %s: %s", address, strerror(errno));
}

enum fsn_status srv_listen(const char *address, int *socket_fd, int *port, struct fsn_error *err)
{
    bool loopback;
    int fd;
    enum fsn_status status = resolve_and_bind(address, &fd, &loopback, err);

    if (status == FSN_OK && (fd < 0 || listen(fd, SOMAXCONN) != 0))
        status = fail(address, err);
    if (status != FSN_OK) {
        if (fd >= 0)
            close(fd);
        return status;
    }
    *socket_fd = fd;
    *port = bound_port(fd);
    return FSN_OK;
}

enum fsn_status srv_listen_try(const char *address, bool *loopback, bool *in_use,
                               struct fsn_error *err)
{
    int fd;
    enum fsn_status status = resolve_and_bind(address, &fd, loopback, err);

    *in_use = status == FSN_OK && fd < 0 && errno == EADDRINUSE;
    if (status == FSN_OK && fd < 0 && !*in_use)
        status = fail(address, err);
    if (fd >= 0)
        close(fd);
    return status;
}
