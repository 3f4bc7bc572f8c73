/* holdout.h - training images that are held back to judge the epochs by, test images to choose
 * among files by. */
#ifndef FSN_TRAIN_HOLDOUT_H
#define FSN_TRAIN_HOLDOUT_H

#include "train/train.h"

/* Places of train images, each list in rising order. */
struct fsn__parts {
    int64_t train_count, held_count;
    int64_t *train, *held; /* one block, freed through train */
    int64_t *order;        /* [train_count] those of train, as fsn__parts_shuffle has put them */
};

/* Divides the train split: of each class about `share` is held back, at least one image stays.
 * share 0: all images are for training. Errors: MISMATCH when there are no images, or
 * nothing would be held back. */
FSN_NODISCARD enum fsn_status fsn__parts_create(const struct fsn_dataset *data, double share,
                                                uint64_t seed, struct fsn__parts *out,
                                                struct fsn_error *err);
void fsn__parts_clear(struct fsn__parts *parts);
/* The order of the training images in an epoch (fsn__shuffle). */
void fsn__parts_shuffle(struct fsn__parts *parts, uint64_t seed, int epoch);

/* Places of test images, each list in rising order. */
struct fsn__halves {
    int64_t selection_count, unseen_count;
    int64_t *selection, *unseen; /* one block, freed through unseen */
};

/* Divides the test split: about half of it, or by_class of each class, is for choices, the rest is
 * to be looked at once, when they are made. The same for every job. Errors: MISMATCH when one would
 * be empty. */
FSN_NODISCARD enum fsn_status fsn__halves_create(const struct fsn_dataset *data, bool by_class,
                                                 struct fsn__halves *out, struct fsn_error *err);
void fsn__halves_clear(struct fsn__halves *halves);

/* The row of the best epoch: the highest held_top1 where there is one, of equals the lowest
 * held_loss, of equals the first. -1 when no row was measured on held-back images. */
int fsn__best_epoch(const struct fsn__curve *curve);
/* Whether `patience` epochs (0: any number) have passed since the best one. */
bool fsn__patience_is_over(const struct fsn__curve *curve, int patience);

#endif
