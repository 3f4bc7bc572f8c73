/* holdout.c - which training images are held back, and what is read off their figures.
 *
 * The test images judge the result, once, and so must not have a say in what the result is: the
 * choice among epochs is made on images taken from the training split. They are drawn by class: the
 * images are walked in an order of the stream (seed, FSN__RNG_HOLDOUT, 0, 0), and each class gives
 * its first round(share * images) of them, but never all.
 */
#include "train/holdout.h"
#include "core/rng.h"

#include <math.h>
#include <stdlib.h>

static void draw_order(int64_t *order, int64_t count, uint64_t seed)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_HOLDOUT, 0, 0);

    for (int64_t i = 0; i < count; i++) {
        const int64_t j = (int64_t)fsn__rng_below(&rng, (uint64_t)i + 1);

        order[i] = order[j];
        order[j] = i;
    }
}

/* quota[class]: how many images each class gives. */
static void set_quotas(const struct fsn__images *images, int classes, double share, int64_t *quota)
{
    for (int64_t i = 0; i < images->count; i++)
        quota[images->labels[i]]++;
    for (int c = 0; c < classes; c++) {
        const int64_t wanted = llround(share * (double)quota[c]);

        quota[c] = wanted < quota[c] ? wanted : quota[c] > 0 ? quota[c] - 1 : 0;
    }
}

static enum fsn_status mark_held(const struct fsn_dataset *data, double share, uint64_t seed,
                                 bool *is_held, struct fsn_error *err)
{
    const struct fsn__images *images = &data->split[FSN_SPLIT_TRAIN];
    int64_t *quota = calloc((size_t)data->classes, sizeof *quota);
    int64_t *order = calloc((size_t)images->count, sizeof *order);
    enum fsn_status status = FSN_OK;

    if (!quota || !order) {
        status = FSN__NOMEM(err);
        goto out;
    }
    set_quotas(images, data->classes, share, quota);
    draw_order(order, images->count, seed);
    for (int64_t i = 0; i < images->count; i++)
        is_held[order[i]] = quota[images->labels[order[i]]]-- > 0;
out:
    free(quota);
    free(order);
    return status;
}

enum fsn_status fsn__parts_create(const struct fsn_dataset *data, double share, uint64_t seed,
                                  struct fsn__parts *out, struct fsn_error *err)
{
    const int64_t count = data->split[FSN_SPLIT_TRAIN].count;
    struct fsn__parts parts = {.train = calloc((size_t)count + 1, sizeof *parts.train)};
    bool *is_held = calloc((size_t)count + 1, sizeof *is_held);
    enum fsn_status status = FSN_OK;

    if (!parts.train || !is_held)
        status = FSN__NOMEM(err);
    if (status == FSN_OK && share > 0)
        status = mark_held(data, share, seed, is_held, err);
    for (int64_t i = 0; status == FSN_OK && i < count; i++)
        if (!is_held[i])
            parts.train[parts.train_count++] = i;
    parts.held = parts.train + parts.train_count;
    for (int64_t i = 0; status == FSN_OK && i < count; i++)
        if (is_held[i])
            parts.held[parts.held_count++] = i;
    if (status == FSN_OK && share > 0 && parts.held_count == 0)
        status = FSN__FAIL(err, FSN_MISMATCH,
                           "finetune.holdout: a share of %g of each class holds none of the %lld "
                           "training images back",
                           share, (long long)count);
    free(is_held);
    if (status == FSN_OK)
        *out = parts;
    else
        free(parts.train);
    return status;
}

void fsn__parts_clear(struct fsn__parts *parts)
{
    free(parts->train);
    *parts = (struct fsn__parts){0};
}

int fsn__best_epoch(const struct fsn__curve *curve)
{
    int best = -1;

    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i], *top = best < 0 ? NULL : &curve->rows[best];

        if (isnan(row->held_top1))
            continue;
        if (!top || row->held_top1 > top->held_top1 ||
            (row->held_top1 == top->held_top1 && row->held_loss < top->held_loss))
            best = i;
    }
    return best;
}

bool fsn__patience_is_over(const struct fsn__curve *curve, int patience)
{
    const int best = fsn__best_epoch(curve);

    return patience > 0 && best >= 0 && curve->count - 1 - best >= patience;
}
