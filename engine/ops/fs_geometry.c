/*
 * fs_geometry.c - the gather that makes filters out of a Filter Summary, and its adjoint.
 *
 * Source: Yang et al., "FSNet" (arXiv 1902.03264): v2/v3 for layout 1d, v1 for layout 3d.
 * vec(W) = A F, A being a 0/1 matrix with one 1 a row, so there are three things to do with it:
 *   gather       W = A F
 *   scatter-add  F += A^T W      (the gradient of the gather)
 *   count        A^T A           (diagonal: how many weights read each element)
 * All three visit the same pairs (element of W, element of F). walk_channels() knows these pairs,
 * and nothing else here does. It hands them out as runs, pieces contiguous in both W and F: a
 * filter of layout 1d is one piece of the ring of L elements, a filter of layout 3d is C R pieces
 * of S elements, each on a ring of V elements, and every piece is cut where its ring closes.
 */
#include "ops/fs_geometry.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

/* Elements of the filters that one node may make: the importer's limit for one tensor. A node of a
 * few bytes can name any shape, and must not ask for more memory than a real one. */
static const int64_t MAX_ELEMENTS = INT64_C(1) << 30;

static inline int64_t slot_of(const struct fsn__fs_geometry *g, int64_t k)
{
    return g->slot ? g->slot[k] : k;
}

/* ---- the walk -------------------------------------------------------------------------------- */

/* One run: `count` elements from w_at in the filter and from f_at in F. */
typedef void run_fn(void *arg, int64_t w_at, int64_t f_at, int64_t count);

/* The piece of `count` elements that begins at `start` on the ring F[ring_at .. ring_at + ring). */
static inline __attribute__((always_inline)) void walk_ring(int64_t w_at, int64_t count,
                                                            int64_t ring_at, int64_t ring,
                                                            int64_t start, run_fn *run, void *arg)
{
    while (count > 0) {
        int64_t piece = ring - start < count ? ring - start : count;

        run(arg, w_at, ring_at + start, piece);
        w_at += piece;
        count -= piece;
        start = 0;
    }
}

/* Channels [c0, c0 + count) of filter k, as far as they meet F[begin .. end) (runs may go beyond);
 * w_at counts from the first of them. */
static inline __attribute__((always_inline)) void walk_channels(const struct fsn__fs_geometry *g,
                                                                int64_t k, int64_t c0,
                                                                int64_t count, int64_t begin,
                                                                int64_t end, run_fn *run, void *arg)
{
    const int64_t depth = g->fs_dim[0], height = g->fs_dim[1], width = g->fs_dim[2];
    int64_t at_c, at_y, at_x;

    if (g->layout == FSN_LAYOUT_1D) {
        walk_ring(0, count * g->r * g->s, 0, depth, fsn__fs_place(g, k, c0), run, arg);
        return;
    }
    k = slot_of(g, k);
    at_x = k % g->grid[2] * g->stride[2];
    at_y = k / g->grid[2] % g->grid[1] * g->stride[1];
    at_c = (k / g->grid[2] / g->grid[1] * g->stride[0] + c0) % depth;
    for (int64_t c = 0; c < count; c++) {
        const int64_t plane = at_c * height * width;
        int64_t y = at_y;

        for (int64_t r = 0; r < g->r && plane < end && plane + height * width > begin; r++) {
            walk_ring((c * g->r + r) * g->s, g->s, plane + y * width, width, at_x, run, arg);
            y = y + 1 < height ? y + 1 : 0;
        }
        at_c = at_c + 1 < depth ? at_c + 1 : 0;
    }
}

static inline __attribute__((always_inline)) void walk_filter(const struct fsn__fs_geometry *g,
                                                              int64_t k, run_fn *run, void *arg)
{
    walk_channels(g, k, 0, g->c, 0, fsn__fs_size(g), run, arg);
}

/* ---- what is done along it ------------------------------------------------------------------- */

struct gather {
    const float *f;
    float *w;
};

static inline void gather_run(void *arg, int64_t w_at, int64_t f_at, int64_t count)
{
    const struct gather *a = arg;
    const float *from = a->f + f_at;
    float *to = a->w + w_at;

    if (count == 3) { /* a row of a filter in layout 3d: too short to call memcpy for */
        to[0] = from[0];
        to[1] = from[1];
        to[2] = from[2];
    } else {
        memcpy(to, from, (size_t)count * sizeof *to);
    }
}

