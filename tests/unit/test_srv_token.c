/* test_srv_token.c - tokens: their form, what is kept of them, hostile Authorization headers, rows
 * and owners, and what roles see. */
#include "base/caller.h"
#include "store/jobs.h"
#include "store/tokens.h"
#include "srv_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define ID "0123456789abcdef01234567"
#define SECRET "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define TOKEN "fsn_" ID "_" SECRET

/* printf %s TOKEN | sha256sum (coreutils 9.1) */
static const char sha256_of_token[] =
    "c779d2f6ba32360899209ff080a3e2193ac426d7b966da3bcf2404adaaf9121a";

static void a_new_token_has_the_documented_form_and_is_never_the_same(void **state)
{
    char text[SRV_TOKEN_SIZE], other[SRV_TOKEN_SIZE], header[SRV_TOKEN_SIZE + 8];
    struct srv_token token, second, parsed;

    (void)state;
    assert_int_equal(srv_token_new(text, &token, NULL), FSN_OK);
    assert_int_equal(srv_token_new(other, &second, NULL), FSN_OK);
    assert_int_equal(strlen(text), 93);
    assert_memory_equal(text, "fsn_", 4);
    assert_memory_equal(text + 4, token.id, 24);
    assert_int_equal(text[28], '_');
    assert_int_equal(strspn(text + 29, "0123456789abcdef"), 64);
    assert_memory_not_equal(text + 4, other + 4, 24);
    assert_memory_not_equal(text + 29, other + 29, 64);
    assert_false(srv_token_same(token.sha256, second.sha256));
    snprintf(header, sizeof header, "Bearer %s", text);
    assert_true(srv_token_parse(header, &parsed));
    assert_string_equal(parsed.id, token.id);
    assert_true(srv_token_same(parsed.sha256, token.sha256));
}

static void what_is_kept_is_the_sha256_of_the_whole_token(void **state)
{
    struct srv_token token;

    (void)state;
    assert_true(srv_token_parse("Bearer " TOKEN, &token));
    assert_string_equal(token.id, ID);
    assert_string_equal(token.sha256, sha256_of_token);
    assert_true(srv_token_parse("bEARER    " TOKEN, &token));
    assert_string_equal(token.sha256, sha256_of_token);
}

static void a_digest_that_differs_anywhere_is_another(void **state)
{
    char other[SRV_SHA256_SIZE];

    (void)state;
    assert_true(srv_token_same(sha256_of_token, sha256_of_token));
    for (size_t i = 0; i + 1 < sizeof other; i++) {
        memcpy(other, sha256_of_token, sizeof other);
        other[i] ^= 1;
        assert_false(srv_token_same(sha256_of_token, other));
    }
}

static void a_header_that_is_not_a_token_is_none(void **state)
{
    static const char *const bad[] = {
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer" TOKEN,
        TOKEN,
        " Bearer " TOKEN,
        "Basic " TOKEN,
        "Bearer\t" TOKEN,
        "Bearer " TOKEN " ",
        "Bearer " TOKEN "0",
        "Bearer " TOKEN "," TOKEN,
        "Bearer " TOKEN "\n",
        "Bearer fsn_" ID "_",
        "Bearer fsn_" ID SECRET "0",
        "Bearer FSN_" ID "_" SECRET,
        "Bearer fsn_" ID "-" SECRET,
        "Bearer fsn_0123456789ABCDEF01234567_" SECRET,
        "Bearer fsn_' OR 1=1; --......._" SECRET,
        "Bearer fsn_0123456789abcdef0123456__" SECRET,
        "Bearer fsn_" ID "_g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
        "Bearer fsn_" ID "_00112233445566778899aabbccddeeff00112233445566778899aabbccddee\xc3\xa9",
        "Bearer token=\"" TOKEN "\"",
    };
    char longest[70000];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct srv_token token = {.id = "untouched"};

        if (srv_token_parse(bad[i], &token))
            fail_msg("taken: '%s'", bad[i]);
        assert_string_equal(token.id, "untouched");
    }
    memset(longest, 'f', sizeof longest);
    memcpy(longest, "Bearer fsn_", 11);
    longest[sizeof longest - 1] = '\0';
    assert_false(srv_token_parse(longest, &(struct srv_token){0}));
    memset(longest + 6, ' ', sizeof longest - 7);
    assert_false(srv_token_parse(longest, &(struct srv_token){0}));
}

