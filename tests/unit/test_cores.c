/* test_cores.c - how many cores there are, and how jobs share them. */
#include "core/cores.h"
#include "core/machine.h"
#include "fsnet.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* ---- how many -------------------------------------------------------------------------------- */

/* kernel.org, "Control Group v2", cpu.max: "$MAX $PERIOD", "max" for no limit. */
static void a_quota_counts_as_cores_rounded_up(void **state)
{
    (void)state;
    assert_int_equal(fsn__quota_cores("200000 100000", 8), 2);
    assert_int_equal(fsn__quota_cores("150000 100000", 8), 2);
    assert_int_equal(fsn__quota_cores("1000 100000", 8), 1);
    assert_int_equal(fsn__quota_cores("50000 10000", 8), 5);
}

static void without_a_quota_below_the_cores_it_is_the_cores(void **state)
{
    (void)state;
    assert_int_equal(fsn__quota_cores("max 100000", 8), 8);
    assert_int_equal(fsn__quota_cores("800000 100000", 8), 8);
    assert_int_equal(fsn__quota_cores("9223372036854775807 1", 8), 8);
    assert_int_equal(fsn__quota_cores("", 8), 8);
    assert_int_equal(fsn__quota_cores("200000", 8), 8);
    assert_int_equal(fsn__quota_cores("200000 0", 8), 8);
    assert_int_equal(fsn__quota_cores("-1 100000", 8), 8);
}

static void a_process_that_is_held_to_one_core_counts_one(void **state)
{
    cpu_set_t all, one;
    int cores;

    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof all, &all), 0);
    assert_in_range(fsn_cores(), 1, CPU_COUNT(&all));
    CPU_ZERO(&one);
    for (size_t cpu = 0; CPU_COUNT(&one) == 0; cpu++)
        if (CPU_ISSET(cpu, &all))
            CPU_SET(cpu, &one);
    assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
    cores = fsn_cores();
    assert_int_equal(sched_setaffinity(0, sizeof all, &all), 0);
    assert_int_equal(cores, 1);
}

/* ---- shares ---------------------------------------------------------------------------------- */

static void a_lone_job_gets_all_that_it_can_use(void **state)
{
    struct fsn__cores cores = FSN__CORES(4);
    struct fsn__cores_job job;

    (void)state;
    fsn__cores_join(&cores, &job, 8);
    assert_int_equal(job.share, 4);
    fsn__cores_leave(&cores, &job);
    fsn__cores_join(&cores, &job, 3);
    assert_int_equal(job.share, 3);
    fsn__cores_leave(&cores, &job);
}

static void shares_follow_who_comes_and_goes(void **state)
{
    struct fsn__cores cores = FSN__CORES(5);
    struct fsn__cores_job a, b, c;

    (void)state;
    fsn__cores_join(&cores, &a, 5);
    fsn__cores_join(&cores, &b, 5);
    assert_int_equal(a.share, 3); /* the odd one is the older job's */
    assert_int_equal(b.share, 2);
    fsn__cores_join(&cores, &c, 1);
    assert_int_equal(a.share, 2);
    assert_int_equal(b.share, 2);
    assert_int_equal(c.share, 1);
    fsn__cores_leave(&cores, &a);
    assert_int_equal(b.share, 4); /* what c cannot use as well */
    assert_int_equal(c.share, 1);
    fsn__cores_leave(&cores, &c);
    assert_int_equal(b.share, 5);
    fsn__cores_leave(&cores, &b);
}

static void more_jobs_than_cores_have_one_each_to_take_turns_on(void **state)
{
    struct fsn__cores cores = FSN__CORES(2);
    struct fsn__cores_job job[3];

    (void)state;
    for (int i = 0; i < 3; i++)
        fsn__cores_join(&cores, &job[i], 2);
    for (int i = 0; i < 3; i++)
        assert_int_equal(job[i].share, 1);
    for (int i = 0; i < 3; i++)
        fsn__cores_leave(&cores, &job[i]);
    assert_null(cores.jobs);
}

/* ---- taking ---------------------------------------------------------------------------------- */

static void what_is_taken_is_the_share_or_what_is_left_of_it(void **state)
{
    struct fsn__cores cores = FSN__CORES(3);
    struct fsn__cores_job a, b;
    int by_a, by_b;

    (void)state;
    fsn__cores_join(&cores, &a, 2);
    by_a = fsn__cores_take(&cores, &a);
    assert_int_equal(by_a, 2);
    fsn__cores_join(&cores, &b, 2);
    fsn__cores_leave(&cores, &a); /* b's share is 2 now, but a still works on its task */
    assert_int_equal(b.share, 2);
    by_b = fsn__cores_take(&cores, &b);
    assert_int_equal(by_b, 1);
    fsn__cores_give(&cores, by_b);
    fsn__cores_give(&cores, by_a);
    by_b = fsn__cores_take(&cores, &b);
    assert_int_equal(by_b, 2);
    fsn__cores_give(&cores, by_b);
    fsn__cores_leave(&cores, &b);
    assert_int_equal(cores.unused, 3);
}

struct taker {
    struct fsn__cores *cores;
    struct fsn__cores_job job;
    pthread_t thread;
    int *finished; /* how many have had the core; guarded by it: there is but one */
    int place;
};

static void *take_once(void *user)
{
    struct taker *taker = user;
    int taken = fsn__cores_take(taker->cores, &taker->job);

    taker->place = (*taker->finished)++;
    fsn__cores_give(taker->cores, taken);
    return NULL;
}

static uint64_t asked(struct fsn__cores *cores)
{
    uint64_t asked;

    pthread_mutex_lock(&cores->mutex);
    asked = cores->asked;
    pthread_mutex_unlock(&cores->mutex);
    return asked;
}

static void who_asked_first_is_served_first(void **state)
{
    enum { TAKERS = 4 };
    struct fsn__cores cores = FSN__CORES(1);
    struct fsn__cores_job holder;
    struct taker takers[TAKERS];
    int finished = 0, held;

    (void)state;
    fsn__cores_join(&cores, &holder, 1);
    held = fsn__cores_take(&cores, &holder);
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){.cores = &cores, .finished = &finished};
        fsn__cores_join(&cores, &takers[i].job, 1);
        assert_int_equal(pthread_create(&takers[i].thread, NULL, take_once, &takers[i]), 0);
        while (asked(&cores) != (uint64_t)i + 2)
            sched_yield();
    }
    assert_int_equal(cores.served, 1);
    fsn__cores_give(&cores, held);
    for (int i = 0; i < TAKERS; i++) {
        assert_int_equal(pthread_join(takers[i].thread, NULL), 0);
        fsn__cores_leave(&cores, &takers[i].job);
    }
    for (int i = 0; i < TAKERS; i++)
        assert_int_equal(takers[i].place, i);
    fsn__cores_leave(&cores, &holder);
    assert_int_equal(cores.unused, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_quota_counts_as_cores_rounded_up),
        cmocka_unit_test(without_a_quota_below_the_cores_it_is_the_cores),
        cmocka_unit_test(a_process_that_is_held_to_one_core_counts_one),
        cmocka_unit_test(a_lone_job_gets_all_that_it_can_use),
        cmocka_unit_test(shares_follow_who_comes_and_goes),
        cmocka_unit_test(more_jobs_than_cores_have_one_each_to_take_turns_on),
        cmocka_unit_test(what_is_taken_is_the_share_or_what_is_left_of_it),
        cmocka_unit_test(who_asked_first_is_served_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