void fsn__fs_gather_filter(const struct fsn__fs_geometry *g, int64_t k, const float *f, float *w)
{
    struct gather arg = {f, w};

    walk_filter(g, k, gather_run, &arg);
}

const float *fsn__fs_read(const struct fsn__fs_geometry *g, int64_t k, int64_t c, int64_t count,
                          const float *f, float *copy)
{
    struct gather arg = {f, copy};

    if (g->layout == FSN_LAYOUT_1D) {
        const int64_t at = fsn__fs_place(g, k, c);

        if (at + count * g->r * g->s <= g->fs_dim[0])
            return f + at;
    }
    walk_channels(g, k, c, count, 0, fsn__fs_size(g), gather_run, &arg);
    return copy;
}

struct scatter {
    const float *w;
    float *f;
    int64_t begin, end; /* the part of F that is added to */
};

static inline void scatter_run(void *arg, int64_t w_at, int64_t f_at, int64_t count)
{
    const struct scatter *a = arg;
    const int64_t first = f_at > a->begin ? f_at : a->begin;
    const int64_t last = f_at + count < a->end ? f_at + count : a->end;

    for (int64_t i = first; i < last; i++)
        a->f[i] += a->w[w_at + (i - f_at)];
}

void fsn__fs_scatter_add_filter(const struct fsn__fs_geometry *g, int64_t k, const float *w,
                                float *f)
{
    struct scatter arg = {w, f, 0, fsn__fs_size(g)};

    walk_filter(g, k, scatter_run, &arg);
}

void fsn__fs_scatter_add_part(const struct fsn__fs_geometry *g, const float *w, float *f,
                              int64_t begin, int64_t end)
{
    const int64_t n = fsn__fs_filter_size(g);

    for (int64_t k = 0; k < g->k; k++) {
        struct scatter arg = {w + k * n, f, begin, end};

        walk_channels(g, k, 0, g->c, begin, end, scatter_run, &arg);
    }
}

static inline void count_run(void *arg, int64_t w_at, int64_t f_at, int64_t count)
{
    int64_t *uses = arg;

    (void)w_at;
    for (int64_t i = 0; i < count; i++)
        uses[f_at + i]++;
}

void fsn__fs_gather(const struct fsn__fs_geometry *g, const float *f, float *w)
{
    const int64_t n = fsn__fs_filter_size(g);

    for (int64_t k = 0; k < g->k; k++)
        fsn__fs_gather_filter(g, k, f, w + k * n);
}

void fsn__fs_scatter_add(const struct fsn__fs_geometry *g, const float *w, float *f)
{
    fsn__fs_scatter_add_part(g, w, f, 0, fsn__fs_size(g));
}

