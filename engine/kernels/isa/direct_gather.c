/* direct_gather.c - forward and backward data of the direct convolution (direct_plan.h): the loops
 * around the register tiles.
 *
 * A task item is a band of grid rows of one group of one image (all rows of several images, when
 * they are small), and a share of the chunks when the bands are fewer than the threads. It is
 * packed, then
 *
 *   for each chunk of destination blocks, for each phase,
 *     for each set of source blocks whose filters fit in half of the L1:
 *       for each image and row, for each tile of the row: acc (+)= filters * source
 *     a row that the last set has finished is stored
 *
 * so filters come from the L1, sums wait in the L2 between sets. Statistics per channel are summed
 * in double by each thread and added up in the order of the threads.
 */
#include "kernels/isa/direct.h"

#include <string.h>

/* Floats of the filters that one pass over a band keeps in the L1. */
#define FILTER_FLOATS 5120

struct gather {
    struct fsn__direct_plan plan;
    const struct fsn__conv_shape *shape;
    bool backward;
    const float *src;
    const struct fsn__filters *w;
    float *dst;
    struct fsn__reader reader;
    const struct fsn__store *store;           /* forward */
    const struct fsn__grad_store *grad_store; /* backward */
    const float *beside;                      /* residual or z, like dst */
    bool in_place;                            /* the source is read where it is, without packing */
    bool sums;
    bool stream; /* the destination is stored past the caches */
    struct fsn__direct_batches batch;
    int64_t chunks, splits; /* of a group's destination; tasks that share the chunks of a band */
    float *filters;
    float *packed, *acc;                            /* [threads] */
    double *sum;                                    /* [threads][2][dst_map_blocks * 16] */
    int64_t packed_floats, acc_floats, sum_doubles; /* of one thread */
};

/* A band of one group of some images at work. */
struct band {
    const struct gather *g;
    int64_t image0, images, group, row0, rows;
    const float *source; /* packed, or the map itself */
    int64_t source_image, source_block;
    float *acc;
    double *sum1, *sum2;
};

/* Of one image. */
static int64_t acc_floats(const struct fsn__direct_plan *plan)
{
    return plan->band * plan->grid_cols * FSN__MAX_CHUNK * FSN__LANES;
}

static int64_t packed_floats(const struct fsn__direct_plan *plan)
{
    return plan->src_blocks * plan->block_pitch;
}

size_t fsn__direct_gather_work(const struct fsn__direct_plan *plan, int threads)
{
    const int64_t images = fsn__direct_batch(plan, threads).most;
    const int64_t each =
        images * (packed_floats(plan) + acc_floats(plan)) + 4 * plan->dst_map_blocks * FSN__LANES;

    return (size_t)(fsn__direct_filter_floats(plan) + threads * each) * sizeof(float);
}

/* A row of one destination block of image image0 + image: where it is, and what goes with it. */
static struct fsn__row row_at(const struct band *band, const struct fsn__direct_phase *phase,
                              int64_t image, int64_t row, int64_t block)
{
    const struct gather *g = band->g;
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t map_block = band->group * plan->dst_blocks + block;
    const int64_t y = phase->y0 + (band->row0 + row) * plan->dst_step_y;
    const int64_t at =
        ((((band->image0 + image) * plan->dst_map_blocks + map_block) * plan->dst_h + y) *
             plan->dst_w +
         phase->x0) *
        FSN__LANES;
    const struct fsn__row r = {
        .pixels = phase->cols,
        .dst = g->dst + at,
        .dst_pixel = plan->dst_step_x * FSN__LANES,
        .stream = g->stream,
        .beside = g->beside ? g->beside + at : NULL,
        .channel = map_block * FSN__LANES,
        .sum1 = g->sums ? band->sum1 + map_block * FSN__LANES : NULL,
        .sum2 = g->sums ? band->sum2 + map_block * FSN__LANES : NULL,
    };

    return r;
}

static void store_row(const struct gather *g, const struct fsn__row *row)
{
    if (g->backward)
        fsn__direct_store_backward(row, g->grad_store);
    else
        fsn__direct_store_forward(row, g->store);
}

