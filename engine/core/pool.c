/* pool.c - the thread pool: workers sleep on a condition, the caller works as thread 0. */
#include "core/pool.h"
#include "core/error.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

struct worker {
    struct fsn__pool *pool;
    pthread_t thread;
    int index;
};

struct fsn__pool {
    int threads;
    int started; /* workers that run, = threads - 1 once created */
    struct worker *workers;
    pthread_mutex_t mutex; /* guards everything below */
    pthread_cond_t work_ready, work_done;
    uint64_t generation; /* counts tasks; a worker runs each one once */
    int running;         /* workers still inside the current task */
    bool stop;
    fsn__task *task;
    void *arg;
};

static void *worker_main(void *user)
{
    struct worker *worker = user;
    struct fsn__pool *pool = worker->pool;
    uint64_t seen = 0;

    pthread_mutex_lock(&pool->mutex);
    for (;;) {
        fsn__task *task;
        void *arg;

        while (!pool->stop && pool->generation == seen)
            pthread_cond_wait(&pool->work_ready, &pool->mutex);
        if (pool->stop)
            break;
        seen = pool->generation;
        task = pool->task;
        arg = pool->arg;
        pthread_mutex_unlock(&pool->mutex);
        task(arg, worker->index, pool->threads);
        pthread_mutex_lock(&pool->mutex);
        if (--pool->running == 0)
            pthread_cond_signal(&pool->work_done);
    }
    pthread_mutex_unlock(&pool->mutex);
    return NULL;
}

static int usable_cores(void)
{
    cpu_set_t set;
    int count;

    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    count = CPU_COUNT(&set);
    return count > 0 ? count : 1;
}

enum fsn_status fsn__pool_create(int threads, struct fsn__pool **out, struct fsn_error *err)
{
    struct fsn__pool *pool;

    if (threads < 0 || threads > 1024)
        return FSN__FAIL(err, FSN_INVALID, "threads must be 0..1024, got %d", threads);
    if (threads == 0)
        threads = usable_cores();
    pool = calloc(1, sizeof *pool);
    if (!pool)
        return FSN__NOMEM(err);
    pool->threads = threads;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->work_ready, NULL);
    pthread_cond_init(&pool->work_done, NULL);
    if (threads > 1) {
        pool->workers = calloc((size_t)(threads - 1), sizeof *pool->workers);
        if (!pool->workers) {
            fsn__pool_destroy(pool);
            return FSN__NOMEM(err);
        }
    }
    for (int i = 0; i < threads - 1; i++) {
        struct worker *worker = &pool->workers[i];

        worker->pool = pool;
        worker->index = i + 1;
        if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0) {
            fsn__pool_destroy(pool);
            return FSN__FAIL(err, FSN_NOMEM, "cannot start thread %d of %d", i + 2, threads);
        }
        pool->started++;
    }
    *out = pool;
    return FSN_OK;
}

void fsn__pool_destroy(struct fsn__pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->mutex);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->mutex);
    for (int i = 0; i < pool->started; i++)
        pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->work_ready);
    pthread_cond_destroy(&pool->work_done);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    free(pool);
}

int fsn__pool_slices(const struct fsn__pool *pool)
{
    return pool ? pool->threads : 1;
}

void fsn__pool_run(struct fsn__pool *pool, fsn__task *task, void *arg)
{
    if (!pool || pool->threads == 1) {
        task(arg, 0, 1);
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->task = task;
    pool->arg = arg;
    pool->running = pool->threads - 1;
    pool->generation++;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->mutex);
    task(arg, 0, pool->threads);
    pthread_mutex_lock(&pool->mutex);
    while (pool->running > 0)
        pthread_cond_wait(&pool->work_done, &pool->mutex);
    pthread_mutex_unlock(&pool->mutex);
}