/* ---- roles ----------------------------------------------------------------------------------- */

static void a_user_sees_their_own_and_the_others_all(void **state)
{
    const struct srv_caller user = {SRV_ROLE_USER, "a"}, viewer = {SRV_ROLE_VIEWER, "b"},
                            admin = {SRV_ROLE_ADMIN, "c"}, nobody = {0};

    (void)state;
    assert_true(srv_caller_sees(&user, "a"));
    assert_false(srv_caller_sees(&user, "b"));
    assert_false(srv_caller_sees(&user, ""));
    assert_true(srv_caller_sees(&viewer, "a"));
    assert_true(srv_caller_sees(&viewer, ""));
    assert_true(srv_caller_sees(&admin, "a"));
    assert_true(srv_caller_sees(&admin, ""));
    /* Who was never admitted sees nothing, not even what nobody owns. */
    assert_false(srv_caller_sees(&nobody, ""));
    assert_false(srv_caller_sees(&nobody, "a"));
    assert_string_equal(srv_caller_scope(&user), "a");
    assert_null(srv_caller_scope(&viewer));
    assert_null(srv_caller_scope(&admin));
    assert_string_equal(srv_caller_scope(&nobody), "");
}

static void roles_and_words_have_names_that_come_back(void **state)
{
    (void)state;
    for (int role = 0; role < SRV_ROLE_COUNT; role++)
        assert_int_equal(srv_role_parse(srv_role_name((enum srv_role)role)), role);
    assert_int_equal(srv_role_parse("root"), SRV_ROLE_COUNT);
    assert_int_equal(srv_role_parse(""), SRV_ROLE_COUNT);
    for (int auth = 0; auth < SRV_AUTH_COUNT; auth++)
        assert_int_equal(srv_auth_parse(srv_auth_name((enum srv_auth)auth)), auth);
    assert_int_equal(srv_auth_parse("off"), SRV_AUTH_COUNT);
}

/* ---- the store ------------------------------------------------------------------------------- */

static void add_token(struct srv_fixture *f, char letter, enum srv_role role, int64_t expires_at_ms)
{
    struct srv_token_row row = {.role = role, .created_at_ms = 1, .expires_at_ms = expires_at_ms};

    memset(row.token.id, letter, SRV_TOKEN_ID_SIZE - 1);
    memcpy(row.token.sha256, sha256_of_token, sizeof row.token.sha256);
    snprintf(row.name, sizeof row.name, "token %c", letter);
    assert_int_equal(srv_tokens_insert(f->db, &row, NULL), FSN_OK);
}
#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbb"

static struct srv_token_row get_token(struct srv_fixture *f, const char *id)
{
    struct srv_token_row row;
    bool found = false;

    assert_int_equal(srv_tokens_find(f->db, id, &row, &found, NULL), FSN_OK);
    assert_true(found);
    return row;
}

static void a_token_is_stored_found_listed_and_revoked(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_token_row row, *rows = NULL;
    bool found = true, any = true;
    size_t count = 9;

    assert_int_equal(srv_tokens_any(f->db, &any, NULL), FSN_OK);
    assert_false(any);
    assert_int_equal(srv_tokens_list(f->db, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 0);
    free(rows);
    assert_int_equal(srv_tokens_find(f->db, TOKEN_A, &row, &found, NULL), FSN_OK);
    assert_false(found);

    add_token(f, 'b', SRV_ROLE_VIEWER, 5000);
    add_token(f, 'a', SRV_ROLE_USER, 0);
    row = get_token(f, TOKEN_B);
    assert_string_equal(row.name, "token b");
    assert_int_equal(row.role, SRV_ROLE_VIEWER);
    assert_string_equal(row.token.sha256, sha256_of_token);
    assert_null(srv_token_void(&row, 4999));
    assert_string_equal(srv_token_void(&row, 5000), "expired");
    row = get_token(f, TOKEN_A);
    assert_null(srv_token_void(&row, INT64_MAX));

    assert_int_equal(srv_tokens_revoke(f->db, TOKEN_A, 7, &found, NULL), FSN_OK);
    assert_true(found);
    assert_int_equal(srv_tokens_revoke(f->db, TOKEN_A, 8, &found, NULL), FSN_OK);
    assert_true(found);
    row = get_token(f, TOKEN_A);
    assert_int_equal(row.revoked_at_ms, 7);
    assert_string_equal(srv_token_void(&row, 0), "revoked");
    assert_int_equal(srv_tokens_revoke(f->db, "none", 9, &found, NULL), FSN_OK);
    assert_false(found);

    assert_int_equal(srv_tokens_list(f->db, &rows, &count, NULL), FSN_OK);
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].token.id, TOKEN_A);
    assert_string_equal(rows[1].token.id, TOKEN_B);
    free(rows);
    assert_int_equal(srv_tokens_any(f->db, &any, NULL), FSN_OK);
    assert_true(any); /* a revoked one counts: what asked for tokens goes on asking */
}