/* Asks for the cache lines that store_row is about to need: the tiles take long enough for them to
 * come, and rows of a strided destination are beyond what the hardware foresees. */
static void prefetch_row(const struct fsn__row *r)
{
    for (int64_t p = 0; p < r->pixels; p++) {
        if (r->beside)
            fsn__prefetch(r->beside + p * r->dst_pixel);
        if (!r->stream)
            __builtin_prefetch(r->dst + p * r->dst_pixel, 1);
    }
}

/* The tiles of one row, as equal as can be. */
static void run_tiles(const struct gather *g, struct fsn__tile *tile, int chunk, int64_t cols)
{
    const int64_t most = fsn__direct_tile_pixels(chunk);
    const int64_t count = (cols + most - 1) / most;

    for (int64_t i = 0; i < count; i++) {
        const int64_t pixels = cols * (i + 1) / count - cols * i / count;

        if (g->plan.depthwise)
            fsn__depthwise_tile(pixels)(tile);
        else
            fsn__direct_tile(chunk, pixels)(tile);
        tile->source += pixels * FSN__LANES;
        tile->acc += pixels * chunk * FSN__LANES;
    }
}

/* A phase that no tap falls into, as three of four of a 1x1 filter of stride two: its gradient is 0
 * and adds nothing to the sums. */
static void run_empty_phase(const struct band *band, const struct fsn__direct_phase *phase,
                            int64_t dst0, int chunk)
{
    const int64_t left = phase->rows - band->row0;
    const int64_t rows = left < band->rows ? left : band->rows;

    for (int64_t i = 0; i < band->images * rows * chunk; i++) {
        const struct fsn__row row =
            row_at(band, phase, i / (rows * chunk), i % rows, dst0 + i / rows % chunk);

        fsn__direct_store_zeros(&row);
    }
}

/* One row of the grid of one image: a set's part of the sums; with the last set, the store. */
static void run_row(const struct band *band, const struct fsn__direct_phase *phase,
                    struct fsn__tile tile, int64_t image, int64_t row, int64_t dst0, int chunk,
                    bool last)
{
    const struct gather *g = band->g;
    float *acc = tile.acc;
    struct fsn__row done[FSN__MAX_CHUNK];

    for (int i = 0; last && i < chunk; i++) {
        done[i] = row_at(band, phase, image, row, dst0 + i);
        done[i].acc = acc + i * FSN__LANES;
        done[i].acc_pixel = chunk * FSN__LANES;
        prefetch_row(&done[i]);
    }
    run_tiles(g, &tile, chunk, phase->cols);
    for (int i = 0; last && i < chunk; i++)
        store_row(g, &done[i]);
}

static void run_phase(const struct band *band, const struct fsn__direct_phase *phase, int64_t dst0,
                      int chunk)
{
    const struct gather *g = band->g;
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t tap_floats = (plan->depthwise ? 1 : FSN__LANES) * FSN__LANES; /* of a block */
    const int64_t block_floats = plan->filter_taps * tap_floats * chunk;
    const float *filters = g->filters + (band->group * plan->dst_blocks + dst0) * plan->src_blocks *
                                            plan->filter_taps * tap_floats;
    const int64_t row_floats = phase->cols * chunk * FSN__LANES;
    const int64_t left = phase->rows - band->row0, rows = left < band->rows ? left : band->rows;
    int64_t set = FILTER_FLOATS / (tap_floats * chunk * phase->taps);

    set = set < 1 ? 1 : set;
    for (int64_t block = 0; block < plan->src_blocks; block += set) {
        const bool last = plan->src_blocks - block <= set;
        struct fsn__tile tile = {
            .weights = filters + block * block_floats,
            .source_block = band->source_block,
            .weights_block = block_floats,
            .tap = plan->tap + phase->tap0,
            .taps = phase->taps,
            .blocks = last ? plan->src_blocks - block : set,
            .last_lanes =
                last ? plan->src_channels - (plan->src_blocks - 1) * FSN__LANES : FSN__LANES,
            .add = block > 0,
        };

        for (int64_t i = 0; i < band->images * rows; i++) {
            const int64_t image = i / rows, row = i % rows;

            tile.source = band->source + image * band->source_image + block * band->source_block +
                          row * plan->src_step_y * plan->row_pitch;
            tile.acc = band->acc + (set >= plan->src_blocks ? 0 : i * row_floats);
            run_row(band, phase, tile, image, row, dst0, chunk, last);
        }
    }
}

