/*
 * runner.c - see runner.h.
 *
 * The engine does the work in one call (fsn_compress) and reports through a callback at every step;
 * the callback answers whether to go on. It looks at the signals each time and writes to the
 * database when a stage begins, and else at most twice a second. Work lies in DIR/work/JOB:
 * "checkpoint" lets a later attempt go on where this one ended, "out" takes the files. Both go when
 * the job is at its end; until then they stay, whatever happens to the process.
 */
#include "jobs/runner.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/counters.h"
#include "http/problem.h"
#include "jobs/sweep.h"
#include "log.h"
#include "store/job_log.h"
#include "store/results.h"
#include "store/uploads.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROGRESS_INTERVAL_MS 500

static const struct {
    const char *name, *content_type;
    bool optional; /* if the spec asks for it */
} outputs[] = {
    {"model.onnx", "application/octet-stream", false},
    {"model-dense.onnx", "application/octet-stream", false},
    {"model-int8.onnx", "application/octet-stream", true},
    {"model-detections.onnx", "application/octet-stream", true},
    {"report.json", "application/json", false},
    {"report.html", "text/html; charset=utf-8", false},
    {"training.csv", "text/csv; charset=utf-8", false},
};
#define OUTPUT_COUNT (sizeof outputs / sizeof *outputs)
_Static_assert(OUTPUT_COUNT + FSN_MAX_SWEEP <= SRV_MAX_ARTIFACTS, "the files of a sweep fit too");

struct run {
    const struct srv_runner *runner;
    struct srv_db *db;
    struct srv_job *job;
    struct srv_run_signals *signals;
    int64_t written_ticks_ms; /* last progress row, and its stage */
    int64_t counted_ticks_ms; /* the time until then is in the metrics; 0: none yet */
    enum fsn_stage written_stage;
    bool curve_cut;                        /* rows of epochs to be trained again are gone */
    bool lost;                             /* the claim is no longer ours */
    bool comes_again;                      /* another attempt will go on from the checkpoint */
    bool too_long;                         /* the job has run longer than it may */
    int64_t begun_ticks_ms, run_before_ms; /* start of this attempt, and the time of those before */
    char folder[SRV_PATH_SIZE], out[SRV_PATH_SIZE], checkpoint[SRV_PATH_SIZE];
};

/* ---- progress ------------------------------------------------------------------------------ */

/* A write that fails does not end the job (the next one may do better); a stale claim does. */
static void note_write(struct run *run, enum fsn_status status, bool held,
                       const struct fsn_error *err)
{
    if (status != FSN_OK)
        SRV_LOG(SRV_LOG_WARN, "progress not stored", SRV_TEXT("job", run->job->id),
                SRV_TEXT("detail", err->text));
    else if (!held)
        run->lost = true;
}

static void store_epoch(struct run *run, const struct fsn_epoch *row)
{
    struct fsn_error err = {0};
    bool held = false;
    enum fsn_status status =
        srv_metrics_put(run->db, run->job->id, run->job->fence, row, &held, &err);

    note_write(run, status, held, &err);
    srv_count(SRV_COUNT_EPOCHS, NULL, 1);
    srv_streams_touch(run->runner->streams, run->job->id);
}

/* The first sign of training tells where this attempt begins. */
static void cut_curve(struct run *run, int candidate, int epoch)
{
    struct fsn_error err = {0};
    enum fsn_status status =
        srv_metrics_cut(run->db, run->job->id, run->job->fence, candidate, epoch, &err);

    note_write(run, status, true, &err);
    run->curve_cut = status == FSN_OK;
}

/* Adds the time since the last look to the stage that it was spent in. */
static void count_stage(struct run *run)
{
    int64_t now = srv_ticks_ms();

    if (run->counted_ticks_ms > 0)
        srv_count(SRV_COUNT_STAGE_SECONDS,
                  &(struct srv_labels){{fsn_stage_name(run->written_stage)}, 0},
                  1e-3 * (double)(now - run->counted_ticks_ms));
    run->counted_ticks_ms = now;
}

