/* remote_http.c - calls to a service, and the only file of the command line that knows libcurl.
 *
 * Certificates are verified, redirections are not followed (a token is for one server), only http
 * and https are spoken. Bodies that are kept have a limit; those of any size go through a callback.
 */
#include "remote.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_URL = 2000, CONNECT_SECONDS = 20 };
/* An answer that is kept: a report of thousands of layers is a few megabytes. */
enum { MAX_ANSWER = 64 << 20 };
/* To check an upload of gigabytes may take a server minutes. */
enum { SILENCE_SECONDS = 600 };

struct remote_http {
    CURL *curl;
    const struct remote_server *server;
    struct curl_slist *headers;
    const struct remote_call *call; /* in hand */
    struct remote_answer *answer;
    int64_t sent, received;
    double heard; /* when bytes went either way last */
    bool stopped, silent, too_large;
    char url[MAX_URL + REMOTE_QUERY_SIZE], error[CURL_ERROR_SIZE];
};

/* ---- addresses ---------------------------------------------------------------------------------
 */

static bool has(CURLU *url, CURLUPart part)
{
    char *text = NULL;
    bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;

    curl_free(text);
    return found;
}

static const char *refuses(CURLU *url, const char *text)
{
    char *scheme = NULL;
    const char *why = NULL;

    if (strlen(text) > MAX_URL ||
        curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK ||
        curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        why = "must be an http or https URL";
    else if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
        why = "must not hold a user or a password; the service takes tokens";
    else if (has(url, CURLUPART_QUERY) || has(url, CURLUPART_FRAGMENT))
        why = "must not have a query or a fragment";
    curl_free(scheme);
    return why;
}

char *remote_url(const char *text, const char **why)
{
    CURLU *url = curl_url();
    char *whole = NULL, *copy = NULL;

    *why = url ? refuses(url, text) : "out of memory";
    if (!*why && curl_url_get(url, CURLUPART_URL, &whole, CURLU_NO_DEFAULT_PORT) == CURLUE_OK)
        copy = strdup(whole);
    if (!*why && !copy)
        *why = "out of memory";
    for (size_t size = copy ? strlen(copy) : 0; size > 0 && copy[size - 1] == '/'; size--)
        copy[size - 1] = '\0';
    curl_free(whole);
    curl_url_cleanup(url);
    return copy;
}

/* ---- what goes and comes -----------------------------------------------------------------------
 */

static size_t on_read(char *bytes, size_t one, size_t size, void *user)
{
    struct remote_http *http = user;
    ssize_t n =
        pread(*http->call->file, bytes, one * size, (off_t)(http->call->file_from + http->sent));

    if (n < 0)
        return CURL_READFUNC_ABORT;
    http->sent += n;
    http->heard = cli_now_seconds();
    return (size_t)n;
}

/* A body is sent anew where a kept connection turns out to be closed. */
static int on_seek(void *user, curl_off_t offset, int origin)
{
    struct remote_http *http = user;

    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    http->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static bool keep(struct remote_http *http, const char *bytes, size_t size)
{
    struct remote_answer *answer = http->answer;
    char *grown;

    if (size > MAX_ANSWER - answer->size) {
        http->too_large = true;
        return false;
    }
    /* curl hands over 16 kB at a time, so that an answer is a few blocks. */
    grown = realloc(answer->text, answer->size + size + 1);
    if (!grown)
        return false;
    memcpy(grown + answer->size, bytes, size);
    answer->text = grown;
    answer->size += size;
    grown[answer->size] = '\0';
    return true;
}

static size_t on_write(char *bytes, size_t one, size_t size, void *user)
{
    struct remote_http *http = user;
    long status = 0;

    size *= one;
    http->heard = cli_now_seconds();
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    if (!http->call->take || (status != 200 && status != 206))
        return keep(http, bytes, size) ? size : 0;
    http->received += (int64_t)size;
    if (http->call->take(http->call->user, (int)status, bytes, size))
        return size;
    http->stopped = true;
    return 0;
}

static int on_progress(void *user, curl_off_t down_total, curl_off_t down, curl_off_t up_total,
                       curl_off_t up)
{
    struct remote_http *http = user;
    const struct remote_call *call = http->call;
    const int silence = call->silence > 0 ? call->silence : SILENCE_SECONDS;

    (void)down_total;
    (void)down;
    (void)up_total;
    if (call->progress && !call->progress(call->user, call->file ? up : http->received))
        http->stopped = true;
    if (cli_now_seconds() - http->heard > silence)
        http->silent = true;
    return http->stopped || http->silent;
}

/* ---- a call ------------------------------------------------------------------------------------
 */

struct remote_http *remote_http_open(const struct remote_server *server)
{
    struct remote_http *http = calloc(1, sizeof *http);

    if (http && curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
        http->curl = curl_easy_init();
    if (!http || !http->curl) {
        free(http);
        return NULL;
    }
    http->server = server;
    return http;
}

void remote_http_close(struct remote_http *http)
{
    if (!http)
        return;
    curl_easy_cleanup(http->curl);
    curl_global_cleanup();
    free(http);
}

void remote_answer_clear(struct remote_answer *answer)
{
    free(answer->text);
    memset(answer, 0, sizeof *answer);
}

static bool add_header(struct remote_http *http, const char *text)
{
    struct curl_slist *grown = curl_slist_append(http->headers, text);

    if (grown)
        http->headers = grown;
    return grown != NULL;
}

static bool set_headers(struct remote_http *http, const struct remote_call *call)
{
    char line[1200];

    if (http->server->token) {
        if (snprintf(line, sizeof line, "Authorization: Bearer %s", http->server->token) >=
                (int)sizeof line ||
            !add_header(http, line))
            return false;
    }
    snprintf(line, sizeof line, "Content-Type: %s",
             call->file_type ? call->file_type : "application/offset+octet-stream");
    if ((call->body && !add_header(http, "Content-Type: application/json")) ||
        (call->file && !add_header(http, line)))
        return false;
    for (size_t i = 0; i < sizeof call->headers / sizeof *call->headers && call->headers[i]; i++)
        if (!add_header(http, call->headers[i]))
            return false;
    return true;
}

#define SET(option, value) curl_easy_setopt(http->curl, CURLOPT_##option, (value)) == CURLE_OK

/* The body of a POST or PATCH: the file, the JSON, or nothing. */
static bool set_body(struct remote_http *http, const struct remote_call *call)
{
    const char *text = call->body ? call->body : "";

    if (call->file)
        return SET(POST, 1L) && SET(POSTFIELDSIZE_LARGE, (curl_off_t)call->file_bytes) &&
               SET(READFUNCTION, on_read) && SET(READDATA, http) && SET(SEEKFUNCTION, on_seek) &&
               SET(SEEKDATA, http);
    return SET(POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text)) && SET(POSTFIELDS, text);
}

static bool set_options(struct remote_http *http, const struct remote_call *call)
{
    const bool sends = strcmp(call->method, "POST") == 0 || strcmp(call->method, "PATCH") == 0;

    curl_easy_reset(http->curl); /* connections stay */
    return SET(URL, http->url) && SET(PROTOCOLS_STR, "http,https") &&
           SET(HTTPHEADER, http->headers) && SET(USERAGENT, "fsnet/" FSN_VERSION) &&
           SET(ERRORBUFFER, http->error) && SET(FOLLOWLOCATION, 0L) &&
           SET(CONNECTTIMEOUT, (long)CONNECT_SECONDS) && SET(WRITEFUNCTION, on_write) &&
           SET(WRITEDATA, http) && SET(NOPROGRESS, 0L) && SET(XFERINFOFUNCTION, on_progress) &&
           SET(XFERINFODATA, http) &&
           (!http->server->ca_file || SET(CAINFO, http->server->ca_file)) &&
           (!sends || set_body(http, call)) &&
           (strcmp(call->method, "GET") == 0 || SET(CUSTOMREQUEST, call->method));
}
#undef SET

/* Only what lies on the server that was asked is taken: a path, as the service writes it. */
static void read_location(struct remote_http *http)
{
    struct curl_header *header;
    const char *value;

    if (curl_easy_header(http->curl, "Location", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return;
    value = header->value;
    if (strncmp(value, "/v1/", 4) == 0 && strlen(value) < sizeof http->answer->location &&
        strspn(value, "/_abcdefghijklmnopqrstuvwxyz0123456789") == strlen(value))
        snprintf(http->answer->location, sizeof http->answer->location, "%s", value);
}

/* What trying again cannot mend. */
static bool is_final(CURLcode code)
{
    switch (code) {
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_ABORTED_BY_CALLBACK: /* the file cannot be read */
        return true;
    default:
        return false;
    }
}

enum remote_result remote_http_call(struct remote_http *http, const struct remote_call *call,
                                    struct remote_answer *answer)
{
    CURLcode code = CURLE_OUT_OF_MEMORY;
    long status = 0;

    memset(answer, 0, sizeof *answer);
    http->call = call;
    http->answer = answer;
    http->sent = http->received = 0;
    http->heard = cli_now_seconds();
    http->stopped = http->silent = http->too_large = false;
    http->error[0] = '\0';
    if (snprintf(http->url, sizeof http->url, "%s%s", http->server->url, call->path) >=
        (int)sizeof http->url)
        code = CURLE_URL_MALFORMAT;
    else if (set_headers(http, call) && set_options(http, call))
        code = curl_easy_perform(http->curl);
    curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &status);
    curl_slist_free_all(http->headers);
    http->headers = NULL;
    answer->status = (int)status;
    read_location(http);
    /* A server that refuses a body may close before all of it is sent; its answer counts. */
    if (code == CURLE_OK || (code == CURLE_SEND_ERROR && status >= 400))
        return REMOTE_ANSWERED;
    snprintf(answer->error, sizeof answer->error, "%s: %s", http->server->url,
             http->too_large ? "the answer is too large"
             : http->silent  ? "the server says nothing any more"
             : *http->error  ? http->error
                             : curl_easy_strerror(code));
    if (http->stopped)
        return REMOTE_STOPPED;
    return (is_final(code) && !http->silent) || http->too_large ? REMOTE_IMPOSSIBLE
                                                                : REMOTE_UNREACHABLE;
}
