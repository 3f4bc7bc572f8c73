/* test_srv_offload.c - calls on other threads: all of them in order, and what becomes of those that
 * wait when the pool stops. */
#include "http/offload.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>
#include <cmocka.h>

/* What was called, a letter a call. */
struct diary {
    uv_mutex_t mutex;
    uv_cond_t changed;
    char text[64];
};

static void begin(struct diary *diary)
{
    *diary = (struct diary){.text = ""};
    assert_int_equal(uv_mutex_init(&diary->mutex), 0);
    assert_int_equal(uv_cond_init(&diary->changed), 0);
}

static void end(struct diary *diary)
{
    uv_cond_destroy(&diary->changed);
    uv_mutex_destroy(&diary->mutex);
}

static void note(struct diary *diary, char letter)
{
    uv_mutex_lock(&diary->mutex);
    snprintf(diary->text + strlen(diary->text), 2, "%c", letter);
    uv_cond_broadcast(&diary->changed);
    uv_mutex_unlock(&diary->mutex);
}

static void run(void *argument)
{
    note(argument, 'r');
}

static void drop(void *argument)
{
    note(argument, 'd');
}

/* Until the diary has so many letters; false: not within ten seconds. */
static bool waits_for(struct diary *diary, size_t letters)
{
    bool there, late = false;

    uv_mutex_lock(&diary->mutex);
    while (!(there = strlen(diary->text) >= letters) && !late)
        late = uv_cond_timedwait(&diary->changed, &diary->mutex, (uint64_t)10000000000) != 0;
    uv_mutex_unlock(&diary->mutex);
    return there;
}

/* Runs for as long as the three others wait. */
static void run_long(void *argument)
{
    note(argument, 'b');
    note(argument, waits_for(argument, 4) ? 'e' : 'x');
}

static void all_is_run(void **state)
{
    struct srv_offload *pool = NULL;
    struct fsn_error err;
    struct diary diary;

    (void)state;
    begin(&diary);
    assert_int_equal(srv_offload_create(3, &pool, &err), FSN_OK);
    for (int i = 0; i < 20; i++)
        assert_int_equal(srv_offload_submit(pool, run, drop, &diary), FSN_OK);
    assert_true(waits_for(&diary, 20));
    srv_offload_stop(pool);
    assert_string_equal(diary.text, "rrrrrrrrrrrrrrrrrrrr");
    assert_int_equal(srv_offload_submit(pool, run, drop, &diary), FSN_CANCELLED);
    srv_offload_destroy(pool);
    end(&diary);
}

/* While the only thread is busy: who may be dropped is so, the other runs all the same. */
static void what_waits_is_dropped_at_once(void **state)
{
    struct srv_offload *pool = NULL;
    struct fsn_error err;
    struct diary diary;

    (void)state;
    begin(&diary);
    assert_int_equal(srv_offload_create(1, &pool, &err), FSN_OK);
    assert_int_equal(srv_offload_submit(pool, run_long, drop, &diary), FSN_OK);
    assert_true(waits_for(&diary, 1));
    assert_int_equal(srv_offload_submit(pool, run, drop, &diary), FSN_OK);
    assert_int_equal(srv_offload_submit(pool, run, NULL, &diary), FSN_OK);
    assert_int_equal(srv_offload_submit(pool, run, drop, &diary), FSN_OK);
    srv_offload_stop(pool);
    assert_string_equal(diary.text, "bdrde");
    srv_offload_destroy(pool);
    end(&diary);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_is_run),
        cmocka_unit_test(what_waits_is_dropped_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
