/*
 * detection_batch.c - images of a detection set on their way into a network.
 *
 * An image is decoded and resized to the network's H x W through the cache. Without augmentation
 * that, normalised, is the input. With it, output pixel (row, column) shows the image at
 *
 *     u = x0 + (column + 1/2) (x1 - x0) / W,   v = y0 + (row + 1/2) (y1 - y0) / H
 *
 * of its window (augment_boxes.h), as the bilinear mean of the four pixels around; a window that is
 * larger than the image is sampled at several points for each pixel. Beyond the image is the mean,
 * which normalisation makes 0, or the middle grey where no mean is given.
 */
#include "data/detection_batch.h"
#include "data/augment_boxes.h"
#include "data/source_image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct load {
    const struct fsn_dataset *dataset;
    enum fsn_split split;
    const int64_t *index;
    int64_t n;
    struct fsn__transform transform;
    bool augment;
    uint64_t epoch;
    float *x;
    struct fsn__object_batch *objects; /* first: where there is room for those of an image */
};

struct sampler {
    const struct fsn__source_image *source;
    const struct fsn__transform *transform;
    struct fsn__window window;
    struct fsn__photometric change;
    float scale[FSN_MAX_CHANNELS], shift[FSN_MAX_CHANNELS]; /* x = scale pixel + shift */
    float fill[FSN_MAX_CHANNELS];                           /* x beyond the image */
    int points;                                             /* for each pixel, along each axis */
};

static void set_normalisation(struct sampler *sampler)
{
    const struct fsn_preprocess *preprocess = &sampler->transform->preprocess;
    const float unit = preprocess->scale == FSN_SCALE_BYTE ? 1.0f : 255.0f;

    for (int c = 0; c < sampler->transform->channels; c++) {
        const int from = preprocess->channels > 1 ? c : 0;
        const bool has = preprocess->channels > 0;
        const float mean = has ? preprocess->mean[from] : 0, std = has ? preprocess->std[from] : 1;

        sampler->scale[c] = 1 / (unit * std);
        sampler->shift[c] = -mean / std;
        sampler->fill[c] = has ? 0 : 127.5f / unit;
    }
}

static int clamp(int value, int high)
{
    return value < 0 ? 0 : value > high ? high : value;
}

/* The image at (u, v), in grey levels. */
static void read_point(const struct sampler *sampler, double u, double v, float *levels)
{
    const struct fsn__source_image *source = sampler->source;
    const int width = source->width, height = source->height;
    const double x = u * width - 0.5, y = v * height - 0.5;
    const int left = clamp((int)floor(x), width - 1), right = clamp((int)floor(x) + 1, width - 1);
    const int top = clamp((int)floor(y), height - 1), low = clamp((int)floor(y) + 1, height - 1);
    const float across = (float)(x - floor(x)), down = (float)(y - floor(y));

    for (int c = 0; c < sampler->transform->channels; c++) {
        const uint8_t *plane = source->planes + (size_t)c * (size_t)width * (size_t)height;
        const uint8_t *upper = plane + (size_t)top * (size_t)width;
        const uint8_t *lower = plane + (size_t)low * (size_t)width;
        const float above = (float)upper[left] + across * ((float)upper[right] - upper[left]);
        const float below = (float)lower[left] + across * ((float)lower[right] - lower[left]);

        levels[c] = above + down * (below - above);
    }
}

/* Adds the normalised colour at (u, v) to sum. */
static void add_point(const struct sampler *sampler, double u, double v, float *sum)
{
    const int channels = sampler->transform->channels;
    float levels[FSN_MAX_CHANNELS] = {0};

    if (u < 0 || u >= 1 || v < 0 || v >= 1) {
        for (int c = 0; c < channels; c++)
            sum[c] += sampler->fill[c];
        return;
    }
    read_point(sampler, u, v, levels);
    if (channels == 1)
        levels[1] = levels[2] = levels[0];
    fsn__photometric_apply(&sampler->change, levels);
    for (int c = 0; c < channels; c++)
        sum[c] += sampler->scale[c] * levels[c] + sampler->shift[c];
}

