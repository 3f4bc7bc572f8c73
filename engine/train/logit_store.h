/* logit_store.h - the teacher's logits of every step, on the disk, for the next run with the same
 * images. */
#ifndef FSN_TRAIN_LOGIT_STORE_H
#define FSN_TRAIN_LOGIT_STORE_H

#include "core/error.h"

#include <stdbool.h>
#include <stdint.h>

struct fsn__logit_store;

/* Opens the file, or makes it. key: of all that the logits depend on; steps, numbers: of the whole
 * run, and logits of a step. What the file holds of another key or shape counts as nothing. *out is
 * NULL, with FSN_OK, where all of it would be larger than such a file may be. */
FSN_NODISCARD enum fsn_status fsn__logit_store_open(const char *path, uint64_t key, int64_t steps,
                                                    int64_t numbers, struct fsn__logit_store **out,
                                                    struct fsn_error *err);
void fsn__logit_store_close(struct fsn__logit_store *store); /* NULL is fine */

/* False: it has not got them. */
bool fsn__logit_store_get(const struct fsn__logit_store *store, int64_t step, float *logits);
/* Where the disk has no room, nothing is kept. */
void fsn__logit_store_put(struct fsn__logit_store *store, int64_t step, const float *logits);

#endif