static void owned_upload(struct srv_fixture *f, const char *id, const char *owner)
{
    char sql[200];

    srv_fixture_add(f, SRV_UPLOAD_MODEL, id, "the same content");
    snprintf(sql, sizeof sql, "UPDATE uploads SET owner = '%s' WHERE id = '%s'", owner, id);
    assert_int_equal(srv_db_exec(f->db, sql, NULL), FSN_OK);
}

static bool owns(struct srv_fixture *f, const char *token, enum srv_owned kind, const char *id)
{
    bool answer = false;

    assert_int_equal(srv_tokens_own(f->db, token, kind, id, &answer, NULL), FSN_OK);
    return answer;
}

static void what_a_token_made_is_its_own_and_of_one_kind(void **state)
{
    struct srv_fixture *f = *state;

    add_token(f, 'a', SRV_ROLE_USER, 0);
    add_token(f, 'b', SRV_ROLE_USER, 0);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_old", "older than owners");
    owned_upload(f, "mdl_a", TOKEN_A);
    assert_true(owns(f, TOKEN_A, SRV_OWNED_MODEL, "mdl_a"));
    assert_false(owns(f, TOKEN_A, SRV_OWNED_DATASET, "mdl_a"));
    assert_false(owns(f, TOKEN_A, SRV_OWNED_JOB, "mdl_a"));
    assert_false(owns(f, TOKEN_B, SRV_OWNED_MODEL, "mdl_a"));
    assert_false(owns(f, "", SRV_OWNED_MODEL, "mdl_a"));
    assert_false(owns(f, TOKEN_A, SRV_OWNED_MODEL, "mdl_old"));
    assert_false(owns(f, "", SRV_OWNED_MODEL, "mdl_old"));
    assert_false(owns(f, TOKEN_A, SRV_OWNED_MODEL, "mdl_none"));
}

static void lists_have_the_things_of_one_owner_or_all(void **state)
{
    static const struct {
        const char *owner;
        size_t count;
    } cases[] = {{NULL, 3}, {TOKEN_A, 2}, {TOKEN_B, 0}, {"", 0}};
    const struct srv_page page = {.limit = 10, .before = INT64_MAX};
    struct srv_fixture *f = *state;

    add_token(f, 'a', SRV_ROLE_USER, 0);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_old", "older than owners");
    owned_upload(f, "mdl_1", TOKEN_A);
    owned_upload(f, "mdl_2", TOKEN_A);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct srv_upload *rows = NULL;
        size_t count = 9;
        int64_t next;

        const struct srv_upload_filter filter = {.kind = SRV_UPLOAD_MODEL, .owner = cases[c].owner};

        assert_int_equal(srv_uploads_list(f->db, &filter, &page, &rows, &count, &next, NULL),
                         FSN_OK);
        assert_int_equal(count, cases[c].count);
        for (size_t i = 0; i < count; i++) {
            if (cases[c].owner)
                assert_string_equal(rows[i].owner, cases[c].owner);
            srv_upload_clear(&rows[i]);
        }
        free(rows);
    }
}

/* Orders under the key "k" by an owner, "" for none; gives what became of it. */
static enum srv_job_insert order(struct srv_fixture *f, const char *id, const char *owner)
{
    struct srv_job job = {.name = (char *)"n",
                          .spec = (char *)"{}",
                          .plan = (char *)"{}",
                          .model_id = "mdl_1",
                          .dataset_id = "dst_1",
                          .created_at_ms = 1};
    const struct srv_key key = {.key = "k", .request_sha256 = id, .owner = owner};
    enum srv_job_insert outcome = SRV_JOB_QUEUE_FULL;