static void sample(const struct sampler *sampler, float *x)
{
    const int width = sampler->transform->width, height = sampler->transform->height;
    const int channels = sampler->transform->channels, points = sampler->points;
    const struct fsn__window *window = &sampler->window;
    const double step_u = (window->x1 - window->x0) / width / points;
    const double step_v = (window->y1 - window->y0) / height / points;
    const float share = 1.0f / (float)(points * points);

    for (int i = 0; i < width * height; i++) {
        const int row = i / width, col = i % width;
        const int from = window->flip ? width - 1 - col : col;
        float sum[FSN_MAX_CHANNELS] = {0};

        for (int p = 0; p < points * points; p++)
            add_point(sampler, window->x0 + (from * points + p % points + 0.5) * step_u,
                      window->y0 + (row * points + p / points + 0.5) * step_v, sum);
        for (int c = 0; c < channels; c++)
            x[(size_t)c * (size_t)width * (size_t)height + (size_t)i] = share * sum[c];
    }
}

/* Pixels as they are. */
static void normalise(const struct sampler *sampler, float *x)
{
    const int64_t plane = (int64_t)sampler->transform->width * sampler->transform->height;
    const uint8_t *pixels = sampler->source->planes;

    for (int c = 0; c < sampler->transform->channels; c++, x += plane, pixels += plane)
        for (int64_t i = 0; i < plane; i++)
            x[i] = sampler->scale[c] * (float)pixels[i] + sampler->shift[c];
}

/* Image i of the batch. */
static enum fsn_status load_image(const struct load *load, int64_t i, struct fsn_error *err)
{
    const struct fsn__images *images = &load->dataset->split[load->split];
    const struct fsn__transform *transform = &load->transform;
    const int64_t image = load->index[i], first = images->first_object[image];
    const int64_t count = images->first_object[image + 1] - first;
    const int64_t plane = (int64_t)transform->height * transform->width;
    const struct fsn__image_info *info = &load->dataset->store->images[images->file[image]].info;
    struct fsn__object *out = load->objects->objects + load->objects->first[i];
    float *x = load->x + i * transform->channels * plane;
    struct fsn__source_image source;
    struct sampler sampler = {.source = &source, .transform = transform};
    enum fsn_status status = fsn__source_get(load->dataset, load->split, image, transform,
                                             load->split == FSN_SPLIT_TRAIN, &source, err);

    if (status != FSN_OK)
        return status;
    set_normalisation(&sampler);
    load->objects->counts[i] = count;
    if (load->augment) {
        struct fsn__rng rng =
            fsn__rng_open(transform->seed, FSN__RNG_AUGMENT, load->epoch, (uint64_t)image);

        sampler.change = fsn__photometric_draw(&rng);
        sampler.window =
            fsn__window_draw(&rng, info->width, info->height, images->objects + first, count);
        sampler.points = (int)ceil(fmax(1, sampler.window.x1 - sampler.window.x0));
        load->objects->counts[i] =
            fsn__window_objects(&sampler.window, images->objects + first, count, out);
        sample(&sampler, x);
    } else {
        if (count > 0)
            memcpy(out, images->objects + first, (size_t)count * sizeof *out);
        normalise(&sampler, x);
    }
    free(source.owned);
    return FSN_OK;
}

static void load_share(void *arg, int slice, int slices)
{
    const struct load *load = arg;
    enum fsn_status status = FSN_OK;
    int64_t begin, end;

    fsn__share(load->n, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end && status == FSN_OK; i++)
        status = load_image(load, i, &load->objects->errors[slice]);
}

/* Room for so many; what a batch had is lost. */
static bool make_room(struct fsn__object_batch *objects, int64_t images, int64_t count, int slices)
{
    if (objects->image_capacity < images + 1) {
        free(objects->first);
        free(objects->counts);
        objects->first = calloc((size_t)images + 1, sizeof *objects->first);
        objects->counts = calloc((size_t)images + 1, sizeof *objects->counts);
        objects->image_capacity = objects->first && objects->counts ? images + 1 : 0;
    }
    if (objects->object_capacity < count + 1) {
        free(objects->objects);
        objects->objects = calloc((size_t)count + 1, sizeof *objects->objects);
        objects->object_capacity = objects->objects ? count + 1 : 0;
    }
    if (objects->slice_capacity < slices) {
        free(objects->errors);
        objects->errors = calloc((size_t)slices, sizeof *objects->errors);
        objects->slice_capacity = objects->errors ? slices : 0;
    }
    return objects->image_capacity > 0 && objects->object_capacity > 0 &&
           objects->slice_capacity > 0;
}

