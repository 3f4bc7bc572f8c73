/*
 * batch.c - shuffling, and from stored pixels to the network's input.
 *
 *     x[c][y][x] = (pixel / 255 - mean[c]) / std[c]          through a table of 256 per channel
 *
 * (with scale FSN_SCALE_BYTE the pixel itself in the place of pixel / 255).
 *
 * Output (y, x) of H x W shows the stored pixel (y + top, x + left) of an image of h x w, pixel
 * value 0 where that lies outside. Without augmentation it is the centre, as torchvision's
 * CenterCrop has it. With it, top is uniform in -p .. h - H + p and left alike, a random crop of
 * the image padded by p; then perhaps mirrored, then perhaps a square of it set to 0, the mean
 * (DeVries, Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout", arXiv
 * 1708.04552: the centre is uniform in the image, so that squares reach over its edge). All draws
 * of an image come from its own stream, in the order top, left, flip, row and column of the centre.
 */
#include "core/rng.h"
#include "data/mask.h"

#include <stdlib.h>
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
    enum fsn_split split;
    const int64_t *index;
    int64_t n;
    struct fsn__transform transform; /* completed */
    bool augment;
    uint64_t epoch;
    float *x;
    int32_t *labels;          /* or NULL */
    uint8_t *masks;           /* [n][H][W], or NULL */
    struct fsn_error *errors; /* one a slice, of images that are files; else NULL */
    int table_count;          /* 1 when all channels share it */
    float table[FSN_MAX_CHANNELS][256];
};

struct square {
    int64_t top, left, bottom, right; /* rows top..bottom-1, columns left..right-1 */
};

/* Where the output's corner lies in the stored image, whether it is mirrored, what is cut out. */
struct view {
    int64_t top, left;
    bool flip;
    struct square cut;
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

/* (stored - out) / 2, of which Python's round, to the even neighbour, makes an integer. */
static int64_t centre(int64_t stored, int64_t out)
{
    const int64_t room = stored - out, half = room / 2;

    return half + (room % 2 != 0 && half % 2 != 0);
}

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

static struct square draw_cut(const struct fsn__transform *transform, struct fsn__rng *rng)
{
    const int64_t height = transform->height, width = transform->width;
    const int64_t half = (height < width ? height : width) / 2;
    const int64_t side = transform->cutout_size > 0 ? transform->cutout_size : half;
    const int64_t top = (int64_t)fsn__rng_below(rng, (uint64_t)height) - side / 2;
    const int64_t left = (int64_t)fsn__rng_below(rng, (uint64_t)width) - side / 2;

    return (struct square){clamp(top, 0, height), clamp(left, 0, width),
                           clamp(top + side, 0, height), clamp(left + side, 0, width)};
}

/* image: its index in the split. */
static struct view draw_view(const struct batch *batch, int64_t image,
                             const struct fsn__source_image *stored)
{
    const struct fsn__transform *transform = &batch->transform;
    const int64_t padding = transform->crop_padding;
    struct view view = {centre(stored->height, transform->height),
                        centre(stored->width, transform->width),
                        false,
                        {0, 0, 0, 0}};
    struct fsn__rng rng;

    if (!batch->augment)
        return view;
    rng = fsn__rng_open(transform->seed, FSN__RNG_AUGMENT, batch->epoch, (uint64_t)image);
    if (padding > 0) {
        const int64_t tops = stored->height - transform->height + 2 * padding + 1;
        const int64_t lefts = stored->width - transform->width + 2 * padding + 1;

        view.top = (int64_t)fsn__rng_below(&rng, (uint64_t)tops) - padding;
        view.left = (int64_t)fsn__rng_below(&rng, (uint64_t)lefts) - padding;
    }
    if (transform->flip)
        view.flip = fsn__rng_below(&rng, 2) == 1;
    if (transform->cutout)
        view.cut = draw_cut(transform, &rng);
    return view;
}

static void fill(float *x, int64_t n, float value)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = value;
}

/* x[height][width] = plane c of an image through `table`, seen as `view` says. */
static void load_plane(const struct fsn__source_image *stored, int c, struct view view,
                       const float *table, int64_t height, int64_t width, float *x)
{
    const uint8_t *plane = stored->planes + (int64_t)c * stored->height * stored->width;
    /* Columns begin..end-1 of an output row (before mirroring) lie inside the stored image. */
    const int64_t begin = clamp(-view.left, 0, width);
    const int64_t end = clamp(stored->width - view.left, 0, width);

    for (int64_t row = 0; row < height; row++, x += width) {
        const int64_t line = row + view.top;
        const uint8_t *from;

        if (line < 0 || line >= stored->height || begin >= end) {
            fill(x, width, table[0]);
            continue;
        }
        if (end - begin < width)
            fill(x, width, table[0]);
        from = plane + line * stored->width + begin + view.left;
        if (view.flip)
            for (int64_t i = 0; i < end - begin; i++)
                x[width - 1 - begin - i] = table[from[i]];
        else
            for (int64_t i = 0; i < end - begin; i++)
                x[begin + i] = table[from[i]];
    }
}