/* How long the job has run, and whether that is too long. */
static void note_time(struct run *run)
{
    struct srv_job *job = run->job;

    job->run_ms = run->run_before_ms + srv_ticks_ms() - run->begun_ticks_ms;
    run->too_long = job->max_run_seconds > 0 && job->run_ms > 1000 * job->max_run_seconds;
}

/* Keeps what is known of the search; without memory for it, what was known before. */
static void note_search(struct srv_job *job, const struct fsn_search *search)
{
    char *json = NULL;

    if (search) {
        job->candidate = search->candidate;
        job->candidates_done = search->count;
    }
    if (!search || fsn_search_json(search, &json, NULL) != FSN_OK)
        return;
    free(job->search);
    job->search = json;
}

static void store_progress(struct run *run, const struct fsn_progress *p)
{
    struct srv_job *job = run->job;
    struct fsn_error err = {0};
    bool held = false, cancel = false;
    enum fsn_status status;

    snprintf(job->stage, sizeof job->stage, "%s", fsn_stage_name(p->stage));
    job->progress = fmin(fmax(p->fraction, 0), 1);
    job->images_per_second = p->images_per_second > 0 ? p->images_per_second : NAN;
    job->seconds_left = p->seconds_left >= 0 ? p->seconds_left : NAN;
    note_search(job, p->search);
    status = srv_jobs_set_progress(run->db, job, srv_now_ms() + run->runner->lease_ms, &held,
                                   &cancel, &err);
    note_write(run, status, held, &err);
    if (cancel)
        atomic_store(&run->signals->cancel, true);
    run->written_ticks_ms = srv_ticks_ms();
    count_stage(run);
    run->written_stage = p->stage;
    srv_streams_touch(run->runner->streams, job->id);
}

/* A file more of a search is done, after which little may come. */
static bool has_file(const struct run *run, const struct fsn_progress *p)
{
    return p->search && p->search->count > run->job->candidates_done;
}

static bool on_progress(const struct fsn_progress *p, void *user)
{
    struct run *run = user;

    note_time(run);
    /* After its last step an epoch is not trained again: what comes then without a row is the end
     * of the run, whose rows are all there. */
    if (p->epoch > 0 && !run->curve_cut && (p->epoch_row || p->step < p->steps))
        cut_curve(run, p->search ? p->search->candidate : 0,
                  p->epoch_row ? p->epoch_row->epoch : p->epoch);
    if (p->epoch_row)
        store_epoch(run, p->epoch_row);
    if (p->epoch > 0) { /* kept for the next write, though training ends before one is due */
        run->job->epoch = p->epoch;
        run->job->epochs = p->epochs;
    }
    if (p->stage != run->written_stage || has_file(run, p) ||
        srv_ticks_ms() - run->written_ticks_ms >= PROGRESS_INTERVAL_MS)
        store_progress(run, p);
    return !run->lost && !run->too_long && !atomic_load(&run->signals->cancel) &&
           !atomic_load(&run->signals->stop);
}

/* ---- the engine's call --------------------------------------------------------------------- */

static enum fsn_status blob_of(struct run *run, enum srv_upload_kind kind, const char *id,
                               char path[SRV_PATH_SIZE], char format[16], struct fsn_error *err)
{
    struct srv_upload upload = {0};
    bool found = false;
    enum fsn_status status = srv_uploads_get(run->db, kind, id, &upload, &found, err);

    if (status == FSN_OK && !found)
        status = SRV_FAIL(err, FSN_INTERNAL, "upload %s is gone", id);
    if (status == FSN_OK)
        status = srv_blobs_path(run->runner->blobs, upload.sha256, path, err);
    if (status == FSN_OK)
        snprintf(format, 16, "%s", upload.format);
    srv_upload_clear(&upload);
    return status;
}

static enum fsn_status compress(struct run *run, struct fsn_error *err)
{
    char model[SRV_PATH_SIZE], data[SRV_PATH_SIZE], model_format[16], data_format[16];
    struct fsn_job order = {
        .model_path = model,
        .data_path = data,
        .data_format = data_format,
        .out_dir = run->out,
        .checkpoint_dir = run->checkpoint,
        .progress = on_progress,
        .user = run,
    };
    struct fsn_faults faults = {0};
    struct fsn_spec spec;
    enum fsn_status status;

