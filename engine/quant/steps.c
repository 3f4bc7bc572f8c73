/*
 * steps.c - where the levels lie: the steps of all segments of an F and the zero that they share.
 *
 * For a given zero the least step that covers a segment is
 *
 *   s0 = max(-min / zero, max / (top - zero))
 *
 * Few levels are better spent within less than that: the step of least squared error is looked for
 * in s0 2^(-i/4), and by golden section between the neighbours of the best of these (the error is
 * not convex in the step, so the grid comes first). Two levels on either side of 0 have theirs in
 * closed form, 2 mean |x| (Rastegari et al., "XNOR-Net", arXiv 1603.05279, equation 6).
 *
 * The zero is that of the range from min to max (quantizer.c), or below 8 bits one of two: the
 * level in the middle, and half a level below it. With that one no value is 0, and all levels are
 * used alike: at 2 bits it leaves an error of 0.12 of a normal distribution's variance where a zero
 * on a level leaves 0.15, and with 1 bit no other has two signs.
 */
#include "quant/quant.h"

#include "ops/levels.h"

#include <float.h>
#include <stdlib.h>

enum { GRID = 17, GOLDEN = 16 };

struct part {
    const float *x;
    int64_t n;
    double min, max; /* min <= 0 <= max */
};

static struct part part_of(const float *x, int64_t n)
{
    struct part part = {.x = x, .n = n};

    for (int64_t i = 0; i < n; i++) {
        part.min = x[i] < part.min ? x[i] : part.min;
        part.max = x[i] > part.max ? x[i] : part.max;
    }
    return part;
}

static double squared_error(const struct part *part, int top, float zero, float step)
{
    double sum = 0;

    for (int64_t i = 0; i < part->n; i++) {
        const double level = fsn__unbounded_level(part->x[i], step, zero);
        const double d =
            part->x[i] - (double)fsn__value_of_level(fsn__bounded_level(level, top), zero, step);

        sum += d * d;
    }
    return sum;
}

/* 0 where nothing is above or below zero, or it is too small for a step. */
static double covering_step(const struct part *part, int top, float zero)
{
    const double below = zero > 0 ? -part->min / (double)zero : 0;
    const double above = (double)top > zero ? part->max / (top - (double)zero) : 0;

    return below > above ? below : above;
}

/* The step of least error between a and b. */
static double golden_section(const struct part *part, int top, float zero, double a, double b)
{
    static const double ratio = 0.61803398874989485;
    double c = b - ratio * (b - a), d = a + ratio * (b - a);
    double at_c = squared_error(part, top, zero, (float)c);
    double at_d = squared_error(part, top, zero, (float)d);

    for (int i = 0; i < GOLDEN; i++) {
        if (at_c <= at_d) {
            b = d;
            d = c;
            at_d = at_c;
            c = b - ratio * (b - a);
            at_c = squared_error(part, top, zero, (float)c);
        } else {
            a = c;
            c = d;
            at_c = at_d;
            d = a + ratio * (b - a);
            at_d = squared_error(part, top, zero, (float)d);
        }
    }
    return at_c <= at_d ? c : d;
}

static float least_error_step(const struct part *part, int top, float zero, double cover)
{
    double best = cover, least = INFINITY, refined;

    if (top == 1 && zero == 0.5F) {
        double sum = 0;

        for (int64_t i = 0; i < part->n; i++)
            sum += fabs((double)part->x[i]);
        return (float)(2 * sum / (double)part->n);
    }
    for (int i = 0; i < GRID; i++) {
        const double step = cover * exp2(-i / 4.0);
        const double error = squared_error(part, top, zero, (float)step);

        if (error < least) {
            least = error;
            best = step;
        }
    }
    refined = golden_section(part, top, zero, best * exp2(-0.25), best * exp2(0.25));
    return (float)(squared_error(part, top, zero, (float)refined) < least ? refined : best);
}

/* Steps of all segments for this zero; the squared error of all. */
static double fit_for_zero(const float *x, int64_t n, const struct fsn__quant_form *form,
                           float zero, bool mse, float *steps)
{
    const int64_t segment = form->segment > 0 ? form->segment : n;
    const int top = fsn__top_level(form->bits);
    double sum = 0;

    for (int64_t begin = 0, at = 0; begin < n; begin += segment, at++) {
        const struct part part = part_of(x + begin, n - begin < segment ? n - begin : segment);
        const double cover = covering_step(&part, top, zero);

        steps[at] = zero == floorf(zero) ? 1 : FLT_MIN; /* zeros come back as such, or nearly */
        if ((float)cover > 0)
            steps[at] = mse ? least_error_step(&part, top, zero, cover) : (float)cover;
        if (!(steps[at] > 0)) /* the search may end below the least float */
            steps[at] = (float)cover;
        sum += squared_error(&part, top, zero, steps[at]);
    }
    return sum;
}

float fsn__steps_fit(const float *x, int64_t n, const struct fsn__quant_form *form, float *steps)
{
    const struct fsn__quantizer range = fsn__quantizer_fit(x, n, form->bits);
    const bool mse =
        form->range == FSN_RANGE_MSE || (form->range == FSN_RANGE_AUTO && form->bits < 8);
    const float middle = (float)(1 << (form->bits - 1)), half = middle - 0.5F;
    float zero = (float)range.zero;

    if (!mse && fsn__step_count(form, n) == 1) {
        steps[0] = range.scale;
        return zero;
    }
    if (mse && form->bits < 8) {
        const double error =
            form->bits > 1 ? fit_for_zero(x, n, form, middle, mse, steps) : INFINITY;

        if (!(error < fit_for_zero(x, n, form, half, mse, steps)))
            return half; /* whose steps these are */
        zero = middle;
    }
    fit_for_zero(x, n, form, zero, mse, steps);
    return zero;
}

enum fsn_status fsn__steps_noise(const float *x, int64_t n, const struct fsn__quant_form *form,
                                 double *noise, struct fsn_error *err)
{
    const int64_t segment = form->segment > 0 ? form->segment : n;
    float *steps = calloc((size_t)fsn__step_count(form, n), sizeof *steps);
    double missed = 0, all = 0;
    float zero;

    if (!steps)
        return FSN__NOMEM(err);
    zero = fsn__steps_fit(x, n, form, steps);
    for (int64_t begin = 0, at = 0; begin < n; begin += segment, at++) {
        const struct part part = part_of(x + begin, n - begin < segment ? n - begin : segment);

        missed += squared_error(&part, fsn__top_level(form->bits), zero, steps[at]);
    }
    for (int64_t i = 0; i < n; i++)
        all += (double)x[i] * x[i];
    *noise = all > 0 ? missed / all : 0;
    free(steps);
    return FSN_OK;
}
