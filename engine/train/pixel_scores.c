/*
 * pixel_scores.c - see pixel_scores.h.
 *
 *   loss  = -1/n sum over pixels of log softmax(z)[y],   n pixels whose mask y has a class
 *   dz[c] = (softmax(z)[c] - [c = y]) / n
 *
 * Scores of a pixel lie h w apart. So a run of pixels goes through the classes together: one pass
 * for their largest scores, one for the sums of exponentials, one for the gradient.
 */
#include "train/pixel_scores.h"

#include <math.h>

enum { RUN = 64 };

struct loss {
    const struct fsn__pixel_shape *shape;
    const float *scores;
    const uint8_t *masks;
    int64_t images;
    float *dscores;
    double factor;
    double *sums;
};

/* The class at the middle of pixel p of a map; -1: none. */
static int class_at(const struct fsn__pixel_shape *s, const uint8_t *mask, int64_t p)
{
    const int64_t row = (2 * (p / s->width) + 1) * s->mask_height / (2 * s->height);
    const int64_t column = (2 * (p % s->width) + 1) * s->mask_width / (2 * s->width);
    const int value = mask[row * s->mask_width + column];

    return value == FSN_MASK_VOID || value >= s->classes ? -1 : value;
}

/* Pixels begin .. begin + n of an image; returns the sum of their losses. */
static double lose_run(const struct loss *l, const float *z, const uint8_t *mask, int64_t begin,
                       int n, float *dz)
{
    const int64_t classes = l->shape->classes, area = l->shape->height * l->shape->width;
    double norm[RUN], sum = 0;
    float top[RUN];
    int y[RUN];

    for (int i = 0; i < n; i++) {
        y[i] = class_at(l->shape, mask, begin + i);
        top[i] = z[begin + i];
        norm[i] = 0;
    }
    for (int64_t c = 1; c < classes; c++)
        for (int i = 0; i < n; i++)
            top[i] = z[c * area + begin + i] > top[i] ? z[c * area + begin + i] : top[i];
    for (int64_t c = 0; c < classes; c++)
        for (int i = 0; i < n; i++)
            norm[i] += exp((double)z[c * area + begin + i] - top[i]);
    for (int i = 0; i < n; i++)
        if (y[i] >= 0)
            sum += log(norm[i]) + top[i] - z[y[i] * area + begin + i];
    for (int64_t c = 0; dz && c < classes; c++)
        for (int i = 0; i < n; i++)
            dz[c * area + begin + i] =
                y[i] < 0
                    ? 0
                    : (float)(l->factor * (exp((double)z[c * area + begin + i] - top[i]) / norm[i] -
                                           (y[i] == c)));
    return sum;
}

static void lose_share(void *arg, int slice, int slices)
{
    const struct loss *l = arg;
    const int64_t area = l->shape->height * l->shape->width, floats = l->shape->classes * area;
    int64_t begin, end;

    fsn__share(l->images, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const uint8_t *mask = l->masks + i * l->shape->mask_height * l->shape->mask_width;

        l->sums[i] = 0;
        for (int64_t p = 0; p < area; p += RUN)
            l->sums[i] +=
                lose_run(l, l->scores + i * floats, mask, p, (int)(area - p < RUN ? area - p : RUN),
                         l->dscores ? l->dscores + i * floats : NULL);
    }
}

double fsn__pixel_loss(const struct fsn__pixel_shape *shape, const float *scores,
                       const uint8_t *masks, int64_t images, float *dscores, int64_t *pixels,
                       double *sums, struct fsn__pool *pool)
{
    struct loss l = {shape, scores, masks, images, dscores, 0, sums};
    const int64_t area = shape->height * shape->width;
    int64_t n = 0;
    double sum = 0;

    for (int64_t i = 0; i < images; i++)
        for (int64_t p = 0; p < area; p++)
            n += class_at(shape, masks + i * shape->mask_height * shape->mask_width, p) >= 0;
    l.factor = n > 0 ? 1 / (double)n : 0;
    fsn__pool_run(pool, lose_share, &l);
    for (int64_t i = 0; i < images; i++)
        sum += sums[i];
    if (pixels)
        *pixels = n;
    return n > 0 ? sum / (double)n : 0;
}

/* ---- what they say --------------------------------------------------------------------------- */

/* Between two neighbours of a line of `length`, for output place `at` of `wanted`. */
struct between {
    int64_t first, second;
    float share; /* of the second */
};

static struct between find_between(int64_t at, int64_t length, int64_t wanted)
{
    const double x = fmax(0, ((double)at + 0.5) * (double)length / (double)wanted - 0.5);
    const int64_t first = (int64_t)x < length ? (int64_t)x : length - 1;

    return (struct between){first, first + 1 < length ? first + 1 : first,
                            (float)(x - (double)first)};
}

void fsn__pixel_choose(const struct fsn__pixel_shape *s, const float *scores, float *best,
                       int32_t *choice)
{
    for (int64_t row = 0; row < s->mask_height; row++, choice += s->mask_width) {
        const struct between y = find_between(row, s->height, s->mask_height);

        for (int64_t c = 0; c < s->classes; c++) {
            const float *above = scores + (c * s->height + y.first) * s->width;
            const float *below = scores + (c * s->height + y.second) * s->width;

            for (int64_t column = 0; column < s->mask_width; column++) {
                const struct between x = find_between(column, s->width, s->mask_width);
                const float a = above[x.first] + x.share * (above[x.second] - above[x.first]);
                const float b = below[x.first] + x.share * (below[x.second] - below[x.first]);
                const float z = a + y.share * (b - a);

                if (isnan(z)) {
                    best[column] = INFINITY; /* no other is larger */
                    choice[column] = -1;
                } else if (c == 0 || z > best[column]) {
                    best[column] = z;
                    choice[column] = (int32_t)c;
                }
            }
        }
    }
}

void fsn__pixel_tally_add(const struct fsn__pixel_shape *s, const uint8_t *mask,
                          const int32_t *choice, struct fsn__pixel_tally *tally, int64_t *none)
{
    for (int64_t p = 0; p < s->mask_height * s->mask_width; p++) {
        const int y = mask[p];

        if (y == FSN_MASK_VOID) {
            (*none)++;
            continue;
        }
        tally->truth[y]++;
        if (choice[p] < 0)
            continue;
        tally->said[choice[p]]++;
        tally->both[y] += choice[p] == y;
    }
}