    snprintf(job.id, sizeof job.id, "%s", id);
    snprintf(job.owner, sizeof job.owner, "%s", owner);
    assert_int_equal(srv_jobs_insert(f->db, &job, &key, 100, &outcome, NULL), FSN_OK);
    return outcome;
}

static void an_idempotency_key_is_its_owners_own(void **state)
{
    struct srv_fixture *f = *state;
    struct srv_key key = {.key = "k", .request_sha256 = "job_b", .owner = TOKEN_B};
    bool found = false, same = false;
    char id[SRV_ID_SIZE];

    add_token(f, 'a', SRV_ROLE_USER, 0);
    add_token(f, 'b', SRV_ROLE_USER, 0);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "model");
    srv_fixture_add(f, SRV_UPLOAD_DATASET, "dst_1", "data");
    assert_int_equal(order(f, "job_a", TOKEN_A), SRV_JOB_INSERTED);
    assert_int_equal(order(f, "job_b", TOKEN_B), SRV_JOB_INSERTED);
    assert_int_equal(order(f, "job_n", ""), SRV_JOB_INSERTED);
    assert_int_equal(order(f, "job_a2", TOKEN_A), SRV_JOB_KEY_TAKEN);
    assert_int_equal(order(f, "job_n2", ""), SRV_JOB_KEY_TAKEN);
    assert_int_equal(srv_jobs_find_key(f->db, &key, id, &found, &same, NULL), FSN_OK);
    assert_true(found && same);
    assert_string_equal(id, "job_b");
    /* The index says so too, beside the check. */
    assert_int_not_equal(
        srv_db_exec(f->db, "UPDATE jobs SET owner = NULL WHERE id = 'job_a'", NULL), FSN_OK);
}

/* Quotas 10 bytes and 1 job; uploads of 3 and 3 bytes with equal content, files of 2 bytes. */
static void what_a_token_has_is_counted_in_full_and_its_own_alone(void **state)
{
    struct srv_token_row row = {.role = SRV_ROLE_USER,
                                .token.id = "dddddddddddddddddddddddd",
                                .created_at_ms = 1,
                                .max_stored_bytes = 10,
                                .max_queued_jobs = 1};
    struct srv_fixture *f = *state;
    struct srv_token_room room;

    memcpy(row.token.sha256, sha256_of_token, sizeof row.token.sha256);
    assert_int_equal(srv_tokens_insert(f->db, &row, NULL), FSN_OK);
    assert_int_equal(get_token(f, row.token.id).max_stored_bytes, 10);
    assert_int_equal(get_token(f, row.token.id).max_queued_jobs, 1);
    add_token(f, 'a', SRV_ROLE_USER, 0);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "abc");
    srv_fixture_add(f, SRV_UPLOAD_DATASET, "dst_1", "abc");
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_n", "nobody's");
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_2", "de");
    assert_int_equal(order(f, "job_d", row.token.id), SRV_JOB_INSERTED);
    assert_int_equal(order(f, "job_n", ""), SRV_JOB_INSERTED);
    assert_int_equal(srv_db_exec(f->db,
                                 "UPDATE uploads SET owner = 'dddddddddddddddddddddddd'"
                                 " WHERE id IN ('mdl_1', 'dst_1');"
                                 "INSERT INTO artifacts SELECT 'job_d', 'f', 't', sha256, 1 FROM"
                                 " blobs WHERE size_bytes = 2",
                                 NULL),
                     FSN_OK);
    assert_int_equal(srv_tokens_room(f->db, row.token.id, &room, NULL), FSN_OK);
    assert_int_equal(room.bytes, 10 - 3 - 3 - 2);
    assert_int_equal(room.jobs, 0);
    assert_int_equal(srv_tokens_room(f->db, TOKEN_A, &room, NULL), FSN_OK);
    assert_true(room.bytes == INT64_MAX && room.jobs == INT64_MAX);
    assert_int_equal(srv_tokens_room(f->db, "", &room, NULL), FSN_OK);
    assert_true(room.bytes == INT64_MAX && room.jobs == INT64_MAX);
    assert_int_equal(
        srv_db_exec(f->db, "UPDATE jobs SET status = 'cancelled', finished_at = 1", NULL), FSN_OK);
    assert_int_equal(srv_tokens_room(f->db, row.token.id, &room, NULL), FSN_OK);
    assert_int_equal(room.jobs, 1);
    assert_int_equal(srv_db_exec(f->db, "UPDATE tokens SET max_stored_bytes = 5", NULL), FSN_OK);
    assert_int_equal(srv_tokens_room(f->db, row.token.id, &room, NULL), FSN_OK);
    assert_int_equal(room.bytes, -3);
}

