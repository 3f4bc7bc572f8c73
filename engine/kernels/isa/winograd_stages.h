/* winograd_stages.h - a pass of a Winograd convolution at work, and its stages for either stride.
 */
#ifndef FSN_KERNELS_ISA_WINOGRAD_STAGES_H
#define FSN_KERNELS_ISA_WINOGRAD_STAGES_H

#include "kernels/isa/winograd_isa.h"

enum { SQUARE = FSN__LANES * FSN__LANES };

struct pass {
    struct fsn__wino plan;
    const struct pass *weights;  /* backward_data as one with backward_weights: the latter */
    struct wino_reader reader;   /* the map that the tiles are of */
    struct wino_reader gradient; /* backward_weights: of the output */
    struct wino_writer writer;
    const struct fsn__filters *w;
    float *dw;
    void *work;
    int64_t first, count; /* large regime: the tiles of this round */
};

static inline int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline struct fsn__wino_work work_of(const struct pass *pass, int thread)
{
    return pass->weights
               ? fsn__wino_joint_work(&pass->plan, &pass->weights->plan, pass->work, thread)
               : fsn__wino_work(&pass->plan, pass->work, thread);
}

static inline void input(const struct pass *pass, int64_t first, int64_t count, float *v)
{
    if (pass->plan.strided)
        wino_strided_input(&pass->plan, &pass->reader, first, count, v);
    else
        wino_input(&pass->plan, &pass->reader, first, count, v);
}

static inline void gradient(const struct pass *pass, int64_t first, int64_t count, float *m)
{
    if (pass->plan.strided)
        wino_strided_gradient(&pass->plan, &pass->gradient, first, count, m);
    else
        wino_gradient(&pass->plan, &pass->gradient, first, count, m);
}

static inline void output(const struct pass *pass, int64_t block, int64_t blocks, int64_t first,
                          int64_t count, const struct fsn__wino_work *work)
{
    if (pass->plan.strided)
        wino_strided_output(&pass->plan, &pass->writer, block, blocks, first, count, work->m,
                            work->sums);
    else
        wino_output(&pass->plan, &pass->writer, block, blocks, first, count, work->m, work->sums);
}

/* U of the piece's output block j and 16 channels from its channel i on, as wino_multiply wants it.
 */
static inline void filter(const struct pass *pass, const struct wino_piece *piece, int64_t j,
                          int64_t i, float *u)
{
    int64_t row, at;

    if (pass->plan.strided) {
        wino_strided_filter(&pass->plan, pass->w, piece, j, i, u);
        return;
    }
    at = wino_strip(j, piece->blocks, piece->count, &row);
    wino_filter(&pass->plan, pass->w, piece->block + j, piece->c + i,
                least(FSN__LANES, piece->count - i), u + at + i * row, row);
}

/* dw of block `index` of those of 16 x 16 filters in dU, which has `parts` arrays. */
static inline void filter_gradient(const struct pass *pass, const float *du, int64_t index,
                                   int parts, int64_t part_step, int64_t c_block, int64_t k_block)
{
    if (pass->plan.strided)
        wino_strided_filter_gradient(&pass->plan, du, index, parts, part_step, c_block, k_block,
                                     pass->dw);
    else
        wino_filter_gradient(&pass->plan, du + index * SQUARE, parts, part_step, c_block, k_block,
                             pass->dw);
}

/* M (+)= V U for the piece's filters. */
static inline void multiply(const struct pass *pass, const struct fsn__wino_work *work,
                            const struct wino_piece *piece, int64_t count, bool add)
{
    const struct fsn__wino *plan = &pass->plan;

    for (int f = 0; f < plan->frequencies; f++) {
        const int64_t c_parts = fsn__wino_parts(f, plan->c_parts);

        wino_multiply(work->v + f * plan->v_step + piece->c * c_parts * plan->capacity,
                      work->u + f * plan->u_step, work->m + f * plan->m_step, plan->capacity, count,
                      piece->count * c_parts, piece->blocks * fsn__wino_parts(f, plan->k_parts),
                      add);
    }
}

#endif
