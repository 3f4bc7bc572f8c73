/* fs_geometry.h - where each filter lies in its Filter Summary: the index mathematics alone.
 *
 * Yang et al., "FSNet" (arXiv 1902.03264): v2/v3 layout "1d", v1 layout "3d". Symbols: K filters of
 * C x R x S (C per group), n = C R S; F the Filter Summary. W[k] is read from F at
 *   1d: F is a vector of L; element e of filter k at (start_k + e) mod L, start_k = floor(k L / K)
 *       (even) or floor(k L / (K-1)) (reference), or whatever element is given (free).
 *   3d: F is D x H x V; filter k = (i_c g_y + i_y) g_x + i_x; element (c,r,s) at
 *       ((i_c t_c + c) mod D, (i_y t_y + r) mod H, (i_x t_x + s) mod V).
 * These K places are slots. Filter k sits in slot k, or where slot[k] says: any order of the
 * filters over the slots costs nothing to run, and a good one lets like filters overlap. With free
 * spacing slots are the elements of F themselves: slot[k] is where filter k starts.
 */
#ifndef FSN_OPS_FS_GEOMETRY_H
#define FSN_OPS_FS_GEOMETRY_H

#include "ops/op.h"

/* Inputs of a FilterSummary node: op_filter_summary.c. */
enum {
    FSN__FS_F,
    FSN__FS_SCALE,
    FSN__FS_ZERO,
    FSN__FS_BASE,
    FSN__FS_SHARE,
    FSN__FS_STEPS,
    FSN__FS_OFFSET,
    FSN__FS_INPUTS
};

struct fsn__fs_geometry {
    enum fsn_layout layout;
    int64_t k, c, r, s;
    enum fsn_spacing spacing; /* 1d */
    int64_t fs_dim[3];        /* 1d: {L,1,1}; 3d: {D,H,V} */
    int64_t grid[3];          /* 3d: g_c, g_y, g_x; their product is at least K */
    int64_t stride[3];        /* 3d: t_c, t_y, t_x */
    const int64_t *slot; /* [K]: the slot of each filter, borrowed; NULL: filter k in slot k (not
                            with free spacing) */
};

/* Elements of F. */
int64_t fsn__fs_size(const struct fsn__fs_geometry *g);
/* 1d: start of filter k. */
int64_t fsn__fs_start(const struct fsn__fs_geometry *g, int64_t k);
/* Attributes of a FilterSummary node <-> geometry. F's shape is [L] or [D,H,V].
 *   layout: string "1d" or "3d"; shape: ints K,C,R,S; spacing: string "even", "reference" or "free"
 *   (1d); grid: ints g_c,g_y,g_x and strides: ints t_c,t_y,t_x (3d); slots: ints, a permutation of
 *   0 .. K-1, optional, or, with free spacing, K of 0 .. L-1. The geometry borrows the slots from
 *   the attributes. */
FSN_NODISCARD enum fsn_status fsn__fs_geometry_read(const struct fsn__attrs *attrs,
                                                    const struct fsn__tensor *f, const char *node,
                                                    struct fsn__fs_geometry *out,
                                                    struct fsn_error *err);
/* Elements of one filter: n = C R S. */
int64_t fsn__fs_filter_size(const struct fsn__fs_geometry *g);
/* w[K C R S] from f (gather), f += A^T w (scatter-add), uses[j] = how many weights read F[j]. */
void fsn__fs_gather(const struct fsn__fs_geometry *g, const float *f, float *w);
void fsn__fs_scatter_add(const struct fsn__fs_geometry *g, const float *w, float *f);
void fsn__fs_count_uses(const struct fsn__fs_geometry *g, int64_t *uses);
/* The same for filter k alone; w[C R S] is that filter. */
void fsn__fs_gather_filter(const struct fsn__fs_geometry *g, int64_t k, const float *f, float *w);
void fsn__fs_scatter_add_filter(const struct fsn__fs_geometry *g, int64_t k, const float *w,
                                float *f);
/* The scatter-add into F[begin .. end) alone, the rest of F is not touched. Every element gets its
 * summands in the order of the filters, however F is cut. */
void fsn__fs_scatter_add_part(const struct fsn__fs_geometry *g, const float *w, float *f,
                              int64_t begin, int64_t end);
/* A weight on its way from the baseline's own to F's: (1 - t) base + t f. Exactly f at t = 1. */
static inline float fsn__fs_blend(float base, float f, float t)
{
    return (1.0F - t) * base + t * f;
}
/* Where in F the first element of channel c of filter k lies. */
int64_t fsn__fs_place(const struct fsn__fs_geometry *g, int64_t k, int64_t c);
/* The element of F that weight (c, r, s) of filter k reads. */
int64_t fsn__fs_element(const struct fsn__fs_geometry *g, int64_t k, int64_t c, int64_t r,
                        int64_t s);
/* Channels [c, c + count) of filter k, count R S floats: in F itself when they lie there in one
 * piece, else gathered into copy. */
const float *fsn__fs_read(const struct fsn__fs_geometry *g, int64_t k, int64_t c, int64_t count,
                          const float *f, float *copy);

#endif
