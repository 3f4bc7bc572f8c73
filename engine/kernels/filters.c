/* filters.c - see filters.h. */
#include "kernels/filters.h"

#include <string.h>

struct fsn__fs_geometry fsn__filters_plain(int64_t k, int64_t c, int64_t r, int64_t s)
{
    return (struct fsn__fs_geometry){
        .layout = FSN_LAYOUT_1D,
        .spacing = FSN_SPACING_EVEN,
        .k = k,
        .c = c,
        .r = r,
        .s = s,
        .fs_dim = {k * c * r * s, 1, 1},
        .grid = {1, 1, 1},
        .stride = {1, 1, 1},
    };
}

const float *fsn__filters_read(const struct fsn__filters *filters, int64_t k, int64_t c,
                               int64_t count, float *copy)
{
    const struct fsn__fs_geometry *g = &filters->geometry;
    const float *row = fsn__fs_read(g, k, c, count, filters->f, copy);

    if (filters->base) {
        const float *base = filters->base + (k * g->c + c) * g->r * g->s;

        for (int64_t i = 0; i < count * g->r * g->s; i++)
            copy[i] = fsn__fs_blend(base[i], row[i], filters->share);
        row = copy;
    }
    if (filters->scale) {
        for (int64_t i = 0; i < count * g->r * g->s; i++)
            copy[i] = row[i] * filters->scale[k];
        row = copy;
    }
    return row;
}

/* ---- the gradient ---------------------------------------------------------------------------- */

struct scatter {
    const struct fsn__fs_geometry *geometry;
    float share, *dw, *df;
};

static void scale_task(void *arg, int thread, int threads)
{
    const struct scatter *job = arg;
    int64_t begin, end;

    fsn__share(job->geometry->k * fsn__fs_filter_size(job->geometry), thread, threads, &begin,
               &end);
    for (int64_t i = begin; i < end; i++)
        job->dw[i] *= job->share;
}

static void scatter_task(void *arg, int thread, int threads)
{
    const struct scatter *job = arg;
    int64_t begin, end;

    fsn__share(fsn__fs_size(job->geometry), thread, threads, &begin, &end);
    fsn__fs_scatter_add_part(job->geometry, job->dw, job->df, begin, end);
}

void fsn__filters_scatter(const struct fsn__filters *filters, float *dw, float *df,
                          struct fsn__pool *pool)
{
    struct scatter job = {&filters->geometry, filters->share, dw, df};

    if (filters->base)
        fsn__pool_run(pool, scale_task, &job);
    fsn__pool_run(pool, scatter_task, &job);
}

/* ---- as an attribute ------------------------------------------------------------------------- */

void fsn__geometry_to_ints(const struct fsn__fs_geometry *g, int64_t ints[FSN__GEOMETRY_INTS])
{
    const int64_t scalars[] = {(int64_t)g->layout, (int64_t)g->spacing, g->k, g->c, g->r, g->s};

    memcpy(ints, scalars, sizeof scalars);
    memcpy(ints + 6, g->fs_dim, sizeof g->fs_dim);
    memcpy(ints + 9, g->grid, sizeof g->grid);
    memcpy(ints + 12, g->stride, sizeof g->stride);
}

struct fsn__fs_geometry fsn__geometry_of_ints(const int64_t ints[FSN__GEOMETRY_INTS])
{
    struct fsn__fs_geometry g = {
        .layout = (enum fsn_layout)ints[0],
        .spacing = (enum fsn_spacing)ints[1],
        .k = ints[2],
        .c = ints[3],
        .r = ints[4],
        .s = ints[5],
    };

    memcpy(g.fs_dim, ints + 6, sizeof g.fs_dim);
    memcpy(g.grid, ints + 9, sizeof g.grid);
    memcpy(g.stride, ints + 12, sizeof g.stride);
    return g;
}