static int64_t object_count(const struct fsn__images *images, int64_t i)
{
    return images->first_object[i + 1] - images->first_object[i];
}

/* Room for all objects of the batch, and where those of each image begin. */
static bool lay_out(const struct load *load, int slices)
{
    const struct fsn__images *images = &load->dataset->split[load->split];
    int64_t count = 0;

    for (int64_t i = 0; i < load->n; i++)
        count += object_count(images, load->index[i]);
    if (!make_room(load->objects, load->n, count, slices))
        return false;
    count = 0;
    for (int64_t i = 0; i < load->n; i++) {
        load->objects->first[i] = count;
        count += object_count(images, load->index[i]);
    }
    for (int s = 0; s < slices; s++)
        load->objects->errors[s].status = FSN_OK;
    return true;
}

enum fsn_status fsn__object_batch_reserve(struct fsn__object_batch *objects,
                                          const struct fsn_dataset *dataset, enum fsn_split split,
                                          int64_t n, struct fsn__pool *pool, struct fsn_error *err)
{
    const struct fsn__images *images = &dataset->split[split];
    const int64_t all = images->count > 0 ? images->first_object[images->count] : 0;
    int64_t most = 0;

    for (int64_t i = 0; i < images->count; i++)
        if (object_count(images, i) > most)
            most = object_count(images, i);
    /* n images, each but once, have no more objects than the split. */
    if (most > 0 && n > INT64_MAX / most)
        return FSN__FAIL(err, FSN_LIMIT, "a batch of %lld images with up to %lld objects each",
                         (long long)n, (long long)most);
    return make_room(objects, n, n * most < all ? n * most : all, fsn__pool_slices(pool))
               ? FSN_OK
               : FSN__NOMEM(err);
}

/* Moves the objects together, over those that the windows do not show. */
static void close_gaps(const struct load *load)
{
    struct fsn__object_batch *objects = load->objects;
    int64_t end = 0;

    for (int64_t i = 0; i < load->n; i++) {
        memmove(objects->objects + end, objects->objects + objects->first[i],
                (size_t)objects->counts[i] * sizeof *objects->objects);
        objects->first[i] = end;
        end += objects->counts[i];
    }
    objects->first[load->n] = end;
}

enum fsn_status fsn__load_detection_batch(const struct fsn_dataset *dataset, enum fsn_split split,
                                          const int64_t *index, int64_t n,
                                          const struct fsn__transform *transform, bool augment,
                                          uint64_t epoch, struct fsn__pool *pool, float *x,
                                          struct fsn__object_batch *objects, struct fsn_error *err)
{
    const int slices = fsn__pool_slices(pool);
    enum fsn_status status = FSN_OK;
    struct load load = {
        .dataset = dataset,
        .split = split,
        .index = index,
        .n = n,
        .transform = *transform,
        .augment = augment,
        .epoch = epoch,
        .x = x,
        .objects = objects,
    };

    load.transform.preprocess.crop = FSN_CROP_NONE;
    if (!lay_out(&load, slices))
        return FSN__NOMEM(err);
    fsn__source_begin(dataset, &load.transform);
    fsn__pool_run(pool, load_share, &load);
    for (int s = 0; s < slices && status == FSN_OK; s++) {
        status = objects->errors[s].status;
        if (status != FSN_OK && err && err->status == FSN_OK)
            *err = objects->errors[s];
    }
    if (status == FSN_OK)
        close_gaps(&load);
    return status;
}

void fsn__object_batch_clear(struct fsn__object_batch *objects)
{
    free(objects->first);
    free(objects->objects);
    free(objects->counts);
    free(objects->errors);
    *objects = (struct fsn__object_batch){0};
}
