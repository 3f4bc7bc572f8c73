/* test_srv_migrate.c - migrations are applied once, in order, whole or not at all. */
#include "store/migrate.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct temp_dir dir;
    struct srv_db *db;
    int applied;
    struct fsn_error err;
};

static int set_up(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.applied = -1};
    temp_dir_create(&fixture.dir);
    assert_int_equal(srv_db_open(temp_dir_path(&fixture.dir, "test.db"), &fixture.db, NULL),
                     FSN_OK);
    *state = &fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    srv_db_close(f->db);
    temp_dir_remove(&f->dir);
    return 0;
}

static enum fsn_status migrate(struct fixture *f, const struct srv_migration *list)
{
    f->err = (struct fsn_error){0};
    return srv_migrate(f->db, list, &f->applied, &f->err);
}

static const struct srv_migration two[] = {
    {1, "first", "CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);"},
    {2, "second", "INSERT INTO a VALUES (2);"},
    {0, NULL, NULL},
};

static int64_t sum(struct fixture *f)
{
    struct srv_query q;
    int64_t number;

    srv_query_begin(&q, f->db, "SELECT sum(x) FROM a");
    assert_true(srv_query_row(&q));
    number = srv_column_int(&q, 0);
    assert_int_equal(srv_query_end(&q, NULL), FSN_OK);
    return number;
}

static void what_is_missing_is_applied_once(void **state)
{
    const struct srv_migration one[] = {two[0], {0, NULL, NULL}};
    struct fixture *f = *state;

    assert_int_equal(migrate(f, one), FSN_OK);
    assert_int_equal(f->applied, 1);
    assert_int_equal(sum(f), 1);
    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(f->applied, 1);
    assert_int_equal(sum(f), 3);
    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(f->applied, 0);
    assert_int_equal(sum(f), 3);
}

static void a_migration_that_fails_changes_nothing(void **state)
{
    const struct srv_migration bad[] = {
        two[0],
        {2, "broken", "INSERT INTO a VALUES (5); INSERT INTO nothing VALUES (1);"},
        {0, NULL, NULL},
    };
    struct fixture *f = *state;

    assert_int_not_equal(migrate(f, bad), FSN_OK);
    assert_non_null(strstr(f->err.text, "nothing"));
    assert_int_equal(sum(f), 1);
    assert_int_equal(migrate(f, two), FSN_OK); /* the corrected one goes through */
    assert_int_equal(sum(f), 3);
}

static void a_migration_that_was_changed_later_is_refused(void **state)
{
    const struct srv_migration changed[] = {{1, "first", "CREATE TABLE a (x INTEGER, y INTEGER);"},
                                            {0, NULL, NULL}};
    struct fixture *f = *state;

    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(migrate(f, changed), FSN_UNSUPPORTED);
}

static void the_changed_one_is_named(void **state)
{
    const struct srv_migration changed[] = {
        two[0], {2, "second", "INSERT INTO a VALUES (20);"}, {0, NULL, NULL}};
    struct fixture *f = *state;

    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(migrate(f, changed), FSN_UNSUPPORTED);
    assert_non_null(strstr(f->err.text, "migration 2 (second) has changed"));
}

static void a_database_of_a_newer_program_is_refused(void **state)
{
    const struct srv_migration one[] = {two[0], {0, NULL, NULL}};
    struct fixture *f = *state;

    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(migrate(f, one), FSN_UNSUPPORTED);
    assert_non_null(strstr(f->err.text, "schema version 2, this program knows 1"));
}

static void looking_says_what_would_be_done_and_does_nothing(void **state)
{
    const struct srv_migration one[] = {two[0], {0, NULL, NULL}};
    struct fixture *f = *state;
    struct srv_schema schema = {0};

    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(srv_schema_look(f->db, two, &schema, NULL), FSN_OK);
        assert_int_equal(schema.stored, 0);
        assert_int_equal(schema.known, 2);
        assert_int_equal(schema.missing, 2);
    }
    assert_int_equal(migrate(f, one), FSN_OK);
    for (int twice = 0; twice < 2; twice++) {
        assert_int_equal(srv_schema_look(f->db, two, &schema, NULL), FSN_OK);
        assert_int_equal(schema.stored, 1);
        assert_int_equal(schema.missing, 1);
    }
    assert_int_equal(migrate(f, two), FSN_OK);
    assert_int_equal(srv_schema_look(f->db, two, &schema, NULL), FSN_OK);
    assert_int_equal(schema.missing, 0);
    assert_int_equal(srv_schema_look(f->db, one, &schema, NULL), FSN_UNSUPPORTED);
}

