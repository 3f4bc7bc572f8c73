/* follow.h - how well a student's outputs follow a teacher's, on listed images. */
#ifndef FSN_TRAIN_FOLLOW_H
#define FSN_TRAIN_FOLLOW_H

#include "train/followed.h"
#include "train/train.h"

/* Two networks, or one, and images that they are asked about. */
struct fsn__follow {
    struct fsn__graph *teacher,
        *student; /* student NULL: what the teacher says is measured alone */
    const struct fsn_dataset *data;
    enum fsn_split split;
    const int64_t *list; /* [images] places in the split; NULL: the first ones */
    int64_t images;
    const struct fsn_spec *spec; /* preprocess and what is said of outputs are heeded */
    struct fsn__pool *pool;
    const struct fsn__meter *meter; /* told after each batch */
    bool as_written;                /* see fsn__followed_create */
};

/* Of each output: how far the student is from the teacher (D), and how far the best is that says
 * the same of all these images (output_loss.h). distance is NaN without a student. */
struct fsn__following {
    int count;
    char *name[FSN_MAX_DISTILL_OUTPUTS]; /* owned */
    enum fsn_output_loss loss[FSN_MAX_DISTILL_OUTPUTS];
    double distance[FSN_MAX_DISTILL_OUTPUTS], spread[FSN_MAX_DISTILL_OUTPUTS];
};

/* Images are taken as they are, not augmented. *out: fsn__following_clear. Errors: MISMATCH (the
 * two have not the same outputs, or there are no images), CANCELLED, and what networks and files
 * raise.
 */
FSN_NODISCARD enum fsn_status fsn__follow_measure(const struct fsn__follow *follow,
                                                  struct fsn__following *out,
                                                  struct fsn_error *err);
void fsn__following_clear(struct fsn__following *following);

#endif
