/* pool.c - threads that wait awake for a short while, then asleep.
 *
 * A training step of a small network is some 150 tasks of 0.1 to 2 ms with little between them, too
 * little for going to sleep and being woken by the kernel. So whoever waits, a helper for the next
 * task or the caller for the last helper, first looks at an atomic word in a loop for up to some
 * 200 microseconds, the difference that a neighbour on the host makes between two halves of a task,
 * and only then sleeps on it (futex.h). The loop takes no other job's core: the pool holds one for
 * each thread that is in a task, and its share covers them between two tasks. But other processes
 * may keep the awaited thread from running, and looking then only keeps it from running longer: so
 * the patience of each waiter halves when it was in vain, and doubles when not.
 *
 * Each helper has a word of its own, through which the caller gives it orders, so that those who
 * have no part in a task do not notice it. The words:
 *
 *     helper->order   IDLE, ASLEEP (set by the helper); RUN, STOP (set by the caller)
 *     unfinished      helpers still in the task; CALLER_ASLEEP is added by the caller
 *
 * Helpers are started when the pool first has a core for them. One that cannot be started is done
 * without: threads do not matter to results. */
#include "core/pool.h"

#include "core/cores.h"
#include "core/error.h"
#include "core/futex.h"
#include "core/mem.h"

#include <pthread.h>
#include <stdlib.h>

enum { LEAST_PATIENCE = 16, MOST_PATIENCE = 16384 }; /* pauses */
enum order { IDLE, ASLEEP, RUN, STOP };
#define CALLER_ASLEEP 0x80000000u
#define CACHE_LINE 64

struct helper {
    _Alignas(CACHE_LINE) atomic_uint order;
    struct fsn__pool *pool;
    pthread_t thread;
    int index; /* 1..; the caller is 0 */
    int patience;
};

struct fsn__pool {
    int slices, started; /* started: helpers that exist */
    struct fsn__cores *cores;
    struct fsn__cores_job share;
    struct helper *helpers; /* [slices - 1] */
    /* Of the task under way, written while no helper has an order. */
    fsn__task *task;
    void *arg;
    int threads;  /* that take part, the caller among them */
    int patience; /* the caller's */
    _Alignas(CACHE_LINE) atomic_uint unfinished;
};

static _Thread_local bool in_task;

/* Looks at the word until it is 0, or until it is something else; false when patience ran out. */
static bool wait_awake(atomic_uint *word, bool for_zero, int *patience)
{
    bool arrived;
    int left = *patience;

    while (!(arrived = (atomic_load_explicit(word, memory_order_acquire) == 0) == for_zero) &&
           left-- > 0)
        fsn__pause();
    if (arrived && *patience < MOST_PATIENCE)
        *patience *= 2;
    else if (!arrived && *patience > LEAST_PATIENCE)
        *patience /= 2;
    return arrived;
}

/* The slices of thread `index`. */
static void run_share(const struct fsn__pool *pool, fsn__task *task, void *arg, int index,
                      int threads)
{
    int64_t begin, end;

    fsn__share(pool->slices, index, threads, &begin, &end);
    for (int64_t slice = begin; slice < end; slice++)
        task(arg, (int)slice, pool->slices);
}

/* ---- helpers --------------------------------------------------------------------------------- */

static enum order await_order(struct helper *helper)
{
    unsigned order = IDLE;

    if (wait_awake(&helper->order, false, &helper->patience))
        order = atomic_load_explicit(&helper->order, memory_order_acquire);
    if (order == IDLE && atomic_compare_exchange_strong(&helper->order, &order, ASLEEP))
        order = ASLEEP;
    while (order == ASLEEP) {
        fsn__futex_wait(&helper->order, ASLEEP);
        order = atomic_load_explicit(&helper->order, memory_order_acquire);
    }
    return (enum order)order;
}

static void give_order(struct helper *helper, enum order order)
{
    if (atomic_exchange_explicit(&helper->order, order, memory_order_acq_rel) == ASLEEP)
        fsn__futex_wake(&helper->order);
}

