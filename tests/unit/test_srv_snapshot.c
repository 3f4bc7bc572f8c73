/* test_srv_snapshot.c - what backup and check stand on: a copy of the database at one moment, a
 * connection that cannot write, the list of blobs, files copied with their digest, and SQLite's own
 * checks. */
#include "base/copy.h"
#include "srv_fixture.h"
#include "store/inspect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static int64_t count_uploads(struct srv_db *db)
{
    struct srv_query q;
    int64_t number = -1;

    srv_query_begin(&q, db, "SELECT count(*) FROM uploads");
    if (srv_query_row(&q))
        number = srv_column_int(&q, 0);
    assert_int_equal(srv_query_end(&q, NULL), FSN_OK);
    return number;
}

static void a_snapshot_is_of_one_moment_and_stays(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_db *copy = NULL;
    char path[512];

    snprintf(path, sizeof path, "%s", temp_dir_path(&f->dir, "copy.db"));
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "one");
    assert_int_equal(srv_db_snapshot(f->db, path, NULL), FSN_OK);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_2", "two");
    assert_int_equal(srv_db_open_readonly(path, &copy, NULL), FSN_OK);
    assert_int_equal(count_uploads(copy), 1);
    assert_int_equal(count_uploads(f->db), 2);
    srv_db_close(copy);
    /* nothing is written over */
    assert_int_not_equal(srv_db_snapshot(f->db, path, NULL), FSN_OK);
}

static void a_reader_sees_what_is_written_and_cannot_write(void **state)
{
    struct srv_fixture *f = *state;
    struct fsn_error err = {0};
    struct srv_db *reader = NULL;

    assert_int_equal(srv_db_open_readonly(temp_dir_path(&f->dir, "test.db"), &reader, NULL),
                     FSN_OK);
    assert_int_equal(count_uploads(reader), 0);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "one");
    assert_int_equal(count_uploads(reader), 1);
    assert_int_equal(srv_db_exec(reader, "DELETE FROM uploads", &err), FSN_IO);
    assert_non_null(strstr(err.text, "readonly"));
    srv_db_close(reader);
    assert_int_equal(count_uploads(f->db), 1);
    assert_int_equal(srv_db_open_readonly(temp_dir_path(&f->dir, "none.db"), &reader, NULL),
                     FSN_IO);
    assert_int_equal(access(temp_dir_path(&f->dir, "none.db"), F_OK), -1);
}

static void blobs_are_listed_in_order_however_many(void **state)
{
    enum { COUNT = 1000 };
    struct srv_fixture *f = *state;
    struct srv_blob_row *rows = NULL;
    char sha256[SRV_SHA256_SIZE];
    size_t count = 99;

    assert_int_equal(srv_blobs_list(f->db, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 0);
    assert_null(srv_blob_find(rows, count, "0"));
    free(rows);
    /* numbers 999 down to 0 in 64 hex digits */
    assert_int_equal(
        srv_db_exec(f->db,
                    "WITH RECURSIVE n (i) AS (SELECT 999 UNION ALL SELECT i - 1 FROM n WHERE i > 0)"
                    " INSERT INTO blobs SELECT printf('%064x', i), i, 0 FROM n",
                    NULL),
        FSN_OK);
    assert_int_equal(srv_blobs_list(f->db, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, COUNT);
    for (int i = 0; i < COUNT; i++) {
        snprintf(sha256, sizeof sha256, "%064x", (unsigned)i);
        assert_string_equal(rows[i].sha256, sha256);
        assert_int_equal(rows[i].size_bytes, i);
        assert_ptr_equal(srv_blob_find(rows, count, sha256), &rows[i]);
    }
    assert_null(srv_blob_find(rows, count, "nobody"));
    free(rows);
}

/* The digest of "abc" is that of FIPS 180-4's example. */
static void a_copy_has_the_bytes_and_the_digest(void **state)
{
    struct srv_fixture *f = *state;
    char from[512], to[512], sha256[SRV_SHA256_SIZE];
    struct fsn_error err = {0};
    struct stat info;
    int64_t size = -1;
    bool found = false;

    snprintf(from, sizeof from, "%s", temp_dir_path(&f->dir, "from"));
    snprintf(to, sizeof to, "%s", temp_dir_path(&f->dir, "to"));
    assert_int_equal(srv_copy_file(from, to, sha256, &size, &found, NULL), FSN_OK);
    assert_false(found);
    assert_int_equal(access(to, F_OK), -1);
    temp_dir_write(&f->dir, "from", "abc", 3);
    assert_int_equal(srv_copy_file(from, to, sha256, &size, &found, NULL), FSN_OK);
    assert_true(found);
    assert_int_equal(size, 3);
    assert_string_equal(sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(stat(to, &info), 0);
    assert_int_equal(info.st_size, 3);
    assert_int_equal(info.st_mode & S_IRWXO, 0);
    /* what is there stays */
    temp_dir_write(&f->dir, "from", "other", 5);
    assert_int_equal(srv_copy_file(from, to, sha256, &size, &found, &err), FSN_IO);
    assert_non_null(strstr(err.text, "File exists"));
    assert_int_equal(stat(to, &info), 0);
    assert_int_equal(info.st_size, 3);
    /* a folder opens, but cannot be read; nothing is left */
    assert_int_equal(unlink(to), 0);
    assert_int_equal(srv_copy_file(f->dir.path, to, sha256, &size, &found, NULL), FSN_IO);
    assert_int_equal(access(to, F_OK), -1);
}

static void keep(const char *fault, void *user)
{
    char *last = user;

    snprintf(last, 200, "%s", fault);
}

static void rows_that_name_nothing_are_found(void **state)
{
    struct srv_fixture *f = *state;
    char last[200] = "";

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "one");
    assert_int_equal(srv_inspect_database(f->db, true, keep, last, NULL), FSN_OK);
    assert_string_equal(last, "");
    assert_int_equal(srv_db_exec(f->db, "PRAGMA foreign_keys = OFF; DELETE FROM blobs", NULL),
                     FSN_OK);
    assert_int_equal(srv_inspect_database(f->db, false, keep, last, NULL), FSN_OK);
    assert_string_equal(last, "rows of uploads that name one of blobs that is not there: 1");
}

#define STORE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, srv_fixture_set_up, srv_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(a_snapshot_is_of_one_moment_and_stays),
        STORE_TEST(a_reader_sees_what_is_written_and_cannot_write),
        STORE_TEST(blobs_are_listed_in_order_however_many),
        STORE_TEST(a_copy_has_the_bytes_and_the_digest),
        STORE_TEST(rows_that_name_nothing_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
