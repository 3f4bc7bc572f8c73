/* retention.c - see retention.h. */
#include "store/retention.h"

#include "store/results.h"

#include <stdbool.h>

#define AGED_JOB "keep = 0 AND finished_at < ?1"
#define AGED_FILES                                                                      \
    "SELECT seq FROM jobs WHERE status = 'succeeded' AND artifacts_expired_at IS NULL " \
    "AND " AGED_JOB
#define FIRST " ORDER BY seq LIMIT ?2"
#define IDLE_UPLOAD                                   \
    "used_at < ?1 AND NOT EXISTS (SELECT 1 FROM jobs" \
    " WHERE status IN ('queued', 'running') AND (model_id = u.id OR dataset_id = u.id))"

/* what is aged: its rowids, for the look and for the deed; the deed takes ?2, how many, and ?3,
 * now.
 */
static const struct {
    const char *name, *aged, *deed;
} kinds[] = {
    [SRV_EXPIRY_ARTIFACTS] = {"artifacts", AGED_FILES,
                              "UPDATE jobs SET artifacts_expired_at = ?3 WHERE seq IN"
                              " (" AGED_FILES FIRST ")"},
    [SRV_EXPIRY_JOBS] = {"jobs", "SELECT seq FROM jobs WHERE " AGED_JOB,
                         "DELETE FROM jobs WHERE ?3 > 0 AND seq IN ("
                         "SELECT seq FROM jobs WHERE " AGED_JOB " LIMIT ?2)"},
    [SRV_EXPIRY_UPLOADS] = {"uploads", "SELECT seq FROM uploads u WHERE " IDLE_UPLOAD,
                            "DELETE FROM uploads WHERE ?3 > 0 AND seq IN ("
                            "SELECT seq FROM uploads u WHERE " IDLE_UPLOAD " LIMIT ?2)"},
};

const char *srv_expiry_name(enum srv_expiry what)
{
    return kinds[what].name;
}

struct expiry {
    enum srv_expiry what;
    int64_t before_ms, now_ms, count;
};

static enum fsn_status expire(struct srv_db *db, void *user, struct fsn_error *err)
{
    struct expiry *expiry = user;
    struct srv_query q;

    srv_query_begin(&q, db, kinds[expiry->what].deed);
    srv_query_int(&q, expiry->before_ms);
    srv_query_int(&q, SRV_EXPIRE_AT_ONCE);
    srv_query_int(&q, expiry->now_ms);
    return srv_query_run(&q, &expiry->count, err);
}

/* What a job is remembered by is small and stays: the schema's trigger takes its report with the
 * other files, and in the same transaction it is put back. */
static enum fsn_status expire_but_reports(struct srv_db *db, void *user, struct fsn_error *err)
{
    const struct expiry *expiry = user;
    struct {
        char job_id[SRV_ID_SIZE];
        struct srv_artifact file;
    } kept[SRV_EXPIRE_AT_ONCE];
    enum fsn_status status;
    size_t count = 0;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT j.id, a.name, a.content_type, a.sha256 FROM jobs j JOIN artifacts a"
                    " ON a.job_id = j.id AND a.name = 'report.json'"
                    " WHERE j.seq IN (" AGED_FILES FIRST ")");
    srv_query_int(&q, expiry->before_ms);
    srv_query_int(&q, SRV_EXPIRE_AT_ONCE);
    while (count < SRV_EXPIRE_AT_ONCE && srv_query_row(&q)) {
        srv_column_copy(&q, 0, kept[count].job_id, sizeof kept->job_id);
        srv_column_copy(&q, 1, kept[count].file.name, sizeof kept->file.name);
        srv_column_copy(&q, 2, kept[count].file.content_type, sizeof kept->file.content_type);
        srv_column_copy(&q, 3, kept[count++].file.sha256, sizeof kept->file.sha256);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK)
        status = expire(db, user, err);
    for (size_t i = 0; status == FSN_OK && i < count; i++)
        status = srv_artifacts_insert(db, kept[i].job_id, &kept[i].file, err);
    return status;
}

enum fsn_status srv_retention_expire(struct srv_blobs *blobs, struct srv_db *db,
                                     enum srv_expiry what, int64_t before_ms, int64_t now_ms,
                                     int64_t *count, struct fsn_error *err)
{
    struct expiry expiry = {what, before_ms, now_ms, 0};
    enum fsn_status status;
    struct srv_query q;
    bool any;

    /* A look takes no lock, and there is mostly nothing. */
    srv_query_begin(&q, db, kinds[what].aged);
    srv_query_int(&q, before_ms);
    any = srv_query_row(&q);
    status = srv_query_end(&q, err);
    if (status == FSN_OK && any)
        status = srv_blobs_drop(
            blobs, db, what == SRV_EXPIRY_ARTIFACTS ? expire_but_reports : expire, &expiry, err);
    if (status == FSN_OK)
        *count = expiry.count;
    return status;
}
