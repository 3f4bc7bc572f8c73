/* jobs.c - see jobs.h. */
#include "store/jobs_row.h"

#include "store/tokens.h"

#include <stdlib.h>
#include <string.h>

const char *const srv_order_keys[] = {"model_id",        "dataset_id", "name", "labels", "priority",
                                      "max_run_seconds", "webhook",    "keep", NULL};

static const char *const status_names[] = {
#define SRV__NAME(code, name) name,
    SRV_JOB_STATUS_LIST(SRV__NAME)
#undef SRV__NAME
};

const char *srv_job_status_name(enum srv_job_status status)
{
    return status_names[status];
}

enum srv_job_status srv_job_status_parse(const char *name)
{
    int status = 0;

    while (status < SRV_JOB_STATUS_COUNT && strcmp(name, status_names[status]) != 0)
        status++;
    return (enum srv_job_status)status;
}

bool srv_job_has_ended(enum srv_job_status status)
{
    return status != SRV_JOB_QUEUED && status != SRV_JOB_RUNNING;
}

void srv_job_clear(struct srv_job *job)
{
    free(job->name);
    free(job->labels);
    free(job->spec);
    free(job->plan);
    free(job->search);
    free(job->error_type);
    free(job->error_detail);
    srv_webhook_free(job->webhook);
    *job = (struct srv_job){0};
}

static void read_row(struct srv_query *q, bool all, struct srv_job *out)
{
    const char *status = srv_column_text(q, 5);

    *out = (struct srv_job){.seq = srv_column_int(q, 0)};
    srv_column_copy(q, 1, out->id, sizeof out->id);
    out->name = srv_column_dup(q, 2);
    srv_column_copy(q, 3, out->model_id, sizeof out->model_id);
    srv_column_copy(q, 4, out->dataset_id, sizeof out->dataset_id);
    out->status = srv_job_status_parse(status ? status : "");
    out->fence = srv_column_int(q, 6);
    out->attempts = srv_column_int(q, 7);
    out->cancel_requested = srv_column_int(q, 8) != 0;
    srv_column_copy(q, 9, out->stage, sizeof out->stage);
    out->progress = srv_column_real(q, 10);
    out->epoch = srv_column_int(q, 11);
    out->epochs = srv_column_int(q, 12);
    out->images_per_second = srv_column_real(q, 13);
    out->seconds_left = srv_column_real(q, 14);
    out->error_type = srv_column_dup(q, 15);
    out->error_detail = srv_column_dup(q, 16);
    out->created_at_ms = srv_column_int(q, 17);
    out->started_at_ms = srv_column_int(q, 18);
    out->finished_at_ms = srv_column_int(q, 19);
    out->priority = srv_column_int(q, 20);
    out->labels = srv_column_dup(q, 21);
    srv_column_copy(q, 22, out->owner, sizeof out->owner);
    out->keep = srv_column_int(q, 23) != 0;
    out->artifacts_expired_at_ms = srv_column_int(q, 24);
    out->max_run_seconds = srv_column_int(q, 25);
    out->run_ms = srv_column_int(q, 26);
    if (all) {
        out->spec = srv_column_dup(q, 27);
        out->plan = srv_column_dup(q, 28);
        out->search = srv_column_dup(q, 29);
    }
}

enum fsn_status srv_jobs_take_one(struct srv_query *q, struct srv_job *out, bool *found,
                                  struct fsn_error *err)
{
    struct srv_job row = {0};
    enum fsn_status status;
    bool any = srv_query_row(q);

    if (any)
        read_row(q, true, &row);
    /* A statement that writes (UPDATE ... RETURNING) is complete only when stepped to its end. */
    while (any && srv_query_row(q))
        ;
    status = srv_query_end(q, err);
    if (status != FSN_OK) {
        srv_job_clear(&row);
        return status;
    }
    *out = row;
    *found = any;
    return FSN_OK;
}

static enum fsn_status count(struct srv_db *db, const char *sql, const char *argument, int64_t *out,
                             struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, sql);
    if (argument)
        srv_query_text(&q, argument);
    *out = srv_query_row(&q) ? srv_column_int(&q, 0) : 0;
    return srv_query_end(&q, err);
}

enum fsn_status srv_jobs_find_key(struct srv_db *db, const struct srv_key *key,
                                  char id[SRV_ID_SIZE], bool *found, bool *same,
                                  struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db,
                    "SELECT id, order_sha256 FROM jobs"
                    " WHERE idempotency_key = ? AND coalesce(owner, '') = ?");
    srv_query_text(&q, key->key);
    srv_query_text(&q, key->owner);
    return srv_key_end(&q, key, id, found, same, err);
}

enum fsn_status srv_jobs_check_room(struct srv_db *db, const struct srv_job *job,
                                    const struct srv_key *key, int64_t max_queued,
                                    enum srv_job_insert *outcome, struct fsn_error *err)
{
    int64_t models = 0, datasets = 0, queued = 0;
    struct srv_token_room room = {0};
    bool taken = false, same = false;
    char other[SRV_ID_SIZE];
    enum fsn_status status;