static void the_embedded_migrations_are_in_order_and_apply(void **state)
{
    struct fixture *f = *state;
    int count = 0;

    for (; srv_migrations[count].name; count++)
        assert_int_equal(srv_migrations[count].version, count + 1);
    assert_true(count > 0);
    assert_string_equal(srv_migrations[0].name, "init");
    assert_int_equal(migrate(f, srv_migrations), FSN_OK);
    assert_int_equal(f->applied, count);
}

static void expect_row(struct fixture *f, const char *sql, const char *want)
{
    struct srv_query q;
    char text[256] = "";

    srv_query_begin(&q, f->db, sql);
    if (srv_query_row(&q))
        srv_column_copy(&q, 0, text, sizeof text);
    assert_int_equal(srv_query_end(&q, NULL), FSN_OK);
    assert_string_equal(text, want);
}

/* Curves of jobs from before there were candidates are those of their only file. */
static void old_curves_stay_when_candidates_come(void **state)
{
    const struct srv_migration before[] = {
        srv_migrations[0],
        srv_migrations[1],
        {3, "rows",
         "INSERT INTO jobs (id, name, model_id, dataset_id, spec,"
         " plan, status, created_at) VALUES ('job_1', '', 'm',"
         " 'd', '{}', '{}', 'queued', 1);"
         "INSERT INTO metrics (job_id, epoch, lr, train_loss,"
         " seconds, held_top1)"
         " VALUES ('job_1', 7, 0.5, NULL, 2, 61.5);"},
        {0, NULL, NULL}};
    struct srv_migration after[] = {
        before[0], before[1], before[2], {4, "search", NULL}, {0, NULL, NULL}};
    struct fixture *f = *state;

    after[3].sql = srv_migrations[2].sql;
    assert_string_equal(srv_migrations[2].name, "search");
    assert_int_equal(migrate(f, before), FSN_OK);
    assert_int_equal(migrate(f, after), FSN_OK);
    expect_row(f,
               "SELECT candidate || ' ' || epoch || ' ' || lr || ' ' || seconds || ' ' || held_top1"
               " FROM metrics WHERE job_id = 'job_1' AND train_loss IS NULL",
               "0 7 0.5 2.0 61.5");
    expect_row(f, "SELECT count(*) FROM jobs WHERE search IS NULL", "1");
}

/* What was made before there were tokens has no owner, and keeps its Idempotency-Key. */
static void things_from_before_tokens_have_no_owner(void **state)
{
    enum { BEFORE = 5 };
    struct srv_migration list[BEFORE + 3] = {{0, NULL, NULL}};
    struct fixture *f = *state;

    memcpy(list, srv_migrations, BEFORE * sizeof *list);
    list[BEFORE] = (struct srv_migration){
        6, "rows",
        "INSERT INTO blobs VALUES "
        "('0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef',"
        " 3, 1);"
        "INSERT INTO uploads (id, kind, name, format, sha256, summary, created_at) SELECT 'mdl_1',"
        " 'model', 'n', 'onnx', sha256, '{}', 1 FROM blobs;"
        "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at,"
        " idempotency_key) VALUES ('job_1', '', 'm', 'd', '{}', '{}', 'queued', 1, 'k'),"
        " ('job_2', '', 'm', 'd', '{}', '{}', 'queued', 1, NULL),"
        " ('job_3', '', 'm', 'd', '{}', '{}', 'queued', 1, NULL);"};
    assert_int_equal(migrate(f, list), FSN_OK);
    list[BEFORE + 1] = (struct srv_migration){7, "tokens", srv_migrations[BEFORE].sql};
    assert_string_equal(srv_migrations[BEFORE].name, "tokens");
    assert_int_equal(migrate(f, list), FSN_OK);
    expect_row(f, "SELECT count(*) FROM uploads WHERE owner IS NULL", "1");
    expect_row(f, "SELECT count(*) FROM jobs WHERE owner IS NULL", "3");
    expect_row(f, "SELECT id FROM jobs WHERE idempotency_key = 'k'", "job_1");
    assert_int_not_equal(
        srv_db_exec(f->db, "UPDATE jobs SET idempotency_key = 'k' WHERE id = 'job_2'", NULL),
        FSN_OK);
    assert_int_not_equal(srv_db_exec(f->db, "UPDATE jobs SET owner = 'nobody'", NULL), FSN_OK);
}

