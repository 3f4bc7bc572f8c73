/*
 * mask.c - masks on their way to the loss and to the metric.
 *
 * A class is not a colour: between two of them there is none. So a mask of w x h becomes one of
 * W x H by its nearest pixels, those at
 *
 *     column floor((x + 1/2) w / W),   row floor((y + 1/2) h / H)
 *
 * which is PIL's NEAREST. It is seen through the same window as its image (batch.c).
 */
#include "data/mask.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

/* new, or NULL when out of memory */
static uint8_t *resize_nearest(const struct fsn__image *mask, int width, int height)
{
    uint8_t *out = malloc((size_t)width * (size_t)height);

    for (int y = 0; out && y < height; y++) {
        const int64_t row = (2 * (int64_t)y + 1) * mask->height / (2 * (int64_t)height);

        for (int x = 0; x < width; x++) {
            const int64_t column = (2 * (int64_t)x + 1) * mask->width / (2 * (int64_t)width);

            out[(size_t)y * (size_t)width + (size_t)x] = mask->pixels[row * mask->width + column];
        }
    }
    return out;
}

/* Of the source's size. Borrowed from the cache, or *owned. */
static enum fsn_status get_mask(const struct fsn_dataset *dataset, int64_t place,
                                const struct fsn__source_image *source, bool keep,
                                const uint8_t **mask, uint8_t **owned, struct fsn_error *err)
{
    struct fsn__image whole = {0};
    enum fsn_status status;

    *owned = NULL;
    *mask = fsn__pixel_cache_find(dataset->cache, place);
    if (*mask)
        return FSN_OK;
    status = fsn__image_store_decode_mask(dataset->store, place, &whole, err);
    if (status != FSN_OK)
        return status;
    *mask = *owned = resize_nearest(&whole, source->width, source->height);
    free(whole.pixels);
    if (!*mask)
        return FSN__NOMEM(err);
    if (keep && fsn__pixel_cache_keep(dataset->cache, place, *owned,
                                      (size_t)source->width * (size_t)source->height))
        *owned = NULL;
    return FSN_OK;
}

enum fsn_status fsn__mask_load(const struct fsn_dataset *dataset, enum fsn_split split, int64_t i,
                               const struct fsn__transform *transform,
                               const struct fsn__source_image *source, struct fsn__mask_view view,
                               bool keep, uint8_t *out, struct fsn_error *err)
{
    const int64_t width = transform->width, height = transform->height;
    const uint8_t *mask;
    uint8_t *owned;
    enum fsn_status status =
        get_mask(dataset, dataset->split[split].mask[i], source, keep, &mask, &owned, err);

    if (status != FSN_OK)
        return status;
    memset(out, FSN_MASK_VOID, (size_t)(width * height));
    for (int64_t y = 0; y < height; y++) {
        const int64_t row = y + view.top;

        if (row < 0 || row >= source->height)
            continue;
        for (int64_t x = 0; x < width; x++) {
            const int64_t column = x + view.left;

            if (column >= 0 && column < source->width)
                out[y * width + (view.flip ? width - 1 - x : x)] =
                    mask[row * source->width + column];
        }
    }
    free(owned);
    return FSN_OK;
}

/* ---- counting -------------------------------------------------------------------------------- */

struct census {
    const struct fsn__image_store *store;
    const int64_t *files;
    const int *group;
    int64_t n;
    int limit;
    const char *declared;
    struct fsn__mask_counts *counts; /* [slices][FSN_SPLIT_COUNT] */
    struct fsn_error *errors;        /* [slices] */
};

static enum fsn_status check_values(const struct census *census, const struct fsn__image *mask,
                                    int64_t file, struct fsn_error *err)
{
    char shown[256];

    for (int64_t p = 0; p < (int64_t)mask->width * mask->height; p++) {
        const int value = mask->pixels[p];

        if (value < census->limit || value == FSN_MASK_VOID)
            continue;
        fsn__name_printable(shown, sizeof shown, census->store->images[file].name);
        return FSN__FAIL(
            err, FSN_FORMAT,
            "%s: the pixel in row %lld, column %lld is of class %d; %s has %d classes, "
            "0 to %d (and %d for none)",
            shown, (long long)(p / mask->width), (long long)(p % mask->width), value,
            census->declared, census->limit, census->limit - 1, FSN_MASK_VOID);
    }
    return FSN_OK;
}

static void count_share(void *arg, int slice, int slices)
{
    const struct census *census = arg;
    struct fsn_error *err = &census->errors[slice];
    enum fsn_status status = FSN_OK;
    int64_t begin, end;

    fsn__share(census->n, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end && status == FSN_OK; i++) {
        int64_t *pixels = census->counts[slice * FSN_SPLIT_COUNT + census->group[i]].pixels;
        struct fsn__image mask = {0};

        status = fsn__image_store_decode_mask(census->store, census->files[i], &mask, err);
        if (status == FSN_OK)
            status = check_values(census, &mask, census->files[i], err);
        for (int64_t p = 0; status == FSN_OK && p < (int64_t)mask.width * mask.height; p++)
            pixels[mask.pixels[p]]++;
        free(mask.pixels);
    }
}

enum fsn_status fsn__mask_count(const struct fsn__image_store *store, const int64_t *files,
                                const int *group, int64_t n, int limit, const char *declared,
                                struct fsn__mask_counts counts[FSN_SPLIT_COUNT],
                                struct fsn_error *err)
{
    struct census census = {store, files, group, n, limit, declared, NULL, NULL};
    struct fsn__pool *pool = NULL;
    enum fsn_status status = fsn__pool_create(0, &pool, err);
    const size_t slices = status == FSN_OK ? (size_t)fsn__pool_slices(pool) : 1;

    if (status != FSN_OK)
        return status;
    census.counts = calloc(slices * FSN_SPLIT_COUNT, sizeof *census.counts);
    census.errors = calloc(slices, sizeof *census.errors);
    if (census.counts && census.errors)
        fsn__pool_run(pool, count_share, &census);
    else
        status = FSN__NOMEM(err);
    for (size_t s = 0; s < slices && status == FSN_OK; s++) {
        status = census.errors[s].status;
        if (status != FSN_OK && err && err->status == FSN_OK)
            *err = census.errors[s];
        for (int g = 0; g < FSN_SPLIT_COUNT; g++)
            for (int v = 0; v < 256; v++)
                counts[g].pixels[v] += census.counts[s * FSN_SPLIT_COUNT + (size_t)g].pixels[v];
    }
    free(census.counts);
    free(census.errors);
    fsn__pool_destroy(pool);
    return status;
}