static void blank(struct square cut, int64_t width, float *x)
{
    for (int64_t row = cut.top; row < cut.bottom; row++)
        fill(x + row * width + cut.left, cut.right - cut.left, 0);
}

/* x[C][H][W] = an image. */
static void load_source(const struct batch *batch, const struct fsn__source_image *stored,
                        struct view view, float *x)
{
    const struct fsn__transform *transform = &batch->transform;

    for (int c = 0; c < transform->channels; c++) {
        load_plane(stored, c, view, batch->table[batch->table_count > 1 ? c : 0], transform->height,
                   transform->width, x);
        blank(view.cut, transform->width, x);
        x += (int64_t)transform->height * transform->width;
    }
}

/* Image i of the batch. */
static enum fsn_status load_image(const struct batch *batch, int64_t i, struct fsn_error *err)
{
    const struct fsn__transform *transform = &batch->transform;
    const int64_t image = batch->index[i];
    const int64_t plane = (int64_t)transform->height * transform->width;
    /* The test images are seen twice in a job, the train images in every epoch. */
    const bool keep = batch->split == FSN_SPLIT_TRAIN;
    struct fsn__source_image stored;
    struct view view;
    enum fsn_status status =
        fsn__source_get(batch->dataset, batch->split, image, transform, keep, &stored, err);

    if (status != FSN_OK)
        return status;
    view = draw_view(batch, image, &stored);
    load_source(batch, &stored, view, batch->x + i * transform->channels * plane);
    if (batch->labels)
        batch->labels[i] = batch->dataset->split[batch->split].labels[image];
    if (batch->masks)
        status = fsn__mask_load(batch->dataset, batch->split, image, transform, &stored,
                                (struct fsn__mask_view){view.top, view.left, view.flip}, keep,
                                batch->masks + i * plane, err);
    free(stored.owned);
    return status;
}

static void load_share(void *arg, int slice, int slices)
{
    const struct batch *batch = arg;
    enum fsn_status status = FSN_OK;
    int64_t begin, end;

    fsn__share(batch->n, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end && status == FSN_OK; i++)
        status = load_image(batch, i, batch->errors ? &batch->errors[slice] : NULL);
}

/* x and, as they are not NULL, labels and masks. */
static enum fsn_status load_batch(const struct fsn_dataset *dataset, enum fsn_split split,
                                  const int64_t *index, int64_t n,
                                  const struct fsn__transform *transform, bool augment,
                                  uint64_t epoch, struct fsn__pool *pool, float *x, int32_t *labels,
                                  uint8_t *masks, struct fsn_error *err)
{
    const int slices = fsn__pool_slices(pool);
    enum fsn_status status = FSN_OK;
    struct batch batch = {
        .dataset = dataset,
        .split = split,
        .index = index,
        .n = n,
        .transform = fsn__complete_transform(transform, dataset),
        .augment = augment,
        .epoch = epoch,
        .x = x,
        .labels = labels,
        .masks = masks,
    };

    if (dataset->split[split].file) {
        batch.errors = calloc((size_t)slices, sizeof *batch.errors);
        if (!batch.errors)
            return FSN__NOMEM(err);
        fsn__source_begin(dataset, &batch.transform);
    }
    fill_tables(&batch, &transform->preprocess);
    fsn__pool_run(pool, load_share, &batch);
    for (int s = 0; batch.errors && s < slices && status == FSN_OK; s++) {
        status = batch.errors[s].status;
        if (status != FSN_OK && err && err->status == FSN_OK)
            *err = batch.errors[s];
    }
    free(batch.errors);
    return status;
}

enum fsn_status fsn__load_batch(const struct fsn_dataset *dataset, enum fsn_split split,
                                const int64_t *index, int64_t n,
                                const struct fsn__transform *transform, bool augment,
                                uint64_t epoch, struct fsn__pool *pool, float *x, int32_t *labels,
                                struct fsn_error *err)
{
    return load_batch(dataset, split, index, n, transform, augment, epoch, pool, x, labels, NULL,
                      err);
}

enum fsn_status fsn__load_mask_batch(const struct fsn_dataset *dataset, enum fsn_split split,
                                     const int64_t *index, int64_t n,
                                     const struct fsn__transform *transform, bool augment,
                                     uint64_t epoch, struct fsn__pool *pool, float *x,
                                     uint8_t *masks, struct fsn_error *err)
{
    return load_batch(dataset, split, index, n, transform, augment, epoch, pool, x, NULL, masks,
                      err);
}

enum fsn_status fsn__load_file(const struct fsn__image_file *file,
                               const struct fsn__transform *transform, float *x, int *resized_width,
                               int *resized_height, struct fsn_error *err)
{
    struct batch batch = {.transform = *transform};
    struct fsn__source_image stored;
    enum fsn_status status = fsn__source_decode(file, transform, &stored, err);

    if (status != FSN_OK)
        return status;
    fill_tables(&batch, &transform->preprocess);
    load_source(&batch, &stored, draw_view(&batch, 0, &stored), x);
    *resized_width = stored.width;
    *resized_height = stored.height;
    free(stored.owned);
    return FSN_OK;
}
