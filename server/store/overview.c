/* overview.c - see overview.h. */
#include "store/overview.h"

#include <math.h>

static enum fsn_status read_jobs(struct srv_db *db, struct srv_overview *out, struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT status, count(*), sum(images_per_second) FROM jobs GROUP BY status");
    while (srv_query_row(&q)) {
        const char *name = srv_column_text(&q, 0);
        enum srv_job_status status = name ? srv_job_status_parse(name) : SRV_JOB_STATUS_COUNT;

        if (status == SRV_JOB_STATUS_COUNT)
            continue;
        out->jobs[status] = srv_column_int(&q, 1);
        if (status == SRV_JOB_RUNNING && isfinite(srv_column_real(&q, 2)))
            out->images_per_second = srv_column_real(&q, 2);
    }
    return srv_query_end(&q, err);
}

enum fsn_status srv_overview_read(struct srv_db *db, struct srv_overview *out,
                                  struct fsn_error *err)
{
    enum fsn_status status;
    struct srv_query q;

    *out = (struct srv_overview){0};
    status = read_jobs(db, out, err);
    if (status != FSN_OK)
        return status;
    srv_query_begin(&q, db,
                    "SELECT (SELECT count(*) FROM uploads WHERE kind = 'model'),"
                    " (SELECT count(*) FROM uploads WHERE kind = 'dataset'),"
                    " (SELECT coalesce(sum(size_bytes), 0) FROM blobs),"
                    " (SELECT count(*) FROM deliveries WHERE status = 'pending')");
    if (srv_query_row(&q)) {
        out->models = srv_column_int(&q, 0);
        out->datasets = srv_column_int(&q, 1);
        out->bytes = srv_column_int(&q, 2);
        out->webhooks_pending = srv_column_int(&q, 3);
    }
    return srv_query_end(&q, err);
}