void fsn__fs_count_uses(const struct fsn__fs_geometry *g, int64_t *uses)
{
    memset(uses, 0, (size_t)fsn__fs_size(g) * sizeof *uses);
    for (int64_t k = 0; k < g->k; k++)
        walk_filter(g, k, count_run, uses);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

int64_t fsn__fs_size(const struct fsn__fs_geometry *g)
{
    return g->fs_dim[0] * g->fs_dim[1] * g->fs_dim[2];
}

int64_t fsn__fs_filter_size(const struct fsn__fs_geometry *g)
{
    return g->c * g->r * g->s;
}

static int64_t wrap(int64_t at, int64_t ring)
{
    return at < ring ? at : at % ring; /* a division takes longer than all the rest */
}

/* The reference's spacing puts the last start at L, which is 0 again. */
int64_t fsn__fs_start(const struct fsn__fs_geometry *g, int64_t k)
{
    int64_t steps = g->spacing == FSN_SPACING_REFERENCE ? g->k - 1 : g->k;

    if (g->spacing == FSN_SPACING_FREE)
        return g->slot[k];
    return steps > 0 ? wrap(slot_of(g, k) * g->fs_dim[0] / steps, g->fs_dim[0]) : 0;
}

int64_t fsn__fs_place(const struct fsn__fs_geometry *g, int64_t k, int64_t c)
{
    if (g->layout == FSN_LAYOUT_1D)
        return wrap(fsn__fs_start(g, k) + c * g->r * g->s, g->fs_dim[0]);
    k = slot_of(g, k);
    return (((k / g->grid[2] / g->grid[1] * g->stride[0] + c) % g->fs_dim[0]) * g->fs_dim[1] +
            k / g->grid[2] % g->grid[1] * g->stride[1]) *
               g->fs_dim[2] +
           k % g->grid[2] * g->stride[2];
}

int64_t fsn__fs_element(const struct fsn__fs_geometry *g, int64_t k, int64_t c, int64_t r,
                        int64_t s)
{
    const int64_t p = slot_of(g, k), y = p / g->grid[2] % g->grid[1] * g->stride[1] + r;
    const int64_t x = p % g->grid[2] * g->stride[2] + s;
    const int64_t z = p / g->grid[2] / g->grid[1] * g->stride[0] + c;

    if (g->layout == FSN_LAYOUT_1D)
        return (fsn__fs_start(g, k) + (c * g->r + r) * g->s + s) % g->fs_dim[0];
    return (z % g->fs_dim[0] * g->fs_dim[1] + y % g->fs_dim[1]) * g->fs_dim[2] + x % g->fs_dim[2];
}

/* ---- from a node's attributes ---------------------------------------------------------------- */

/* Copies the `count` positive integers of an attribute, whose product must be representable. */
static enum fsn_status read_sizes(const struct fsn__attrs *attrs, const char *name, size_t count,
                                  const char *node, int64_t *out, struct fsn_error *err)
{
    size_t given;
    const int64_t *ints = fsn__attr_ints(attrs, name, &given);
    int64_t product = 1;

    if (given != count)
        return FSN__FAIL(err, FSN_INVALID,
                         "FilterSummary '%s': attribute '%s' must be %zu integers, has %zu", node,
                         name, count, given);
    for (size_t i = 0; i < count; i++) {
        if (ints[i] < 1 || !fsn__mul_i64(product, ints[i], &product))
            return FSN__FAIL(err, FSN_INVALID,
                             "FilterSummary '%s': attribute '%s'[%zu] is %lld, out of range", node,
                             name, i, (long long)ints[i]);
        out[i] = ints[i];
    }
    return FSN_OK;
}

/* Optional: every slot from 0 to K-1 once; free spacing: an element of F for each filter. */
static enum fsn_status read_slots(const struct fsn__attrs *attrs, const char *node,
                                  struct fsn__fs_geometry *g, struct fsn_error *err)
{
    size_t count;
    const int64_t *slot = fsn__attr_ints(attrs, "slots", &count);
    const bool is_free = g->spacing == FSN_SPACING_FREE;
    const int64_t slots = is_free ? g->fs_dim[0] : g->k;
    enum fsn_status status = FSN_OK;
    bool *taken = NULL;

    if (!slot && !is_free)
        return FSN_OK;
    if (!slot || (int64_t)count != g->k)
        return FSN__FAIL(err, FSN_INVALID,
                         "FilterSummary '%s': %zu slots for %lld filters, expected one each", node,
                         count, (long long)g->k);
    if (!is_free)
        taken = calloc(count, sizeof *taken);
    if (!is_free && !taken)
        return FSN__NOMEM(err);
    for (size_t k = 0; k < count && status == FSN_OK; k++) {
        if (slot[k] < 0 || slot[k] >= slots || (taken && taken[slot[k]]))
            status = FSN__FAIL(err, FSN_INVALID,
                               "FilterSummary '%s': slots[%zu] is %lld, expected %s 0 to %lld%s",
                               node, k, (long long)slot[k], is_free ? "any of" : "each of",
                               (long long)slots - 1, is_free ? "" : " once");
        else if (taken)
            taken[slot[k]] = true;
    }
    free(taken);
    g->slot = slot;
    return status;
}

static enum fsn_status read_1d(const struct fsn__attrs *attrs, const struct fsn__tensor *f,
                               const char *node, struct fsn__fs_geometry *g, struct fsn_error *err)
{
    const char *spacing = fsn__attr_string(attrs, "spacing", "even");

    if (f->ndim != 1)
        return FSN__FAIL(err, FSN_SHAPE,
                         "FilterSummary '%s': layout 1d reads a vector, F has shape %s", node,
                         FSN__SHAPE(f));
    if (strcmp(spacing, "even") == 0)
        g->spacing = FSN_SPACING_EVEN;
    else if (strcmp(spacing, "reference") == 0)
        g->spacing = FSN_SPACING_REFERENCE;
    else if (strcmp(spacing, "free") == 0)
        g->spacing = FSN_SPACING_FREE;
    else
        return FSN__FAIL(err, FSN_INVALID,
                         "FilterSummary '%s': spacing is '%.32s', not 'even', 'reference' or "
                         "'free'",
                         node, spacing);
    g->fs_dim[0] = f->dim[0];
    return FSN_OK;
}

static enum fsn_status read_3d(const struct fsn__attrs *attrs, const struct fsn__tensor *f,
                               const char *node, struct fsn__fs_geometry *g, struct fsn_error *err)
{
    enum fsn_status status;

    status = read_sizes(attrs, "grid", 3, node, g->grid, err);
    if (status != FSN_OK)
        return status;
    status = read_sizes(attrs, "strides", 3, node, g->stride, err);
    if (status != FSN_OK)
        return status;
    if (g->grid[0] * g->grid[1] * g->grid[2] < g->k)
        return FSN__FAIL(err, FSN_SHAPE,
                         "FilterSummary '%s': a grid of %lld x %lld x %lld has no place for %lld "
                         "filters",
                         node, (long long)g->grid[0], (long long)g->grid[1], (long long)g->grid[2],
                         (long long)g->k);
    for (int i = 0; i < 3; i++) {
        int64_t extent;

        if (f->ndim != 3 || !fsn__mul_i64(g->grid[i], g->stride[i], &extent) || extent != f->dim[i])
            return FSN__FAIL(err, FSN_SHAPE,
                             "FilterSummary '%s': F has shape %s, grid %lld x %lld x %lld with "
                             "strides %lld, %lld, %lld needs their products",
                             node, FSN__SHAPE(f), (long long)g->grid[0], (long long)g->grid[1],
                             (long long)g->grid[2], (long long)g->stride[0],
                             (long long)g->stride[1], (long long)g->stride[2]);
        g->fs_dim[i] = extent;
    }
    return FSN_OK;
}

enum fsn_status fsn__fs_geometry_read(const struct fsn__attrs *attrs, const struct fsn__tensor *f,
                                      const char *node, struct fsn__fs_geometry *out,
                                      struct fsn_error *err)
{
    const char *layout = fsn__attr_string(attrs, "layout", "");
    struct fsn__fs_geometry g = {.fs_dim = {1, 1, 1}, .grid = {1, 1, 1}, .stride = {1, 1, 1}};
    enum fsn_status status;
    int64_t shape[4];

    if (fsn__numel(f) < 1 || fsn__numel(f) > MAX_ELEMENTS) /* so that k L fits an int64_t */
        return FSN__FAIL(err, FSN_SHAPE,
                         "FilterSummary '%s': F has shape %s, not 1 to %lld elements", node,
                         FSN__SHAPE(f), (long long)MAX_ELEMENTS);
    status = read_sizes(attrs, "shape", 4, node, shape, err);
    if (status != FSN_OK)
        return status;
    g.k = shape[0];
    g.c = shape[1];
    g.r = shape[2];
    g.s = shape[3];
    if (g.k * g.c * g.r * g.s > MAX_ELEMENTS)
        return FSN__FAIL(err, FSN_LIMIT,
                         "FilterSummary '%s': %lld x %lld x %lld x %lld filters, more than %lld "
                         "elements",
                         node, (long long)g.k, (long long)g.c, (long long)g.r, (long long)g.s,
                         (long long)MAX_ELEMENTS);
    if (strcmp(layout, "1d") == 0) {
        g.layout = FSN_LAYOUT_1D;
        status = read_1d(attrs, f, node, &g, err);
    } else if (strcmp(layout, "3d") == 0) {
        g.layout = FSN_LAYOUT_3D;
        status = read_3d(attrs, f, node, &g, err);
    } else {
        status = FSN__FAIL(err, FSN_INVALID,
                           "FilterSummary '%s': layout is '%.32s', not '1d' or '3d'", node, layout);
    }
    if (status == FSN_OK)
        status = read_slots(attrs, node, &g, err);
    if (status == FSN_OK)
        *out = g;
    return status;
}
