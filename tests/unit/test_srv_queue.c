/* test_srv_queue.c - the life of a job: what may follow what, claims, leases, and that a worker
 * whose claim is stale changes nothing. */
#include "jobs/queue.h"
#include "store/results.h"
#include "srv_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY = 1000, MAX_ATTEMPTS = 3 };

static void insert(struct srv_fixture *f, const char *id, enum srv_job_insert expected,
                   int64_t max_queued)
{
    struct srv_job job = {.name = (char *)"n",
                          .spec = (char *)"{}",
                          .plan = (char *)"{}",
                          .model_id = "mdl_1",
                          .dataset_id = "dst_1",
                          .created_at_ms = 1};
    enum srv_job_insert outcome = SRV_JOB_INSERTED;

    snprintf(job.id, sizeof job.id, "%s", id);
    assert_int_equal(srv_jobs_insert(f->db, &job, &(struct srv_key){0}, max_queued, &outcome, NULL),
                     FSN_OK);
    assert_int_equal(outcome, expected);
}

static int set_up(void **state)
{
    srv_fixture_set_up(state);
    srv_fixture_add(*state, SRV_UPLOAD_MODEL, "mdl_1", "model");
    srv_fixture_add(*state, SRV_UPLOAD_DATASET, "dst_1", "data");
    return 0;
}

/* Claims the next job at time 0 with a lease until `until`; the caller clears it. */
static struct srv_job claim(struct srv_fixture *f, int64_t until)
{
    struct srv_job job;
    bool found = false;

    assert_int_equal(srv_jobs_claim(f->db, 0, until, &job, &found, NULL), FSN_OK);
    assert_true(found);
    return job;
}

static struct srv_job get(struct srv_fixture *f, const char *id)
{
    struct srv_job job;
    bool found = false;

    assert_int_equal(srv_jobs_get(f->db, id, &job, &found, NULL), FSN_OK);
    assert_true(found);
    return job;
}

static void is(struct srv_fixture *f, const char *id, enum srv_job_status status)
{
    struct srv_job job = get(f, id);

    assert_string_equal(srv_job_status_name(job.status), srv_job_status_name(status));
    srv_job_clear(&job);
}

