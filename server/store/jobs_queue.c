/* jobs_queue.c - statements on jobs that wait and run; see jobs.h. */
#include "store/jobs_row.h"

#include "base/clock.h"

/* Ends a write that is to change one row; *done tells whether it did. */
static enum fsn_status run_one(struct srv_query *q, bool *done, struct fsn_error *err)
{
    int64_t changed = 0;
    enum fsn_status status = srv_query_run(q, &changed, err);

    if (status == FSN_OK)
        *done = changed == 1;
    return status;
}

enum fsn_status srv_jobs_claim(struct srv_db *db, int64_t now_ms, int64_t lease_until_ms,
                               struct srv_job *out, bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(
        &q, db,
        "UPDATE jobs SET status = 'running', fence = fence + 1,"
        " attempts = attempts + 1, lease_until = ?1,"
        " started_at = coalesce(started_at, ?2)"
        " WHERE seq = (SELECT seq FROM jobs AS j WHERE status = 'queued' AND NOT EXISTS"
        " (SELECT 1 FROM tokens WHERE tokens.id = j.owner AND max_running_jobs <="
        " (SELECT count(*) FROM jobs AS r WHERE r.status = 'running' AND +r.owner ="
        " j.owner)) ORDER BY priority DESC, seq LIMIT 1) RETURNING " SRV_JOB_ALL_COLUMNS);
    srv_query_int(&q, lease_until_ms);
    srv_query_int(&q, now_ms);
    return srv_jobs_take_one(&q, out, found, err);
}

enum fsn_status srv_jobs_extend_lease(struct srv_db *db, const char *id, int64_t fence,
                                      int64_t lease_until_ms, bool *held, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE jobs SET lease_until = ?"
                    " WHERE id = ? AND fence = ? AND status = 'running'");
    srv_query_int(&q, lease_until_ms);
    srv_query_text(&q, id);
    srv_query_int(&q, fence);
    return run_one(&q, held, err);
}

enum fsn_status srv_jobs_set_progress(struct srv_db *db, struct srv_job *job,
                                      int64_t lease_until_ms, bool *held, bool *cancel,
                                      struct fsn_error *err)
{
    int64_t most = 0;
    bool asked, any;
    struct srv_query q;
    enum fsn_status status;

    srv_query_begin(&q, db,
                    "UPDATE jobs SET stage = ?, progress = ?, epoch = ?, epochs = ?,"
                    " images_per_second = ?, seconds_left = ?, search = ?, candidate = ?,"
                    " candidates_done = max(candidates_done, ?), run_ms = ?, lease_until = ?"
                    " WHERE id = ? AND fence = ? AND status = 'running'"
                    " RETURNING cancel_requested, max_run_seconds");
    srv_query_text(&q, job->stage);
    srv_query_real(&q, job->progress);
    srv_query_int(&q, job->epoch);
    srv_query_int(&q, job->epochs);
    srv_query_real(&q, job->images_per_second);
    srv_query_real(&q, job->seconds_left);
    srv_query_text(&q, job->search);
    srv_query_int(&q, job->candidate);
    srv_query_int(&q, job->candidates_done);
    srv_query_int(&q, job->run_ms);
    srv_query_int(&q, lease_until_ms);
    srv_query_text(&q, job->id);
    srv_query_int(&q, job->fence);
    any = srv_query_row(&q);
    asked = any && srv_column_int(&q, 0) != 0;
    if (any)
        most = srv_column_int(&q, 1);
    status = srv_query_run(&q, NULL, err);
    if (status == FSN_OK) {
        *held = any;
        *cancel = asked;
        if (any)
            job->max_run_seconds = most;
    }
    return status;
}

enum fsn_status srv_jobs_move(struct srv_db *db, const struct srv_job_move *move, bool *moved,
                              struct fsn_error *err)
{
    struct srv_query q;

    /* A job that waits again keeps its progress (it resumes there) but has no speed. */
    srv_query_begin(&q, db,
                    "UPDATE jobs SET status = ?1, lease_until = NULL,"
                    " finished_at = CASE WHEN ?1 = 'queued' THEN NULL ELSE ?2 END,"
                    " progress = CASE WHEN ?1 = 'succeeded' THEN 1 ELSE progress END,"
                    " images_per_second = NULL, seconds_left = NULL,"
                    " attempts = attempts - ?3, error_type = ?4, error_detail = ?5,"
                    " run_ms = max(run_ms, ?9)"
                    " WHERE id = ?6 AND fence = ?7 AND status = ?8");
    srv_query_text(&q, srv_job_status_name(move->to));
    srv_query_int(&q, srv_now_ms());
    srv_query_int(&q, move->attempts_back);
    srv_query_text(&q, move->error_type);
    srv_query_text(&q, move->error_detail);
    srv_query_text(&q, move->id);
    srv_query_int(&q, move->fence);
    srv_query_text(&q, srv_job_status_name(move->from));
    srv_query_int(&q, move->run_ms);
    return run_one(&q, moved, err);
}

enum fsn_status srv_jobs_renew(struct srv_db *db, const char *id, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE jobs SET cancel_requested = 0, stage = NULL, progress = 0, epoch = 0,"
                    " started_at = NULL, search = NULL, candidate = 0, candidates_done = 0,"
                    " run_ms = 0 WHERE id = ? AND status = 'queued'");
    srv_query_text(&q, id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_jobs_request_cancel(struct srv_db *db, const char *id, bool *running,
                                        struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "UPDATE jobs SET cancel_requested = 1 WHERE id = ? AND status = 'running'");
    srv_query_text(&q, id);
    return run_one(&q, running, err);
}

enum fsn_status srv_jobs_next_expired(struct srv_db *db, int64_t now_ms, struct srv_job *out,
                                      bool *found, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT " SRV_JOB_ALL_COLUMNS " FROM jobs WHERE status = 'running'"
                    " AND lease_until < ? ORDER BY lease_until LIMIT 1");
    srv_query_int(&q, now_ms);
    return srv_jobs_take_one(&q, out, found, err);
}
