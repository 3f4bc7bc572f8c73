/* courier.c - see courier.h. */
#include "jobs/courier.h"

#include "base/address.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { CONNECT_TIMEOUT_MS = 5000, MOST_ANSWER = 65536, MOST_URL = 2000 };

struct transfer {
    struct srv_courier *courier;
    CURL *easy;
    struct curl_slist *headers;
    void *user;
    size_t received;
    const char *refused; /* the kind of an address that was not connected to; NULL: none */
    char problem[CURL_ERROR_SIZE];
};

struct srv_courier {
    CURLM *multi;
    bool allow_private;
    struct transfer *transfers[SRV_COURIER_ROOM]; /* NULL: free */
};

/* ---- where to -------------------------------------------------------------------------------- */

/* "localhost" and what ends in it is this machine, whatever a resolver says (RFC 6761). */
static bool is_localhost(const char *host)
{
    static const char name[] = "localhost";
    size_t length = strlen(host), tail = sizeof name - 1;

    if (length > 0 && host[length - 1] == '.')
        length--;
    return length >= tail && strncasecmp(host + length - tail, name, tail) == 0 &&
           (length == tail || host[length - tail - 1] == '.');
}

static const char *refuses_host(char *host)
{
    const char *kind;
    char *zone;

    if (is_localhost(host))
        return "must not name this machine; --webhook-allow-private on lets it";
    if (*host == '[') { /* an IPv6 address, perhaps with a zone */
        host++;
        host[strcspn(host, "]")] = '\0';
        zone = strchr(host, '%');
        if (zone)
            *zone = '\0';
    }
    kind = srv_address_text_not_public(host);
    return kind && *kind ? "must not be an address of this machine or its networks; "
                           "--webhook-allow-private on lets it"
                         : NULL;
}

static const char *refuses_parts(CURLU *url, bool allow_private)
{
    char *scheme = NULL, *host = NULL, *user = NULL, *password = NULL;
    const char *why = NULL;

    if (curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0))
        why = "must be an http or https URL";
    else if (curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK || *host == '\0')
        why = "must name a host";
    else if (curl_url_get(url, CURLUPART_USER, &user, 0) == CURLUE_OK ||
             curl_url_get(url, CURLUPART_PASSWORD, &password, 0) == CURLUE_OK)
        why = "must not hold a user or a password; the signature tells who sends";
    else if (!allow_private)
        why = refuses_host(host);
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_free(password);
    return why;
}

const char *srv_courier_refuses(const char *text, bool allow_private)
{
    const char *why = "must be an http or https URL";
    CURLU *url;

    if (strlen(text) > MOST_URL)
        return "must have at most 2000 bytes";
    url = curl_url();
    if (url && curl_url_set(url, CURLUPART_URL, text, CURLU_NON_SUPPORT_SCHEME) == CURLUE_OK)
        why = refuses_parts(url, allow_private);
    curl_url_cleanup(url);
    return why;
}

/* Called with the very address that is about to be connected to. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct transfer *transfer = user;
    const char *kind = srv_address_not_public(&address->addr);

    (void)purpose;
    if (kind && !transfer->courier->allow_private) {
        transfer->refused = kind;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* ---- transfers ------------------------------------------------------------------------------- */

/* What the receiver answers is counted, so that it ends, and not kept. */
static size_t drop(char *bytes, size_t size, size_t count, void *user)
{
    struct transfer *transfer = user;

    (void)bytes;
    transfer->received += size * count;
    return transfer->received <= MOST_ANSWER ? size * count : 0;
}

static void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    free(transfer);
}

static bool add_header(struct transfer *transfer, const char *header)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, header);

    if (longer)
        transfer->headers = longer;
    return longer != NULL;
}

static bool set_headers(struct transfer *transfer, const char *const *headers)
{
    bool whole =
        add_header(transfer, "Content-Type: application/json") && add_header(transfer, "Expect:");

    for (; whole && *headers; headers++)
        whole = add_header(transfer, *headers);
    return whole;
}

static bool set_options(struct transfer *transfer, const struct srv_letter *letter)
{
    CURL *easy = transfer->easy;

#define SET(option, value) curl_easy_setopt(easy, CURLOPT_##option, (value)) == CURLE_OK
    return set_headers(transfer, letter->headers) && SET(PRIVATE, transfer) &&
           SET(ERRORBUFFER, transfer->problem) && SET(URL, letter->url) &&
           SET(PROTOCOLS_STR, "http,https") && SET(HTTPHEADER, transfer->headers) &&
           SET(USERAGENT, "fsnetd/" FSN_VERSION) && SET(COPYPOSTFIELDS, letter->body) &&
           SET(FOLLOWLOCATION, 0L) && SET(PROXY, "") && SET(NOSIGNAL, 1L) && SET(QUICK_EXIT, 1L) &&
           SET(CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS) &&
           SET(TIMEOUT_MS, (long)SRV_COURIER_TIMEOUT_MS) && SET(OPENSOCKETFUNCTION, open_socket) &&
           SET(OPENSOCKETDATA, transfer) && SET(WRITEFUNCTION, drop) && SET(WRITEDATA, transfer);
#undef SET
}

