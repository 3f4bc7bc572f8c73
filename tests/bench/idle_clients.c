/* idle_clients.c - idle_clients PORT PATH COUNT: opens so many connections to 127.0.0.1, asks for
 * PATH on each, says "connected" when every one has been answered, and holds them until it is
 * killed. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    char request[512], answer[512];
    long count;

    if (argc != 4)
        return 2;
    to.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    count = strtol(argv[3], NULL, 10);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", argv[2]);
    for (long i = 0; i < count; i++) {
        const int fd = socket(AF_INET, SOCK_STREAM, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
            write(fd, request, strlen(request)) < 0 || read(fd, answer, sizeof answer) < 12 ||
            memcmp(answer, "HTTP/1.1 200", 12) != 0) {
            fprintf(stderr, "connection %ld: no 200\n", i + 1);
            return 1;
        }
    }
    puts("connected");
    fflush(stdout);
    pause();
    return 0;
}
