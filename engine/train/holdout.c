/* holdout.c - which images are kept apart from the others of their split, and what is read off
 * their figures.
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

static void draw_order(int64_t *order, int64_t count, struct fsn__rng rng)
{
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
    for (int c = 0; c < classes || c == 0; c++) { /* without classes all have label 0 */
        const int64_t wanted = llround(share * (double)quota[c]);

        quota[c] = wanted < quota[c] ? wanted : quota[c] > 0 ? quota[c] - 1 : 0;
    }
}

static enum fsn_status mark(const struct fsn__images *images, int classes, double share,
                            struct fsn__rng rng, bool *is_held, struct fsn_error *err)
{
    int64_t *quota = calloc((size_t)classes + 1, sizeof *quota);
    int64_t *order = calloc((size_t)images->count, sizeof *order);
    enum fsn_status status = FSN_OK;

    if (!quota || !order) {
        status = FSN__NOMEM(err);
        goto out;
    }
    set_quotas(images, classes, share, quota);
    draw_order(order, images->count, rng);
    for (int64_t i = 0; i < images->count; i++)
        is_held[order[i]] = quota[images->labels[order[i]]]-- > 0;
out:
    free(quota);
    free(order);
    return status;
}

/* *places (new): those of the images that stay, then those of the images that are kept apart. */
static enum fsn_status divide(const struct fsn__images *images, int classes, double share,
                              struct fsn__rng rng, int64_t **places, int64_t *stay,
                              struct fsn_error *err)
{
    const int64_t count = images->count;
    int64_t *list = calloc((size_t)count + 1, sizeof *list), n = 0;
    bool *is_held = calloc((size_t)count + 1, sizeof *is_held);
    enum fsn_status status = list && is_held ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK && share > 0)
        status = mark(images, classes, share, rng, is_held, err);
    if (status == FSN_OK) {
        for (int64_t i = 0; i < count; i++)
            if (!is_held[i])
                list[n++] = i;
        *stay = n;
        for (int64_t i = 0; i < count; i++)
            if (is_held[i])
                list[n++] = i;
        *places = list;
        list = NULL;
    }
    free(is_held);
    free(list);
    return status;
}

enum fsn_status fsn__parts_create(const struct fsn_dataset *data, double share, uint64_t seed,
                                  struct fsn__parts *out, struct fsn_error *err)
{
    const struct fsn__images *images = &data->split[FSN_SPLIT_TRAIN];
    struct fsn__parts parts = {0};
    enum fsn_status status;

    if (images->count < 1)
        return FSN__FAIL(err, FSN_MISMATCH, "the data set has no images in its train split");
    status = divide(images, data->classes, share, fsn__rng_open(seed, FSN__RNG_HOLDOUT, 0, 0),
                    &parts.train, &parts.train_count, err);
    if (status != FSN_OK)
        return status;
    parts.held = parts.train + parts.train_count;
    parts.held_count = images->count - parts.train_count;
    if (share > 0 && parts.held_count == 0) {
        free(parts.train);
        return FSN__FAIL(err, FSN_MISMATCH,
                         "finetune.holdout: a share of %g of each class holds none of the %lld "
                         "training images back",
                         share, (long long)images->count);
    }
    parts.order = calloc((size_t)parts.train_count + 1, sizeof *parts.order);
    if (!parts.order) {
        free(parts.train);
        return FSN__NOMEM(err);
    }
    *out = parts;
    return FSN_OK;
}

void fsn__parts_clear(struct fsn__parts *parts)
{
    free(parts->train);
    free(parts->order);
    *parts = (struct fsn__parts){0};
}

void fsn__parts_shuffle(struct fsn__parts *parts, uint64_t seed, int epoch)
{
    fsn__shuffle(parts->order, parts->train_count, seed, (uint64_t)epoch);
    for (int64_t i = 0; i < parts->train_count; i++)
        parts->order[i] = parts->train[parts->order[i]];
}

enum fsn_status fsn__halves_create(const struct fsn_dataset *data, bool by_class,
                                   struct fsn__halves *out, struct fsn_error *err)
{
    const struct fsn__images *images = &data->split[FSN_SPLIT_TEST];
    struct fsn__halves halves = {0};
    enum fsn_status status = divide(images, by_class ? data->classes : 0, 0.5,
                                    fsn__rng_open(0, FSN__RNG_SELECTION, 0, 0), &halves.unseen,
                                    &halves.unseen_count, err);

    if (status != FSN_OK)
        return status;
    halves.selection = halves.unseen + halves.unseen_count;
    halves.selection_count = images->count - halves.unseen_count;
    if (halves.selection_count == 0) {
        free(halves.unseen);
        return FSN__FAIL(err, FSN_MISMATCH,
                         "half of the test images judge the files of a search or a sweep, and of "
                         "the %lld there are %s",
                         (long long)images->count,
                         by_class ? "no class has two" : "there is no half");
    }
    *out = halves;
    return FSN_OK;
}

void fsn__halves_clear(struct fsn__halves *halves)
{
    free(halves->unseen);
    *halves = (struct fsn__halves){0};
}

/* Rows without a held_top1 have a loss alone. */
static bool is_better(const struct fsn_epoch *row, const struct fsn_epoch *than)
{
    if (isnan(row->held_top1) || row->held_top1 == than->held_top1)
        return row->held_loss < than->held_loss;
    return row->held_top1 > than->held_top1;
}

int fsn__best_epoch(const struct fsn__curve *curve)
{
    int best = -1;

    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i];

        if (isnan(row->held_top1) && isnan(row->held_loss))
            continue;
        if (best < 0 || is_better(row, &curve->rows[best]))
            best = i;
    }
    return best;
}

bool fsn__patience_is_over(const struct fsn__curve *curve, int patience)
{
    const int best = fsn__best_epoch(curve);

    return patience > 0 && best >= 0 && curve->count - 1 - best >= patience;
}
