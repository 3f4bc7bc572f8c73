/*
 * worker.c - see worker.h.
 *
 * A worker claims until the queue is empty, then waits for `wakes` to change: a counter, not a
 * flag, so that a wake between a fruitless claim and the wait is not lost.
 */
#include "jobs/worker.h"

#include "base/counters.h"
#include "base/clock.h"
#include "jobs/sweep.h"
#include "log.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>

#define STACK_SIZE ((size_t)16 << 20)
#define RETRY_NS ((uint64_t)1000000000) /* after the database failed */

struct slot {
    struct srv_workers *workers;
    uv_thread_t thread;
    char job_id[SRV_ID_SIZE]; /* "": idle; guarded by mutex, as is fence */
    int64_t fence;
    struct srv_run_signals signals;
};

struct srv_workers {
    struct srv_runner runner;
    struct srv_db_pool *dbs;
    uv_mutex_t mutex;
    uv_cond_t changed;
    uint64_t wakes; /* guarded by mutex */
    bool stopping;  /* guarded by mutex */
    int nice;
    int count;
    struct slot slots[];
};

/* Claims and runs one job; false when there was none or the database failed. */
static bool work_once(struct slot *slot, struct srv_db *db)
{
    struct srv_workers *workers = slot->workers;
    struct fsn_error err = {0};
    struct srv_job job = {0};
    int64_t now = srv_now_ms();
    bool found = false;

    if (srv_jobs_claim(db, now, now + workers->runner.lease_ms, &job, &found, &err) != FSN_OK)
        SRV_LOG(SRV_LOG_ERROR, "queue cannot be read", SRV_TEXT("detail", err.text));
    if (!found)
        return false;
    srv_count(SRV_COUNT_JOB_EVENTS,
              &(struct srv_labels){{srv_job_event_name(SRV_JOB_EVENT_CLAIM)}, 0}, 1);
    SRV_LOG(SRV_LOG_INFO, "job started", SRV_TEXT("job", job.id), SRV_INT("fence", job.fence),
            SRV_INT("attempt", job.attempts));
    srv_hooks_wake(workers->runner.hooks);
    uv_mutex_lock(&workers->mutex);
    memcpy(slot->job_id, job.id, sizeof slot->job_id);
    slot->fence = job.fence;
    atomic_store(&slot->signals.cancel, false);
    atomic_store(&slot->signals.stop, workers->stopping);
    uv_mutex_unlock(&workers->mutex);

    srv_run_job(&workers->runner, db, &job, &slot->signals);

    uv_mutex_lock(&workers->mutex);
    slot->job_id[0] = '\0';
    uv_mutex_unlock(&workers->mutex);
    srv_job_clear(&job);
    return true;
}

/* Linux has a priority for each thread, which the threads that it starts inherit. A thread of
 * policy SCHED_IDLE leaves the core at once when any other wakes; a nice one finishes its slice
 * first, which is milliseconds. */
static bool set_priority(int nice)
{
    const id_t self = (id_t)gettid();

    if (nice == SRV_WORKER_NICE_IDLE) {
        if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){.sched_priority = 0}) == 0)
            return true;
        nice = SRV_WORKER_NICE_IDLE - 1; /* a container may forbid the one and not the other */
    }
    return nice == 0 ||
           setpriority(PRIO_PROCESS, self, getpriority(PRIO_PROCESS, self) + nice) == 0;
}

static void stand_back(int nice)
{
    if (!set_priority(nice))
        SRV_LOG(SRV_LOG_WARN, "jobs keep the priority of requests",
                SRV_TEXT("detail", strerror(errno)));
}

static void work(void *user)
{
    struct slot *slot = user;
    struct srv_workers *workers = slot->workers;

    stand_back(workers->nice);
    uv_mutex_lock(&workers->mutex);
    while (!workers->stopping) {
        struct fsn_error err = {0};
        struct srv_db *db = NULL;
        uint64_t seen = workers->wakes;
        bool worked;

        uv_mutex_unlock(&workers->mutex);
        if (srv_db_acquire(workers->dbs, &db, &err) != FSN_OK)
            SRV_LOG(SRV_LOG_ERROR, "worker has no database", SRV_TEXT("detail", err.text));
        worked = db && work_once(slot, db);
        srv_db_release(workers->dbs, db);
        uv_mutex_lock(&workers->mutex);
        if (!db && !workers->stopping)
            uv_cond_timedwait(&workers->changed, &workers->mutex, RETRY_NS);
        else if (!worked)
            while (!workers->stopping && workers->wakes == seen)
                uv_cond_wait(&workers->changed, &workers->mutex);
    }
    uv_mutex_unlock(&workers->mutex);
}

