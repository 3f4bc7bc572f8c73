/* test_srv_retention.c - what is removed because of its age, what stays, and that blobs follow. */
#include "base/number.h"
#include "jobs/queue.h"
#include "srv_fixture.h"
#include "store/results.h"
#include "store/retention.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

enum { NOW = 5000 };

static int set_up(void **state)
{
    srv_fixture_set_up(state);
    srv_fixture_add(*state, SRV_UPLOAD_MODEL, "mdl_1", "model");
    srv_fixture_add(*state, SRV_UPLOAD_DATASET, "dst_1", "data");
    return 0;
}

static void insert(struct srv_fixture *f, const char *id)
{
    struct srv_job job = {.name = (char *)"n",
                          .spec = (char *)"{}",
                          .plan = (char *)"{}",
                          .model_id = "mdl_1",
                          .dataset_id = "dst_1",
                          .created_at_ms = 100};
    enum srv_job_insert outcome = SRV_JOB_QUEUE_FULL;

    snprintf(job.id, sizeof job.id, "%s", id);
    assert_int_equal(srv_jobs_insert(f->db, &job, &(struct srv_key){0}, 100, &outcome, NULL),
                     FSN_OK);
    assert_int_equal(outcome, SRV_JOB_INSERTED);
}

static void run(struct srv_fixture *f, const char *sql)
{
    assert_int_equal(srv_db_exec(f->db, sql, NULL), FSN_OK);
}

struct file {
    const char *job_id;
    struct srv_artifact artifact;
};

static enum fsn_status write_file(struct srv_db *db, void *user, struct fsn_error *err)
{
    const struct file *file = user;

    return srv_artifacts_insert(db, file->job_id, &file->artifact, err);
}

static void leave_file(struct srv_fixture *f, const char *id, const char *name, const char *text)
{
    struct file file = {.job_id = id, .artifact = {.content_type = "t"}};
    struct srv_blob blob = {.size_bytes = (int64_t)strlen(text)};

    snprintf(file.artifact.name, sizeof file.artifact.name, "%s", name);
    srv_digest_bytes(text, strlen(text), file.artifact.sha256);
    temp_dir_write(&f->dir, "out", text, strlen(text));
    blob.path = temp_dir_path(&f->dir, "out");
    blob.sha256 = file.artifact.sha256;
    assert_int_equal(srv_blobs_store(f->blobs, f->db, &blob, 1, write_file, &file, NULL), FSN_OK);
}

/* A job that ended at this time, with a file of this text. */
static void ended(struct srv_fixture *f, const char *id, const char *status, int at_ms,
                  const char *text)
{
    char sql[256];

    insert(f, id);
    leave_file(f, id, "model.onnx", text);
    snprintf(sql, sizeof sql, "UPDATE jobs SET status = '%s', finished_at = %d WHERE id = '%s'",
             status, at_ms, id);
    run(f, sql);
}

static int64_t expire(struct srv_fixture *f, enum srv_expiry what, int64_t before_ms)
{
    int64_t count = -1;

    assert_int_equal(srv_retention_expire(f->blobs, f->db, what, before_ms, NOW, &count, NULL),
                     FSN_OK);
    return count;
}

static void files_of_old_jobs_go_and_the_jobs_stay(void **state)
{
    struct srv_fixture *f = *state;

    ended(f, "job_old", "succeeded", 1000, "old");
    ended(f, "job_kept", "succeeded", 1000, "kept");
    ended(f, "job_same", "succeeded", 1000, "shared");
    ended(f, "job_new", "succeeded", 2000, "shared");
    ended(f, "job_failed", "failed", 1000, "failed");
    run(f, "UPDATE jobs SET keep = 1 WHERE id = 'job_kept'");
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 1000), 0); /* not older than that */
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), 2);
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), 0);
    assert_false(srv_fixture_has_blob(f, "old"));
    assert_true(srv_fixture_has_blob(f, "kept"));
    assert_true(srv_fixture_has_blob(f, "shared")); /* a younger job has it too */
    assert_true(srv_fixture_has_blob(f, "model"));
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM jobs"), 5);
    assert_int_equal(
        srv_fixture_number(f, "SELECT artifacts_expired_at FROM jobs WHERE id = 'job_old'"), NOW);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM artifacts"), 3);
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2001), 1);
    assert_false(srv_fixture_has_blob(f, "shared"));
}