/* Finds or makes the source of the band. */
static void read_band(struct band *band, float *packed)
{
    const struct gather *g = band->g;
    const struct fsn__direct_plan *plan = &g->plan;
    const int64_t map = plan->src_h * plan->src_w * FSN__LANES;
    const int64_t block = plan->few ? 0 : band->group * plan->src_blocks; /* of the map */
    const int64_t channel = block * FSN__LANES;
    struct fsn__reader reader = g->reader;

    if (g->in_place) {
        band->source = g->src + (band->image0 * plan->src_map_blocks + block) * map +
                       band->row0 * plan->row_pitch;
        band->source_image = plan->src_map_blocks * map;
        band->source_block = map;
        return;
    }
    band->source = packed;
    band->source_image = packed_floats(plan);
    band->source_block = plan->block_pitch;
    reader.a = reader.a ? reader.a + channel : NULL;
    reader.b = reader.b ? reader.b + channel : NULL;
    reader.ds1 = reader.ds1 ? reader.ds1 + channel : NULL;
    reader.ds2 = reader.ds2 ? reader.ds2 + channel : NULL;
    reader.scale = reader.scale ? reader.scale + channel : NULL;
    for (int64_t i = 0; i < band->images; i++) {
        const int64_t at = ((band->image0 + i) * plan->src_map_blocks + block) * map;

        reader.z = g->reader.z ? g->reader.z + at : NULL;
        fsn__direct_pack_source(plan, g->src + at, &reader, band->row0, band->rows,
                                packed + i * packed_floats(plan));
    }
}

static void run_band(struct band *band, int64_t first_chunk, int64_t end_chunk, float *packed)
{
    const struct gather *g = band->g;
    const struct fsn__direct_plan *plan = &g->plan;
    int64_t index = 0;

    read_band(band, packed);
    for (int64_t dst0 = 0; dst0 < plan->dst_blocks; index++) {
        const int chunk = fsn__direct_chunk(plan->dst_blocks - dst0);

        for (int i = 0; index >= first_chunk && index < end_chunk && i < plan->phase_count; i++) {
            const struct fsn__direct_phase *phase = &plan->phase[i];

            if (phase->rows <= band->row0)
                continue;
            if (phase->taps > 0)
                run_phase(band, phase, dst0, chunk);
            else if (!g->grad_store->accumulate)
                run_empty_phase(band, phase, dst0, chunk);
        }
        dst0 += chunk;
    }
}

static void pack_task(void *arg, int thread, int threads)
{
    const struct gather *g = arg;

    fsn__direct_pack_filters(&g->plan, g->shape, g->backward, g->w, g->filters, thread, threads);
}

static void gather_task(void *arg, int thread, int threads)
{
    const struct gather *g = arg;
    const struct fsn__direct_plan *plan = &g->plan;
    double *sum = g->sum + thread * g->sum_doubles;
    struct band band = {.g = g,
                        .acc = g->acc + thread * g->acc_floats,
                        .sum1 = sum,
                        .sum2 = sum + g->sum_doubles / 2};
    int64_t begin, end;

    memset(sum, 0, (size_t)g->sum_doubles * sizeof *sum);
    fsn__share(g->batch.batches * plan->groups * plan->bands * g->splits, thread, threads, &begin,
               &end);
    for (int64_t item = begin; item < end; item++) {
        const int64_t split = item % g->splits, part = item / g->splits / plan->bands;
        const int64_t batch = part / plan->groups;
        int64_t first, last;

        band.row0 = item / g->splits % plan->bands * plan->band;
        band.rows =
            plan->grid_rows - band.row0 < plan->band ? plan->grid_rows - band.row0 : plan->band;
        band.group = part % plan->groups;
        band.image0 = plan->images * batch / g->batch.batches;
        band.images = plan->images * (batch + 1) / g->batch.batches - band.image0;
        first = g->chunks * split / g->splits;
        last = g->chunks * (split + 1) / g->splits;
        run_band(&band, first, last, g->packed + thread * g->packed_floats);
    }
    if (g->stream)
        fsn__vec_fence();
}