enum fsn_status srv_workers_start(const struct srv_runner *runner, struct srv_db_pool *dbs,
                                  int threads, int nice, struct srv_workers **out,
                                  struct fsn_error *err)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_SIZE};
    struct srv_workers *workers =
        calloc(1, sizeof *workers + (size_t)threads * sizeof *workers->slots);

    if (!workers)
        return SRV_NOMEM(err);
    workers->runner = *runner;
    workers->dbs = dbs;
    workers->nice = nice;
    if (uv_mutex_init(&workers->mutex) != 0 || uv_cond_init(&workers->changed) != 0) {
        free(workers);
        return SRV_NOMEM(err);
    }
    while (workers->count < threads) {
        struct slot *slot = &workers->slots[workers->count];

        slot->workers = workers;
        if (uv_thread_create_ex(&slot->thread, &options, work, slot) != 0) {
            srv_workers_stop(workers);
            return SRV_FAIL(err, FSN_NOMEM, "cannot start a worker thread");
        }
        workers->count++;
    }
    *out = workers;
    return FSN_OK;
}

void srv_workers_wake(struct srv_workers *workers)
{
    uv_mutex_lock(&workers->mutex);
    workers->wakes++;
    uv_cond_broadcast(&workers->changed);
    uv_mutex_unlock(&workers->mutex);
}

void srv_workers_cancel(struct srv_workers *workers, const char *job_id)
{
    uv_mutex_lock(&workers->mutex);
    for (int i = 0; i < workers->count; i++)
        if (strcmp(workers->slots[i].job_id, job_id) == 0)
            atomic_store(&workers->slots[i].signals.cancel, true);
    uv_mutex_unlock(&workers->mutex);
}

/* FSN_OK when every job that runs here has a fresh lease or is known to have ended. */
static enum fsn_status extend_leases(struct srv_workers *workers, struct srv_db *db,
                                     struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; status == FSN_OK && i < workers->count; i++) {
        char id[SRV_ID_SIZE];
        int64_t fence;
        bool held;

        uv_mutex_lock(&workers->mutex);
        memcpy(id, workers->slots[i].job_id, sizeof id);
        fence = workers->slots[i].fence;
        uv_mutex_unlock(&workers->mutex);
        if (*id != '\0')
            status = srv_jobs_extend_lease(db, id, fence, srv_now_ms() + workers->runner.lease_ms,
                                           &held, err);
    }
    return status;
}

void srv_workers_tend(struct srv_workers *workers)
{
    struct fsn_error err = {0};
    struct srv_db *db = NULL;
    enum fsn_status status = srv_db_acquire(workers->dbs, &db, &err);
    int recovered = 0;

    /* Nothing is taken from a worker whose lease could not be extended just now. */
    if (status == FSN_OK)
        status = extend_leases(workers, db, &err);
    if (status == FSN_OK)
        status =
            srv_queue_recover(db, srv_now_ms(), workers->runner.max_attempts, &recovered, &err);
    if (status == FSN_OK)
        status = srv_sweep_work(db, workers->runner.work_dir, &err);
    if (status != FSN_OK)
        SRV_LOG(SRV_LOG_ERROR, "jobs not tended", SRV_TEXT("detail", err.text));
    srv_db_release(workers->dbs, db);
    srv_workers_wake(workers);
}

void srv_workers_stop(struct srv_workers *workers)
{
    if (!workers)
        return;
    uv_mutex_lock(&workers->mutex);
    workers->stopping = true;
    for (int i = 0; i < workers->count; i++)
        atomic_store(&workers->slots[i].signals.stop, true);
    uv_cond_broadcast(&workers->changed);
    uv_mutex_unlock(&workers->mutex);
    for (int i = 0; i < workers->count; i++)
        uv_thread_join(&workers->slots[i].thread);
    uv_cond_destroy(&workers->changed);
    uv_mutex_destroy(&workers->mutex);
    free(workers);
}
