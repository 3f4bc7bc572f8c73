/* remote.h - what the files of `fsnet remote` share: the server that is asked, calls to it, and
 * what it answers. A service is a client's outside: what it sends is bounded and checked like any
 * file. */
#ifndef FSNET_CLI_REMOTE_H
#define FSNET_CLI_REMOTE_H

#include "cli.h"

/* Exit codes of a job that was watched to its end, beside those of every command. */
enum { CLI_JOB_FAILED = 3, CLI_JOB_CANCELLED = 4, CLI_INTERRUPTED = 130 };

extern const struct cli_command cli_remote_login, cli_remote_logout, cli_remote_upload_model,
    cli_remote_upload_data, cli_remote_submit, cli_remote_watch, cli_remote_jobs, cli_remote_job,
    cli_remote_cancel, cli_remote_delete, cli_remote_report, cli_remote_download, cli_remote_models,
    cli_remote_datasets, cli_remote_retry, cli_remote_change, cli_remote_again, cli_remote_predict;
/* Every command that asks a service takes these. */
#define REMOTE_OPTIONS CLI_OPT_SERVER, CLI_OPT_CACERT

/* ---- the server (remote_server.c) --------------------------------------------------------------
 */

struct remote_server {
    char *url;     /* without a slash at its end */
    char *token;   /* NULL: none */
    char *ca_file; /* NULL: the system's */
};

/* From --server, FSNET_SERVER or the login, in this order; the token from FSNET_TOKEN, else from
 * the login if that is at the very server that is asked. Says what is missing. remote_server_clear
 * frees. */
bool remote_server_find(const struct cli_args *args, struct remote_server *out);
void remote_server_clear(struct remote_server *server);
/* Keeps or forgets a login. They say what went wrong; *was tells whether there was one. */
bool remote_login_store(const struct cli_command *command, const struct remote_server *server);
bool remote_login_remove(const struct cli_command *command, bool *was);
/* mkdir -p, for the user alone. False: errno. */
enum { REMOTE_FILE_SIZE = 4096 }; /* of a path on this machine */
bool remote_make_folder(const char *folder);
/* A token as a header may carry it: visible ASCII, at most 1000 bytes. */
bool remote_is_token(const char *text);

/* ---- calls (remote_http.c, which alone knows libcurl) ------------------------------------------
 */

/* A new copy of an http or https URL as it is compared and stored: no user, query, fragment,
 * default port or slash at its end. NULL: it is none, and *why says so. */
char *remote_url(const char *text, const char **why);

enum { REMOTE_PATH_SIZE = 512, REMOTE_QUERY_SIZE = 4096 }; /* without and with a query */

enum remote_result {
    REMOTE_ANSWERED,    /* with whatever status */
    REMOTE_UNREACHABLE, /* or cut off: it may help to try again */
    REMOTE_IMPOSSIBLE,  /* a certificate that is not trusted, no memory */
    REMOTE_STOPPED      /* a callback said so */
};

enum { REMOTE_TRIES = 3 }; /* of a call that may be made again */

struct remote_call {
    const char *method;            /* GET, POST, PATCH, DELETE */
    const char *path;              /* "/v1/jobs?limit=1" */
    const char *body;              /* JSON, or NULL */
    const int *file;               /* sent as the body; NULL: none */
    const char *file_type;         /* of it; NULL: a part of an upload */
    int64_t file_from, file_bytes; /* where it begins there, and how much it is */
    int tries;   /* up to so many where remote_may_retry, seconds between them; 0: one */
    int silence; /* seconds after which a server that says nothing is taken for gone; 0: 600 */
    const char *headers[4]; /* "Name: value", up to the first NULL */
    /* Takes the body of a 200 or 206 as it comes; false ends the call. NULL: it is kept for
     * remote_answer.text. */
    bool (*take)(void *user, int status, const char *bytes, size_t size);
    /* Bytes of the file sent, or given to take; called at least once a second; false ends the call.
     * May be NULL. */
    bool (*progress)(void *user, int64_t done);
    void *user;
};

struct remote_answer {
    int status;
    char *text; /* of the body, NUL past its end; NULL: it was empty */
    size_t size;
    char location[REMOTE_PATH_SIZE]; /* a path below the server, or "" */
    char error[320];                 /* why there is no answer */
};