    fsn_spec_defaults(&spec);
    status = blob_of(run, SRV_UPLOAD_MODEL, run->job->model_id, model, model_format, err);
    if (status == FSN_OK)
        status = blob_of(run, SRV_UPLOAD_DATASET, run->job->dataset_id, data, data_format, err);
    if (status == FSN_OK)
        status = srv_make_folders(run->checkpoint, err);
    if (status == FSN_OK)
        status = fsn_spec_from_json(run->job->spec, strlen(run->job->spec), srv_order_keys, &spec,
                                    &faults, err);
    if (status == FSN_OK)
        status = fsn_compress(&order, &spec, err);
    fsn_spec_clear(&spec);
    return status;
}

/* ---- the end ------------------------------------------------------------------------------- */

struct success {
    struct run *run;
    const struct srv_artifact *artifacts;
    size_t count;
    json_t *report; /* for its warnings; NULL: it cannot be read */
    bool moved;
};

static enum fsn_status write_success(struct srv_db *db, void *user, struct fsn_error *err)
{
    struct success *success = user;
    const struct srv_job *job = success->run->job;
    const json_t *warnings = json_object_get(success->report, "warnings");
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < success->count; i++)
        status = srv_artifacts_insert(db, job->id, &success->artifacts[i], err);
    for (size_t i = 0; status == FSN_OK && i < json_array_size(warnings); i++)
        status = srv_job_log_warn(db, job->id, json_string_value(json_array_get(warnings, i)), err);
    if (status == FSN_OK)
        status = srv_queue_apply(db, job, SRV_JOB_EVENT_SUCCEED, NULL, NULL, &success->moved, err);
    if (status == FSN_OK && !success->moved)
        status = SRV_FAIL(err, FSN_CANCELLED, "the claim on the job is stale");
    return status;
}

/* One more artifact, if the file is there or must be; its digest is yet to come. */
static void list_one(const struct run *run, const char *name, const char *content_type,
                     bool optional, struct srv_artifact out[SRV_MAX_ARTIFACTS], size_t *count)
{
    struct srv_artifact *a = &out[*count];
    char path[SRV_PATH_SIZE];

    if (optional &&
        (srv_path(path, NULL, "%s/%s", run->out, name) != FSN_OK || access(path, F_OK) != 0))
        return;
    snprintf(a->name, sizeof a->name, "%s", name);
    snprintf(a->content_type, sizeof a->content_type, "%s", content_type);
    ++*count;
}

/* Names and types of what the job has left: its own files, and those of a sweep. */
static size_t list_artifacts(const struct run *run, struct srv_artifact out[SRV_MAX_ARTIFACTS])
{
    size_t count = 0;

    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        list_one(run, outputs[i].name, outputs[i].content_type, outputs[i].optional, out, &count);
    for (int i = 1; i <= FSN_MAX_SWEEP; i++) {
        char name[32];

        snprintf(name, sizeof name, "candidate-%d.onnx", i);
        list_one(run, name, "application/octet-stream", true, out, &count);
    }
    return count;
}

/* Artifacts and status change in one transaction: a job that has succeeded has all its files. */
static enum fsn_status finish(struct run *run, struct fsn_error *err)
{
    struct srv_artifact artifacts[SRV_MAX_ARTIFACTS] = {0};
    struct srv_blob blobs[SRV_MAX_ARTIFACTS];
    char paths[SRV_MAX_ARTIFACTS][SRV_PATH_SIZE];
    struct success success = {run, artifacts, list_artifacts(run, artifacts), NULL, false};
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < success.count; i++) {
        struct srv_artifact *a = &artifacts[i];

        status = srv_path(paths[i], err, "%s/%s", run->out, a->name);
        if (status == FSN_OK && strcmp(a->name, "report.json") == 0)
            success.report = json_load_file(paths[i], 0, NULL);
        if (status == FSN_OK)
            status = srv_digest_file(paths[i], a->sha256, &a->size_bytes, err);
        blobs[i] = (struct srv_blob){paths[i], a->sha256, a->size_bytes};
    }
    if (status == FSN_OK)
        status = srv_blobs_store(run->runner->blobs, run->db, blobs, success.count, write_success,
                                 &success, err);
    json_decref(success.report);
    if (status == FSN_CANCELLED)
        run->lost = true;
    return status;
}

