/* test_pool.c - every slice is run once, by as many threads as there are cores for it, whoever is
 * asleep; and never more threads are in tasks than there are cores. */
#include "core/clock.h"
#include "core/cores.h"
#include "core/pool.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static const double DEADLINE_S = 30;

static struct fsn__pool *create(struct fsn__cores *cores, int slices)
{
    struct fsn__pool *pool = NULL;

    assert_int_equal(fsn__pool_create_on(cores, slices, &pool, NULL), FSN_OK);
    assert_int_equal(fsn__pool_slices(pool), slices);
    return pool;
}

/* ---- which slices, which threads ------------------------------------------------------------- */

/* Each slice has a row of its own to write. */
struct trace {
    int runs[FSN_MAX_THREADS];
    pid_t thread[FSN_MAX_THREADS];
    int slices;
};

static void trace_task(void *arg, int slice, int slices)
{
    struct trace *trace = arg;

    trace->runs[slice]++;
    trace->thread[slice] = gettid();
    if (slice == 0)
        trace->slices = slices;
}

static int distinct_threads(const struct trace *trace, int slices)
{
    int count = 0;

    for (int i = 0; i < slices; i++) {
        bool seen = false;

        for (int j = 0; j < i; j++)
            seen |= trace->thread[j] == trace->thread[i];
        count += !seen;
    }
    return count;
}

/* Runs once; returns by how many threads. */
static int traced_run(struct fsn__pool *pool, int slices)
{
    struct trace trace = {0};

    fsn__pool_run(pool, trace_task, &trace);
    assert_int_equal(trace.slices, slices);
    for (int i = 0; i < FSN_MAX_THREADS; i++)
        assert_int_equal(trace.runs[i], i < slices);
    assert_int_equal(trace.thread[0], gettid());
    return distinct_threads(&trace, slices);
}

static void every_slice_is_run_once_on_any_number_of_cores(void **state)
{
    static const int slices[] = {1, 2, 3, 7, FSN_MAX_THREADS};

    (void)state;
    for (int count = 1; count <= 5; count++) {
        struct fsn__cores cores = FSN__CORES(count);

        for (size_t i = 0; i < sizeof slices / sizeof *slices; i++) {
            struct fsn__pool *pool = create(&cores, slices[i]);
            int want = slices[i] < count ? slices[i] : count;

            for (int run = 0; run < 20; run++)
                assert_int_equal(traced_run(pool, slices[i]), want);
            fsn__pool_destroy(pool);
            assert_int_equal(cores.unused, count);
        }
    }
}

static void count_task(void *arg, int slice, int slices)
{
    int64_t *counts = arg;

    (void)slices;
    counts[8 * slice]++; /* a cache line each */
}

static void many_short_runs_lose_nothing(void **state)
{
    enum { RUNS = 20000, SLICES = 3 };
    struct fsn__cores cores = FSN__CORES(2);
    struct fsn__pool *pool = create(&cores, SLICES);
    int64_t counts[8 * SLICES] = {0};

    (void)state;
    for (int run = 1; run <= RUNS; run++) {
        fsn__pool_run(pool, count_task, counts);
        for (int i = 0; i < SLICES; i++)
            if (counts[8 * i] != run)
                fail_msg("slice %d: %lld runs of %d", i, (long long)counts[8 * i], run);
    }
    fsn__pool_destroy(pool);
}

struct meeting {
    atomic_int present;
    int expected;
    atomic_bool missed;
};

/* Each slice waits for all others to have come. */
static void meet_task(void *arg, int slice, int slices)
{
    struct meeting *meeting = arg;
    double end = fsn__seconds() + DEADLINE_S;

    (void)slice, (void)slices;
    atomic_fetch_add(&meeting->present, 1);
    while (atomic_load(&meeting->present) < meeting->expected && !atomic_load(&meeting->missed)) {
        sched_yield();
        if (fsn__seconds() > end)
            atomic_store(&meeting->missed, true);
    }
}

static void slices_with_a_core_each_run_at_the_same_time(void **state)
{
    struct fsn__cores cores = FSN__CORES(3);
    struct fsn__pool *pool = create(&cores, 3);

    (void)state;
    for (int run = 0; run < 20; run++) {
        struct meeting meeting = {.expected = 3};

        fsn__pool_run(pool, meet_task, &meeting);
        assert_false(meeting.missed);
    }
    fsn__pool_destroy(pool);
}