/* Applies the steps before the named one, puts rows in by this SQL, and applies that step. */
static void migrate_over(struct fixture *f, const char *name, const char *rows)
{
    struct srv_migration list[32] = {{0, NULL, NULL}};
    int before = 0;

    while (strcmp(srv_migrations[before].name, name) != 0)
        before++;
    assert_in_range(before, 1, 29);
    memcpy(list, srv_migrations, (size_t)before * sizeof *list);
    list[before] = (struct srv_migration){list[before - 1].version + 1, "rows", rows};
    assert_int_equal(migrate(f, list), FSN_OK);
    list[before + 1] =
        (struct srv_migration){list[before].version + 1, name, srv_migrations[before].sql};
    assert_int_equal(migrate(f, list), FSN_OK);
}

/* Jobs from before there was a log have what their times tell; what happens from then on is logged.
 */
static void the_log_of_old_jobs_is_what_their_times_tell(void **state)
{
    struct fixture *f = *state;

    migrate_over(
        f, "job_log",
        "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at, "
        "started_at,"
        " finished_at, attempts, error_detail) VALUES"
        " ('job_1', '', 'm', 'd', '{}', '{}', 'failed', 10, 20, 30, 2, 'why'),"
        " ('job_2', '', 'm', 'd', '{}', '{}', 'queued', 40, NULL, NULL, 0, NULL);");
    expect_row(f,
               "SELECT group_concat(job_id || ' ' || number || ' ' || at || ' ' || event || ' ' ||"
               " attempt || ' ' || coalesce(detail, ''), '; ') FROM (SELECT * FROM job_log"
               " ORDER BY job_id, number)",
               "job_1 1 10 ordered 0 ; job_1 2 20 started 1 ; job_1 3 30 failed 2 why;"
               " job_2 1 40 ordered 0 ");
    assert_int_equal(srv_db_exec(f->db,
                                 "UPDATE jobs SET status = 'running', lease_until = 1, attempts = 1"
                                 " WHERE id = 'job_2';"
                                 "UPDATE jobs SET stage = 'fit', candidate = 3, candidates_done = 2"
                                 " WHERE id = 'job_2';"
                                 "UPDATE jobs SET stage = 'fit', progress = 0.5 WHERE id = 'job_2'",
                                 NULL),
                     FSN_OK);
    expect_row(f,
               "SELECT group_concat(event || ' ' || attempt || ' ' || coalesce(candidate, 0), '; ')"
               " FROM (SELECT * FROM job_log WHERE job_id = 'job_2' ORDER BY number)",
               "ordered 0 0; started 1 0; candidate 1 2; stage 1 3");
}

/* A job that had ended before it could be tried again is, and its webhook is told anew. */
static void old_jobs_can_be_tried_again(void **state)
{
    struct fixture *f = *state;

    migrate_over(f, "retry",
                 "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at,"
                 " started_at, finished_at, attempts) VALUES"
                 " ('job_1', '', 'm', 'd', '{}', '{}', 'failed', 10, 20, 30, 2);"
                 "INSERT INTO deliveries (id, job_id, event, happened_at, status)"
                 " VALUES ('msg_1', 'job_1', 'job.failed', 30, 'delivered');");
    expect_row(f,
               "SELECT run_ms || ' ' || (max_run_seconds IS NULL) || ' ' ||"
               " (SELECT count(*) FROM deliveries) FROM jobs",
               "0 1 1");
    assert_int_equal(srv_db_exec(f->db,
                                 "UPDATE jobs SET status = 'queued', finished_at = NULL,"
                                 " attempts = 0",
                                 NULL),
                     FSN_OK);
    expect_row(f, "SELECT count(*) FROM deliveries", "0");
    expect_row(f, "SELECT event || ' ' || attempt FROM job_log ORDER BY number DESC LIMIT 1",
               "retried 2");
}

/* Rows of curves from before detectors are classifiers', which match no boxes. */
static void old_curves_have_nothing_matched(void **state)
{
    struct fixture *f = *state;

    migrate_over(
        f, "matched",
        "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at) VALUES"
        " ('job_1', '', 'm', 'd', '{}', '{}', 'queued', 1);"
        "INSERT INTO metrics (job_id, candidate, epoch, lr, train_loss, train_top1, seconds)"
        " VALUES ('job_1', 2, 7, 0.5, 1.5, 61.5, 2);");
    expect_row(f,
               "SELECT candidate || ' ' || epoch || ' ' || train_top1 || ' ' || (matched IS NULL)"
               " FROM metrics",
               "2 7 61.5 1");
}

