/* test_srv_memo.c - answers that a connection keeps until the database changes. */
#include "store/memo.h"
#include "store/db.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
    char dir[32], path[48];
    struct srv_db *db, *other;
};

static void must(enum fsn_status status)
{
    assert_int_equal(status, FSN_OK);
}

static int set_up(void **state)
{
    static struct fixture f;
    struct fsn_error err;

    strcpy(f.dir, "/tmp/fsnet-memo-XXXXXX");
    assert_non_null(mkdtemp(f.dir));
    snprintf(f.path, sizeof f.path, "%s/db", f.dir);
    must(srv_db_open(f.path, &f.db, &err));
    must(srv_db_open(f.path, &f.other, &err));
    must(srv_db_exec(f.db, "CREATE TABLE t (x); INSERT INTO t VALUES (1)", &err));
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[80];

    srv_db_close(f->db);
    srv_db_close(f->other);
    snprintf(command, sizeof command, "rm -r '%s'", f->dir);
    return system(command);
}

/* What is known under the key in a read transaction; "" if nothing. Keeps text then, if any. */
static const char *asked(struct srv_db *db, const char *key, const char *text)
{
    static char said[2 * SRV_MEMO_TAG_SIZE];
    struct srv_memo *memo = NULL;
    const struct srv_memo_answer *known;
    struct fsn_error err;

    must(srv_db_begin_read(db, &err));
    must(srv_db_memo(db, &memo, &err));
    known = srv_memo_find(memo, key);
    snprintf(said, sizeof said, "%s%s", known ? known->tag : "", known ? known->text : "");
    if (text)
        srv_memo_keep(memo, key, "tag ", text);
    srv_db_end_read(db);
    return said;
}

static void an_answer_is_kept_while_nothing_changes(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(asked(f->db, "job_1", "one"), "");
    assert_string_equal(asked(f->db, "job_1", NULL), "tag one");
    assert_string_equal(asked(f->db, "job_2", "two"), "");
    assert_string_equal(asked(f->db, "job_1", NULL), "tag one");
    assert_string_equal(asked(f->db, "job_2", NULL), "tag two");
    assert_string_equal(asked(f->other, "job_1", NULL), "");
}

static void any_write_ends_it(void **state)
{
    struct fixture *f = *state;
    struct srv_db *writers[] = {f->other, f->db};
    struct fsn_error err;

    for (size_t i = 0; i < 2; i++) {
        asked(f->db, "job_1", "one");
        assert_string_equal(asked(f->db, "job_1", NULL), "tag one");
        must(srv_db_exec(writers[i], "UPDATE t SET x = x + 1", &err));
        assert_string_equal(asked(f->db, "job_1", NULL), "");
    }
}

/* A transaction goes on seeing what was there when it first read. */
static void a_write_ends_it_when_it_can_be_seen(void **state)
{
    struct fixture *f = *state;
    struct srv_memo *memo = NULL;
    struct fsn_error err;

    asked(f->db, "job_1", "one");
    must(srv_db_begin_read(f->db, &err));
    must(srv_db_memo(f->db, &memo, &err));
    must(srv_db_exec(f->other, "UPDATE t SET x = x + 1", &err));
    must(srv_db_memo(f->db, &memo, &err));
    assert_non_null(srv_memo_find(memo, "job_1"));
    srv_db_end_read(f->db);
    assert_string_equal(asked(f->db, "job_1", NULL), "");
}

static void keys_that_share_a_place_are_told_apart(void **state)
{
    struct srv_memo memo = {0};
    char key[16], text[16];
    int kept = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(key, sizeof key, "job_%d", i);
        snprintf(text, sizeof text, "%d", i);
        srv_memo_keep(&memo, key, "", text);
    }
    for (int i = 0; i < 1000; i++) {
        const struct srv_memo_answer *known;

        snprintf(key, sizeof key, "job_%d", i);
        snprintf(text, sizeof text, "%d", i);
        known = srv_memo_find(&memo, key);
        kept += known != NULL;
        if (known)
            assert_string_equal(known->text, text);
    }
    assert_in_range(kept, 1, SRV_MEMO_ANSWERS);
    srv_memo_clear(&memo);
}

static void what_does_not_fit_is_not_kept(void **state)
{
    struct srv_memo memo = {0};
    char longest[SRV_MEMO_KEY_SIZE + 1];

    (void)state;
    memset(longest, 'k', sizeof longest - 1);
    longest[SRV_MEMO_KEY_SIZE] = '\0';
    srv_memo_keep(&memo, longest, "", "text");
    assert_null(srv_memo_find(&memo, longest));
    srv_memo_keep(&memo, longest + 1, "", "text");
    assert_non_null(srv_memo_find(&memo, longest + 1));
    assert_null(srv_memo_find(&memo, ""));
    srv_memo_clear(&memo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_answer_is_kept_while_nothing_changes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(any_write_ends_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_ends_it_when_it_can_be_seen, set_up, tear_down),
        cmocka_unit_test(keys_that_share_a_place_are_told_apart),
        cmocka_unit_test(what_does_not_fit_is_not_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
