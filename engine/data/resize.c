/*
 * resize.c - bilinear interpolation with antialiasing, in the arithmetic of PIL.
 *
 * Output pixel o of a line of n, made from a line of m, has its centre at c = (o + 1/2) m / n of
 * the input. With s = max(1, m / n) (a filter that widens when the image shrinks) it is the mean of
 * the input pixels i in [c - s, c + s], each weighted by the triangle
 *
 *     w(i) = max(0, 1 - |i + 1/2 - c| / s)           divided by the sum of all w
 *
 * First along rows, then along columns, rounding to 8 bits after each. Networks are trained on what
 * comes out of PIL, so its arithmetic is followed to the byte: the range's ends are rounded to
 * integers, the weights are integers of PRECISION bits, and a sum is rounded by adding a half.
 */
#include "data/resize.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PRECISION = 22 };

/* The weights that make one line. */
struct filter {
    int taps;           /* at most so many input pixels for an output pixel */
    int *first, *count; /* [n]: the input pixels are first .. first + count - 1 */
    int32_t *weight;    /* [n][taps], rounded to PRECISION bits */
};

static void filter_clear(struct filter *filter)
{
    free(filter->first);
    free(filter->count);
    free(filter->weight);
}

static bool filter_alloc(struct filter *filter, int n)
{
    filter->first = calloc((size_t)n, sizeof *filter->first);
    filter->count = calloc((size_t)n, sizeof *filter->count);
    filter->weight = calloc((size_t)n * (size_t)filter->taps, sizeof *filter->weight);
    return filter->first && filter->count && filter->weight;
}

/* Weights of output pixel o whose centre lies at c; w: room for the taps. */
static void fill_taps(struct filter *filter, int o, int m, double c, double s, double *w)
{
    const int first = (int)fmax(c - s + 0.5, 0.0);
    const int end = (int)fmin(c + s + 0.5, m);
    const int count = end - first;
    double sum = 0.0;

    for (int i = 0; i < count; i++) {
        w[i] = fmax(0.0, 1.0 - fabs((i + first - c + 0.5) * (1.0 / s)));
        sum += w[i];
    }
    for (int i = 0; i < count; i++)
        filter->weight[(size_t)o * (size_t)filter->taps + (size_t)i] =
            (int32_t)(w[i] / sum * (1 << PRECISION) + 0.5);
    filter->first[o] = first;
    filter->count[o] = count;
}

/* From a line of m to a line of n. */
static bool filter_make(struct filter *filter, int m, int n)
{
    const double scale = (double)m / n, s = scale > 1.0 ? scale : 1.0;
    double *w;

    memset(filter, 0, sizeof *filter);
    filter->taps = 2 * (int)ceil(s) + 1;
    w = calloc((size_t)filter->taps, sizeof *w);
    if (!w || !filter_alloc(filter, n)) {
        free(w);
        filter_clear(filter);
        memset(filter, 0, sizeof *filter);
        return false;
    }
    for (int o = 0; o < n; o++)
        fill_taps(filter, o, m, (o + 0.5) * scale, s, w);
    free(w);
    return true;
}

static uint8_t round_sum(int32_t sum)
{
    const int32_t value = sum >> PRECISION; /* the half is in the sum already */

    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

/* Every row of the image, along it. */
static void resize_rows(const struct fsn__image *image, const struct filter *filter,
                        struct fsn__image *out)
{
    const int channels = image->channels;

    for (int y = 0; y < image->height; y++) {
        const uint8_t *row = image->pixels + (size_t)y * (size_t)image->width * (size_t)channels;
        uint8_t *to = out->pixels + (size_t)y * (size_t)out->width * (size_t)channels;

        for (int x = 0; x < out->width; x++, to += channels) {
            const int32_t *weight = filter->weight + (size_t)x * (size_t)filter->taps;
            const uint8_t *from = row + (size_t)filter->first[x] * (size_t)channels;

            for (int c = 0; c < channels; c++) {
                int32_t sum = 1 << (PRECISION - 1);

                for (int i = 0; i < filter->count[x]; i++)
                    sum += weight[i] * from[i * channels + c];
                to[c] = round_sum(sum);
            }
        }
    }
}

/* Every column; sums: room for one row. */
static void resize_columns(const struct fsn__image *image, const struct filter *filter,
                           int32_t *sums, struct fsn__image *out)
{
    const size_t stride = (size_t)image->width * (size_t)image->channels;

    for (int y = 0; y < out->height; y++) {
        const int32_t *weight = filter->weight + (size_t)y * (size_t)filter->taps;
        const uint8_t *from = image->pixels + (size_t)filter->first[y] * stride;
        uint8_t *to = out->pixels + (size_t)y * stride;

        for (size_t x = 0; x < stride; x++)
            sums[x] = 1 << (PRECISION - 1);
        for (int i = 0; i < filter->count[y]; i++, from += stride)
            for (size_t x = 0; x < stride; x++)
                sums[x] += weight[i] * from[x];
        for (size_t x = 0; x < stride; x++)
            to[x] = round_sum(sums[x]);
    }
}

static bool image_alloc(struct fsn__image *image, int width, int height, int channels)
{
    size_t bytes;

    if (!fsn__mul_size((size_t)width, (size_t)height, &bytes) ||
        !fsn__mul_size(bytes, (size_t)channels, &bytes))
        return false;
    *image = (struct fsn__image){width, height, channels, malloc(bytes)};
    return image->pixels != NULL;
}

enum fsn_status fsn__image_resize(const struct fsn__image *image, int width, int height,
                                  struct fsn__image *out, struct fsn_error *err)
{
    struct filter along = {0}, down = {0};
    struct fsn__image wide = {0}, made = {0};
    enum fsn_status status = FSN_OK;
    int32_t *sums = NULL;

    sums = calloc((size_t)width * (size_t)image->channels, sizeof *sums);
    if (!sums || !filter_make(&along, image->width, width) ||
        !filter_make(&down, image->height, height) ||
        !image_alloc(&wide, width, image->height, image->channels) ||
        !image_alloc(&made, width, height, image->channels)) {
        status = FSN__NOMEM(err);
        goto out;
    }
    resize_rows(image, &along, &wide);
    resize_columns(&wide, &down, sums, &made);
    *out = made;
    made.pixels = NULL;
out:
    free(sums);
    free(wide.pixels);
    free(made.pixels);
    filter_clear(&along);
    filter_clear(&down);
    return status;
}
