/* snapshot.h - a second set of the values that training changes: their average, their best. */
#ifndef FSN_TRAIN_SNAPSHOT_H
#define FSN_TRAIN_SNAPSHOT_H

#include "train/checkpoint.h"

/* Parameters and running statistics in one block, in the order of the spans that it was made for.
 */
struct fsn__snapshot {
    const struct fsn__span *state; /* [count] of the network, float32; borrowed */
    size_t count;
    struct fsn__span own; /* the block, for checkpoints; no data: there is no snapshot */
};

/* Of the state as it is now. Zero-initialise *out; fsn__snapshot_clear frees. */
FSN_NODISCARD enum fsn_status fsn__snapshot_create(const struct fsn__span *state, size_t count,
                                                   struct fsn__snapshot *out,
                                                   struct fsn_error *err);
void fsn__snapshot_clear(struct fsn__snapshot *snapshot);

void fsn__snapshot_take(struct fsn__snapshot *snapshot);          /* snapshot = state */
void fsn__snapshot_restore(const struct fsn__snapshot *snapshot); /* state = snapshot */
void fsn__snapshot_swap(struct fsn__snapshot *snapshot);
/* snapshot = keep snapshot + (1 - keep) state, element by element in float32. */
void fsn__snapshot_blend(struct fsn__snapshot *snapshot, double keep, struct fsn__pool *pool);
/* What the average keeps in global step `step` (0-based). */
double fsn__average_keep(double decay, int64_t step);

#endif