static void a_report_stays_as_long_as_its_job(void **state)
{
    struct srv_fixture *f = *state;

    ended(f, "job_old", "succeeded", 1000, "old");
    leave_file(f, "job_old", "report.json", "figures");
    ended(f, "job_bare", "succeeded", 1000, "bare"); /* has none */
    ended(f, "job_new", "succeeded", 5000, "new");
    leave_file(f, "job_new", "report.json", "others");
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), 2);
    assert_false(srv_fixture_has_blob(f, "old"));
    assert_true(srv_fixture_has_blob(f, "figures"));
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM artifacts"), 3);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM artifacts WHERE job_id = 'job_old'"
                                           " AND name = 'report.json' AND content_type = 't'"),
                     1);
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), 0); /* once */
    assert_int_equal(expire(f, SRV_EXPIRY_JOBS, 2000), 2);
    assert_false(srv_fixture_has_blob(f, "figures"));
    assert_true(srv_fixture_has_blob(f, "others"));
}

static void old_jobs_go_however_they_ended(void **state)
{
    struct srv_fixture *f = *state;

    ended(f, "job_1", "succeeded", 1000, "one");
    ended(f, "job_2", "failed", 1000, "two");
    ended(f, "job_3", "cancelled", 1000, "three");
    ended(f, "job_4", "cancelled", 1000, "four");
    run(f, "UPDATE jobs SET keep = 1 WHERE id = 'job_4'");
    insert(f, "job_waits");
    assert_int_equal(expire(f, SRV_EXPIRY_JOBS, INT64_MAX), 3);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM jobs"), 2);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM artifacts"), 1);
    assert_false(srv_fixture_has_blob(f, "one"));
    assert_true(srv_fixture_has_blob(f, "four"));
}

static void uploads_go_when_no_job_has_used_them_for_long(void **state)
{
    struct srv_fixture *f = *state;

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_idle", "idle"); /* made at 1 */
    insert(f, "job_1");                                       /* at 100, of the other two */
    assert_int_equal(expire(f, SRV_EXPIRY_UPLOADS, 1), 0);
    assert_int_equal(expire(f, SRV_EXPIRY_UPLOADS, INT64_MAX), 1); /* the job waits for the rest */
    assert_false(srv_fixture_has_blob(f, "idle"));
    run(f, "UPDATE jobs SET status = 'cancelled', finished_at = 3000 WHERE id = 'job_1'");
    assert_int_equal(expire(f, SRV_EXPIRY_UPLOADS, 3000), 0);
    run(f, "DELETE FROM jobs"); /* that they were used is known still */
    assert_int_equal(expire(f, SRV_EXPIRY_UPLOADS, 3000), 0);
    assert_int_equal(expire(f, SRV_EXPIRY_UPLOADS, 3001), 2);
    assert_false(srv_fixture_has_blob(f, "model"));
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM blobs"), 0);
}

static void a_step_removes_a_few(void **state)
{
    struct srv_fixture *f = *state;

    for (int i = 0; i < SRV_EXPIRE_AT_ONCE + 3; i++) {
        char id[SRV_ID_SIZE];

        snprintf(id, sizeof id, "job_%d", i);
        ended(f, id, "succeeded", 1000, id);
    }
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), SRV_EXPIRE_AT_ONCE);
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM artifacts"), 3);
    assert_int_equal(expire(f, SRV_EXPIRY_ARTIFACTS, 2000), 3);
    assert_int_equal(expire(f, SRV_EXPIRY_JOBS, 2000), SRV_EXPIRE_AT_ONCE);
    assert_int_equal(expire(f, SRV_EXPIRY_JOBS, 2000), 3);
}

static void durations_are_a_number_and_a_unit(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
        const char *shortest;
    } cases[] = {
        {"0", 0, "0"},
        {"90s", 90000, "90s"},
        {"120s", 120000, "2m"},
        {"15m", 900000, "15m"},
        {"12h", 43200000, "12h"},
        {"24h", 86400000, "1d"},
        {"30d", 2592000000, "30d"},
        {"36500d", 3153600000000, "36500d"},
    };
    static const char *const wrong[] = {
        "", "d", "-1d", "1", "30 d", "30D", "1.5h", "1d2", "1w", "36501d", "99999999999999999999s"};
    char text[SRV_DURATION_SIZE];
    int64_t ms;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_true(srv_duration_parse(cases[i].text, &ms));
        assert_int_equal(ms, cases[i].ms);
        srv_duration_text(ms, text);
        assert_string_equal(text, cases[i].shortest);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (srv_duration_parse(wrong[i], &ms))
            fail_msg("'%s' is taken for a duration", wrong[i]);
}

int main(void)
{
#define STORED(test) cmocka_unit_test_setup_teardown(test, set_up, srv_fixture_tear_down)
    const struct CMUnitTest tests[] = {
        STORED(files_of_old_jobs_go_and_the_jobs_stay),
        STORED(a_report_stays_as_long_as_its_job),
        STORED(old_jobs_go_however_they_ended),
        STORED(uploads_go_when_no_job_has_used_them_for_long),
        STORED(a_step_removes_a_few),
        cmocka_unit_test(durations_are_a_number_and_a_unit),
    };
#undef STORED

    return cmocka_run_group_tests(tests, NULL, NULL);
}