    status = count(db, "SELECT count(*) FROM uploads WHERE id = ? AND kind = 'model'",
                   job->model_id, &models, err);
    if (status == FSN_OK)
        status = count(db, "SELECT count(*) FROM uploads WHERE id = ? AND kind = 'dataset'",
                       job->dataset_id, &datasets, err);
    if (status == FSN_OK)
        status = count(db, "SELECT count(*) FROM jobs WHERE status = 'queued'", NULL, &queued, err);
    if (status == FSN_OK && key && key->key)
        status = srv_jobs_find_key(db, key, other, &taken, &same, err);
    if (status == FSN_OK)
        status = srv_tokens_room(db, job->owner, &room, err);
    *outcome = taken                  ? SRV_JOB_KEY_TAKEN
               : models == 0          ? SRV_JOB_MODEL_GONE
               : datasets == 0        ? SRV_JOB_DATASET_GONE
               : room.jobs <= 0       ? SRV_JOB_QUOTA_JOBS
               : room.bytes <= 0      ? SRV_JOB_QUOTA_BYTES
               : queued >= max_queued ? SRV_JOB_QUEUE_FULL
                                      : SRV_JOB_INSERTED;
    return status;
}

enum fsn_status srv_jobs_insert(struct srv_db *db, const struct srv_job *job,
                                const struct srv_key *key, int64_t max_queued,
                                enum srv_job_insert *outcome, struct fsn_error *err)
{
    enum srv_job_insert result = SRV_JOB_INSERTED;
    enum fsn_status status = srv_db_begin(db, err);
    struct srv_query q;

    if (status != FSN_OK)
        return status;
    status = srv_jobs_check_room(db, job, key, max_queued, &result, err);
    if (status == FSN_OK && result == SRV_JOB_INSERTED) {
        srv_query_begin(
            &q, db,
            "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status,"
            " epochs, created_at, idempotency_key, order_sha256, priority, labels,"
            " owner, max_run_seconds) VALUES (?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?,"
            " coalesce(?, '{}'), nullif(?, ''), nullif(?, 0))");
        srv_query_text(&q, job->id);
        srv_query_text(&q, job->name);
        srv_query_text(&q, job->model_id);
        srv_query_text(&q, job->dataset_id);
        srv_query_text(&q, job->spec);
        srv_query_text(&q, job->plan);
        srv_query_int(&q, job->epochs);
        srv_query_int(&q, job->created_at_ms);
        srv_query_text(&q, key->key);
        srv_query_text(&q, key->key ? key->request_sha256 : NULL);
        srv_query_int(&q, job->priority);
        srv_query_text(&q, job->labels);
        srv_query_text(&q, job->owner);
        srv_query_int(&q, job->max_run_seconds);
        status = srv_query_run(&q, NULL, err);
        if (status == FSN_OK && job->webhook)
            status = srv_webhooks_insert(db, job->id, job->webhook, err);
    }
    status = srv_db_end(db, status, err);
    if (status == FSN_OK)
        *outcome = result;
    return status;
}

enum fsn_status srv_jobs_get(struct srv_db *db, const char *id, struct srv_job *out, bool *found,
                             struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT " SRV_JOB_ALL_COLUMNS " FROM jobs WHERE id = ?");
    srv_query_text(&q, id);
    return srv_jobs_take_one(&q, out, found, err);
}

#define LIST(beyond, direction)                                                       \
    "SELECT " SRV_JOB_COLUMNS " FROM jobs WHERE (?1 IS NULL OR status = ?1)"          \
    " AND " beyond " AND (?4 IS NULL OR EXISTS (SELECT 1 FROM json_each(labels)"      \
    " WHERE key = ?4 AND (?5 IS NULL OR value = ?5))) AND (?6 IS NULL OR owner = ?6)" \
    " AND (?7 IS NULL OR name = ?7) AND (?8 IS NULL OR model_id = ?8)"                \
    " AND (?9 IS NULL OR dataset_id = ?9) ORDER BY seq " direction " LIMIT ?3"

enum fsn_status srv_jobs_list(struct srv_db *db, const struct srv_job_filter *filter,
                              const struct srv_page *page, struct srv_job **out, size_t *out_count,
                              int64_t *next, struct fsn_error *err)
{
    struct srv_job *rows = calloc((size_t)page->limit + 1, sizeof *rows);
    enum fsn_status status;
    struct srv_query q;
    size_t n = 0;

    if (!rows)
        return SRV_NOMEM(err);
    srv_query_begin(&q, db,
                    page->oldest_first ? LIST("seq > ?2", "ASC") : LIST("seq < ?2", "DESC"));
    srv_query_text(&q, filter->status < SRV_JOB_STATUS_COUNT ? status_names[filter->status] : NULL);
    srv_query_int(&q, page->oldest_first ? page->after : page->before);
    srv_query_int(&q, page->limit + 1); /* one more tells whether there is a next page */
    srv_query_text(&q, filter->label);
    srv_query_text(&q, filter->label_value);
    srv_query_text(&q, filter->owner);
    srv_query_text(&q, filter->name);
    srv_query_text(&q, filter->model_id);
    srv_query_text(&q, filter->dataset_id);
    while (n <= (size_t)page->limit && srv_query_row(&q))
        read_row(&q, false, &rows[n++]);
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *next = n > (size_t)page->limit ? rows[page->limit - 1].seq : 0;
        if (*next)
            srv_job_clear(&rows[--n]);
        *out = rows;
        *out_count = n;
        return FSN_OK;
    }
    while (n > 0)
        srv_job_clear(&rows[--n]);
    free(rows);
    return status;
}

