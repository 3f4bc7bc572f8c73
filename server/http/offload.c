/* offload.c - calls that wait for their turn, and the threads that take them. How many can wait is
 * bounded by what waits with them: a connection with one call at most, a body that comes with as
 * many as it has pieces. */
#include "http/offload.h"

#include "http/turns.h"

#include <limits.h>
#include <stdlib.h>
#include <uv.h>

#define STACK_SIZE ((size_t)16 << 20) /* the engine's importer and planner run here */

struct item {
    struct srv_turn turn; /* first: it is found by it */
    srv_offload_fn *run, *drop;
    void *argument;
};

struct srv_offload {
    uv_mutex_t mutex;
    uv_cond_t changed;
    struct srv_turns waiting; /* guarded by mutex */
    bool stopping;            /* guarded by mutex */
    int threads;
    uv_thread_t thread[];
};

/* Takes all that waits, and waits for more of it until the pool stops. */
static void work(void *user)
{
    struct srv_offload *offload = user;

    uv_mutex_lock(&offload->mutex);
    for (;;) {
        struct item *item = (struct item *)srv_turns_take(&offload->waiting);

        if (item) {
            srv_offload_fn *call = offload->stopping && item->drop ? item->drop : item->run;

            uv_mutex_unlock(&offload->mutex);
            call(item->argument);
            free(item);
            uv_mutex_lock(&offload->mutex);
        } else if (offload->stopping) {
            break;
        } else {
            uv_cond_wait(&offload->changed, &offload->mutex);
        }
    }
    uv_mutex_unlock(&offload->mutex);
}

enum fsn_status srv_offload_create(int threads, struct srv_offload **out, struct fsn_error *err)
{
    const uv_thread_options_t options = {.flags = UV_THREAD_HAS_STACK_SIZE,
                                         .stack_size = STACK_SIZE};
    struct srv_offload *offload =
        calloc(1, sizeof *offload + (size_t)threads * sizeof *offload->thread);

    if (!offload)
        return SRV_NOMEM(err);
    if (uv_mutex_init(&offload->mutex) != 0 || uv_cond_init(&offload->changed) != 0) {
        free(offload);
        return SRV_NOMEM(err);
    }
    for (; offload->threads < threads; offload->threads++) {
        if (uv_thread_create_ex(&offload->thread[offload->threads], &options, work, offload) != 0) {
            srv_offload_stop(offload);
            srv_offload_destroy(offload);
            return SRV_FAIL(err, FSN_NOMEM, "cannot start a helper thread");
        }
    }
    *out = offload;
    return FSN_OK;
}

enum fsn_status srv_offload_submit(struct srv_offload *offload, srv_offload_fn *run,
                                   srv_offload_fn *drop, void *argument)
{
    return srv_offload_submit_of(offload, "", INT_MAX, run, drop, argument);
}

enum fsn_status srv_offload_submit_of(struct srv_offload *offload, const char *caller, int most,
                                      srv_offload_fn *run, srv_offload_fn *drop, void *argument)
{
    struct item *item = calloc(1, sizeof *item);
    enum fsn_status status = FSN_OK;

    if (!item)
        return FSN_NOMEM;
    item->run = run;
    item->drop = drop;
    item->argument = argument;
    uv_mutex_lock(&offload->mutex);
    if (offload->stopping)
        status = FSN_CANCELLED;
    else if (!srv_turns_add(&offload->waiting, caller, most, &item->turn))
        status = FSN_LIMIT;
    else
        uv_cond_signal(&offload->changed);
    uv_mutex_unlock(&offload->mutex);
    if (status != FSN_OK)
        free(item);
    return status;
}

void srv_offload_close(struct srv_offload *offload)
{
    uv_mutex_lock(&offload->mutex);
    offload->stopping = true;
    uv_cond_broadcast(&offload->changed);
    uv_mutex_unlock(&offload->mutex);
    work(offload); /* here, at once: the threads may have long to run */
}

void srv_offload_stop(struct srv_offload *offload)
{
    srv_offload_close(offload);
    while (offload->threads > 0)
        uv_thread_join(&offload->thread[--offload->threads]);
}

void srv_offload_destroy(struct srv_offload *offload)
{
    if (!offload)
        return;
    uv_cond_destroy(&offload->changed);
    uv_mutex_destroy(&offload->mutex);
    free(offload);
}