static void a_pool_makes_room_for_others_and_takes_it_back(void **state)
{
    struct fsn__cores cores = FSN__CORES(4);
    struct fsn__pool *first = create(&cores, 4), *second, *third;

    (void)state;
    assert_int_equal(traced_run(first, 4), 4);
    second = create(&cores, 4);
    assert_int_equal(traced_run(first, 4), 2);
    assert_int_equal(traced_run(second, 4), 2);
    third = create(&cores, 1);
    assert_int_equal(traced_run(first, 4), 2);
    assert_int_equal(traced_run(second, 4), 1);
    assert_int_equal(traced_run(third, 1), 1);
    fsn__pool_destroy(second);
    assert_int_equal(traced_run(first, 4), 3);
    fsn__pool_destroy(third);
    assert_int_equal(traced_run(first, 4), 4);
    fsn__pool_destroy(first);
}

static void without_a_pool_there_is_one_slice(void **state)
{
    (void)state;
    assert_int_equal(fsn__pool_slices(NULL), 1);
    assert_int_equal(traced_run(NULL, 1), 1);
}

static void the_number_of_slices_has_bounds_and_a_default(void **state)
{
    struct fsn__cores few = FSN__CORES(3), many = FSN__CORES(FSN_MAX_THREADS + 1);
    struct fsn__pool *pool = NULL;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn__pool_create_on(&few, FSN_MAX_THREADS + 1, &pool, &err), FSN_INVALID);
    assert_string_equal(err.text, "threads must be 0..64, got 65");
    assert_int_equal(fsn__pool_create_on(&few, -1, &pool, NULL), FSN_INVALID);
    assert_null(pool);
    assert_int_equal(fsn__pool_create_on(&few, 0, &pool, NULL), FSN_OK);
    assert_int_equal(fsn__pool_slices(pool), 3);
    fsn__pool_destroy(pool);
    assert_int_equal(fsn__pool_create_on(&many, 0, &pool, NULL), FSN_OK);
    assert_int_equal(fsn__pool_slices(pool), FSN_MAX_THREADS);
    fsn__pool_destroy(pool);
}

/* ---- a task that runs a task ----------------------------------------------------------------- */

struct nest {
    struct fsn__pool *pool;
    struct trace trace[2];
};

static void nest_task(void *arg, int slice, int slices)
{
    struct nest *nest = arg;

    (void)slices;
    fsn__pool_run(nest->pool, trace_task, &nest->trace[slice]);
}

static void check_nest(struct fsn__pool *outer, struct fsn__pool *inner, int slices)
{
    struct nest nest = {.pool = inner};

    fsn__pool_run(outer, nest_task, &nest);
    for (int i = 0; i < 2; i++) {
        for (int j = 0; j < slices; j++)
            assert_int_equal(nest.trace[i].runs[j], 1);
        assert_int_equal(distinct_threads(&nest.trace[i], slices), 1);
    }
}

static void a_run_within_a_task_runs_on_its_thread(void **state)
{
    struct fsn__cores cores = FSN__CORES(2);
    struct fsn__pool *pool = create(&cores, 2), *other = create(&cores, 5);

    (void)state;
    check_nest(pool, pool, 2);
    check_nest(pool, other,
               5); /* every core is the outer run's: to wait for one would be for ever */
    assert_int_equal(traced_run(pool, 2), 1);
    fsn__pool_destroy(other);
    assert_int_equal(traced_run(pool, 2), 2);
    fsn__pool_destroy(pool);
}

/* ---- asleep ---------------------------------------------------------------------------------- */

/* proc(5): the state of a thread is the letter after its name in parentheses. */
static bool is_asleep(pid_t thread)
{
    char path[64], line[256] = "";
    const char *end;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    file = fopen(path, "r");
    if (!file)
        return false;
    if (!fgets(line, sizeof line, file))
        line[0] = '\0';
    fclose(file);
    end = strrchr(line, ')');
    return end && end[1] == ' ' && end[2] == 'S';
}

static bool falls_asleep(pid_t thread)
{
    double end = fsn__seconds() + DEADLINE_S;

    while (!is_asleep(thread)) {
        if (fsn__seconds() > end)
            return false;
        sched_yield();
    }
    return true;
}