/* *held: the condition holds of the job, which is there. */
static enum fsn_status check_condition(struct srv_db *db, const char *id,
                                       const struct srv_job_condition *condition, bool *held,
                                       struct fsn_error *err)
{
    struct srv_job job = {0};
    bool found = false;
    enum fsn_status status = srv_jobs_get(db, id, &job, &found, err);

    *held = status == FSN_OK && found && condition->holds(&job, condition->user);
    srv_job_clear(&job);
    return status;
}

static enum fsn_status change_row(struct srv_db *db, const char *id,
                                  const struct srv_job_change *change, struct srv_job *out,
                                  bool *changed, struct fsn_error *err)
{
    struct srv_query q;

    /* json_patch is RFC 7396's merge: a label of null goes. */
    srv_query_begin(
        &q, db,
        "UPDATE jobs SET name = coalesce(?1, name), priority = coalesce(?2, priority),"
        " labels = json_patch(labels, coalesce(?3, '{}')), keep = coalesce(?6, keep),"
        " max_run_seconds = nullif(coalesce(?7, max_run_seconds), 0) WHERE id = ?4 AND"
        " (SELECT count(*) FROM json_each(json_patch(labels, coalesce(?3, '{}')))) <= ?5"
        " RETURNING " SRV_JOB_ALL_COLUMNS);
    srv_query_text(&q, change->name);
    if (change->priority)
        srv_query_int(&q, *change->priority);
    else
        srv_query_text(&q, NULL);
    srv_query_text(&q, change->labels);
    srv_query_text(&q, id);
    srv_query_int(&q, SRV_JOB_MAX_LABELS);
    if (change->keep)
        srv_query_int(&q, *change->keep);
    else
        srv_query_text(&q, NULL);
    if (change->max_run_seconds)
        srv_query_int(&q, *change->max_run_seconds);
    else
        srv_query_text(&q, NULL);
    return srv_jobs_take_one(&q, out, changed, err);
}

enum fsn_status srv_jobs_change(struct srv_db *db, const char *id,
                                const struct srv_job_change *change, struct srv_job *out,
                                bool *changed, struct fsn_error *err)
{
    struct srv_job row = {0};
    bool held = true, done = false;
    enum fsn_status status = srv_db_begin(db, err);

    if (status != FSN_OK)
        return status;
    if (change->condition)
        status = check_condition(db, id, change->condition, &held, err);
    if (status == FSN_OK && held)
        status = change_row(db, id, change, &row, &done, err);
    status = srv_db_end(db, status, err);
    if (status == FSN_OK) {
        *out = row;
        *changed = done;
    } else {
        srv_job_clear(&row);
    }
    return status;
}

struct deletion {
    const char *id;
    const struct srv_job_condition *condition;
    enum srv_job_status status;
};

/* Curve and files go with the row (ON DELETE CASCADE). */
static enum fsn_status delete_ended(struct srv_db *db, void *user, struct fsn_error *err)
{
    struct deletion *deletion = user;
    char name[16] = "";
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT status FROM jobs WHERE id = ?");
    srv_query_text(&q, deletion->id);
    if (srv_query_row(&q))
        srv_column_copy(&q, 0, name, sizeof name);
    status = srv_query_end(&q, err);
    if (status != FSN_OK)
        return status;
    deletion->status = srv_job_status_parse(name);
    if (deletion->condition && *name && srv_job_has_ended(deletion->status)) {
        bool held = false;

        status = check_condition(db, deletion->id, deletion->condition, &held, err);
        if (status != FSN_OK || !held)
            return status;
    }
    srv_query_begin(&q, db,
                    "DELETE FROM jobs WHERE id = ?"
                    " AND status IN ('succeeded', 'failed', 'cancelled')");
    srv_query_text(&q, deletion->id);
    return srv_query_run(&q, NULL, err);
}

enum fsn_status srv_jobs_delete(struct srv_blobs *blobs, struct srv_db *db, const char *id,
                                enum srv_job_status *status, struct fsn_error *err)
{
    return srv_jobs_delete_if(blobs, db, id, NULL, status, err);
}

enum fsn_status srv_jobs_delete_if(struct srv_blobs *blobs, struct srv_db *db, const char *id,
                                   const struct srv_job_condition *condition,
                                   enum srv_job_status *status, struct fsn_error *err)
{
    struct deletion deletion = {.id = id, .condition = condition, .status = SRV_JOB_STATUS_COUNT};
    enum fsn_status outcome = srv_blobs_drop(blobs, db, delete_ended, &deletion, err);

    *status = deletion.status;
    return outcome;
}