struct remote_http;
/* NULL: no memory. The server must outlive it. Connections are kept from call to call. */
struct remote_http *remote_http_open(const struct remote_server *server);
void remote_http_close(struct remote_http *http);
enum remote_result remote_http_call(struct remote_http *http, const struct remote_call *call,
                                    struct remote_answer *answer);
void remote_answer_clear(struct remote_answer *answer);

/* ---- answers (remote_answer.c) -----------------------------------------------------------------
 */

/* A command at work. */
struct remote {
    const struct cli_args *args;
    struct remote_server server;
    struct remote_http *http;
};
/* False after saying why. */
bool remote_begin(const struct cli_args *args, struct remote *out);
void remote_end(struct remote *remote);
/* Says why there is no answer, or what the problem document holds: title, detail, every fault with
 * its pointer. */
void remote_explain(const struct remote *remote, enum remote_result result,
                    const struct remote_answer *answer);
/* Whether another try may go better: the server was not there, or it or a proxy says that it cannot
 * now. */
bool remote_may_retry(enum remote_result result, const struct remote_answer *answer);
/* The text's JSON, control characters in its strings blanked, so that it can go to a terminal;
 * NULL: it is none, or has them in a key. */
json_t *remote_parse(const char *text, size_t size);
/* Calls, and gives the object of an answer of 2xx (null for that of a DELETE), new; NULL after
 * saying why not. */
json_t *remote_json(const struct remote *remote, const struct remote_call *call);
json_t *remote_get(const struct remote *remote, const char *path);
/* Shows the answer (takes it) by print, or with --json as it came; an exit code. */
int remote_tell(const struct cli_args *args, json_t *answer, void (*print)(const json_t *));
/* The string of this key; "" where there is none. */
const char *remote_text(const json_t *object, const char *key);
/* cli_tell_left_out of a data set as the service answers it. */
void remote_tell_left_out(const struct cli_command *command, const json_t *dataset);
/* Says that an answer of this status is none of the service's. */
void remote_say_strange(const struct remote *remote, int status);

/* ---- paths (remote_paths.c) --------------------------------------------------------------------
 */

enum { REMOTE_NAME_SIZE = 101 }; /* of an id or a file's name */
enum remote_kind { REMOTE_JOB, REMOTE_MODEL, REMOTE_DATASET };
/* Of what has this id, by what it begins with; what begins otherwise is taken for a job's. */
enum remote_kind remote_kind_of(const char *id);
/* "/v1/jobs/ID" of a job, as of the others, and what follows, in path, if the id can stand there as
 * it is; says so if not. */
bool remote_path(const struct cli_command *command, enum remote_kind kind, const char *id,
                 const char *rest, char path[REMOTE_PATH_SIZE]);
/* Whether a job's file may be called so: a name that leads out of its folder, or hides in it, is
 * none. */
bool remote_is_file_name(const char *name);

/* A path with a query. */
struct remote_query {
    char path[REMOTE_QUERY_SIZE];
    size_t size;
    bool begun, full; /* a parameter is there; one more was not to be held */
};
void remote_query_begin(struct remote_query *query, const char *path);
/* Adds a parameter, its value percent-encoded (RFC 3986); none of NULL. */
void remote_query_add(struct remote_query *query, const char *key, const char *value);

/* remote_fields.c: sets in object what the options say of a job beside its settings: name, labels,
 * priority, bound. What they take away is null there, as in a merge patch, or else left out. False
 * after saying why not. */
bool remote_put_fields(const struct cli_args *args, bool patch, json_t *object);
/* Sets the option's text, where it is given. */
bool remote_put_text(const struct cli_args *args, enum cli_option_id id, const char *key,
                     json_t *object);
#define REMOTE_FIELD_OPTIONS \
    CLI_OPT_NAME, CLI_OPT_LABEL, CLI_OPT_REMOVE_LABEL, CLI_OPT_PRIORITY, CLI_OPT_MAX_RUN_SECONDS

/* remote_jobs.c: a job as `fsnet remote job` shows it. */
void remote_print_job(const json_t *job);

/* ---- files -------------------------------------------------------------------------------------
 */

