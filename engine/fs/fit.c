/*
 * fit.c - least squares in closed form.
 *
 * vec(W) = A F has one 1 in each row of A, so A^T A is diagonal (how many weights read each element
 * of F) and F = (A^T A)^-1 A^T w is the mean of the weights that read F[j].
 *
 * With a scale s_k for each filter, of importance i_k, F[j] is the weighted mean
 *
 *     F[j] = sum i_k^2 s_k w / sum i_k^2 s_k^2     over the weights w that read F[j],
 *
 * and for a given F, with v_k = A_k F, s_k = v_k w_k / |v_k|^2. The two take turns, and each lowers
 * the error. A scale that would vanish is held at a tenth of |w_k| / |v_k|: training has to be able
 * to make something of the filter.
 */
#include "fs/fit.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 20 };

double fsn__fs_fit_error(const struct fsn__fs_geometry *g, const float *w, const float *importance,
                         const float *scale, const float *f, float *filter)
{
    const int64_t n = fsn__fs_filter_size(g);
    double missed = 0, all = 0;

    for (int64_t k = 0; k < g->k; k++, w += n) {
        const double factor = scale ? scale[k] : 1;
        const double weight = importance ? (double)importance[k] * importance[k] : 1;

        fsn__fs_gather_filter(g, k, f, filter);
        for (int64_t i = 0; i < n; i++) {
            double d = (double)w[i] - factor * filter[i];

            missed += weight * (d * d);
            all += weight * ((double)w[i] * w[i]);
        }
    }
    return all > 0 ? sqrt(missed / all) : 0;
}

enum fsn_status fsn__fs_fit(const struct fsn__fs_geometry *g, const float *w, float *f,
                            double *error, struct fsn_error *err)
{
    const int64_t size = fsn__fs_size(g);
    int64_t *uses = fsn__aligned_calloc((size_t)size, sizeof *uses);
    float *filter = fsn__aligned_calloc((size_t)fsn__fs_filter_size(g), sizeof *filter);
    enum fsn_status status = FSN_OK;

    if (!uses || !filter) {
        status = FSN__NOMEM(err);
        goto out;
    }
    fsn__fs_count_uses(g, uses);
    memset(f, 0, (size_t)size * sizeof *f);
    fsn__fs_scatter_add(g, w, f);
    for (int64_t i = 0; i < size; i++)
        if (uses[i] > 1)
            f[i] /= (float)uses[i];
    if (error)
        *error = fsn__fs_fit_error(g, w, NULL, NULL, f, filter);
out:
    free(uses);
    free(filter);
    return status;
}

/* F for given scales. filter: [n], weights: [size], both scratch. */
static void weighted_mean(const struct fsn__fs_geometry *g, const float *w, const float *importance,
                          const float *scale, float *f, float *filter, float *weights)
{
    const int64_t n = fsn__fs_filter_size(g), size = fsn__fs_size(g);

    memset(f, 0, (size_t)size * sizeof *f);
    memset(weights, 0, (size_t)size * sizeof *weights);
    for (int64_t k = 0; k < g->k; k++) {
        const float factor = importance[k] * importance[k] * scale[k];

        for (int64_t i = 0; i < n; i++)
            filter[i] = factor * w[k * n + i];
        fsn__fs_scatter_add_filter(g, k, filter, f);
        for (int64_t i = 0; i < n; i++)
            filter[i] = factor * scale[k];
        fsn__fs_scatter_add_filter(g, k, filter, weights);
    }
    for (int64_t j = 0; j < size; j++)
        f[j] = weights[j] > 0 ? f[j] / weights[j] : 0;
}

static float best_scale(const float *w, const float *v, int64_t n, float old)
{
    double vw = 0, vv = 0, ww = 0;
    float scale, least;

    for (int64_t i = 0; i < n; i++) {
        vw += (double)v[i] * w[i];
        vv += (double)v[i] * v[i];
        ww += (double)w[i] * w[i];
    }
    if (!(vv > 0) || !(ww > 0))
        return old;
    scale = (float)(vw / vv);
    least = 0.1F * (float)sqrt(ww / vv);
    return fabsf(scale) > least ? scale : copysignf(least, scale);
}

enum fsn_status fsn__fs_fit_scaled(const struct fsn__fs_geometry *g, const float *w,
                                   const float *importance, float *scale, float *f, double *error,
                                   struct fsn_error *err)
{
    const int64_t n = fsn__fs_filter_size(g);
    float *filter = fsn__aligned_calloc((size_t)n, sizeof *filter);
    float *weights = fsn__aligned_calloc((size_t)fsn__fs_size(g), sizeof *weights);
    enum fsn_status status = FSN_OK;

    if (!filter || !weights) {
        status = FSN__NOMEM(err);
        goto out;
    }
    weighted_mean(g, w, importance, scale, f, filter, weights);
    for (int round = 0; round < ROUNDS; round++) {
        for (int64_t k = 0; k < g->k; k++) {
            fsn__fs_gather_filter(g, k, f, filter);
            scale[k] = best_scale(w + k * n, filter, n, scale[k]);
        }
        weighted_mean(g, w, importance, scale, f, filter, weights);
    }
    if (error)
        *error = fsn__fs_fit_error(g, w, importance, scale, f, filter);
out:
    free(filter);
    free(weights);
    return status;
}
