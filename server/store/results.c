/* results.c - see results.h. */
#include "store/results.h"

#include "base/clock.h"

#include <stdlib.h>

enum fsn_status srv_metrics_put(struct srv_db *db, const char *job_id, int64_t fence,
                                const struct fsn_epoch *row, bool *held, struct fsn_error *err)
{
    enum fsn_status status;
    int64_t changed = 0;
    struct srv_query q;

    srv_query_begin(
        &q, db,
        "INSERT INTO metrics (job_id, candidate, epoch, lr, train_loss, train_top1, seconds,"
        " images_per_second, teacher_top1, held_top1, held_loss, matched)"
        " SELECT id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM jobs"
        " WHERE id = ? AND fence = ? AND status = 'running'"
        " ON CONFLICT (job_id, candidate, epoch) DO UPDATE SET lr = excluded.lr,"
        " train_loss = excluded.train_loss, train_top1 = excluded.train_top1,"
        " seconds = excluded.seconds, images_per_second = excluded.images_per_second,"
        " teacher_top1 = excluded.teacher_top1, held_top1 = excluded.held_top1,"
        " held_loss = excluded.held_loss, matched = excluded.matched");
    srv_query_int(&q, row->candidate);
    srv_query_int(&q, row->epoch);
    srv_query_real(&q, row->lr);
    srv_query_real(&q, row->train_loss);
    srv_query_real(&q, row->train_top1);
    srv_query_real(&q, row->seconds);
    srv_query_real(&q, row->images_per_second);
    srv_query_real(&q, row->teacher_top1);
    srv_query_real(&q, row->held_top1);
    srv_query_real(&q, row->held_loss);
    srv_query_real(&q, row->matched);
    srv_query_text(&q, job_id);
    srv_query_int(&q, fence);
    status = srv_query_run(&q, &changed, err);
    if (status == FSN_OK)
        *held = changed == 1;
    return status;
}

enum fsn_status srv_metrics_cut(struct srv_db *db, const char *job_id, int64_t fence, int candidate,
                                int epoch, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(
        &q, db,
        "DELETE FROM metrics WHERE (candidate, epoch) >= (?, ?) AND job_id = (SELECT id FROM jobs"
        " WHERE id = ? AND fence = ? AND status = 'running')");
    srv_query_int(&q, candidate);
    srv_query_int(&q, epoch);
    srv_query_text(&q, job_id);
    srv_query_int(&q, fence);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_metrics_list(struct srv_db *db, const char *job_id, struct fsn_epoch **out,
                                 size_t *count, struct fsn_error *err)
{
    struct fsn_epoch *rows = NULL;
    size_t n = 0, capacity = 0;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT epoch, lr, train_loss, train_top1, seconds, images_per_second,"
                    " teacher_top1, held_top1, held_loss, candidate, matched"
                    " FROM metrics WHERE job_id = ? ORDER BY candidate, epoch");
    srv_query_text(&q, job_id);
    while (srv_query_row(&q) && srv_query_room(&q, &rows, n, &capacity, sizeof *rows)) {
        rows[n++] = (struct fsn_epoch){
            .epoch = (int)srv_column_int(&q, 0),
            .lr = srv_column_real(&q, 1),
            .train_loss = srv_column_real(&q, 2),
            .train_top1 = srv_column_real(&q, 3),
            .seconds = srv_column_real(&q, 4),
            .images_per_second = srv_column_real(&q, 5),
            .teacher_top1 = srv_column_real(&q, 6),
            .held_top1 = srv_column_real(&q, 7),
            .held_loss = srv_column_real(&q, 8),
            .candidate = (int)srv_column_int(&q, 9),
            .matched = srv_column_real(&q, 10),
        };
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *out = rows;
        *count = n;
    } else {
        free(rows);
    }
    return status;
}

enum fsn_status srv_artifacts_insert(struct srv_db *db, const char *job_id,
                                     const struct srv_artifact *artifact, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO artifacts (job_id, name, content_type, sha256, created_at)"
                    " VALUES (?, ?, ?, ?, ?)");
    srv_query_text(&q, job_id);
    srv_query_text(&q, artifact->name);
    srv_query_text(&q, artifact->content_type);
    srv_query_text(&q, artifact->sha256);
    srv_query_int(&q, srv_now_ms());
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_artifacts_list(struct srv_db *db, const char *job_id,
                                   struct srv_artifact out[SRV_MAX_ARTIFACTS], size_t *count,
                                   struct fsn_error *err)
{
    struct srv_query q;
    size_t n = 0;

    srv_query_begin(&q, db,
                    "SELECT a.name, a.content_type, a.sha256, b.size_bytes FROM artifacts a"
                    " JOIN blobs b USING (sha256) WHERE a.job_id = ? ORDER BY a.name");
    srv_query_text(&q, job_id);
    while (n < SRV_MAX_ARTIFACTS && srv_query_row(&q)) {
        srv_column_copy(&q, 0, out[n].name, sizeof out[n].name);
        srv_column_copy(&q, 1, out[n].content_type, sizeof out[n].content_type);
        srv_column_copy(&q, 2, out[n].sha256, sizeof out[n].sha256);
        out[n].size_bytes = srv_column_int(&q, 3);
        n++;
    }
    *count = n;
    return srv_query_end(&q, err);
}