static void helpers_that_sleep_are_woken_to_work_and_to_end(void **state)
{
    struct fsn__cores cores = FSN__CORES(2);
    struct fsn__pool *pool = create(&cores, 2);

    (void)state;
    for (int run = 0; run < 5; run++) {
        struct trace trace = {0};

        fsn__pool_run(pool, trace_task, &trace);
        assert_int_equal(trace.runs[1], 1);
        assert_int_not_equal(trace.thread[1], gettid());
        assert_true(falls_asleep(trace.thread[1]));
    }
    fsn__pool_destroy(pool);
}

struct late {
    pid_t caller;
    bool slept;
};

static void late_task(void *arg, int slice, int slices)
{
    struct late *late = arg;

    (void)slices;
    if (slice == 1)
        late->slept = falls_asleep(late->caller);
}

static void a_caller_that_sleeps_is_woken_by_the_last_helper(void **state)
{
    struct fsn__cores cores = FSN__CORES(2);
    struct fsn__pool *pool = create(&cores, 2);
    struct late late = {.caller = gettid()};

    (void)state;
    for (int run = 0; run < 5; run++) {
        late.slept = false;
        fsn__pool_run(pool, late_task, &late);
        assert_true(late.slept);
        assert_int_equal(traced_run(pool, 2), 2);
    }
    fsn__pool_destroy(pool);
}

static void a_pool_may_end_at_any_time(void **state)
{
    struct fsn__cores cores = FSN__CORES(3);

    (void)state;
    fsn__pool_destroy(NULL);
    fsn__pool_destroy(create(&cores, 3)); /* before it has worked */
    for (int i = 0; i < 200; i++) {       /* while its helpers still wait awake */
        struct fsn__pool *pool = create(&cores, 3);

        assert_int_equal(traced_run(pool, 3), 3);
        fsn__pool_destroy(pool);
    }
    assert_null(cores.jobs);
}

/* ---- several jobs ---------------------------------------------------------------------------- */

struct crowd {
    struct fsn__cores cores;
    atomic_int working, most; /* threads in tasks */
};

static void work_task(void *arg, int slice, int slices)
{
    struct crowd *crowd = arg;
    int now = atomic_fetch_add(&crowd->working, 1) + 1, most = atomic_load(&crowd->most);

    (void)slice, (void)slices;
    while (most < now && !atomic_compare_exchange_weak(&crowd->most, &most, now))
        ;
    sched_yield(); /* let the others come in between */
    atomic_fetch_sub(&crowd->working, 1);
}

static void *work_job(void *user)
{
    struct crowd *crowd = user;
    struct fsn__pool *pool = NULL;

    for (int life = 0; life < 10; life++) {
        if (fsn__pool_create_on(&crowd->cores, 4, &pool, NULL) != FSN_OK)
            return NULL;
        for (int run = 0; run < 100; run++)
            fsn__pool_run(pool, work_task, crowd);
        fsn__pool_destroy(pool);
    }
    return crowd;
}

static void check_crowd(int cores, int jobs)
{
    struct crowd crowd = {.cores = FSN__CORES(cores)};
    pthread_t threads[8];

    for (int i = 0; i < jobs; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work_job, &crowd), 0);
    for (int i = 0; i < jobs; i++) {
        void *done = NULL;

        assert_int_equal(pthread_join(threads[i], &done), 0);
        assert_ptr_equal(done, &crowd);
    }
    assert_in_range(crowd.most, 1, cores);
    assert_int_equal(crowd.working, 0);
    assert_int_equal(crowd.cores.unused, cores);
    assert_null(crowd.cores.jobs);
}

static void never_more_threads_work_than_there_are_cores(void **state)
{
    (void)state;
    check_crowd(1, 3);
    check_crowd(2, 2);
    check_crowd(2, 5);
    check_crowd(3, 2);
    check_crowd(4, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_slice_is_run_once_on_any_number_of_cores),
        cmocka_unit_test(many_short_runs_lose_nothing),
        cmocka_unit_test(slices_with_a_core_each_run_at_the_same_time),
        cmocka_unit_test(a_pool_makes_room_for_others_and_takes_it_back),
        cmocka_unit_test(without_a_pool_there_is_one_slice),
        cmocka_unit_test(the_number_of_slices_has_bounds_and_a_default),
        cmocka_unit_test(a_run_within_a_task_runs_on_its_thread),
        cmocka_unit_test(helpers_that_sleep_are_woken_to_work_and_to_end),
        cmocka_unit_test(a_caller_that_sleeps_is_woken_by_the_last_helper),
        cmocka_unit_test(a_pool_may_end_at_any_time),
        cmocka_unit_test(never_more_threads_work_than_there_are_cores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