/* Two of a's jobs before one of b's and one of nobody's: with a quota of one, a's second waits. */
static void a_job_of_a_token_that_runs_its_quota_waits(void **state)
{
    static const char *const turns[] = {"job_a1", "job_b", "job_n"};
    struct srv_fixture *f = *state;
    struct srv_job job = {0};
    bool found = true;

    add_token(f, 'a', SRV_ROLE_USER, 0);
    add_token(f, 'b', SRV_ROLE_USER, 0);
    assert_int_equal(
        srv_db_exec(f->db, "UPDATE tokens SET max_running_jobs = 1 WHERE id LIKE 'a%'", NULL),
        FSN_OK);
    assert_int_equal(get_token(f, TOKEN_A).max_running_jobs, 1);
    srv_fixture_add(f, SRV_UPLOAD_MODEL, "mdl_1", "model");
    srv_fixture_add(f, SRV_UPLOAD_DATASET, "dst_1", "data");
    assert_int_equal(SRV_JOB_INSERTED, order(f, "job_a1", TOKEN_A));
    assert_int_equal(srv_db_exec(f->db, "UPDATE jobs SET idempotency_key = NULL", NULL), FSN_OK);
    assert_int_equal(SRV_JOB_INSERTED, order(f, "job_a2", TOKEN_A));
    assert_int_equal(SRV_JOB_INSERTED, order(f, "job_b", TOKEN_B));
    assert_int_equal(SRV_JOB_INSERTED, order(f, "job_n", ""));
    for (size_t i = 0; i < sizeof turns / sizeof *turns; i++) {
        assert_int_equal(srv_jobs_claim(f->db, 1, 2, &job, &found, NULL), FSN_OK);
        assert_true(found);
        assert_string_equal(job.id, turns[i]);
        srv_job_clear(&job);
    }
    assert_int_equal(srv_jobs_claim(f->db, 1, 2, &job, &found, NULL), FSN_OK);
    assert_false(found);
    assert_int_equal(srv_db_exec(f->db,
                                 "UPDATE jobs SET status = 'failed', lease_until = NULL,"
                                 " finished_at = 1 WHERE id = 'job_a1'",
                                 NULL),
                     FSN_OK);
    assert_int_equal(srv_jobs_claim(f->db, 1, 2, &job, &found, NULL), FSN_OK);
    assert_true(found);
    assert_string_equal(job.id, "job_a2");
    srv_job_clear(&job);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_token_has_the_documented_form_and_is_never_the_same),
        cmocka_unit_test(what_is_kept_is_the_sha256_of_the_whole_token),
        cmocka_unit_test(a_digest_that_differs_anywhere_is_another),
        cmocka_unit_test(a_header_that_is_not_a_token_is_none),
        cmocka_unit_test(a_user_sees_their_own_and_the_others_all),
        cmocka_unit_test(roles_and_words_have_names_that_come_back),
        cmocka_unit_test_setup_teardown(a_token_is_stored_found_listed_and_revoked,
                                        srv_fixture_set_up, srv_fixture_tear_down),
        cmocka_unit_test_setup_teardown(what_a_token_made_is_its_own_and_of_one_kind,
                                        srv_fixture_set_up, srv_fixture_tear_down),
        cmocka_unit_test_setup_teardown(lists_have_the_things_of_one_owner_or_all,
                                        srv_fixture_set_up, srv_fixture_tear_down),
        cmocka_unit_test_setup_teardown(what_a_token_has_is_counted_in_full_and_its_own_alone,
                                        srv_fixture_set_up, srv_fixture_tear_down),
        cmocka_unit_test_setup_teardown(an_idempotency_key_is_its_owners_own, srv_fixture_set_up,
                                        srv_fixture_tear_down),
        cmocka_unit_test_setup_teardown(a_job_of_a_token_that_runs_its_quota_waits,
                                        srv_fixture_set_up, srv_fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
