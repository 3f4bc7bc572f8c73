/* offload.c - a first-in first-out list of calls and the threads that take from it. How long the
 * list can grow is bounded by the number of connections: each waits with at most one call. */
#include "http/offload.h"

#include <stdlib.h>
#include <uv.h>

#define STACK_SIZE ((size_t)16 << 20) /* the engine's importer and planner run here */

struct item {
    struct item *next;
    srv_offload_fn *run, *drop;
    void *argument;
};

struct srv_offload {
    uv_mutex_t mutex;
    uv_cond_t changed;
    struct item *first, **last; /* guarded by mutex */
    bool stopping;              /* guarded by mutex */
    int threads;
    uv_thread_t thread[];
};

/* Empties the list, and waits for more of it until the pool stops. */
static void work(void *user)
{
    struct srv_offload *offload = user;

    uv_mutex_lock(&offload->mutex);
    for (;;) {
        struct item *item = offload->first;

        if (item) {
            srv_offload_fn *call = offload->stopping && item->drop ? item->drop : item->run;

            offload->first = item->next;
            if (!offload->first)
                offload->last = &offload->first;
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
    offload->last = &offload->first;
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
    struct item *item = calloc(1, sizeof *item);
    bool refused;

    if (!item)
        return FSN_NOMEM;
    *item = (struct item){.run = run, .drop = drop, .argument = argument};
    uv_mutex_lock(&offload->mutex);
    refused = offload->stopping;
    if (!refused) {
        *offload->last = item;
        offload->last = &item->next;
        uv_cond_signal(&offload->changed);
    }
    uv_mutex_unlock(&offload->mutex);
    if (refused)
        free(item);
    return refused ? FSN_LIMIT : FSN_OK;
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