static void run(struct gather *g, void *work, struct fsn__pool *pool)
{
    const struct fsn__direct_plan *plan = &g->plan;
    const int threads = fsn__pool_slices(pool);
    int64_t items;

    g->filters = work;
    g->batch = fsn__direct_batch(plan, threads);
    g->packed_floats = g->batch.most * packed_floats(plan);
    g->acc_floats = g->batch.most * acc_floats(plan);
    g->sum_doubles = 2 * plan->dst_map_blocks * FSN__LANES;
    g->packed = g->filters + fsn__direct_filter_floats(plan);
    g->acc = g->packed + threads * g->packed_floats;
    g->sum = (double *)(void *)(g->acc + threads * g->acc_floats);
    for (int64_t dst0 = 0; dst0 < plan->dst_blocks; g->chunks++)
        dst0 += fsn__direct_chunk(plan->dst_blocks - dst0);
    items = g->batch.batches * plan->groups * plan->bands;
    g->splits = (threads + items - 1) / items;
    g->splits = g->splits > g->chunks ? g->chunks : g->splits;
    g->in_place = !g->reader.a && !g->reader.relu && !g->reader.ds1 && !plan->few &&
                  plan->filter_taps == 1 && plan->src_step_y == 1 && plan->src_step_x == 1 &&
                  plan->row_min == 0 && plan->col_min == 0 && plan->grid_rows == plan->src_h &&
                  plan->grid_cols == plan->src_w;
    g->stream =
        g->stream && fsn__direct_streams(g->dst, plan->images * plan->dst_map_blocks * plan->dst_h *
                                                     plan->dst_w * FSN__LANES);
    fsn__pool_run(pool, pack_task, g);
    fsn__pool_run(pool, gather_task, g);
}

void fsn__direct_forward(const struct fsn__conv_shape *shape, const float *x,
                         const struct fsn__load *load, const struct fsn__filters *w, float *z,
                         const struct fsn__store *store, void *work, struct fsn__pool *pool)
{
    const struct fsn__store nothing = {0};
    struct gather g = {.shape = shape, .src = x, .w = w, .dst = z, .stream = true};

    g.store = store ? store : &nothing;
    g.beside = g.store->residual;
    g.sums = g.store->sum || g.store->sum_sq;
    g.reader = fsn__direct_reader(load);
    fsn__direct_plan_forward(shape, &g.plan);
    run(&g, work, pool);
    fsn__direct_add_sums(g.sum, fsn__pool_slices(pool), g.sum_doubles / 2,
                         (float *[]){g.store->sum, g.store->sum_sq}, true);
}

void fsn__direct_backward_data(const struct fsn__conv_shape *shape, const float *dz,
                               const struct fsn__grad_load *grad, const struct fsn__filters *w,
                               float *dx, const struct fsn__grad_store *store, void *work,
                               struct fsn__pool *pool)
{
    const struct fsn__grad_store nothing = {0};
    struct gather g = {.shape = shape, .backward = true, .src = dz, .w = w, .dst = dx};

    g.grad_store = store ? store : &nothing;
    g.beside = g.grad_store->z;
    g.stream = !g.grad_store->accumulate;
    g.sums = g.grad_store->da || g.grad_store->db;
    g.reader = fsn__direct_grad_reader(grad);
    fsn__direct_plan_backward(shape, &g.plan);
    run(&g, work, pool);
    fsn__direct_add_sums(g.sum, fsn__pool_slices(pool), g.sum_doubles / 2,
                         (float *[]){g.grad_store->da, g.grad_store->db}, false);
}
