/* metrics.c - GET /metrics, for Prometheus: what the process has counted, and what the store holds.
 */
#include "base/counters.h"
#include "base/disk.h"
#include "handlers/api.h"
#include "handlers/process_metrics.h"
#include "store/overview.h"

#include <stdlib.h>

static void write_store(FILE *out, const struct srv_overview *overview)
{
    srv_gauge_describe(out, "jobs", "Jobs that are stored.");
    for (int i = 0; i < SRV_JOB_STATUS_COUNT; i++)
        srv_gauge_write(out, "jobs", "status", srv_job_status_name((enum srv_job_status)i),
                        (double)overview->jobs[i]);
    srv_gauge_describe(out, "images_per_second", "Training speed of the jobs that run, together.");
    srv_gauge_write(out, "images_per_second", NULL, NULL, overview->images_per_second);
    srv_gauge_describe(out, "uploads", "Models and data sets that are stored.");
    srv_gauge_write(out, "uploads", "kind", "model", (double)overview->models);
    srv_gauge_write(out, "uploads", "kind", "dataset", (double)overview->datasets);
    srv_gauge_describe(out, "stored_bytes", "Bytes of uploads and artifacts, equal content once.");
    srv_gauge_write(out, "stored_bytes", NULL, NULL, (double)overview->bytes);
    srv_gauge_describe(out, "webhooks_pending", "Webhooks that are still to be delivered.");
    srv_gauge_write(out, "webhooks_pending", NULL, NULL, (double)overview->webhooks_pending);
    srv_gauge_describe(out, "build_info", "Always 1.");
    srv_gauge_write(out, "build_info", "version", FSN_VERSION, 1);
}

/* Left out when it cannot be asked: a figure that is not there beats a wrong one. */
static void write_disk(FILE *out, const char *data_dir)
{
    struct srv_disk disk;

    if (!srv_disk_look(data_dir, &disk))
        return;
    srv_gauge_describe(out, "disk_free_bytes", "Free on the disk of the data folder.");
    srv_gauge_write(out, "disk_free_bytes", NULL, NULL, (double)disk.free_bytes);
    srv_gauge_describe(out, "disk_size_bytes", "Size of that disk.");
    srv_gauge_write(out, "disk_size_bytes", NULL, NULL, (double)disk.size_bytes);
}

enum fsn_status srv_get_metrics(struct srv_call *call, struct fsn_error *err)
{
    struct srv_overview overview;
    enum fsn_status status = srv_overview_read(call->db, &overview, err);
    char *text = NULL;
    size_t size = 0;
    FILE *out;

    if (status != FSN_OK)
        return status;
    out = open_memstream(&text, &size);
    if (!out)
        return SRV_NOMEM(err);
    srv_counters_write(out);
    write_store(out, &overview);
    write_disk(out, call->service->temporary_dir);
    srv_process_metrics_write(out);
    if (fclose(out) == 0)
        srv_reply_text(call->request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8",
                       text);
    free(text);
    return FSN_OK;
}
