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

struct choice {
    int point, width;
    double cost;
};

/* The layer's best for a multiplier, among those near the even ratio; point -1: there is none. */
static struct choice best_choice(const struct fsn__fs_shares *shares, size_t layer, double weight,
                                 double multiplier)
{
    const struct fsn__fs_curve *curve = &shares->curves[layer];
    struct choice best = {.point = -1, .cost = INFINITY};

    for (int i = 0; i < FSN__CURVE_POINTS; i++) {
        if (curve->ratio[i] < shares->ratio / shares->spread ||
            curve->ratio[i] > shares->ratio * shares->spread)
            continue;
        for (int j = 0; j < curve->widths; j++) {
            const double error = curve->error[i] + (1 - curve->error[i]) * curve->noise[j];
            const double cost = weight * error + multiplier * curve->size[i] * curve->bits[j];

            if (cost < best.cost)
                best = (struct choice){i, j, cost};
        }
    }
    return best;
}

/* Bits of all layers; ratios and widths are written. A layer with no point near keeps the even
 * ratio and the first of its widths. */
static double choose_all(const struct fsn__fs_shares *shares, double largest, double multiplier,
                         double *ratios, int *bits)
{
    double total = 0;

    for (size_t i = 0; i < shares->count; i++) {
        const struct fsn__fs_curve *curve = &shares->curves[i];
        const double given = shares->weight[i];
        const double weight = given > 0 && isfinite(given) ? given : largest;
        const struct choice best = best_choice(shares, i, weight, multiplier);
        const int point = best.point < 0 ? FSN__CURVE_POINTS - 1 : best.point;

        ratios[i] = best.point < 0 ? shares->ratio : curve->ratio[point];
        bits[i] = curve->bits[best.width];
        total += curve->size[point] * bits[i];
    }
    return total;
}

void fsn__fs_allocate(const struct fsn__fs_shares *shares, double *ratios, int *bits)
{
    enum { STEPS = 100 };
    double largest = 0, low = 1e-30, high = 1e30;

    for (size_t i = 0; i < shares->count; i++)
        if (shares->weight[i] > largest && isfinite(shares->weight[i]))
            largest = shares->weight[i];
    if (!(largest > 0))
        largest = 1;
    for (int i = 0; i < STEPS; i++) {
        const double middle = sqrt(low) * sqrt(high);

        if (choose_all(shares, largest, middle, ratios, bits) > shares->total)
            low = middle;
        else
            high = middle;
    }
    choose_all(shares, largest, high, ratios, bits);
}