static bool apply(struct srv_fixture *f, const struct srv_job *job, enum srv_job_event event)
{
    bool moved;

    assert_int_equal(srv_queue_apply(f->db, job, event, "type", "detail", &moved, NULL), FSN_OK);
    return moved;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void only_the_documented_transitions_exist(void **state)
{
    /* From ARCHITECTURE's picture; rows: from, columns: event; -1: impossible. */
    static const int expected[SRV_JOB_STATUS_COUNT][SRV_JOB_EVENT_COUNT] = {
        /* CLAIM, SUCCEED, FAIL, RETRY, RELEASE, CANCEL, REQUEUE */
        [SRV_JOB_QUEUED] = {SRV_JOB_RUNNING, -1, -1, -1, -1, SRV_JOB_CANCELLED, -1},
        [SRV_JOB_RUNNING] = {-1, SRV_JOB_SUCCEEDED, SRV_JOB_FAILED, SRV_JOB_QUEUED, SRV_JOB_QUEUED,
                             SRV_JOB_CANCELLED, -1},
        [SRV_JOB_SUCCEEDED] = {-1, -1, -1, -1, -1, -1, -1},
        [SRV_JOB_FAILED] = {-1, -1, -1, -1, -1, -1, SRV_JOB_QUEUED},
        [SRV_JOB_CANCELLED] = {-1, -1, -1, -1, -1, -1, SRV_JOB_QUEUED},
    };

    (void)state;
    for (int from = 0; from < SRV_JOB_STATUS_COUNT; from++) {
        for (int event = 0; event < SRV_JOB_EVENT_COUNT; event++) {
            enum srv_job_status to = SRV_JOB_STATUS_COUNT;
            bool possible =
                srv_queue_next((enum srv_job_status)from, (enum srv_job_event)event, &to);

            assert_int_equal(possible ? (int)to : -1, expected[from][event]);
        }
    }
}

static void status_names_come_back(void **state)
{
    (void)state;
    for (int s = 0; s < SRV_JOB_STATUS_COUNT; s++)
        assert_int_equal(srv_job_status_parse(srv_job_status_name((enum srv_job_status)s)), s);
    assert_int_equal(srv_job_status_parse("sleeping"), SRV_JOB_STATUS_COUNT);
}

/* ---- inserting and claiming ---------------------------------------------------------------- */

static void a_job_needs_its_model_and_data_and_room_in_the_queue(void **state)
{
    struct srv_fixture *f = *state;

    insert(f, "job_1", SRV_JOB_INSERTED, 1);
    insert(f, "job_2", SRV_JOB_QUEUE_FULL, 1);
    assert_int_equal(srv_db_exec(f->db, "DELETE FROM uploads WHERE id = 'dst_1'", NULL), FSN_OK);
    insert(f, "job_3", SRV_JOB_DATASET_GONE, MANY);
    assert_int_equal(srv_db_exec(f->db, "DELETE FROM uploads WHERE id = 'mdl_1'", NULL), FSN_OK);
    insert(f, "job_4", SRV_JOB_MODEL_GONE, MANY);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM jobs"), 1);
}

static void claims_take_the_oldest_job_once(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job first, second, third;
    bool found = true;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    insert(f, "job_2", SRV_JOB_INSERTED, MANY);
    first = claim(f, 10);
    second = claim(f, 10);
    assert_string_equal(first.id, "job_1");
    assert_string_equal(second.id, "job_2");
    assert_int_equal(first.fence, 1);
    assert_int_equal(first.attempts, 1);
    assert_int_equal(first.status, SRV_JOB_RUNNING);
    assert_int_equal(srv_jobs_claim(f->db, 0, 10, &third, &found, NULL), FSN_OK);
    assert_false(found);
    srv_job_clear(&first);
    srv_job_clear(&second);
}

static int64_t rank_of(struct srv_fixture *f, const char *id, int64_t priority)
{
    const struct srv_job_change change = {.priority = &priority};
    struct srv_job job = {0};
    bool changed = false;

    assert_int_equal(srv_jobs_change(f->db, id, &change, &job, &changed, NULL), FSN_OK);
    assert_true(changed);
    priority = job.priority;
    srv_job_clear(&job);
    return priority;
}

static void the_oldest_of_the_highest_priority_goes_first(void **state)
{
    static const char *const order[] = {"job_3", "job_4", "job_1", "job_2"};
    struct srv_fixture *f = *state;

    for (int i = 0; i < 4; i++) {
        char id[] = "job_0";

        id[4] = (char)('1' + i);
        insert(f, id, SRV_JOB_INSERTED, MANY);
    }
    assert_int_equal(rank_of(f, "job_2", -1), -1);
    assert_int_equal(rank_of(f, "job_3", 7), 7);
    assert_int_equal(rank_of(f, "job_4", 7), 7);
    for (int i = 0; i < 4; i++) {
        struct srv_job job = claim(f, 10);

        assert_string_equal(job.id, order[i]);
        srv_job_clear(&job);
    }
}

/* ---- labels -------------------------------------------------------------------------------- */

static bool label(struct srv_fixture *f, const char *labels, char *out, size_t size)
{
    const struct srv_job_change change = {.labels = labels};
    struct srv_job job = {0};
    bool changed = false;

    assert_int_equal(srv_jobs_change(f->db, "job_1", &change, &job, &changed, NULL), FSN_OK);
    if (changed) {
        assert_string_equal(job.name, "n");
        snprintf(out, size, "%s", job.labels);
    }
    srv_job_clear(&job);
    return changed;
}

static void labels_are_merged(void **state)
{
    struct srv_fixture *f = *state;
    char now[512] = "", many[512] = "{";

    assert_false(label(f, "{}", now, sizeof now)); /* no such job */
    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    assert_true(label(f, "{\"a\":\"1\",\"b\":\"2\"}", now, sizeof now));
    assert_string_equal(now, "{\"a\":\"1\",\"b\":\"2\"}");
    assert_true(label(f, "{\"a\":null,\"b\":\"3\"}", now, sizeof now));
    assert_string_equal(now, "{\"b\":\"3\"}");
    for (int i = 0; i < SRV_JOB_MAX_LABELS; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%s\"k%d\":\"v\"", i ? "," : "",
                 i);
    strcat(many, "}");
    assert_false(label(f, many, now, sizeof now)); /* with b one too many */
    assert_true(label(f, "{}", now, sizeof now));
    assert_string_equal(now, "{\"b\":\"3\"}");
}

/* ---- stale claims -------------------------------------------------------------------------- */

static void a_worker_with_a_stale_claim_changes_nothing(void **state)
{
    const struct fsn_epoch row = {.epoch = 1, .train_loss = 99};
    struct srv_fixture *f = *state;
    struct srv_job stale, fresh, now;
    bool held = true, cancel;
    int count;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    stale = claim(f, 10);
    assert_int_equal(srv_queue_recover(f->db, 11, MAX_ATTEMPTS, &count, NULL), FSN_OK);
    assert_int_equal(count, 1);
    fresh = claim(f, 20);
    assert_int_equal(fresh.fence, 2);

    assert_int_equal(srv_jobs_extend_lease(f->db, "job_1", stale.fence, 999, &held, NULL), FSN_OK);
    assert_false(held);
    stale.progress = 0.9;
    assert_int_equal(srv_jobs_set_progress(f->db, &stale, 999, &held, &cancel, NULL), FSN_OK);
    assert_false(held);
    assert_int_equal(srv_metrics_put(f->db, "job_1", stale.fence, &row, &held, NULL), FSN_OK);
    assert_false(held);
    assert_false(apply(f, &stale, SRV_JOB_EVENT_SUCCEED));
    assert_false(apply(f, &stale, SRV_JOB_EVENT_FAIL));
    assert_false(apply(f, &stale, SRV_JOB_EVENT_RELEASE));

    now = get(f, "job_1");
    assert_int_equal(now.status, SRV_JOB_RUNNING);
    assert_true(now.progress == 0);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM metrics"), 0);
    assert_int_equal(srv_fixture_number(f, "SELECT lease_until FROM jobs"), 20);
    assert_true(apply(f, &fresh, SRV_JOB_EVENT_SUCCEED));
    srv_job_clear(&stale);
    srv_job_clear(&fresh);
    srv_job_clear(&now);
}

static void an_ended_job_does_not_end_again(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    assert_true(apply(f, &job, SRV_JOB_EVENT_SUCCEED));
    assert_false(apply(f, &job, SRV_JOB_EVENT_FAIL));
    is(f, "job_1", SRV_JOB_SUCCEEDED);
    srv_job_clear(&job);
}

/* ---- leases and attempts ------------------------------------------------------------------- */

static void a_lease_that_holds_is_left_alone(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;
    bool held = false;
    int count = -1;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    assert_int_equal(srv_queue_recover(f->db, 10, MAX_ATTEMPTS, &count, NULL), FSN_OK);
    assert_int_equal(count, 0);
    assert_int_equal(srv_jobs_extend_lease(f->db, "job_1", job.fence, 30, &held, NULL), FSN_OK);
    assert_true(held);
    assert_int_equal(srv_queue_recover(f->db, 25, MAX_ATTEMPTS, &count, NULL), FSN_OK);
    assert_int_equal(count, 0);
    is(f, "job_1", SRV_JOB_RUNNING);
    srv_job_clear(&job);
}

static void a_job_that_loses_its_worker_too_often_fails(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;
    int count;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
        is(f, "job_1", SRV_JOB_QUEUED);
        job = claim(f, 10);
        assert_int_equal(job.attempts, attempt);
        srv_job_clear(&job);
        assert_int_equal(srv_queue_recover(f->db, INT64_MAX, MAX_ATTEMPTS, &count, NULL), FSN_OK);
        assert_int_equal(count, 1);
    }
    job = get(f, "job_1");
    assert_int_equal(job.status, SRV_JOB_FAILED);
    assert_string_equal(job.error_type, "urn:fsnet:problem:retry-limit");
    assert_true(job.finished_at_ms > 0);
    srv_job_clear(&job);
}