/* remote_file.c: a regular file of so many bytes (may be NULL), open; an empty one is none; -1
 * after saying why not, of a folder what is taken instead. */
int remote_open_file(const struct cli_command *command, const char *path, const char *instead,
                     int64_t *bytes);

/* remote_digest.c: SHA-256 of the whole file in hex, and its size. False: it cannot be read
 * (errno). */
enum { REMOTE_SHA256_SIZE = 65 };
bool remote_digest(int file, char hex[REMOTE_SHA256_SIZE], int64_t *bytes);
void remote_digest_text(const char *text, char hex[REMOTE_SHA256_SIZE]);
/* The text in BASE64, new; NULL: no memory. */
char *remote_base64(const char *text);

/* remote_begun.c: an upload that was begun, kept until it is done, for a later command with the
 * same file and server. */
struct remote_begun {
    int file; /* open, and this command's alone; -1: there is no place for it, nothing is kept */
    char path[REMOTE_FILE_SIZE];
    char upload[REMOTE_PATH_SIZE]; /* on the server; "": none is known */
};
/* What an earlier command has begun of this content under this metadata on that server. Where
 * another one is at it right now, nothing is known and nothing kept. */
void remote_begun_open(struct remote_begun *begun, const char *server, const char *metadata,
                       const char *sha256);
/* Writes down that it goes to this path of the server from now on. */
void remote_begun_keep(struct remote_begun *begun, const char *server, const char *sha256,
                       const char *upload);
/* Forgets it when it is done: there is nothing to go on with. */
void remote_begun_close(struct remote_begun *begun, bool done);

/* remote_parts.c: sends an open file of so many bytes, whose SHA-256 this is, as an upload with
 * this metadata (tus.io), or what is missing of one that was begun; what it has become is the path
 * in resource. False after saying why. */
bool remote_send(const struct remote *remote, int file, int64_t bytes, const char *sha256,
                 const char *metadata, char resource[REMOTE_PATH_SIZE]);

/* remote_transfer.c: how far a transfer is, on standard error: a bar on a terminal, elsewhere a
 * line now and then. */
struct remote_transfer {
    const char *name;
    int64_t total, from; /* bytes; those that were there before */
    double began, shown; /* seconds */
    bool terminal, drawn;
};
void remote_transfer_begin(struct remote_transfer *transfer, const char *name, int64_t total,
                           int64_t from);
void remote_transfer_step(struct remote_transfer *transfer, int64_t done);
/* what: "sent"; done: all bytes that are there now. */
void remote_transfer_end(struct remote_transfer *transfer, const char *what, int64_t done);

/* ---- a job that runs ---------------------------------------------------------------------------
 */

/* remote_events.c: server-sent events. */
struct remote_events {
    char *line; /* what came of the line in hand */
    size_t size, room;
    char name[32], next_id[64]; /* of the event in hand */
    char *data;                 /* of the event in hand, or NULL */
    size_t data_size;
    char id[64]; /* of the last whole event, "" before */
    void (*take)(void *user, const char *name, const char *data);
    void *user;
};
/* Takes the next bytes of a stream and hands over the events that end in them. False: no memory, or
 * an event beyond a megabyte. */
bool remote_events_add(struct remote_events *events, const char *bytes, size_t size);
/* Forgets what was begun, for a new stream, and frees it; id stays. */
void remote_events_cut(struct remote_events *events);

/* remote_show.c: a job (and a row of its curve, or NULL) as the line of progress that `fsnet
 * compress` has. */
struct remote_show {
    struct cli_progress progress;
    char waiting[16]; /* the status that was told last, of a job that does not run */
};
void remote_show_begin(struct remote_show *show);
void remote_show_step(struct remote_show *show, const json_t *job, const json_t *epoch_row);

/* remote_watch.c: watches the job to its end, an exit code: 0, CLI_JOB_FAILED, CLI_JOB_CANCELLED,
 * CLI_INTERRUPTED (the job runs on), CLI_FAILURE. With --json the job as it ended goes to standard
 * output. */
int remote_watch(const struct remote *remote, const char *job_id);
/* Sleeps, unless Ctrl-C comes or came while jobs are watched; false then. */
bool remote_pause(double seconds);

#endif
