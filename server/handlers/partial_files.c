/*
 * partial_files.c - see partial_files.h.
 *
 * A file is locked (flock) for as long as a request writes to it: the lock belongs to the open file
 * and goes with it, however the request ends. A file is removed before its row, so that no file is
 * without one.
 */
#include "handlers/partial_files.h"

#include "base/clock.h"
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum fsn_status srv_partial_path(const struct srv_service *service, const char *id,
                                 char out[SRV_PATH_SIZE], struct fsn_error *err)
{
    return srv_path(out, err, "%s/%s", service->partial_dir, id);
}

enum fsn_status srv_partial_open(const struct srv_service *service, const char *id, int *fd,
                                 struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    enum fsn_status status = srv_partial_path(service, id, path, err);

    if (status != FSN_OK)
        return status;
    *fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    if (*fd < 0)
        return SRV_FAIL(err, fsn_status_of_errno(errno), "cannot open %s: %s", path,
                        strerror(errno));
    if (flock(*fd, LOCK_EX | LOCK_NB) == 0)
        return FSN_OK;
    if (errno != EWOULDBLOCK)
        status = SRV_FAIL(err, FSN_IO, "cannot lock %s: %s", path, strerror(errno));
    close(*fd);
    *fd = -1;
    return status;
}

void srv_partial_locked(struct srv_request *request, const char *id)
{
    srv_http_cut_off(request->http, id);
    srv_reply_problem(request, SRV_PROBLEM_UPLOAD_LOCKED,
                      "another request writes to %s; it was told to end, so try again in a second",
                      id);
    srv_reply_header(request, MHD_HTTP_HEADER_RETRY_AFTER, "1");
}

enum fsn_status srv_partial_offset(const struct srv_service *service,
                                   const struct srv_partial *partial, int64_t *out,
                                   struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    struct stat info;
    enum fsn_status status = srv_partial_path(service, partial->id, path, err);

    if (status != FSN_OK)
        return status;
    if (srv_partial_is_judged(partial))
        *out = partial->length;
    else if (stat(path, &info) == 0)
        *out = info.st_size < partial->verified ? info.st_size : partial->verified;
    else if (errno == ENOENT)
        *out = 0;
    else
        status = SRV_FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    return status;
}

enum fsn_status srv_partial_remove(const struct srv_service *service, struct srv_db *db,
                                   const char *id, bool *locked, struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    int fd = -1;
    enum fsn_status status = srv_partial_path(service, id, path, err);

    if (status == FSN_OK)
        status = srv_partial_open(service, id, &fd, err);
    if (status != FSN_OK)
        return status;
    *locked = fd < 0;
    if (*locked)
        return FSN_OK;
    unlink(path);
    status = srv_partials_delete(db, id, err);
    close(fd);
    return status;
}

bool srv_tus_spoken(struct srv_request *request)
{
    const char *version = srv_request_header(request, "Tus-Resumable");

    if (version && strcmp(version, SRV_TUS_VERSION) == 0)
        return true;
    srv_reply_problem(request, SRV_PROBLEM_TUS_VERSION,
                      "Tus-Resumable: expected " SRV_TUS_VERSION ", got '%s'",
                      version ? version : "");
    srv_reply_header(request, "Tus-Version", SRV_TUS_VERSION);
    return false;
}

void srv_tus_headers(struct srv_request *request, const struct srv_partial *partial, int64_t offset)
{
    char text[64];
    time_t seconds;
    struct tm date;

    srv_reply_header(request, "Tus-Resumable", SRV_TUS_VERSION);
    if (!partial)
        return;
    snprintf(text, sizeof text, "%" PRId64, offset);
    srv_reply_header(request, "Upload-Offset", text);
    seconds = (time_t)(partial->expires_at_ms / 1000);
    if (gmtime_r(&seconds, &date) &&
        strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &date) > 0)
        srv_reply_header(request, "Upload-Expires", text);
}

void srv_expire_partials(const struct srv_service *service)
{
    char after[SRV_ID_SIZE] = "", id[SRV_ID_SIZE];
    struct fsn_error err = {0};
    struct srv_db *db = NULL;
    bool found = true, locked = false;
    enum fsn_status status = srv_db_acquire(service->dbs, &db, &err);

    while (status == FSN_OK && found) {
        status = srv_partials_next_expired(db, srv_now_ms(), after, id, &found, &err);
        if (status == FSN_OK && found)
            status = srv_partial_remove(service, db, id, &locked, &err);
        memcpy(after, id, found ? sizeof after : 0);
    }
    if (status != FSN_OK)
        SRV_LOG(SRV_LOG_WARN, "uploads in parts could not be expired",
                SRV_TEXT("detail", err.text));
    srv_db_release(service->dbs, db);
}
