/* job_json.c - see job_json.h. */
#include "handlers/job_json.h"

static int64_t artifacts_stay_ms, jobs_stay_ms;

void srv_job_json_expiry(int64_t artifacts_ms, int64_t jobs_ms)
{
    artifacts_stay_ms = artifacts_ms;
    jobs_stay_ms = jobs_ms;
}

/* null: never, as things are. */
static json_t *after_end(const struct srv_job *job, int64_t stay_ms)
{
    const bool goes = stay_ms > 0 && job->finished_at_ms > 0 && !job->keep;

    return srv_time_json(goes ? job->finished_at_ms + stay_ms : 0);
}

/* When the files go, or went: with the job at the latest. */
static json_t *artifacts_expiry(const struct srv_job *job)
{
    const bool sooner =
        artifacts_stay_ms > 0 && (jobs_stay_ms == 0 || artifacts_stay_ms < jobs_stay_ms);

    if (job->artifacts_expired_at_ms > 0)
        return srv_time_json(job->artifacts_expired_at_ms);
    return job->status == SRV_JOB_SUCCEEDED
               ? after_end(job, sooner ? artifacts_stay_ms : jobs_stay_ms)
               : json_null();
}

/* null until the job has been refused or has failed; the last reason while it is tried again. */
static json_t *error_json(const struct srv_job *job)
{
    if (!job->error_type)
        return json_null();
    return json_pack("{ss ss}", "type", job->error_type, "detail",
                     job->error_detail ? job->error_detail : "");
}

json_t *srv_job_state_json(const struct srv_job *job)
{
    return json_pack(
        "{ss ss so sI so sf ss ss ss so so sI sI so so so sI so so so so sb so so}", "id", job->id,
        "name", job->name, "labels", srv_stored_json(job->labels), "priority",
        (json_int_t)job->priority, "max_run_seconds",
        job->max_run_seconds > 0 ? json_integer(job->max_run_seconds) : json_null(), "run_seconds",
        1e-3 * (double)job->run_ms, "model_id", job->model_id, "dataset_id", job->dataset_id,
        "status", srv_job_status_name(job->status), "stage",
        *job->stage ? json_string(job->stage) : json_null(), "progress",
        srv_real_json(job->progress), "epoch", (json_int_t)job->epoch, "epochs",
        (json_int_t)job->epochs, "images_per_second", srv_real_json(job->images_per_second),
        "seconds_left", srv_real_json(job->seconds_left), "error", error_json(job), "attempts",
        (json_int_t)job->attempts, "created_at", srv_time_json(job->created_at_ms), "started_at",
        srv_time_json(job->started_at_ms), "finished_at", srv_time_json(job->finished_at_ms),
        "owner", srv_owner_json(job->owner), "keep", job->keep, "artifacts_expire_at",
        artifacts_expiry(job), "expires_at", after_end(job, jobs_stay_ms));
}

json_t *srv_job_live_json(const struct srv_job *job)
{
    json_t *value = srv_job_state_json(job);

    if (value)
        json_object_set_new(value, "search", srv_stored_json(job->search));
    return value;
}

void srv_reply_job(struct srv_request *request, unsigned status, const struct srv_job *job)
{
    srv_reply_json_with(request, status, srv_job_live_json(job), SRV_JOB_MEMBERS(job));
}

enum fsn_status srv_load_job(struct srv_call *call, struct srv_job *job, bool *found,
                             struct fsn_error *err)
{
    enum fsn_status status =
        srv_jobs_get(call->db, srv_request_param(call->request, "id"), job, found, err);

    return status == FSN_OK && !*found ? srv_reply_unknown(call, "job") : status;
}

enum fsn_status srv_reply_job_now(struct srv_call *call, unsigned http_status,
                                  struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status = srv_load_job(call, &job, &found, err);

    if (status == FSN_OK && found)
        srv_reply_job(call->request, http_status, &job);
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_find_job(struct srv_call *call, bool *found, struct fsn_error *err)
{
    struct srv_job job = {0};
    enum fsn_status status = srv_load_job(call, &job, found, err);

    srv_job_clear(&job);
    return status;
}

bool srv_job_if_match(const struct srv_job *job, void *user)
{
    struct srv_if_match *check = user;

    check->failed = !srv_if_match(check->request, srv_job_live_json(job), SRV_JOB_MEMBERS(job));
    return !check->failed;
}

json_t *srv_epoch_json(const struct fsn_epoch *row)
{
    return json_pack(
        "{si si so so so so so so so so so}", "candidate", row->candidate, "epoch", row->epoch,
        "lr", srv_real_json(row->lr), "train_loss", srv_real_json(row->train_loss), "train_top1",
        srv_real_json(row->train_top1), "seconds", srv_real_json(row->seconds), "images_per_second",
        srv_real_json(row->images_per_second), "teacher_top1", srv_real_json(row->teacher_top1),
        "held_top1", srv_real_json(row->held_top1), "held_loss", srv_real_json(row->held_loss),
        "matched", srv_real_json(row->matched));
}
