/* test_srv_statements.c - prepared statements that a connection keeps. */
#include "store/statements.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

struct fixture {
    sqlite3 *handle;
    struct srv_statements statements;
};

static int set_up(void **state)
{
    static struct fixture f;

    f = (struct fixture){0};
    assert_int_equal(sqlite3_open(":memory:", &f.handle), SQLITE_OK);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    srv_statements_clear(&f->statements);
    return sqlite3_close(f->handle) == SQLITE_OK ? 0 : -1; /* which fails while there is one left */
}

static sqlite3_stmt *take(struct fixture *f, const char *sql)
{
    sqlite3_stmt *statement = NULL;

    assert_int_equal(srv_statements_take(&f->statements, f->handle, sql, &statement), SQLITE_OK);
    return statement;
}

static void run(struct fixture *f, const char *sql)
{
    assert_int_equal(sqlite3_exec(f->handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

static int prepared(struct fixture *f)
{
    int count = 0;

    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(f->handle, s));)
        count++;
    return count;
}

static void what_was_given_back_is_taken_again_as_if_new(void **state)
{
    struct fixture *f = *state;
    const char *sql = "SELECT 7 WHERE ?1 IS NULL UNION ALL SELECT ?1";
    sqlite3_stmt *first = take(f, sql), *again;

    assert_int_equal(sqlite3_bind_int(first, 1, 5), SQLITE_OK);
    assert_int_equal(sqlite3_step(first), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(first, 0), 5);
    srv_statements_give(&f->statements, first); /* though it has not come to its end */
    again = take(f, sql);
    assert_ptr_equal(again, first);
    assert_int_equal(sqlite3_step(again), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(again, 0), 7); /* nothing is bound */
    srv_statements_give(&f->statements, again);
    assert_int_equal(prepared(f), 1);
}

static void one_that_is_in_use_is_not_given_twice(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *outer = take(f, "SELECT 1"), *inner = take(f, "SELECT 1");

    assert_ptr_not_equal(outer, inner);
    srv_statements_give(&f->statements, inner);
    srv_statements_give(&f->statements, outer);
    assert_int_equal(prepared(f), 2);
}

static void texts_that_begin_alike_are_different(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *statement;

    srv_statements_give(&f->statements, take(f, "SELECT 1"));
    statement = take(f, "SELECT 10");
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(statement, 0), 10);
    srv_statements_give(&f->statements, statement);
}

static void the_one_that_was_not_used_for_longest_goes(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *oldest = take(f, "SELECT 'oldest'");
    char sql[64];

    srv_statements_give(&f->statements, oldest);
    for (int i = 0; i < 3 * SRV_STATEMENTS_KEPT; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        srv_statements_give(&f->statements, take(f, sql));
        assert_ptr_equal(take(f, "SELECT 'oldest'"), oldest); /* it is used all the time */
        srv_statements_give(&f->statements, oldest);
    }
    assert_int_equal(prepared(f), SRV_STATEMENTS_KEPT);
}

static void what_is_kept_holds_nothing_of_the_database(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *statement;

    run(f, "CREATE TABLE t (a); INSERT INTO t VALUES (1), (2)");
    statement = take(f, "SELECT a FROM t");
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    srv_statements_give(&f->statements, statement);
    run(f, "VACUUM"); /* which fails while a statement is under way */
}

static void a_change_of_the_schema_is_seen(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *statement;

    run(f, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
    srv_statements_give(&f->statements, take(f, "SELECT * FROM t"));
    run(f, "ALTER TABLE t ADD COLUMN b DEFAULT 2");
    statement = take(f, "SELECT * FROM t");
    assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
    assert_int_equal(sqlite3_column_count(statement), 2);
    assert_int_equal(sqlite3_column_int(statement, 1), 2);
    srv_statements_give(&f->statements, statement);
}

static void text_that_is_not_sql_is_refused_and_not_kept(void **state)
{
    struct fixture *f = *state;
    sqlite3_stmt *statement = NULL;

    assert_int_equal(srv_statements_take(&f->statements, f->handle, "SELEKT 1", &statement),
                     SQLITE_ERROR);
    assert_null(statement);
    srv_statements_give(&f->statements, statement);
    assert_int_equal(prepared(f), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_was_given_back_is_taken_again_as_if_new),
        TEST(one_that_is_in_use_is_not_given_twice),
        TEST(texts_that_begin_alike_are_different),
        TEST(the_one_that_was_not_used_for_longest_goes),
        TEST(what_is_kept_holds_nothing_of_the_database),
        TEST(a_change_of_the_schema_is_seen),
        TEST(text_that_is_not_sql_is_refused_and_not_kept),
    };
#undef TEST

    return cmocka_run_group_tests(tests, NULL, NULL);
}
