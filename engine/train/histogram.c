/*
 * histogram.c - where the levels of an activation lie.
 *
 * What lies outside of [low, high] is cut, what lies inside is rounded to one of 256 levels. A few
 * large elements would take the levels away from all others, so the range is the one of least
 * squared error: each end in turn is moved inwards in steps of a 64th while the other stays.
 */
#include "train/histogram.h"

#include <math.h>
#include <string.h>

enum { HALF = FSN__HISTOGRAM_HALF, BINS = 2 * HALF, CANDIDATES = 64, ROUNDS = 2, TOP = 255 };

/* The bin of x; -1 or BINS where the bins do not reach so far, however far. */
static int place(const struct fsn__histogram *h, double x)
{
    return (int)fmin(fmax(floor(x / h->width) + HALF, -1), BINS);
}

/* Pairs of neighbours become one; zero stays between two bins. */
static void widen(struct fsn__histogram *h)
{
    int64_t old[BINS];

    memcpy(old, h->bin, sizeof old);
    memset(h->bin, 0, sizeof h->bin);
    for (int i = 0; i < BINS; i++)
        h->bin[HALF / 2 + i / 2] += old[i];
    h->width *= 2;
}

static void reach(struct fsn__histogram *h, float x)
{
    const double size = fabs((double)x);

    if (h->width == 0) /* the least power of two with which the bins reach */
        h->width = exp2(ceil(log2(size / HALF)));
    while (place(h, x) < 0 || place(h, x) >= BINS)
        widen(h);
}

bool fsn__histogram_add(struct fsn__histogram *h, const float *x, int64_t n)
{
    float least = h->least, largest = h->largest;

    for (int64_t i = 0; i < n; i++) {
        if (!isfinite(x[i]))
            return false;
        least = x[i] < least ? x[i] : least;
        largest = x[i] > largest ? x[i] : largest;
    }
    if (least < 0)
        reach(h, least);
    if (largest > 0)
        reach(h, largest);
    h->least = least;
    h->largest = largest;
    for (int64_t i = 0; i < n; i++)
        if (x[i] == 0)
            h->zeros++;
        else
            h->bin[place(h, x[i])]++;
    return true;
}

static double missed(const struct fsn__histogram *h, double low, double high)
{
    const double scale = (high - low) / TOP, zero = rint(-low / scale);
    double sum = 0;

    for (int i = 0; i < BINS; i++)
        if (h->bin[i] > 0) {
            const double x = (i - HALF + 0.5) * h->width;
            const double level = fmin(fmax(rint(x / scale) + zero, 0), TOP);
            const double d = x - (level - zero) * scale;

            sum += (double)h->bin[i] * d * d;
        }
    return sum;
}

void fsn__histogram_range(const struct fsn__histogram *h, float range[2])
{
    const double seen[2] = {h->least, h->largest};
    double best[2] = {seen[0], seen[1]}, least;

    if (seen[1] > seen[0]) {
        least = missed(h, seen[0], seen[1]);
        for (int round = 0; round < ROUNDS; round++)
            for (int end = 0; end < 2; end++)
                for (int i = 1; i < CANDIDATES && seen[end] != 0; i++) {
                    double tried[2] = {best[0], best[1]}, sum;

                    tried[end] = seen[end] * i / CANDIDATES;
                    sum = missed(h, tried[0], tried[1]);
                    if (sum < least) {
                        least = sum;
                        best[end] = tried[end];
                    }
                }
    }
    range[0] = (float)best[0];
    range[1] = (float)best[1];
}
