/*
 * fit.c - least squares in closed form.
 *
 * vec(W) = A F has one 1 in each row of A, so A^T A is diagonal (how many weights read each element
 * of F) and F = (A^T A)^-1 A^T w is the mean of the weights that read F[j].
 */
#include "fs/fit.h"
#include "core/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double relative_error(const struct fsn__fs_geometry *g, const float *w, const float *f,
                             float *filter)
{
    const int64_t n = fsn__fs_filter_size(g);
    double missed = 0, all = 0;

    for (int64_t k = 0; k < g->k; k++, w += n) {
        fsn__fs_gather_filter(g, k, f, filter);
        for (int64_t i = 0; i < n; i++) {
            double d = (double)w[i] - filter[i];

            missed += d * d;
            all += (double)w[i] * w[i];
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
        *error = relative_error(g, w, f, filter);
out:
    free(uses);
    free(filter);
    return status;
}
