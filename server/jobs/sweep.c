/* sweep.c - see sweep.h. */
#include "jobs/sweep.h"

#include "base/files.h"

#include <dirent.h>
#include <errno.h>
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

enum fsn_status srv_sweep_work(struct srv_db *db, const char *work_dir, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    DIR *folder = opendir(work_dir);
    struct dirent *entry;

    if (!folder)
        return SRV_FAIL(err, FSN_IO, "cannot list %s: %s", work_dir, strerror(errno));
    while (status == FSN_OK && (entry = readdir(folder))) {
        char path[SRV_PATH_SIZE];
        bool keep = true;

        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        status = is_open(db, entry->d_name, &keep, err);
        if (status == FSN_OK && !keep)
            status = srv_path(path, err, "%s/%s", work_dir, entry->d_name);
        if (status == FSN_OK && !keep)
            status = srv_remove_tree(path, err);
    }
    closedir(folder);
    return status;
}