static void *helper_main(void *user)
{
    struct helper *helper = user;
    struct fsn__pool *pool = helper->pool;

    in_task = true; /* it never is anywhere else */
    while (await_order(helper) == RUN) {
        run_share(pool, pool->task, pool->arg, helper->index, pool->threads);
        atomic_store_explicit(&helper->order, IDLE, memory_order_relaxed);
        if (atomic_fetch_sub_explicit(&pool->unfinished, 1, memory_order_acq_rel) ==
            (CALLER_ASLEEP | 1))
            fsn__futex_wake(&pool->unfinished);
    }
    return NULL;
}

/* Returns how many of the wanted helpers there are. */
static int start_helpers(struct fsn__pool *pool, int wanted)
{
    while (pool->started < wanted) {
        struct helper *helper = &pool->helpers[pool->started];

        helper->pool = pool;
        helper->index = pool->started + 1;
        helper->patience = MOST_PATIENCE;
        if (pthread_create(&helper->thread, NULL, helper_main, helper) != 0)
            return pool->started;
        pool->started++;
    }
    return wanted;
}

/* ---- the caller ------------------------------------------------------------------------------ */

enum fsn_status fsn__pool_create_on(struct fsn__cores *cores, int slices, struct fsn__pool **out,
                                    struct fsn_error *err)
{
    struct fsn__pool *pool;

    if (slices < 0 || slices > FSN_MAX_THREADS)
        return FSN__FAIL(err, FSN_INVALID, "threads must be 0..%d, got %d", FSN_MAX_THREADS,
                         slices);
    if (slices == 0)
        slices = cores->count < FSN_MAX_THREADS ? cores->count : FSN_MAX_THREADS;
    pool = fsn__aligned_calloc(1, sizeof *pool);
    if (!pool)
        return FSN__NOMEM(err);
    pool->slices = slices;
    pool->cores = cores;
    pool->patience = MOST_PATIENCE;
    pool->helpers = fsn__aligned_calloc((size_t)slices - 1, sizeof *pool->helpers);
    if (!pool->helpers) {
        free(pool);
        return FSN__NOMEM(err);
    }
    fsn__cores_join(cores, &pool->share, slices);
    *out = pool;
    return FSN_OK;
}

enum fsn_status fsn__pool_create(int slices, struct fsn__pool **out, struct fsn_error *err)
{
    return fsn__pool_create_on(fsn__cores_of_process(), slices, out, err);
}

void fsn__pool_destroy(struct fsn__pool *pool)
{
    if (!pool)
        return;
    for (int i = 0; i < pool->started; i++)
        give_order(&pool->helpers[i], STOP);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->helpers[i].thread, NULL);
    fsn__cores_leave(pool->cores, &pool->share);
    free(pool->helpers);
    free(pool);
}

int fsn__pool_slices(const struct fsn__pool *pool)
{
    return pool ? pool->slices : 1;
}

static void await_helpers(struct fsn__pool *pool)
{
    unsigned left;

    if (wait_awake(&pool->unfinished, true, &pool->patience))
        return;
    left = atomic_fetch_or_explicit(&pool->unfinished, CALLER_ASLEEP, memory_order_acq_rel);
    left |= CALLER_ASLEEP;
    while (left != CALLER_ASLEEP) {
        fsn__futex_wait(&pool->unfinished, left);
        left = atomic_load_explicit(&pool->unfinished, memory_order_acquire);
    }
}

void fsn__pool_run(struct fsn__pool *pool, fsn__task *task, void *arg)
{
    int taken, helpers;

    if (!pool) {
        task(arg, 0, 1);
        return;
    }
    if (in_task) {
        run_share(pool, task, arg, 0, 1);
        return;
    }
    taken = fsn__cores_take(pool->cores, &pool->share);
    helpers = start_helpers(pool, taken - 1);
    pool->task = task;
    pool->arg = arg;
    pool->threads = helpers + 1;
    atomic_store_explicit(&pool->unfinished, (unsigned)helpers, memory_order_relaxed);
    for (int i = 0; i < helpers; i++)
        give_order(&pool->helpers[i], RUN);
    in_task = true;
    run_share(pool, task, arg, 0, pool->threads);
    in_task = false;
    await_helpers(pool);
    fsn__cores_give(pool->cores, taken);
}
