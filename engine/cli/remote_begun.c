/* remote_begun.c - what is kept of an upload until it is done, so that a later command can go on
 * with it: a file in $XDG_STATE_HOME/fsnet/uploads (~/.local/state without it), for its owner
 * alone,
 *
 *     {"server": "https://...", "sha256": "...", "upload": "/v1/uploads/..."}
 *
 * named by the SHA-256 of server, metadata and content: a file that was changed, or gets another
 * name on the server, is another upload. How much has come is not kept, since the server alone
 * knows it. The command that sends holds a lock on the file, which goes with the process however
 * that ends; another one with the same file meanwhile makes an upload of its own. */
#include "remote.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { MAX_STATE = 4096 }; /* bytes of such a file */

/* The folder, and the file in it. False: no variable says where, or the path is too long. */
static bool state_path(const char *name, char folder[REMOTE_FILE_SIZE], char path[REMOTE_FILE_SIZE])
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    const bool own = state && *state == '/'; /* the XDG specification: others are ignored */
    int size;

    if (!own && (!home || !*home))
        return false;
    size = snprintf(folder, REMOTE_FILE_SIZE, "%s%s/fsnet/uploads", own ? state : home,
                    own ? "" : "/.local/state");
    return size < REMOTE_FILE_SIZE &&
           snprintf(path, REMOTE_FILE_SIZE, "%s/%s.json", folder, name) < REMOTE_FILE_SIZE;
}

/* As the service makes them. */
static bool is_upload(const char *path)
{
    static const char start[] = "/v1/uploads/";

    return strncmp(path, start, sizeof start - 1) == 0 && strlen(path) < REMOTE_PATH_SIZE &&
           strspn(path + sizeof start - 1, "_abcdefghijklmnopqrstuvwxyz0123456789") ==
               strlen(path) - (sizeof start - 1);
}

/* What is no such file, or was cut off, counts as none. */
static void read_state(struct remote_begun *begun, const char *server, const char *sha256)
{
    char text[MAX_STATE];
    const ssize_t size = pread(begun->file, text, sizeof text, 0);
    json_t *state = size > 0 ? json_loadb(text, (size_t)size, 0, NULL) : NULL;
    const char *upload = remote_text(state, "upload");

    if (strcmp(remote_text(state, "server"), server) == 0 &&
        strcmp(remote_text(state, "sha256"), sha256) == 0 && is_upload(upload))
        snprintf(begun->upload, sizeof begun->upload, "%s", upload);
    json_decref(state);
}

void remote_begun_open(struct remote_begun *begun, const char *server, const char *metadata,
                       const char *sha256)
{
    char folder[REMOTE_FILE_SIZE], name[REMOTE_SHA256_SIZE], *text = NULL;

    memset(begun, 0, sizeof *begun);
    begun->file = -1;
    if (asprintf(&text, "%s\n%s\n%s", server, metadata, sha256) < 0)
        return;
    remote_digest_text(text, name);
    free(text);
    if (!state_path(name, folder, begun->path) || !remote_make_folder(folder))
        return;
    begun->file = open(begun->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (begun->file >= 0 && flock(begun->file, LOCK_EX | LOCK_NB) != 0) {
        close(begun->file);
        begun->file = -1;
    }
    if (begun->file >= 0)
        read_state(begun, server, sha256);
}

void remote_begun_keep(struct remote_begun *begun, const char *server, const char *sha256,
                       const char *upload)
{
    json_t *state =
        json_pack("{s:s, s:s, s:s}", "server", server, "sha256", sha256, "upload", upload);
    char *text = state ? json_dumps(state, JSON_INDENT(2)) : NULL;
    const size_t size = text ? strlen(text) : 0;

    json_decref(state);
    snprintf(begun->upload, sizeof begun->upload, "%s", upload);
    /* Where it cannot be written, an interrupted upload begins anew. */
    if (begun->file >= 0 && (size == 0 || ftruncate(begun->file, 0) != 0 ||
                             pwrite(begun->file, text, size, 0) != (ssize_t)size))
        remote_begun_close(begun, true);
    free(text);
}

void remote_begun_close(struct remote_begun *begun, bool done)
{
    if (begun->file < 0)
        return;
    if (done || !*begun->upload)
        unlink(begun->path);
    close(begun->file);
    begun->file = -1;
}
