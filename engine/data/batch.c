/*
 * batch.c - shuffling, and from stored pixels to the network's input.
 *
 *     x[c][y][x] = (pixel / 255 - mean[c]) / std[c]          through a table of 256 per channel
 *
 * (with scale FSN_SCALE_BYTE the pixel itself in the place of pixel / 255).
 *
 * With augmentation, output (y, x) shows the stored pixel (y + dy - p, x + dx - p), dy and dx
 * uniform in 0..2p, pixel value 0 where that lies outside; then perhaps mirrored: random crop of
 * the image padded by p, and random horizontal flip. All draws of an image come from its own
 * stream, in the order dy, dx, flip.
 */
#include "core/rng.h"
#include "data/dataset.h"

#include <string.h>

void fsn__shuffle(int64_t *order, int64_t count, uint64_t seed, uint64_t epoch)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_SHUFFLE, epoch, 0);

    for (int64_t i = 0; i < count; i++)
        order[i] = i;
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)fsn__rng_below(&rng, (uint64_t)i + 1);
        int64_t swap = order[i];

        order[i] = order[j];
        order[j] = swap;
    }
}

struct batch {
    const struct fsn_dataset *dataset;
    const struct fsn__images *images;
    const int64_t *index;
    int64_t n;
    const struct fsn__transform *transform;
    bool augment;
    uint64_t epoch;
    float *x;
    int32_t *labels;
    int table_count; /* 1 when all channels share it */
    float table[FSN_MAX_CHANNELS][256];
};

/* Where the output's corner lies in the stored image, and whether it is mirrored. */
struct view {
    int64_t top, left;
    bool flip;
};

/* In float, as PyTorch computes it: equal to the bit. */
static void fill_tables(struct batch *batch, const struct fsn_preprocess *preprocess)
{
    const float unit = preprocess->scale == FSN_SCALE_BYTE ? 1.0f : 255.0f;

    batch->table_count = preprocess->channels > 0 ? preprocess->channels : 1;
    for (int c = 0; c < batch->table_count; c++) {
        float mean = preprocess->channels > 0 ? preprocess->mean[c] : 0.0f;
        float std = preprocess->channels > 0 ? preprocess->std[c] : 1.0f;

        for (int pixel = 0; pixel < 256; pixel++)
            batch->table[c][pixel] = ((float)pixel / unit - mean) / std;
    }
}

static struct view draw_view(const struct batch *batch, int64_t image)
{
    const struct fsn__transform *transform = batch->transform;
    int64_t padding = transform->crop_padding;
    struct view view = {0, 0, false};
    struct fsn__rng rng;

    if (!batch->augment)
        return view;
    rng = fsn__rng_open(transform->seed, FSN__RNG_AUGMENT, batch->epoch, (uint64_t)image);
    if (padding > 0) {
        view.top = (int64_t)fsn__rng_below(&rng, 2 * (uint64_t)padding + 1) - padding;
        view.left = (int64_t)fsn__rng_below(&rng, 2 * (uint64_t)padding + 1) - padding;
    }
    if (transform->flip)
        view.flip = fsn__rng_below(&rng, 2) == 1;
    return view;
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static void fill(float *x, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = value;
}

/* x[H][W] = one channel of an image through `table`, seen as `view` says. */
static void load_plane(const uint8_t *pixels, int64_t height, int64_t width, struct view view,
                       const float *table, float *x)
{
    /* Columns begin..end-1 of an output row (before mirroring) lie inside the stored image. */
    const int64_t begin = clamp(-view.left, 0, width), end = clamp(width - view.left, 0, width);

    for (int64_t row = 0; row < height; row++, x += width) {
        const int64_t stored = row + view.top;
        const uint8_t *from;

        if (stored < 0 || stored >= height || begin >= end) {
            fill(x, width, table[0]);
            continue;
        }
        if (end - begin < width)
            fill(x, width, table[0]);
        from = pixels + stored * width + begin + view.left;
        if (view.flip)
            for (int64_t i = 0; i < end - begin; i++)
                x[width - 1 - begin - i] = table[from[i]];
        else
            for (int64_t i = 0; i < end - begin; i++)
                x[begin + i] = table[from[i]];
    }
}

static void load_share(void *arg, int thread, int threads)
{
    const struct batch *batch = arg;
    const struct fsn_dataset *dataset = batch->dataset;
    const int64_t plane = (int64_t)dataset->height * dataset->width;
    int64_t begin, end;

    fsn__share(batch->n, thread, threads, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const int64_t image = batch->index[i];
        const struct view view = draw_view(batch, image);

        for (int c = 0; c < dataset->channels; c++)
            load_plane(batch->images->pixels + (image * dataset->channels + c) * plane,
                       dataset->height, dataset->width, view,
                       batch->table[batch->table_count > 1 ? c : 0],
                       batch->x + (i * dataset->channels + c) * plane);
        batch->labels[i] = batch->images->labels[image];
    }
}

void fsn__load_batch(const struct fsn_dataset *dataset, enum fsn_split split, const int64_t *index,
                     int64_t n, const struct fsn__transform *transform, bool augment,
                     uint64_t epoch, struct fsn__pool *pool, float *x, int32_t *labels)
{
    struct batch batch = {
        .dataset = dataset,
        .images = &dataset->split[split],
        .index = index,
        .n = n,
        .transform = transform,
        .augment = augment,
        .epoch = epoch,
        .x = x,
        .labels = labels,
    };

    fill_tables(&batch, &transform->preprocess);
    fsn__pool_run(pool, load_share, &batch);
}
