/* snapshot.c - copies, swaps and averages the state of a network.
 *
 * The average of weights along a run (Polyak, Juditsky, "Acceleration of Stochastic Approximation
 * by Averaging", 1992), with an exponential memory: a <- d a + (1 - d) w after every step. Running
 * statistics are averaged with the weights, as they belong to them. Early in a run the memory is
 * shorter, d_t = min(d, (1 + t) / (10 + t)) as in TensorFlow's ExponentialMovingAverage, so that
 * the start is forgotten in runs of any length.
 */
#include "train/snapshot.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__snapshot_create(const struct fsn__span *state, size_t count,
                                     struct fsn__snapshot *out, struct fsn_error *err)
{
    size_t bytes = 0;

    for (size_t i = 0; i < count; i++)
        bytes += state[i].size;
    out->own.data = fsn__aligned_calloc(bytes, 1);
    if (!out->own.data)
        return FSN__NOMEM(err);
    out->own.size = bytes;
    out->state = state;
    out->count = count;
    fsn__snapshot_take(out);
    return FSN_OK;
}

void fsn__snapshot_clear(struct fsn__snapshot *snapshot)
{
    free(snapshot->own.data);
    *snapshot = (struct fsn__snapshot){0};
}

void fsn__snapshot_take(struct fsn__snapshot *snapshot)
{
    char *at = snapshot->own.data;

    for (size_t i = 0; i < snapshot->count; at += snapshot->state[i++].size)
        memcpy(at, snapshot->state[i].data, snapshot->state[i].size);
}

void fsn__snapshot_restore(const struct fsn__snapshot *snapshot)
{
    const char *at = snapshot->own.data;

    for (size_t i = 0; i < snapshot->count; at += snapshot->state[i++].size)
        memcpy(snapshot->state[i].data, at, snapshot->state[i].size);
}

void fsn__snapshot_swap(struct fsn__snapshot *snapshot)
{
    float *mine = snapshot->own.data;

    for (size_t i = 0; i < snapshot->count; i++) {
        float *theirs = snapshot->state[i].data;

        for (size_t j = 0; j < snapshot->state[i].size / sizeof *mine; j++, mine++) {
            const float value = *mine;

            *mine = theirs[j];
            theirs[j] = value;
        }
    }
}

struct blend {
    struct fsn__snapshot *snapshot;
    float part; /* of the state */
};

static void blend_share(void *arg, int slice, int slices)
{
    const struct blend *blend = arg;
    float *mine = blend->snapshot->own.data;

    for (size_t i = 0; i < blend->snapshot->count; i++) {
        const struct fsn__span *span = &blend->snapshot->state[i];
        const int64_t size = (int64_t)(span->size / sizeof *mine);
        const float *theirs = span->data;
        int64_t begin, end;

        fsn__share(size, slice, slices, &begin, &end);
        for (int64_t j = begin; j < end; j++)
            mine[j] += blend->part * (theirs[j] - mine[j]);
        mine += size;
    }
}

void fsn__snapshot_blend(struct fsn__snapshot *snapshot, double keep, struct fsn__pool *pool)
{
    struct blend blend = {snapshot, (float)(1 - keep)};

    fsn__pool_run(pool, blend_share, &blend);
}

double fsn__average_keep(double decay, int64_t step)
{
    const double early = (1 + (double)step) / (10 + (double)step);

    return early < decay ? early : decay;
}
