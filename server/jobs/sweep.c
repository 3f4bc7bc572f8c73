/* sweep.c - see sweep.h. */
#include "jobs/sweep.h"

#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static enum fsn_status is_open(struct srv_db *db, const char *id, bool *out, struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status = srv_jobs_get(db, id, &job, &found, err);

    *out = found && !srv_job_has_ended(job.status);
    srv_job_clear(&job);
    return status;
}

/* Out of the way of whoever may want a folder of this name from now on. */
static enum fsn_status move_aside(struct srv_db *db, const char *id, const char *path,
                                  const char *aside, bool *moved, struct fsn_error *err)
{
    bool keep = true;
    enum fsn_status status = is_open(db, id, &keep, err);

    *moved = status == FSN_OK && !keep && rename(path, aside) == 0;
    if (status == FSN_OK && !keep && !*moved && errno != ENOENT)
        status = SRV_FAIL(err, FSN_IO, "cannot move %s: %s", path, strerror(errno));
    return status;
}

/* A job at its end may be queued again at any time, but not within the transaction; and to move a
 * folder takes no time, while to remove it does. What is left aside after a crash is nobody's. */
enum fsn_status srv_sweep_job(struct srv_db *db, const char *work_dir, const char *id,
                              struct fsn_error *err)
{
    char path[SRV_PATH_SIZE], aside[SRV_PATH_SIZE];
    bool moved = false;
    enum fsn_status status = srv_path(path, err, "%s/%s", work_dir, id);

    if (status == FSN_OK)
        status = srv_path(aside, err, "%s/%s.gone", work_dir, id);
    if (status == FSN_OK)
        status = srv_remove_tree(aside, err);
    if (status == FSN_OK)
        status = srv_db_begin(db, err);
    if (status == FSN_OK)
        status = srv_db_end(db, move_aside(db, id, path, aside, &moved, err), err);
    return status == FSN_OK && moved ? srv_remove_tree(aside, err) : status;
}

enum fsn_status srv_sweep_work(struct srv_db *db, const char *work_dir, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    DIR *folder = opendir(work_dir);
    struct dirent *entry;

    if (!folder)
        return SRV_FAIL(err, FSN_IO, "cannot list %s: %s", work_dir, strerror(errno));
    while (status == FSN_OK && (entry = readdir(folder))) {
        bool keep = true;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        status = is_open(db, entry->d_name, &keep, err);
        if (status == FSN_OK && !keep)
            status = srv_sweep_job(db, work_dir, entry->d_name, err);
    }
    closedir(folder);
    return status;
}
