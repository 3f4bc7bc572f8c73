/* artifacts.c - the files of a job that has succeeded. */
#include "handlers/artifacts.h"
#include "base/clock.h"

#include <string.h>

/* What the files of a job are like; a reply is left, and *known false, when there is no such job.
 */
static enum fsn_status job_state(struct srv_call *call, enum srv_job_status *out,
                                 int64_t *expired_at_ms, bool *known, struct fsn_error *err)
{
    struct srv_job job = {0};
    enum fsn_status status =
        srv_jobs_get(call->db, srv_request_param(call->request, "id"), &job, known, err);

    if (status == FSN_OK && !*known)
        status = srv_reply_unknown(call, "job");
    *out = job.status;
    *expired_at_ms = job.artifacts_expired_at_ms;
    srv_job_clear(&job);
    return status;
}

static void reply_expired(struct srv_call *call, int64_t expired_at_ms)
{
    char since[SRV_TIME_SIZE];

    srv_time_text(expired_at_ms, since);
    srv_reply_problem(call->request, SRV_PROBLEM_EXPIRED,
                      "the files of %s were removed at %s, the time after its end that the "
                      "service keeps them (--expire-artifacts); report.json stays",
                      srv_request_param(call->request, "id"), since);
}

enum fsn_status srv_list_artifacts(struct srv_call *call, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_artifact rows[SRV_MAX_ARTIFACTS];
    enum srv_job_status job;
    int64_t expired_at_ms;
    bool known = false;
    size_t count = 0;
    json_t *items;
    enum fsn_status status = job_state(call, &job, &expired_at_ms, &known, err);

    if (status != FSN_OK || !known)
        return status;
    if (expired_at_ms > 0) {
        reply_expired(call, expired_at_ms);
        return FSN_OK;
    }
    status = srv_artifacts_list(call->db, id, rows, &count, err);
    if (status != FSN_OK)
        return status;
    items = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(items,
                              json_pack("{ss ss ss sI ss+++}", "name", rows[i].name, "content_type",
                                        rows[i].content_type, "sha256", rows[i].sha256,
                                        "size_bytes", (json_int_t)rows[i].size_bytes, "href",
                                        "/v1/jobs/", id, "/artifacts/", rows[i].name));
    srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{so}", "items", items));
    return FSN_OK;
}

enum fsn_status srv_find_artifact(struct srv_call *call, const char *name, struct srv_artifact *out,
                                  bool *found, struct fsn_error *err)
{
    const char *id = srv_request_param(call->request, "id");
    struct srv_artifact rows[SRV_MAX_ARTIFACTS];
    enum srv_job_status job;
    int64_t expired_at_ms;
    bool known = false;
    size_t count = 0, i = 0;
    enum fsn_status status = job_state(call, &job, &expired_at_ms, &known, err);

    *found = false;
    if (status != FSN_OK || !known)
        return status;
    if (job != SRV_JOB_SUCCEEDED) {
        srv_reply_problem(call->request, SRV_PROBLEM_JOB_STATE,
                          "%s is %s; only a job that has succeeded has files", id,
                          srv_job_status_name(job));
        return FSN_OK;
    }
    status = srv_artifacts_list(call->db, id, rows, &count, err);
    if (status != FSN_OK)
        return status;
    while (i < count && strcmp(rows[i].name, name) != 0)
        i++;
    *found = i < count;
    if (*found)
        *out = rows[i];
    else if (expired_at_ms > 0)
        reply_expired(call, expired_at_ms);
    else
        srv_reply_problem(call->request, SRV_PROBLEM_NOT_FOUND, "%s has no artifact '%s'", id,
                          name);
    return FSN_OK;
}

static enum fsn_status reply_artifact(struct srv_call *call, const char *name,
                                      struct fsn_error *err)
{
    struct srv_artifact artifact;
    char path[SRV_PATH_SIZE];
    bool found = false;
    enum fsn_status status = srv_find_artifact(call, name, &artifact, &found, err);

    if (status != FSN_OK || !found)
        return status;
    status = srv_blobs_path(call->service->blobs, artifact.sha256, path, err);
    if (status == FSN_OK)
        status = srv_reply_file(call->request,
                                &(struct srv_file){path, artifact.sha256, artifact.content_type,
                                                   artifact.name, artifact.size_bytes},
                                err);
    return status;
}

enum fsn_status srv_get_artifact(struct srv_call *call, struct fsn_error *err)
{
    return reply_artifact(call, srv_request_param(call->request, "name"), err);
}

enum fsn_status srv_get_report(struct srv_call *call, struct fsn_error *err)
{
    return reply_artifact(call, "report.json", err);
}
