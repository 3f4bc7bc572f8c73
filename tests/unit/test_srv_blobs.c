/* test_srv_blobs.c - content is stored once, lives as long as something names it, and no failure or
 * crash leaves a file without a row. Digests of "abc" and "" are those of FIPS 180-4's examples. */
#include "srv_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const char sha256_abc[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
static const char sha256_empty[] =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

static void digests_are_sha256(void **state)
{
    struct srv_fixture *f = *state;
    char digest[SRV_SHA256_SIZE];
    int64_t size;

    temp_dir_write(&f->dir, "abc", "abc", 3);
    assert_int_equal(srv_digest_file(temp_dir_path(&f->dir, "abc"), digest, &size, NULL), FSN_OK);
    assert_string_equal(digest, sha256_abc);
    assert_int_equal(size, 3);
    temp_dir_write(&f->dir, "empty", "", 0);
    assert_int_equal(srv_digest_file(temp_dir_path(&f->dir, "empty"), digest, &size, NULL), FSN_OK);
    assert_string_equal(digest, sha256_empty);
}

static void content_lies_under_its_digest(void **state)
{
    struct srv_fixture *f = *state;
    char path[SRV_PATH_SIZE];

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "abc");
    assert_int_equal(srv_path(path, NULL, "%s/blobs/ba/%s", f->dir.path, sha256_abc), FSN_OK);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(access(temp_dir_path(&f->dir, "upload"), F_OK), -1);
}

static void delete_upload(struct srv_fixture *f, const char *id)
{
    struct srv_in_use in_use;
    bool found;

    assert_int_equal(
        srv_uploads_delete(f->blobs, f->db, SRV_UPLOAD_MODEL, id, NULL, &found, &in_use, NULL),
        FSN_OK);
    assert_true(found);
    assert_int_equal(in_use.own + in_use.others, 0);
}

static void equal_content_is_stored_once_and_goes_with_its_last_name(void **state)
{
    struct srv_fixture *f = *state;

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "same");
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_2", "same");
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM blobs"), 1);
    assert_int_equal(access(temp_dir_path(&f->dir, "upload"), F_OK), -1);
    delete_upload(f, "mdl_1");
    assert_true(srv_fixture_has_blob(f, "same"));
    delete_upload(f, "mdl_2");
    assert_false(srv_fixture_has_blob(f, "same"));
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM blobs"), 0);
}

static void an_id_of_another_kind_is_not_found(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_upload upload;
    bool found = true;

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "x");
    assert_int_equal(srv_uploads_get(f->db, SRV_UPLOAD_DATASET, "mdl_1", &upload, &found, NULL),
                     FSN_OK);
    assert_false(found);
}

static enum fsn_status refuse(struct srv_db *db, void *user, struct fsn_error *err)
{
    (void)db;
    (void)user;
    return SRV_FAIL(err, FSN_IO, "refused");
}

static void a_failed_store_leaves_nothing(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_blob blob = {temp_dir_path(&f->dir, "abc"), sha256_abc, 3};
    struct fsn_error err = {0};

    temp_dir_write(&f->dir, "abc", "abc", 3);
    assert_int_equal(srv_blobs_store(f->blobs, f->db, &blob, 1, refuse, NULL, &err), FSN_IO);
    assert_string_equal(err.text, "refused");
    assert_false(srv_fixture_has_blob(f, "abc"));
    assert_int_equal(srv_fixture_number(f, "SELECT count(*) FROM blobs"), 0);
}

static void a_failed_store_keeps_what_was_there_before(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_blob blob;

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "abc");
    temp_dir_write(&f->dir, "abc", "abc", 3);
    blob = (struct srv_blob){temp_dir_path(&f->dir, "abc"), sha256_abc, 3};
    assert_int_equal(srv_blobs_store(f->blobs, f->db, &blob, 1, refuse, NULL, NULL), FSN_IO);
    assert_true(srv_fixture_has_blob(f, "abc"));
}

static void a_missing_file_cannot_be_stored(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_blob blob = {temp_dir_path(&f->dir, "nothing"), sha256_abc, 3};

    assert_int_equal(srv_blobs_store(f->blobs, f->db, &blob, 1, refuse, NULL, NULL), FSN_IO);
    assert_false(srv_fixture_has_blob(f, "abc"));
}

static void the_sweep_removes_exactly_the_files_without_a_row(void **state)
{
    struct srv_fixture *f = *state;
    int removed = 0;

    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "kept");
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_2", "orphan");
    assert_int_equal(srv_db_exec(f->db,
                                 "DELETE FROM uploads WHERE id = 'mdl_2';"
                                 "DELETE FROM blobs WHERE sha256 NOT IN"
                                 " (SELECT sha256 FROM uploads)",
                                 NULL),
                     FSN_OK);
    assert_true(srv_fixture_has_blob(f, "orphan"));
    assert_int_equal(srv_blobs_sweep(f->blobs, f->db, &removed, NULL), FSN_OK);
    assert_int_equal(removed, 1);
    assert_false(srv_fixture_has_blob(f, "orphan"));
    assert_true(srv_fixture_has_blob(f, "kept"));
}

#define STORE_TEST(name) \
    cmocka_unit_test_setup_teardown(name, srv_fixture_set_up, srv_fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(digests_are_sha256),
        STORE_TEST(content_lies_under_its_digest),
        STORE_TEST(equal_content_is_stored_once_and_goes_with_its_last_name),
        STORE_TEST(an_id_of_another_kind_is_not_found),
        STORE_TEST(a_failed_store_leaves_nothing),
        STORE_TEST(a_failed_store_keeps_what_was_there_before),
        STORE_TEST(a_missing_file_cannot_be_stored),
        STORE_TEST(the_sweep_removes_exactly_the_files_without_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