static void an_orderly_release_does_not_count_as_an_attempt(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    for (int i = 0; i < 2 * MAX_ATTEMPTS; i++) {
        job = claim(f, 10);
        assert_int_equal(job.attempts, 1);
        assert_true(apply(f, &job, SRV_JOB_EVENT_RELEASE));
        srv_job_clear(&job);
    }
    is(f, "job_1", SRV_JOB_QUEUED);
}

static void an_ended_job_is_queued_again_as_if_it_had_never_run(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_requeue outcome;
    struct srv_job job;
    bool running;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    assert_int_equal(srv_queue_requeue(f->db, "job_1", MANY, &outcome, NULL), FSN_OK);
    assert_true(outcome.found && !outcome.queued && outcome.was == SRV_JOB_QUEUED);
    job = claim(f, 10);
    assert_int_equal(srv_jobs_request_cancel(f->db, "job_1", &running, NULL), FSN_OK);
    job.run_ms = 1500;
    assert_true(apply(f, &job, SRV_JOB_EVENT_FAIL));
    srv_job_clear(&job);
    insert(f, "job_2", SRV_JOB_INSERTED, MANY);
    assert_int_equal(srv_queue_requeue(f->db, "job_1", 1, &outcome, NULL), FSN_OK);
    assert_true(!outcome.queued && outcome.room == SRV_JOB_QUEUE_FULL);
    job = get(f, "job_1");
    assert_int_equal(job.status, SRV_JOB_FAILED);
    assert_int_equal(job.run_ms, 1500);
    srv_job_clear(&job);
    assert_int_equal(srv_queue_requeue(f->db, "job_1", MANY, &outcome, NULL), FSN_OK);
    assert_true(outcome.queued);
    job = claim(f, 10);
    assert_string_equal(job.id, "job_1");
    assert_int_equal(job.attempts, 1);
    assert_int_equal(job.fence, 2);
    assert_int_equal(job.run_ms, 0);
    assert_false(job.cancel_requested);
    assert_null(job.error_type);
    srv_job_clear(&job);
    assert_int_equal(srv_queue_requeue(f->db, "job_3", MANY, &outcome, NULL), FSN_OK);
    assert_false(outcome.found);
}