enum fsn_status srv_courier_send(struct srv_courier *courier, const struct srv_letter *letter,
                                 void *user, struct fsn_error *err)
{
    struct transfer *transfer;
    size_t place = 0;

    while (place < SRV_COURIER_ROOM && courier->transfers[place])
        place++;
    if (place == SRV_COURIER_ROOM)
        return SRV_FAIL(err, FSN_LIMIT, "%d letters are under way", SRV_COURIER_ROOM);
    transfer = calloc(1, sizeof *transfer);
    if (!transfer)
        return SRV_NOMEM(err);
    transfer->courier = courier;
    transfer->user = user;
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !set_options(transfer, letter) ||
        curl_multi_add_handle(courier->multi, transfer->easy) != CURLM_OK) {
        transfer_free(transfer);
        return SRV_NOMEM(err);
    }
    courier->transfers[place] = transfer;
    return FSN_OK;
}

size_t srv_courier_room(const struct srv_courier *courier)
{
    size_t room = 0;

    for (size_t i = 0; i < SRV_COURIER_ROOM; i++)
        room += !courier->transfers[i];
    return room;
}

/* An answer counts though its body was too long or broke off: its status had come. */
static void end_transfer(struct transfer *transfer, CURLcode code, srv_courier_ended_fn *ended,
                         void *user)
{
    struct srv_courier_answer answer = {0};
    char why[CURL_ERROR_SIZE + 64];
    curl_off_t retry_after_s = 0;
    long http_status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &retry_after_s); /* a date, too */
    if (transfer->refused)
        snprintf(why, sizeof why, "the host's address is not public (%s)", transfer->refused);
    else
        snprintf(why, sizeof why, "%s",
                 *transfer->problem ? transfer->problem : curl_easy_strerror(code));
    answer.http_status = (int)http_status;
    answer.retry_after_s = retry_after_s;
    answer.why = http_status ? NULL : why;
    ended(transfer->user, &answer, user);
}

static void remove_transfer(struct srv_courier *courier, struct transfer *transfer)
{
    for (size_t i = 0; i < SRV_COURIER_ROOM; i++)
        if (courier->transfers[i] == transfer)
            courier->transfers[i] = NULL;
    curl_multi_remove_handle(courier->multi, transfer->easy);
    transfer_free(transfer);
}

/* Whether anything had come to its end. */
static bool collect(struct srv_courier *courier, srv_courier_ended_fn *ended, void *user)
{
    CURLMsg *message;
    bool any = false;
    int left;

    while ((message = curl_multi_info_read(courier->multi, &left))) {
        const CURLcode code = message->data.result;
        struct transfer *transfer = NULL;

        if (message->msg != CURLMSG_DONE ||
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer) != CURLE_OK)
            continue;
        any = true;
        end_transfer(transfer, code, ended, user);
        remove_transfer(courier, transfer);
    }
    return any;
}

void srv_courier_turn(struct srv_courier *courier, int wait_ms, srv_courier_ended_fn *ended,
                      void *user)
{
    int running;
    bool fine = curl_multi_perform(courier->multi, &running) == CURLM_OK;

    /* What has ended is told before there is a wait, in which perhaps nothing else happens. */
    if (collect(courier, ended, user))
        return;
    fine = curl_multi_poll(courier->multi, NULL, 0, wait_ms, NULL) == CURLM_OK && fine;
    if (!fine)
        usleep(100000); /* no memory: what was sent times out by itself */
}

void srv_courier_wake(struct srv_courier *courier)
{
    curl_multi_wakeup(courier->multi);
}

enum fsn_status srv_courier_create(bool allow_private, struct srv_courier **out,
                                   struct fsn_error *err)
{
    struct srv_courier *courier = calloc(1, sizeof *courier);

    if (!courier || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(courier);
        return SRV_NOMEM(err);
    }
    courier->allow_private = allow_private;
    courier->multi = curl_multi_init();
    if (!courier->multi) {
        srv_courier_destroy(courier);
        return SRV_NOMEM(err);
    }
    *out = courier;
    return FSN_OK;
}

void srv_courier_destroy(struct srv_courier *courier)
{
    if (!courier)
        return;
    for (size_t i = 0; i < SRV_COURIER_ROOM; i++)
        if (courier->transfers[i])
            remove_transfer(courier, courier->transfers[i]);
    curl_multi_cleanup(courier->multi);
    curl_global_cleanup();
    free(courier);
}
