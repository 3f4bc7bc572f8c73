/* job_log.c - see job_log.h. */
#include "store/job_log.h"

#include <stdlib.h>

void srv_job_log_free(struct srv_log_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].detail);
    free(rows);
}

enum fsn_status srv_job_log_list(struct srv_db *db, const char *job_id, int64_t after,
                                 struct srv_log_row **out, size_t *count, struct fsn_error *err)
{
    struct srv_log_row *rows = NULL;
    size_t n = 0, capacity = 0;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT number, at, event, attempt, stage, candidate, detail FROM job_log"
                    " WHERE job_id = ? AND number > ? ORDER BY number");
    srv_query_text(&q, job_id);
    srv_query_int(&q, after);
    while (srv_query_row(&q) && srv_query_room(&q, &rows, n, &capacity, sizeof *rows)) {
        struct srv_log_row *row = &rows[n++];

        *row = (struct srv_log_row){
            .number = srv_column_int(&q, 0),
            .at_ms = srv_column_int(&q, 1),
            .attempt = srv_column_int(&q, 3),
            .candidate = srv_column_int(&q, 5),
            .detail = srv_column_dup(&q, 6),
        };
        srv_column_copy(&q, 2, row->event, sizeof row->event);
        srv_column_copy(&q, 4, row->stage, sizeof row->stage);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *out = rows;
        *count = n;
    } else {
        srv_job_log_free(rows, n);
    }
    return status;
}

enum fsn_status srv_job_log_warn(struct srv_db *db, const char *job_id, const char *text,
                                 struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "INSERT INTO job_log (job_id, number, event, attempt, detail)"
                    " SELECT id, (SELECT coalesce(max(number), 0) + 1 FROM job_log"
                    " WHERE job_id = id), 'warning', attempts, ?2 FROM jobs WHERE id = ?1");
    srv_query_text(&q, job_id);
    srv_query_text(&q, text);
    return srv_query_run(&q, NULL, err);
}
