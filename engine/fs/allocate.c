/*
 * allocate.c - a Lagrange multiplier shares the budget.
 *
 * With e_i(r) the squared relative error of layer i's fit at ratio r, q_i(b) that of b bits, s_i(r)
 * its elements and g_i what one unit of error costs the network,
 *
 *     minimise  sum_i g_i (e_i(r_i) + (1 - e_i(r_i)) q_i(b_i))   subject to   sum_i s_i(r_i) b_i <=
 * B
 *
 * (F holds 1 - e of the weights' square, and its rounding has nothing to do with the fit's errors)
 * is solved for a multiplier m by each layer alone: (r_i, b_i) = argmin g_i (...) + m s_i(r) b, and
 * the sizes fall when m grows (Everett, "Generalized Lagrange multiplier method", 1963). m is
 * bisected. What the steps of the curves leave of the budget, the caller's search for the exact
 * size uses.
 */
#include "fs/allocate.h"

#include "core/mem.h"
#include "fs/choose.h"
#include "fs/fit.h"

#include <math.h>
#include <stdlib.h>

enum fsn_status fsn__fs_curve(const struct fsn_plan_layer *layer, enum fsn_spacing spacing,
                              const float *w, struct fsn__fs_curve *out, struct fsn_error *err)
{
    const int64_t k = layer->filters, c = layer->channels, r = layer->height, s = layer->width;
    enum fsn_status status = FSN_OK;

    out->widths = 1;
    out->bits[0] = layer->bits;
    out->noise[0] = 0;
    for (int i = 0; i < FSN__CURVE_POINTS && status == FSN_OK; i++) {
        const double ratio = pow(2, i / 3.0);
        const struct fsn__fs_geometry g = layer->layout == FSN_LAYOUT_3D && i > 0
                                              ? fsn__fs_choose_3d(k, c, r, s, ratio)
                                              : fsn__fs_choose_1d(k, c, r, s, ratio, spacing);
        const int64_t size = fsn__fs_size(&g);
        float *f = fsn__aligned_calloc((size_t)size, sizeof *f);
        double error = 0;

        status = f ? fsn__fs_fit(&g, w, f, &error, err) : FSN__NOMEM(err);
        out->ratio[i] = ratio;
        out->size[i] = (double)size;
        out->error[i] = error * error;
        free(f);
    }
    return status;
}

struct allocation {
    const struct fsn__fs_shares *shares;
    double largest; /* weight */
    double *ratios;
    int *bits;
};

static double weight_of(const struct allocation *a, size_t layer)
{
    const double weight = a->shares->weight[layer];

    return weight > 0 && isfinite(weight) ? weight : a->largest;
}

/* Not too far past the even ratio; a value of few bits counts as so much sharing more. */
static bool is_within(const struct allocation *a, const struct fsn__fs_curve *curve, int point,
                      int width)
{
    const double ratio = curve->ratio[point] * curve->bits[0] / curve->bits[width];

    return ratio <= a->shares->ratio * a->shares->spread;
}

static double error_of(const struct fsn__fs_curve *curve, int point, int width)
{
    return curve->error[point] + (1 - curve->error[point]) * curve->noise[width];
}

/* Writes the layer's best for a multiplier, among those within the spread; its bits. With none it
 * keeps the even ratio and the first of its widths. */
static double choose(const struct allocation *a, size_t layer, double multiplier)
{
    const struct fsn__fs_curve *curve = &a->shares->curves[layer];
    const double weight = weight_of(a, layer);
    double least = INFINITY, size = curve->size[FSN__CURVE_POINTS - 1] * curve->bits[0];

    a->ratios[layer] = a->shares->ratio;
    a->bits[layer] = curve->bits[0];
    for (int i = 0; i < FSN__CURVE_POINTS; i++)
        for (int j = 0; j < curve->widths; j++) {
            const double bits = curve->size[i] * curve->bits[j];
            const double cost = weight * error_of(curve, i, j) + multiplier * bits;

            if (cost >= least || !is_within(a, curve, i, j))
                continue;
            least = cost;
            size = bits;
            a->ratios[layer] = curve->ratio[i];
            a->bits[layer] = curve->bits[j];
        }
    return size;
}

static double choose_all(const struct allocation *a, double multiplier)
{
    double total = 0;

    for (size_t i = 0; i < a->shares->count; i++)
        total += choose(a, i, multiplier);
    return total;
}

/* Where a layer of several widths stands on its curve. */
static bool find_choice(const struct allocation *a, size_t layer, int *point, int *width)
{
    const struct fsn__fs_curve *curve = &a->shares->curves[layer];

    *point = *width = 0;
    while (*point < FSN__CURVE_POINTS && curve->ratio[*point] != a->ratios[layer])
        ++*point;
    while (*width < curve->widths && curve->bits[*width] != a->bits[layer])
        ++*width;
    return curve->widths > 1 && *point < FSN__CURVE_POINTS && *width < curve->widths;
}

/* The one change of one layer that gains most for a bit and fits into what is left; false: none. */
static bool spend(const struct allocation *a, double *left)
{
    double best = 0, price = 0;
    size_t layer = 0;
    int to[2] = {0, 0}, point, width;

    for (size_t i = 0; i < a->shares->count; i++) {
        const struct fsn__fs_curve *curve = &a->shares->curves[i];

        if (!find_choice(a, i, &point, &width))
            continue;
        for (int k = 0; k < FSN__CURVE_POINTS * curve->widths; k++) {
            const int p = k / curve->widths, w = k % curve->widths;
            const double extra =
                curve->size[p] * curve->bits[w] - curve->size[point] * curve->bits[width];
            const double gain =
                weight_of(a, i) * (error_of(curve, point, width) - error_of(curve, p, w));

            if (!is_within(a, curve, p, w) || extra > *left || gain <= best * fmax(extra, 1))
                continue;
            best = gain / fmax(extra, 1);
            price = extra;
            layer = i;
            to[0] = p;
            to[1] = w;
        }
    }
    if (best > 0) {
        a->ratios[layer] = a->shares->curves[layer].ratio[to[0]];
        a->bits[layer] = a->shares->curves[layer].bits[to[1]];
        *left -= price;
    }
    return best > 0;
}

void fsn__fs_allocate(const struct fsn__fs_shares *shares, double *ratios, int *bits)
{
    enum { STEPS = 100 };
    struct allocation a = {.shares = shares, .ratios = ratios, .bits = bits};
    double low = 1e-30, high = 1e30, left;

    for (size_t i = 0; i < shares->count; i++)
        if (shares->weight[i] > a.largest && isfinite(shares->weight[i]))
            a.largest = shares->weight[i];
    if (!(a.largest > 0))
        a.largest = 1;
    for (int i = 0; i < STEPS; i++) {
        const double middle = sqrt(low) * sqrt(high);

        if (choose_all(&a, middle) > shares->total)
            low = middle;
        else
            high = middle;
    }
    left = shares->total - choose_all(&a, high);
    for (size_t i = 0; i < shares->count && spend(&a, &left); i++)
        ;
}
