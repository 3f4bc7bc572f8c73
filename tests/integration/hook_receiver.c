/* hook_receiver.c - a receiver of webhooks for the tests: hook_receiver PORT_FILE FOLDER. Request n
 * leaves its headers in FOLDER/n.head ("name: value", lower case) and its body in FOLDER/n.body, in
 * this order, before it is answered. The path says how:
 *
 *     /fail/N      500 for the first N requests of this path's kind, then 204
 *     /status/S    S
 *     /retry/S/V   S with "Retry-After: V"
 *     /redirect    302 to /status/204
 *     /long        200 with a body of 16 MiB
 *     /said/...    200 with what the file FOLDER/said holds
 *     /slow        not at all, for a minute
 *     else         204
 */
#include <ctype.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    char *body;
    size_t size;
};

static const char *folder;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int received, failed; /* guarded by lock */

static FILE *open_file(int number, const char *kind)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%d.%s", folder, number, kind);
    return fopen(path, "w");
}

static enum MHD_Result write_header(void *file, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    (void)kind;
    for (; *name; name++)
        fputc(tolower((unsigned char)*name), file);
    fprintf(file, ": %s\n", value ? value : "");
    return MHD_YES;
}

/* The body is renamed into place, so that who waits for it finds it whole. */
static void keep(struct MHD_Connection *connection, const char *url, const struct request *request)
{
    char from[512], to[512];
    FILE *head, *body;
    int number;

    pthread_mutex_lock(&lock);
    number = ++received;
    head = open_file(number, "head");
    body = open_file(number, "part");
    if (!head || !body)
        abort();
    fprintf(head, "path: %s\n", url);
    MHD_get_connection_values(connection, MHD_HEADER_KIND, write_header, head);
    if (request->size > 0)
        fwrite(request->body, 1, request->size, body);
    fclose(head);
    fclose(body);
    snprintf(from, sizeof from, "%s/%d.part", folder, number);
    snprintf(to, sizeof to, "%s/%d.body", folder, number);
    if (rename(from, to) != 0)
        abort();
    pthread_mutex_unlock(&lock);
}

static unsigned status_for(const char *url)
{
    unsigned status = MHD_HTTP_NO_CONTENT;

    if (strncmp(url, "/status/", 8) == 0)
        return (unsigned)atoi(url + 8);
    if (strncmp(url, "/retry/", 7) == 0)
        return (unsigned)atoi(url + 7);
    if (strcmp(url, "/redirect") == 0)
        return MHD_HTTP_FOUND;
    if (strcmp(url, "/long") == 0 || strncmp(url, "/said/", 6) == 0)
        return MHD_HTTP_OK;
    if (strcmp(url, "/slow") == 0)
        sleep(60);
    pthread_mutex_lock(&lock);
    if (strncmp(url, "/fail/", 6) == 0 && failed < atoi(url + 6)) {
        failed++;
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
    pthread_mutex_unlock(&lock);
    return status;
}

/* The answer's body, new. */
static char *body_for(const char *url, size_t *size)
{
    const size_t most = (size_t)16 << 20;
    char *bytes = calloc(1, most + 1);
    FILE *file = NULL;
    char path[512];

    *size = strcmp(url, "/long") == 0 ? most : 0;
    snprintf(path, sizeof path, "%s/said", folder);
    if (strncmp(url, "/said/", 6) == 0)
        file = fopen(path, "r");
    if (file && bytes)
        *size = fread(bytes, 1, most, file);
    if (file)
        fclose(file);
    return bytes;
}

static enum MHD_Result answer(struct MHD_Connection *connection, const char *url)
{
    const unsigned status = status_for(url);
    size_t size;
    char *bytes = body_for(url, &size);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(size, bytes, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result result;

    if (status == MHD_HTTP_FOUND)
        MHD_add_response_header(response, MHD_HTTP_HEADER_LOCATION, "/status/204");
    if (strncmp(url, "/retry/", 7) == 0 && strrchr(url, '/') > url + 7)
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, strrchr(url, '/') + 1);
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result handle(void *unused, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *size, void **state)
{
    struct request *request = *state;

    (void)unused, (void)method, (void)version;
    if (!request) {
        *state = calloc(1, sizeof *request);
        return *state ? MHD_YES : MHD_NO;
    }
    if (*size > 0) {
        char *grown = realloc(request->body, request->size + *size);

        if (!grown)
            return MHD_NO;
        memcpy(grown + request->size, data, *size);
        request->body = grown;
        request->size += *size;
        *size = 0;
        return MHD_YES;
    }
    keep(connection, url, request);
    return answer(connection, url);
}

static void completed(void *unused, struct MHD_Connection *connection, void **state,
                      enum MHD_RequestTerminationCode code)
{
    struct request *request = *state;

    (void)unused, (void)connection, (void)code;
    if (request)
        free(request->body);
    free(request);
}

int main(int argc, char **argv)
{
    struct MHD_Daemon *daemon;
    char temporary[512];
    FILE *file;

    if (argc != 3) {
        fprintf(stderr, "usage: hook_receiver PORT_FILE FOLDER\n");
        return 2;
    }
    folder = argv[2];
    daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION, 0,
                              NULL, NULL, handle, NULL, MHD_OPTION_NOTIFY_COMPLETED, completed,
                              NULL, MHD_OPTION_END);
    snprintf(temporary, sizeof temporary, "%s.tmp", argv[1]);
    file = daemon ? fopen(temporary, "w") : NULL;
    if (!file ||
        fprintf(file, "%d\n", MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port) < 0 ||
        fclose(file) != 0 || rename(temporary, argv[1]) != 0)
        return 1;
    for (;;)
        pause();
}
