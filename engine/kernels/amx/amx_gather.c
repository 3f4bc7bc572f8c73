/* amx_gather.c - forward and backward data by the matrix unit (amx_plan.h): the loops around the
 * products.
 *
 * A task item is a batch of images, or a band of rows of a large one. It is packed, then strip by
 * strip and two destination blocks at a time all products of a strip are summed, and its rows
 * stored with what the direct convolution applies to finished sums (isa/direct_store.c). Sums per
 * channel are those of each thread, added up in the order of the threads.
 */
#include "kernels/amx/amx.h"

#include <string.h>

/* A thread's part of the work space, in bytes from its beginning. */
struct layout {
    size_t acc, end;
};

static size_t whole(int64_t count, size_t size)
{
    return ((size_t)count * size + 63) / 64 * 64;
}

static int64_t chunk_step(const struct fsn__amx_plan *plan)
{
    return fsn__amx_positions(plan, fsn__amx_most_rows(plan)) * plan->lanes;
}

static struct layout layout_of(const struct fsn__amx_plan *plan)
{
    const int64_t strip = plan->strip * plan->pitch + FSN__AMX_ROWS;
    struct layout at;

    at.acc = whole(plan->chunks * chunk_step(plan), sizeof(fsn__bf16));
    at.end = at.acc + whole(strip * FSN__AMX_BLOCKS * FSN__LANES, sizeof(float));
    return at;
}

static size_t filter_bytes(const struct fsn__amx_plan *plan)
{
    return whole(plan->dst_blocks * fsn__amx_steps(plan) * FSN__AMX_TILE, sizeof(fsn__bf16));
}

size_t fsn__amx_gather_work(const struct fsn__amx_plan *plan, int threads)
{
    const size_t sums = whole(2 * plan->dst_blocks * FSN__LANES, sizeof(double));

    return filter_bytes(plan) + (size_t)threads * (layout_of(plan).end + sums);
}

static void pack_band(const struct fsn__amx_gather *g, const struct fsn__amx_band *band, char *own)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t map = plan->src_blocks * plan->src_h * plan->src_w * FSN__LANES;
    const bool pair = plan->lanes == FSN__AMX_DEPTH;
    const struct fsn__reader reader = fsn__direct_reader_at(&g->reader, 0, band->image * map);
    const struct fsn__amx_line line =
        fsn__amx_source_line(plan, band, fsn__amx_positions(plan, band->rows));

    for (int64_t chunk = 0; chunk < plan->chunks; chunk++)
        fsn__amx_pack(&line, g->src + band->image * map, &reader, pair ? 2 * chunk : chunk, pair,
                      (fsn__bf16 *)(void *)own + chunk * chunk_step(plan));
}

/* Stores row t of the band's positions, if it is one of an image. */
static void store_row(const struct fsn__amx_gather *g, const struct fsn__amx_band *band, int64_t t,
                      int64_t block, int blocks, const float *acc, double *sums)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t image = (band->row0 + t) / plan->image_rows;
    const int64_t y = band->row0 + t - image * plan->image_rows;

    if (y >= plan->dst_h)
        return;
    for (int i = 0; i < blocks; i++) {
        const int64_t at =
            (((band->image + image) * plan->dst_blocks + block + i) * plan->dst_h + y) *
            plan->dst_w * FSN__LANES;
        double *sum = g->wants_sums ? sums + (block + i) * FSN__LANES : NULL;
        const struct fsn__row row = {
            .acc = acc + i * FSN__LANES,
            .acc_pixel = blocks * FSN__LANES,
            .pixels = plan->dst_w,
            .dst_pixel = FSN__LANES,
            .dst = g->dst + at,
            .stream = g->stream,
            .beside = g->beside ? g->beside + at : NULL,
            .joined = g->joined ? g->joined + at : NULL,
            .channel = (block + i) * FSN__LANES,
            .sum1 = sum,
            .sum2 = sum ? sum + plan->dst_blocks * FSN__LANES : NULL,
        };

        if (g->backward)
            fsn__direct_store_backward(&row, g->grad_store);
        else
            fsn__direct_store_forward(&row, g->store);
    }
}