static void running_time_adds_up_over_attempts_and_its_bound_may_change(void **state)
{
    struct srv_fixture *f = *state;
    const int64_t bound = 7, none = 0;
    struct srv_job_change change = {.max_run_seconds = &bound};
    bool changed, held = false, cancel = true;
    struct srv_job job, row;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    assert_int_equal(job.max_run_seconds, 0);
    assert_int_equal(srv_jobs_change(f->db, "job_1", &change, &row, &changed, NULL), FSN_OK);
    srv_job_clear(&row);
    job.run_ms = 1500;
    assert_int_equal(srv_jobs_set_progress(f->db, &job, 20, &held, &cancel, NULL), FSN_OK);
    assert_true(held && !cancel);
    assert_int_equal(job.max_run_seconds, 7);
    job.run_ms = 2500;
    assert_true(apply(f, &job, SRV_JOB_EVENT_RELEASE));
    srv_job_clear(&job);
    job = claim(f, 10);
    assert_int_equal(job.run_ms, 2500);
    change.max_run_seconds = &none;
    assert_int_equal(srv_jobs_change(f->db, "job_1", &change, &row, &changed, NULL), FSN_OK);
    assert_int_equal(row.max_run_seconds, 0);
    srv_job_clear(&row);
    srv_job_clear(&job);
}

