/* fs_between.c - see fs_between.h. */
#include "ops/fs_between.h"

#include <math.h>

int64_t fsn__fs_moved_start(const struct fsn__fs_geometry *g, int64_t k, double elements)
{
    const int64_t ring = g->fs_dim[0];
    const int64_t start = (fsn__fs_start(g, k) + (int64_t)fmod(elements, (double)ring)) % ring;

    return start < 0 ? start + ring : start;
}

void fsn__fs_gather_between(const struct fsn__fs_geometry *g, int64_t k, float offset,
                            const float *f, float *w)
{
    const int64_t n = fsn__fs_filter_size(g), ring = g->fs_dim[0];
    const float whole = floorf(offset), part = offset - whole;
    int64_t at = fsn__fs_moved_start(g, k, (double)whole);

    for (int64_t e = 0; e < n; e++) {
        const int64_t next = at + 1 < ring ? at + 1 : 0;

        w[e] = (1.0F - part) * f[at] + part * f[next];
        at = next;
    }
}

double fsn__fs_scatter_between(const struct fsn__fs_geometry *g, int64_t k, float offset,
                               const float *f, const float *dw, float *df)
{
    const int64_t n = fsn__fs_filter_size(g), ring = g->fs_dim[0];
    const float whole = floorf(offset), part = offset - whole;
    int64_t at = fsn__fs_moved_start(g, k, (double)whole);
    double slope = 0;

    for (int64_t e = 0; e < n; e++) {
        const int64_t next = at + 1 < ring ? at + 1 : 0;

        if (df) {
            df[at] += (1.0F - part) * dw[e];
            df[next] += part * dw[e];
        }
        slope += (double)dw[e] * ((double)f[next] - f[at]);
        at = next;
    }
    return slope;
}