/* Rows [t0, end) of the band's positions, all destination blocks. */
static void run_strip(const struct fsn__amx_gather *g, const struct fsn__amx_band *band, int64_t t0,
                      int64_t end, char *own, double *sums)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int64_t steps = fsn__amx_steps(plan);
    const int64_t positions = (end - t0 - 1) * plan->pitch + plan->dst_w;
    float *acc = (float *)(void *)(own + layout_of(plan).acc);
    struct fsn__amx_product product = {
        .source = (const fsn__bf16 *)(void *)own + t0 * plan->pitch * plan->lanes,
        .chunks = plan->chunks,
        .r = plan->r,
        .across = plan->steps_across,
        .chunk_step = chunk_step(plan),
        .row_step = plan->pitch * plan->lanes,
        .across_step = FSN__AMX_DEPTH, /* a position of 32, or two of 16 */
        .lanes = plan->lanes,
        .filter_block = steps * FSN__AMX_TILE,
        .sums = acc,
    };

    for (int64_t block = 0; block < plan->dst_blocks; block += FSN__AMX_BLOCKS) {
        const int blocks = plan->dst_blocks - block >= FSN__AMX_BLOCKS ? FSN__AMX_BLOCKS : 1;

        product.filters = g->filters + block * steps * FSN__AMX_TILE;
        fsn__amx_multiply(&product, (positions + FSN__AMX_ROWS - 1) / FSN__AMX_ROWS, blocks);
        for (int64_t t = t0; t < end; t++)
            store_row(g, band, t, block, blocks, acc + (t - t0) * plan->pitch * blocks * FSN__LANES,
                      sums);
    }
}

static void pack_task(void *arg, int thread, int threads)
{
    const struct fsn__amx_gather *g = arg;

    fsn__amx_pack_filters(&g->plan, g->backward, g->w, g->filters, thread, threads);
}

void fsn__amx_gather_begin(struct fsn__amx_gather *g, void *work, struct fsn__pool *pool)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const int threads = fsn__pool_slices(pool);
    const int64_t channels = plan->dst_blocks * FSN__LANES;

    g->filters = work;
    g->own = (char *)work + filter_bytes(plan);
    g->sums = (double *)(void *)(g->own + (size_t)threads * layout_of(plan).end);
    memset(g->sums, 0, (size_t)(2 * threads * channels) * sizeof *g->sums);
    g->stream = g->stream &&
                fsn__direct_streams(g->dst, plan->images * channels * plan->dst_h * plan->dst_w);
    fsn__pool_run(pool, pack_task, g);
}

void fsn__amx_gather_item(const struct fsn__amx_gather *g, int64_t item, int thread)
{
    const struct fsn__amx_plan *plan = &g->plan;
    const struct fsn__amx_band band = fsn__amx_band(plan, item);
    char *own = g->own + (size_t)thread * layout_of(plan).end;
    double *sums = g->sums + 2 * thread * plan->dst_blocks * FSN__LANES;

    pack_band(g, &band, own);
    for (int64_t t = 0; t < band.rows; t += plan->strip)
        run_strip(g, &band, t, band.rows - t < plan->strip ? band.rows : t + plan->strip, own,
                  sums);
    if (g->stream)
        fsn__vec_fence();
}

const fsn__bf16 *fsn__amx_gather_packed(const struct fsn__amx_gather *g, int64_t chunk, int thread)
{
    return (const fsn__bf16 *)(const void *)(g->own + (size_t)thread * layout_of(&g->plan).end) +
           chunk * chunk_step(&g->plan);
}

void fsn__amx_gather_end(const struct fsn__amx_gather *g, int threads)
{
    float *const to[] = {g->backward ? g->grad_store->da : g->store->sum,
                         g->backward ? g->grad_store->db : g->store->sum_sq};

    fsn__direct_add_sums(g->sums, threads, g->plan.dst_blocks * FSN__LANES, to, !g->backward);
}