static void a_log_keeps_its_newest_rows(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(migrate(f, srv_migrations), FSN_OK);
    assert_int_equal(
        srv_db_exec(
            f->db,
            "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at,"
            " lease_until) VALUES ('job_1', '', 'm', 'd', '{}', '{}', 'running', 1, 1);"
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1005)"
            " INSERT INTO job_log (job_id, number, event, attempt)"
            " SELECT 'job_1', i, 'stage', 1 FROM n",
            NULL),
        FSN_OK);
    expect_row(f, "SELECT min(number) || ' ' || max(number) FROM job_log", "6 1005");
    assert_int_equal(srv_db_exec(f->db, "DELETE FROM jobs", NULL), FSN_OK);
    expect_row(f, "SELECT count(*) FROM job_log", "0");
}

/* Uploads from before their use was noted count from the last job that had them, or from their own
 * time. */
static void uploads_from_before_retention_know_their_last_use(void **state)
{
    struct srv_migration list[32] = {{0, NULL, NULL}};
    struct fixture *f = *state;
    int before = 0;

    while (strcmp(srv_migrations[before].name, "retention") != 0)
        before++;
    assert_in_range(before, 8, 28);
    memcpy(list, srv_migrations, (size_t)before * sizeof *list);
    list[before] = (struct srv_migration){
        before + 100, "rows",
        "INSERT INTO blobs VALUES "
        "('0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', 3, 1);"
        "INSERT INTO uploads (id, kind, name, format, sha256, summary, created_at) SELECT column1,"
        " 'model', 'n', 'onnx', sha256, '{}', column2 FROM blobs,"
        " (VALUES ('mdl_idle', 5), ('mdl_used', 6), ('dst_used', 7));"
        "INSERT INTO jobs (id, name, model_id, dataset_id, spec, plan, status, created_at,"
        " finished_at) VALUES ('job_1', '', 'mdl_used', 'dst_used', '{}', '{}', 'failed', 8, 9),"
        " ('job_2', '', 'mdl_used', 'gone', '{}', '{}', 'queued', 10, NULL);"};
    assert_int_equal(migrate(f, list), FSN_OK);
    list[before + 1] =
        (struct srv_migration){before + 101, "retention", srv_migrations[before].sql};
    assert_int_equal(migrate(f, list), FSN_OK);
    expect_row(f, "SELECT group_concat(id || ' ' || used_at, ' ') FROM uploads",
               "mdl_idle 5 mdl_used 10 dst_used 9");
    expect_row(f, "SELECT count(*) FROM jobs WHERE keep = 0 AND artifacts_expired_at IS NULL", "2");
}

/* Uploads in parts that are under way when they get a place in a list. */
static void old_partial_uploads_are_listed_in_their_order(void **state)
{
    struct fixture *f = *state;

    migrate_over(
        f, "partial_lists",
        "INSERT INTO partial_uploads (id, kind, name, format, metadata, length, created_at,"
        " expires_at, resource) VALUES ('upl_a', 'model', 'late', '', 'm', 5, 20, 30, NULL),"
        " ('upl_b', 'dataset', 'early', 'idx', 'm', 6, 10, 40, 'dst_1');");
    expect_row(f,
               "SELECT group_concat(seq || ' ' || id || ' ' || kind || ' ' || name || ' ' || format"
               " || ' ' || length || ' ' || expires_at || ' ' || coalesce(resource, '-'), '; ')"
               " FROM (SELECT * FROM partial_uploads WHERE verified IS NULL ORDER BY seq)",
               "1 upl_b dataset early idx 6 40 dst_1; 2 upl_a model late  5 30 -");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_missing_is_applied_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_migration_that_fails_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_migration_that_was_changed_later_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_changed_one_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_database_of_a_newer_program_is_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(looking_says_what_would_be_done_and_does_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_embedded_migrations_are_in_order_and_apply, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(things_from_before_tokens_have_no_owner, set_up, tear_down),
        cmocka_unit_test_setup_teardown(uploads_from_before_retention_know_their_last_use, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_log_of_old_jobs_is_what_their_times_tell, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(old_jobs_can_be_tried_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_keeps_its_newest_rows, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_curves_stay_when_candidates_come, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_curves_have_nothing_matched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(old_partial_uploads_are_listed_in_their_order, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
