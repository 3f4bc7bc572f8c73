/* checkpoint.h - the state of a training run on disk. */
#ifndef FSN_TRAIN_CHECKPOINT_H
#define FSN_TRAIN_CHECKPOINT_H

#include "train/train.h"

/* A piece of the state, in memory that the caller owns. */
struct fsn__span {
    void *data;
    size_t size; /* bytes */
};

/* Writes a checkpoint atomically: the curve so far and the spans in order. key names the run. */
FSN_NODISCARD enum fsn_status fsn__checkpoint_write(const char *path, uint64_t key,
                                                    const struct fsn__curve *curve,
                                                    const struct fsn__span *spans, size_t count,
                                                    struct fsn_error *err);

/* Takes up a checkpoint: fills the spans and the curve, whose rows hold room for max_rows. No file,
 * or one that is damaged or of another engine version: *taken is false, nothing is touched, FSN_OK.
 * A whole one under another key: FSN_INVALID. One that cannot be read: FSN_IO. */
FSN_NODISCARD enum fsn_status fsn__checkpoint_read(const char *path, uint64_t key,
                                                   struct fsn__curve *curve, int max_rows,
                                                   const struct fsn__span *spans, size_t count,
                                                   bool *taken, struct fsn_error *err);

#endif
