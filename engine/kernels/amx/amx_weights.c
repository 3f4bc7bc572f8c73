/* amx_weights.c - the gradient of the filters by the matrix unit:
 *
 *     dw[k, c, r, s] += sum over positions of dz[position, k] x[position + r pitch + s, c]
 *
 * over the positions of a batch of images or a band of rows (amx_plan.h), with dz 0 between rows.
 * The unit sums over what lies side by side, so x is packed in columns, one for each channel, and
 * dz in pairs of positions. Each thread sums into gradients of its own, [dst block][src block][tap]
 * [16 channels][16 filters]; these are added up in the order of the threads. That is memory: 9 MB a
 * thread for 512 x 512 filters of 3x3.
 */
#include "kernels/amx/amx.h"

#include <string.h>

/* A thread's part of the work space: numbers to where its parts begin. */
struct layout {
    int64_t length, stride;     /* positions of dz, of a column of x */
    size_t columns, pairs, end; /* bytes */
};

static int64_t whole(int64_t count, int64_t of)
{
    return (count + of - 1) / of * of;
}

/* For a band of so many rows. */
static struct layout layout_of(const struct fsn__amx_plan *plan, int64_t rows)
{
    const int64_t beyond = (plan->r - 1) * plan->pitch + plan->s - 1;
    const int64_t length = whole(rows * plan->pitch, FSN__AMX_DEPTH);
    const int64_t stride = whole(length + beyond, FSN__AMX_DEPTH) + FSN__AMX_DEPTH;
    struct layout at = {.length = length, .stride = stride};

    at.columns = (size_t)(stride * FSN__LANES) * sizeof(fsn__bf16); /* after a line */
    at.pairs = at.columns + (size_t)(plan->src_blocks * FSN__LANES * stride) * sizeof(fsn__bf16);
    at.end = at.pairs + (size_t)(plan->dst_blocks * FSN__LANES * length) * sizeof(fsn__bf16);
    return at;
}

static int64_t pair_floats(const struct fsn__amx_plan *plan)
{
    return plan->r * plan->s * FSN__LANES * FSN__LANES;
}

static int64_t sum_floats(const struct fsn__amx_plan *plan)
{
    return plan->dst_blocks * plan->src_blocks * pair_floats(plan);
}

size_t fsn__amx_weights_work(const struct fsn__amx_plan *plan, int threads)
{
    return (size_t)threads * (layout_of(plan, fsn__amx_most_rows(plan)).end +
                              (size_t)sum_floats(plan) * sizeof(float));
}

static void pack_x(const struct fsn__amx_weights *g, const struct fsn__amx_band *band,
                   const struct layout *at, char *own)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t map = plan->src_blocks * plan->src_h * plan->src_w * FSN__LANES;
    fsn__bf16 *flat = (fsn__bf16 *)(void *)own;
    fsn__bf16 *columns = (fsn__bf16 *)(void *)(own + at->columns);
    const struct fsn__amx_line line = fsn__amx_source_line(plan, band, at->stride);

    for (int64_t block = 0; block < plan->src_blocks; block++) {
        fsn__amx_pack(&line, g->x + band->image * map, &g->x_reader, block, false, flat);
        fsn__amx_columns(flat, at->stride, columns + block * FSN__LANES * at->stride, at->stride);
    }
}

static void pack_dz(const struct fsn__amx_weights *g, const struct fsn__amx_band *band,
                    const struct layout *at, char *own)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t map = plan->dst_blocks * plan->dst_h * plan->dst_w * FSN__LANES;
    const struct fsn__reader reader = fsn__direct_reader_at(&g->dz_reader, 0, band->image * map);
    fsn__bf16 *flat = (fsn__bf16 *)(void *)own;
    fsn__bf16 *pairs = (fsn__bf16 *)(void *)(own + at->pairs);
    const struct fsn__amx_line line = {
        .images = band->images,
        .blocks = plan->dst_blocks,
        .h = plan->dst_h,
        .w = plan->dst_w,
        .pitch = plan->pitch,
        .image_rows = plan->image_rows,
        .row0 = band->row0,
        .rows = band->rows,
        .positions = at->length,
    };

    for (int64_t block = 0; block < plan->dst_blocks; block++) {
        fsn__amx_pack(&line, g->dz + band->image * map, &reader, block, false, flat);
        fsn__amx_pairs(flat, FSN__LANES, at->length, pairs + block * FSN__LANES * at->length);
    }
}

/* The same from what the data's gradient has packed, which begins some rows and columns earlier. */
static void take_dz(const struct fsn__amx_weights *g, const struct layout *at, int thread,
                    char *own)
{
    const struct fsn__amx_plan *data = &g->data->plan;
    const int64_t blocks = data->lanes / FSN__LANES; /* of a chunk */
    fsn__bf16 *pairs = (fsn__bf16 *)(void *)(own + at->pairs);

    for (int64_t block = 0; block < data->src_blocks; block++)
        fsn__amx_pairs(fsn__amx_gather_packed(g->data, block / blocks, thread) +
                           (data->top * data->pitch + data->left) * data->lanes +
                           block % blocks * FSN__LANES,
                       data->lanes, at->length, pairs + block * FSN__LANES * at->length);
}