static void a_job_that_is_queued_again_comes_before_newer_ones(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    insert(f, "job_2", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    assert_true(apply(f, &job, SRV_JOB_EVENT_RETRY));
    srv_job_clear(&job);
    job = claim(f, 10);
    assert_string_equal(job.id, "job_1");
    srv_job_clear(&job);
}

/* ---- cancelling ---------------------------------------------------------------------------- */

static enum srv_cancel cancel_job(struct srv_fixture *f, const char *id)
{
    enum srv_cancel outcome = SRV_CANCEL_UNKNOWN;

    assert_int_equal(srv_queue_cancel(f->db, id, &outcome, NULL), FSN_OK);
    return outcome;
}

static void a_queued_job_is_cancelled_at_once(void **state)
{
    struct srv_fixture *f = *state;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    assert_int_equal(cancel_job(f, "job_1"), SRV_CANCEL_DONE);
    is(f, "job_1", SRV_JOB_CANCELLED);
    assert_int_equal(cancel_job(f, "job_1"), SRV_CANCEL_TOO_LATE);
    assert_int_equal(cancel_job(f, "job_9"), SRV_CANCEL_UNKNOWN);
}

static void a_running_job_learns_of_its_cancel_with_its_next_progress(void **state)
{
    struct srv_fixture *f = *state;
    bool held = false, cancel = true;
    struct srv_job job;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    assert_int_equal(srv_jobs_set_progress(f->db, &job, 20, &held, &cancel, NULL), FSN_OK);
    assert_true(held);
    assert_false(cancel);
    assert_int_equal(cancel_job(f, "job_1"), SRV_CANCEL_ASKED);
    assert_int_equal(srv_jobs_set_progress(f->db, &job, 20, &held, &cancel, NULL), FSN_OK);
    assert_true(held);
    assert_true(cancel);
    srv_job_clear(&job);
}

static void a_job_lost_while_it_was_to_be_cancelled_is_cancelled(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_job job;
    int count;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    srv_job_clear(&job);
    assert_int_equal(cancel_job(f, "job_1"), SRV_CANCEL_ASKED);
    assert_int_equal(srv_queue_recover(f->db, INT64_MAX, MAX_ATTEMPTS, &count, NULL), FSN_OK);
    is(f, "job_1", SRV_JOB_CANCELLED);
}

/* ---- inputs in use, metrics ---------------------------------------------------------------- */

static struct srv_in_use deletion(struct srv_fixture *f, const char *scope)
{
    struct srv_in_use in_use;
    bool found;

    assert_int_equal(srv_uploads_delete(f->blobs, f->db, SRV_UPLOAD_MODEL, "mdl_1", scope, &found,
                                        &in_use, NULL),
                     FSN_OK);
    assert_true(found);
    return in_use;
}

static void inputs_stay_while_a_job_needs_them(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_in_use in_use;
    struct srv_job job;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    in_use = deletion(f, NULL);
    assert_string_equal(in_use.ids, "job_1");
    assert_int_equal(in_use.own, 1);
    assert_int_equal(in_use.others, 0);
    in_use = deletion(f, "tok_who_did_not_order_it"); /* who may not know its id */
    assert_string_equal(in_use.ids, "");
    assert_int_equal(in_use.own, 0);
    assert_int_equal(in_use.others, 1);
    job = claim(f, 10);
    assert_string_equal(deletion(f, NULL).ids, "job_1");
    assert_true(srv_fixture_has_blob(f, "model"));
    assert_true(apply(f, &job, SRV_JOB_EVENT_FAIL));
    assert_int_equal(deletion(f, NULL).own, 0);
    assert_false(srv_fixture_has_blob(f, "model"));
    srv_job_clear(&job);
}

static void epochs_that_are_trained_again_appear_once(void **state)
{
    struct srv_fixture *f = *state;
    struct fsn_epoch *rows = NULL;
    struct srv_job job;
    size_t count = 0;
    bool held = false;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    for (int epoch = 1; epoch <= 3; epoch++) {
        struct fsn_epoch row = {
            .epoch = epoch, .train_loss = epoch, .train_top1 = NAN, .matched = NAN};

        assert_int_equal(srv_metrics_put(f->db, job.id, job.fence, &row, &held, NULL), FSN_OK);
        assert_true(held);
    }
    assert_int_equal(srv_metrics_cut(f->db, job.id, job.fence, 0, 2, NULL), FSN_OK);
    for (int i = 0; i < 2; i++) { /* the second write of an epoch replaces the first */
        struct fsn_epoch row = {.epoch = 2,
                                .train_loss = 20 + i,
                                .train_top1 = NAN,
                                .teacher_top1 = 90,
                                .held_top1 = 60 + i,
                                .held_loss = NAN,
                                .matched = 7 + i};

        assert_int_equal(srv_metrics_put(f->db, job.id, job.fence, &row, &held, NULL), FSN_OK);
    }
    assert_int_equal(srv_metrics_list(f->db, job.id, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 2);
    assert_true(rows[0].train_loss == 1 && rows[1].train_loss == 21);
    assert_true(isnan(rows[1].train_top1) && isnan(rows[1].held_loss));
    assert_true(rows[1].teacher_top1 == 90 && rows[1].held_top1 == 61);
    assert_true(isnan(rows[0].matched) && rows[1].matched == 8);
    free(rows);
    srv_job_clear(&job);
}

#define QUEUE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, srv_fixture_tear_down)

/* A search trains several files: epoch 1 of the second comes after every epoch of the first. */
static void the_curve_is_kept_by_candidate(void **state)
{
    struct srv_fixture *f = *state;
    struct fsn_epoch *rows = NULL;
    struct srv_job job;
    size_t count = 0;
    bool held = false, cancel = false;

    insert(f, "job_1", SRV_JOB_INSERTED, MANY);
    job = claim(f, 10);
    for (int i = 0; i < 6; i++) {
        struct fsn_epoch row = {.candidate = 1 + i / 2, .epoch = 1 + i % 2, .train_loss = i};

        assert_int_equal(srv_metrics_put(f->db, job.id, job.fence, &row, &held, NULL), FSN_OK);
    }
    assert_int_equal(srv_metrics_cut(f->db, job.id, job.fence, 2, 2, NULL), FSN_OK);
    assert_int_equal(srv_metrics_list(f->db, job.id, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(rows[i].candidate == 1 + i / 2 && rows[i].epoch == 1 + i % 2 &&
                    rows[i].train_loss == i);
    free(rows);

    job.search = strdup("{\"candidate\": 2}");
    assert_int_equal(srv_jobs_set_progress(f->db, &job, 999, &held, &cancel, NULL), FSN_OK);
    srv_job_clear(&job);
    job = get(f, "job_1");
    assert_string_equal(job.search, "{\"candidate\": 2}");
    srv_job_clear(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_documented_transitions_exist),
        cmocka_unit_test(status_names_come_back),
        QUEUE_TEST(a_job_needs_its_model_and_data_and_room_in_the_queue),
        QUEUE_TEST(claims_take_the_oldest_job_once),
        QUEUE_TEST(the_oldest_of_the_highest_priority_goes_first),
        QUEUE_TEST(labels_are_merged),
        QUEUE_TEST(a_worker_with_a_stale_claim_changes_nothing),
        QUEUE_TEST(an_ended_job_does_not_end_again),
        QUEUE_TEST(a_lease_that_holds_is_left_alone),
        QUEUE_TEST(a_job_that_loses_its_worker_too_often_fails),
        QUEUE_TEST(an_orderly_release_does_not_count_as_an_attempt),
        QUEUE_TEST(an_ended_job_is_queued_again_as_if_it_had_never_run),
        QUEUE_TEST(running_time_adds_up_over_attempts_and_its_bound_may_change),
        QUEUE_TEST(a_job_that_is_queued_again_comes_before_newer_ones),
        QUEUE_TEST(a_queued_job_is_cancelled_at_once),
        QUEUE_TEST(a_running_job_learns_of_its_cancel_with_its_next_progress),
        QUEUE_TEST(a_job_lost_while_it_was_to_be_cancelled_is_cancelled),
        QUEUE_TEST(inputs_stay_while_a_job_needs_them),
        QUEUE_TEST(epochs_that_are_trained_again_appear_once),
        QUEUE_TEST(the_curve_is_kept_by_candidate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
