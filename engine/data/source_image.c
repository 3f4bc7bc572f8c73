/*
 * source_image.c - decoding and resizing of photographs; pixels in memory are taken as they are.
 *
 * An image of w x h is resized so that it covers a box of the network's shape whose shorter side is
 * R (preprocess.resize). For a square input that is torchvision's Resize(R): the shorter side
 * becomes R, the longer one R max(w, h) / min(w, h), rounded down. The network's input is a window
 * of it, which batch.c chooses: the centre for measuring, anywhere for training.
 *
 * R = S / 0.875, rounded, for an input whose shorter side S has 112 pixels or more is how ImageNet
 * networks are measured (224 of 256); small inputs are filled by the whole image.
 */
#include "data/source_image.h"
#include "data/resize.h"

#include <math.h>
#include <stdlib.h>

enum { LARGE_SIDE = 112 };

struct fsn__transform fsn__complete_transform(const struct fsn__transform *transform,
                                              const struct fsn_dataset *dataset)
{
    struct fsn__transform whole = *transform;

    if (whole.channels == 0) {
        whole.channels = dataset->channels;
        whole.height = dataset->height;
        whole.width = dataset->width;
    }
    return whole;
}

static int shorter(int a, int b)
{
    return a < b ? a : b;
}

/* R. */
static int resize_of(const struct fsn__transform *transform)
{
    const int side = shorter(transform->height, transform->width);

    if (transform->preprocess.resize > 0)
        return transform->preprocess.resize;
    return side < LARGE_SIDE ? side : (int)lrint(side / 0.875);
}

void fsn__resized_size(const struct fsn__transform *transform, int width, int height,
                       int *out_width, int *out_height)
{
    const int64_t side = shorter(transform->height, transform->width);
    const int64_t resize = resize_of(transform);
    const int64_t box_width = (resize * transform->width + side / 2) / side;
    const int64_t box_height = (resize * transform->height + side / 2) / side;

    if (transform->preprocess.crop == FSN_CROP_NONE) {
        *out_width = transform->width;
        *out_height = transform->height;
    } else if (box_width * height >= box_height * width) { /* the width decides */
        *out_width = (int)box_width;
        *out_height = (int)(box_width * height / width);
    } else {
        *out_width = (int)(box_height * width / height);
        *out_height = (int)box_height;
    }
}

void fsn__source_begin(const struct fsn_dataset *dataset, const struct fsn__transform *transform)
{
    /* Sides fit 16 bits each: models of larger inputs do not fit memory. */
    const uint64_t key = (uint64_t)transform->channels << 60 |
                         (uint64_t)(transform->preprocess.crop == FSN_CROP_NONE) << 59 |
                         ((uint64_t)resize_of(transform) & 0xffff) << 32 |
                         ((uint64_t)transform->height & 0xffff) << 16 |
                         ((uint64_t)transform->width & 0xffff);

    if (dataset->cache)
        fsn__pixel_cache_begin(dataset->cache, key);
}

/* From pixels side by side to planes; new. */
static uint8_t *make_planes(const struct fsn__image *image)
{
    const size_t area = (size_t)image->width * (size_t)image->height;
    const size_t channels = (size_t)image->channels;
    uint8_t *planes = malloc(area * channels);

    for (size_t c = 0; planes && c < channels; c++)
        for (size_t i = 0; i < area; i++)
            planes[c * area + i] = image->pixels[i * channels + c];
    return planes;
}

/* Takes over the pixels of `whole`; out has the size to bring them to. */
static enum fsn_status bring(struct fsn__image *whole, struct fsn__source_image *out,
                             struct fsn_error *err)
{
    struct fsn__image resized = {0};
    enum fsn_status status = fsn__image_resize(whole, out->width, out->height, &resized, err);

    if (status == FSN_OK) {
        out->owned = make_planes(&resized);
        if (!out->owned)
            status = FSN__NOMEM(err);
    }
    free(whole->pixels);
    free(resized.pixels);
    return status;
}

enum fsn_status fsn__source_decode(const struct fsn__image_file *file,
                                   const struct fsn__transform *transform,
                                   struct fsn__source_image *out, struct fsn_error *err)
{
    struct fsn__source_image made = {0};
    struct fsn__image whole = {0};
    enum fsn_status status = fsn__image_decode(file, transform->channels, &whole, err);

    if (status != FSN_OK)
        return status;
    fsn__resized_size(transform, whole.width, whole.height, &made.width, &made.height);
    status = bring(&whole, &made, err);
    if (status != FSN_OK)
        return status;
    made.planes = made.owned;
    *out = made;
    return FSN_OK;
}

enum fsn_status fsn__source_get(const struct fsn_dataset *dataset, enum fsn_split split, int64_t i,
                                const struct fsn__transform *transform, bool keep,
                                struct fsn__source_image *out, struct fsn_error *err)
{
    const struct fsn__images *images = &dataset->split[split];
    const size_t channels = (size_t)transform->channels;
    struct fsn__source_image made = {.height = dataset->height, .width = dataset->width};
    const struct fsn__image_info *info;
    struct fsn__image whole = {0};
    enum fsn_status status = FSN_OK;

    if (!images->file) {
        made.planes = images->pixels +
                      (size_t)i * channels * (size_t)dataset->height * (size_t)dataset->width;
        *out = made;
        return FSN_OK;
    }
    info = &dataset->store->images[images->file[i]].info;
    fsn__resized_size(transform, info->width, info->height, &made.width, &made.height);
    made.planes = fsn__pixel_cache_find(dataset->cache, images->file[i]);
    if (!made.planes) {
        status = fsn__image_store_decode(dataset->store, images->file[i], transform->channels,
                                         &whole, err);
        if (status == FSN_OK)
            status = bring(&whole, &made, err);
        if (status != FSN_OK)
            return status;
        made.planes = made.owned;
        if (keep && fsn__pixel_cache_keep(dataset->cache, images->file[i], made.owned,
                                          channels * (size_t)made.width * (size_t)made.height))
            made.owned = NULL;
    }
    *out = made;
    return FSN_OK;
}