/* Blocks of channels [c, c + 2) and of filters [k, k + 2), as far as there are so many. */
static void run_blocks(const struct fsn__amx_plan *plan, const struct layout *at, const char *own,
                       int64_t k, int64_t c, float *sum)
{
    const int64_t pair = pair_floats(plan);
    const bool four = k + 1 < plan->dst_blocks && c + 1 < plan->src_blocks;
    struct fsn__amx_correlation part = {
        .stride = at->stride,
        .positions = at->length,
        .x_block = FSN__LANES * at->stride,
        .dz_block = FSN__LANES * at->length,
        .dw_x = pair,
        .dw_dz = plan->src_blocks * pair,
    };

    for (int64_t i = 0; i < (four ? 1 : 4); i++) {
        const int64_t block_k = k + i / 2, block_c = c + i % 2;

        if (block_k >= plan->dst_blocks || block_c >= plan->src_blocks)
            continue;
        for (int64_t r = 0; r < plan->r; r++) {
            part.x = (const fsn__bf16 *)(const void *)(own + at->columns) + block_c * part.x_block +
                     r * plan->pitch;
            part.dz = (const fsn__bf16 *)(const void *)(own + at->pairs) + block_k * part.dz_block;
            part.dw = sum + (block_k * plan->src_blocks + block_c) * pair +
                      r * plan->s * FSN__LANES * FSN__LANES;
            if (!four)
                fsn__amx_correlate(&part, plan->s);
            for (int64_t s = 0; four && s < plan->s; s++) {
                fsn__amx_correlate_four(&part);
                part.x++;
                part.dw += FSN__LANES * FSN__LANES;
            }
        }
    }
}

void fsn__amx_weights_item(const struct fsn__amx_weights *g, int64_t item, int thread)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const struct fsn__amx_band band = fsn__amx_band(plan, item);
    const struct layout at = layout_of(plan, band.rows);
    char *own = g->own + (size_t)thread * layout_of(plan, fsn__amx_most_rows(plan)).end;

    pack_x(g, &band, &at, own);
    if (g->data)
        take_dz(g, &at, thread, own);
    else
        pack_dz(g, &band, &at, own);
    for (int64_t k = 0; k < plan->dst_blocks; k += 2)
        for (int64_t c = 0; c < plan->src_blocks; c += 2)
            run_blocks(plan, &at, own, k, c, g->sum + thread * sum_floats(plan));
}

/* dw of block `item` of [dst block][src block], from the sums of all threads. */
static void add_task(void *arg, int thread, int threads)
{
    const struct fsn__amx_weights *g = arg;
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t pair = pair_floats(plan), taps = plan->r * plan->s;
    int64_t begin, end;

    fsn__share(plan->dst_blocks * plan->src_blocks, thread, threads, &begin, &end);
    for (int64_t item = begin; item < end; item++) {
        const int64_t k0 = item / plan->src_blocks * FSN__LANES;
        const int64_t c0 = item % plan->src_blocks * FSN__LANES;
        float *sum = g->sum + item * pair;

        for (int from = 1; from < threads; from++)
            for (int64_t i = 0; i < pair; i++)
                sum[i] += sum[from * sum_floats(plan) + i];
        for (int64_t k = k0; k < k0 + FSN__LANES && k < plan->dst_channels; k++)
            for (int64_t c = c0; c < c0 + FSN__LANES && c < plan->src_channels; c++)
                for (int64_t tap = 0; tap < taps; tap++)
                    g->dw[(k * plan->src_channels + c) * taps + tap] +=
                        sum[(tap * FSN__LANES + c - c0) * FSN__LANES + k - k0];
    }
}

static void clear_task(void *arg, int thread, int threads)
{
    const struct fsn__amx_weights *g = arg;

    (void)threads;
    memset(g->sum + thread * sum_floats(&g->plan), 0,
           (size_t)sum_floats(&g->plan) * sizeof *g->sum);
}

void fsn__amx_weights_begin(struct fsn__amx_weights *g, void *work, struct fsn__pool *pool)
{
    const struct fsn__amx_plan *plan = &g->plan;

    g->own = work;
    g->sum = (float *)(void *)(g->own + (size_t)fsn__pool_slices(pool) *
                                            layout_of(plan, fsn__amx_most_rows(plan)).end);
    fsn__pool_run(pool, clear_task, g);
}

void fsn__amx_weights_end(const struct fsn__amx_weights *g, struct fsn__pool *pool)
{
    fsn__pool_run(pool, add_task, (void *)g);
}
