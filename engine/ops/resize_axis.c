/* resize_axis.c - positions and weights along one resized axis; formulas in resize_axis.h. */
#include "ops/resize_axis.h"

#include <math.h>

/* v / s */
static double to_input(const struct fsn__resize_axis *a, double v)
{
    return a->whole ? v * (double)a->in / (double)a->out : v / a->scale;
}

double fsn__resize_position(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a,
                            int64_t o)
{
    const double in = (double)a->in, length = a->whole ? (double)a->out : a->scale * in;
    const double half_pixel = to_input(a, (double)o + 0.5) - 0.5;

    switch (rule->coordinates) {
    case FSN__RESIZE_HALF_PIXEL:
        break;
    case FSN__RESIZE_HALF_PIXEL_SYMMETRIC:
        return half_pixel + in / 2.0 * (1.0 - (double)a->out / length);
    case FSN__RESIZE_PYTORCH_HALF_PIXEL:
        return length == 1.0 ? 0.0 : half_pixel;
    case FSN__RESIZE_ALIGN_CORNERS:
        return length == 1.0 ? 0.0 : (double)o * (in - 1.0) / (length - 1.0);
    case FSN__RESIZE_ASYMMETRIC:
        return to_input(a, (double)o);
    case FSN__RESIZE_TF_HALF_PIXEL_FOR_NN:
        return to_input(a, (double)o + 0.5);
    case FSN__RESIZE_TF_CROP_AND_RESIZE:
        if (length == 1.0)
            return (a->start + a->end) * (in - 1.0) / 2.0;
        return a->start * (in - 1.0) +
               (double)o * (a->end - a->start) * (in - 1.0) / (length - 1.0);
    }
    return half_pixel;
}

bool fsn__resize_is_identity(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a)
{
    if (a->in != a->out || a->scale != 1.0)
        return false;
    return rule->coordinates != FSN__RESIZE_TF_CROP_AND_RESIZE ||
           (a->start == 0.0 && a->end == 1.0);
}

/* f: how much the kernel is stretched to keep high frequencies out. */
static double narrowing(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a)
{
    return rule->antialias && a->scale < 1.0 ? a->scale : 1.0;
}

/* How far the kernel reaches to either side, in inputs. */
static double reach(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a)
{
    return (rule->mode == FSN__RESIZE_CUBIC ? 2.0 : 1.0) / narrowing(rule, a);
}

int64_t fsn__resize_taps(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a)
{
    return rule->mode == FSN__RESIZE_NEAREST ? 1 : 2 * (int64_t)ceil(reach(rule, a));
}

static double kernel(const struct fsn__resize_rule *rule, double t)
{
    const double a = (double)rule->cubic_a;

    t = fabs(t);
    if (rule->mode == FSN__RESIZE_LINEAR)
        return t < 1.0 ? 1.0 - t : 0.0;
    if (t <= 1.0)
        return ((a + 2.0) * t - (a + 3.0)) * t * t + 1.0;
    return t < 2.0 ? ((a * t - 5.0 * a) * t + 8.0 * a) * t - 4.0 * a : 0.0;
}

static int64_t clamp(double v, int64_t in)
{
    if (!(v > 0.0)) /* NaN too */
        return 0;
    return v < (double)(in - 1) ? (int64_t)v : in - 1;
}

static double rounded(enum fsn__resize_round round, double p)
{
    switch (round) {
    case FSN__RESIZE_ROUND_PREFER_FLOOR:
        return ceil(p - 0.5);
    case FSN__RESIZE_ROUND_PREFER_CEIL:
        return floor(p + 0.5);
    case FSN__RESIZE_FLOOR:
        break;
    case FSN__RESIZE_CEIL:
        return ceil(p);
    }
    return floor(p);
}

void fsn__resize_weights(const struct fsn__resize_rule *rule, const struct fsn__resize_axis *a,
                         int64_t o, int64_t *index, float *weight)
{
    const double p = fsn__resize_position(rule, a, o), f = narrowing(rule, a);
    const int64_t taps = fsn__resize_taps(rule, a);
    const double first = ceil(p - reach(rule, a)); /* its weight may be 0, as at every integer p */
    double sum = 0.0;

    if (rule->mode == FSN__RESIZE_NEAREST) {
        index[0] = clamp(rounded(rule->round, p), a->in);
        weight[0] = 1.0F;
        return;
    }
    for (int pass = 0; pass < 2; pass++)
        for (int64_t k = 0; k < taps; k++) {
            const double i = first + (double)k;
            double w = kernel(rule, f * (i - p));

            if (rule->exclude_outside && (i < 0.0 || i > (double)(a->in - 1)))
                w = 0.0;
            if (pass == 0) {
                sum += w;
                continue;
            }
            index[k] = clamp(i, a->in);
            weight[k] = (float)(sum != 0.0 ? w / sum : 0.0);
        }
}