/* What a failed or interrupted attempt leads to. */
static enum srv_job_event judge(const struct run *run, enum fsn_status status)
{
    if (status == FSN_CANCELLED && atomic_load(&run->signals->cancel))
        return SRV_JOB_EVENT_CANCEL;
    if (status == FSN_CANCELLED)
        return run->too_long ? SRV_JOB_EVENT_FAIL : SRV_JOB_EVENT_RELEASE;
    if (status == FSN_IO || status == FSN_FULL || status == FSN_NOMEM) /* may pass */
        return srv_queue_loss(run->job, run->runner->max_attempts);
    return SRV_JOB_EVENT_FAIL;
}

static void end_unfinished(struct run *run, enum fsn_status status, const struct fsn_error *cause)
{
    enum srv_job_event event = judge(run, status);
    enum srv_problem problem = srv_problem_of_status(status);
    const char *detail = cause->text;
    char too_long[96];
    bool tell = event == SRV_JOB_EVENT_FAIL || event == SRV_JOB_EVENT_RETRY;
    struct fsn_error err = {0};
    bool moved = false;

    if (event == SRV_JOB_EVENT_FAIL && status == FSN_CANCELLED) {
        problem = SRV_PROBLEM_RUN_TIME;
        detail = too_long;
        snprintf(too_long, sizeof too_long, "the job has run %.1f s, max_run_seconds is %lld",
                 1e-3 * (double)run->job->run_ms, (long long)run->job->max_run_seconds);
    }
    if (srv_queue_apply(run->db, run->job, event, tell ? srv_problem_type(problem) : NULL,
                        tell ? detail : NULL, &moved, &err) != FSN_OK)
        SRV_LOG(SRV_LOG_ERROR, "job's end not stored", SRV_TEXT("job", run->job->id),
                SRV_TEXT("detail", err.text));
    run->lost = !moved;
    run->comes_again = event == SRV_JOB_EVENT_RELEASE || event == SRV_JOB_EVENT_RETRY;
}

void srv_run_job(const struct srv_runner *runner, struct srv_db *db, struct srv_job *job,
                 struct srv_run_signals *signals)
{
    struct run run = {.runner = runner,
                      .db = db,
                      .job = job,
                      .signals = signals,
                      .begun_ticks_ms = srv_ticks_ms(),
                      .run_before_ms = job->run_ms};
    struct fsn_error err = {0}, cleaning = {0};
    enum fsn_status status;

    status = srv_path(run.folder, &err, "%s/%s", runner->work_dir, job->id);
    if (status == FSN_OK)
        status = srv_path(run.out, &err, "%s/out", run.folder);
    if (status == FSN_OK)
        status = srv_path(run.checkpoint, &err, "%s/checkpoint", run.folder);
    if (status == FSN_OK)
        status = compress(&run, &err);
    count_stage(&run);
    note_time(&run);
    if (status == FSN_OK)
        status = finish(&run, &err);
    if (status != FSN_OK) {
        SRV_LOG(status == FSN_CANCELLED ? SRV_LOG_INFO : SRV_LOG_WARN, "job not finished",
                SRV_TEXT("job", job->id), SRV_TEXT("status", fsn_status_name(status)),
                SRV_TEXT("detail", err.text));
        if (!run.lost)
            end_unfinished(&run, status, &err);
    }
    srv_streams_touch(runner->streams, job->id);
    srv_hooks_wake(runner->hooks);
    /* The folder of a job that another worker has is not ours. */
    if (!run.lost && !run.comes_again &&
        srv_sweep_job(db, runner->work_dir, job->id, &cleaning) != FSN_OK)
        SRV_LOG(SRV_LOG_WARN, "work folder stays", SRV_TEXT("job", job->id),
                SRV_TEXT("detail", cleaning.text));
}
