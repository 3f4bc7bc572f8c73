/* winograd.c - which shapes Winograd takes, and how a pass is cut into blocks and buffers.
 *
 * Sizes that were measured (Zen 4, L2 of 1 MB): V and M of a block together stay below ~450 KB,
 * which is 96 tiles at 16 channels, 48 at 32 and 24 from 64 on; blocks are multiples of 24 tiles,
 * the most rows that a micro kernel takes at once. U beyond SMALL_U_BYTES no longer lives in the L2
 * and L3 of one core beside the rest.
 */
#include "kernels/winograd.h"

enum {
    TILE = 4,
    ROWS = 24,
    MOST_TILES = 96,
    BLOCK_CHANNELS = 3072, /* tiles of a block x channels and filters */
    LARGE_MOST_TILES = 192,
    LARGE_V_BYTES = 8 << 20,
    SMALL_U_BYTES = 4 << 20,
    SMALL_DU_BYTES = 4 << 20, /* one for every thread, and added to for every block of tiles */
};

static bool pads_fit(int64_t in, int64_t out, int64_t before)
{
    int64_t after = out + 2 - in - before;

    return before >= 0 && before <= 2 && after >= 0 && after <= 2;
}

/* Stride 2 as networks have it: one row of padding before and at most one after, whole blocks. */
static bool takes_strided(const struct fsn__conv_shape *s)
{
    return s->stride_y == 2 && s->stride_x == 2 && s->pad_top == 1 && s->pad_left == 1 &&
           s->p == (s->h + 1) / 2 && s->q == (s->w + 1) / 2 && s->c % FSN__LANES == 0 &&
           s->k % FSN__LANES == 0;
}

bool fsn__winograd_takes(const struct fsn__conv_shape *s)
{
    if (s->r != 3 || s->s != 3 || s->dilation_y != 1 || s->dilation_x != 1 || s->groups != 1)
        return false;
    return takes_strided(s) ||
           (s->stride_y == 1 && s->stride_x == 1 && pads_fit(s->h, s->p, s->pad_top) &&
            pads_fit(s->w, s->q, s->pad_left));
}

static int64_t clamp(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

static int64_t round_up(int64_t x, int64_t to)
{
    return (x + to - 1) / to * to;
}

/* Tiles of a block. */
static int64_t capacity(const struct fsn__wino *plan, int threads)
{
    int64_t v_blocks = plan->c_blocks * plan->c_parts, m_blocks = plan->k_blocks * plan->k_parts;
    int64_t channels = (v_blocks + m_blocks) * FSN__LANES * plan->frequencies;
    int64_t tiles, share;

    channels = (channels + FSN__WINO_FREQUENCIES - 1) / FSN__WINO_FREQUENCIES;
    if (plan->large) {
        tiles = LARGE_V_BYTES / (plan->frequencies * 4 * v_blocks * FSN__LANES);
        tiles = clamp(tiles / ROWS * ROWS, ROWS, LARGE_MOST_TILES);
        share = plan->tiles;
    } else {
        tiles = clamp(BLOCK_CHANNELS / channels / ROWS * ROWS, ROWS, MOST_TILES);
        share = (plan->tiles + threads - 1) / threads;
    }
    return clamp(round_up(share, ROWS), ROWS, tiles);
}

static size_t planes_bytes(const struct fsn__wino *plan, int64_t step)
{
    return (size_t)(step * plan->frequencies) * sizeof(float);
}

static void plan_buffers(struct fsn__wino *plan, int threads)
{
    bool weights = plan->pass == FSN__WINO_BACKWARD_WEIGHTS;
    int64_t v_blocks = plan->c_blocks * plan->c_parts, m_blocks = plan->k_blocks * plan->k_parts;
    int64_t groups = (m_blocks + FSN__WINO_GROUP - 1) / FSN__WINO_GROUP;
    int64_t u_rows = weights ? v_blocks * FSN__LANES : plan->c * plan->c_parts;
    int64_t u_size = u_rows * m_blocks * FSN__LANES;
    int64_t items = weights ? plan->c_blocks * groups : groups;
    size_t shared = 0, each;

    plan->large =
        planes_bytes(plan, u_size) > (weights ? SMALL_DU_BYTES : SMALL_U_BYTES) && items >= threads;
    plan->u_shared = !weights && !plan->large;
    plan->v_shared = plan->large;
    plan->m_shared = plan->large && weights;
    plan->capacity = capacity(plan, threads);
    if (plan->large && weights)
        u_size = FSN__LANES * FSN__WINO_GROUP * FSN__LANES * plan->c_parts;
    else if (plan->large)
        u_size = FSN__WINO_CHUNK * FSN__WINO_GROUP * FSN__LANES;
    if (plan->large && !weights)
        m_blocks = FSN__WINO_GROUP;
    plan->u_step = u_size + FSN__LANES;
    plan->v_step = v_blocks * plan->capacity * FSN__LANES + FSN__LANES;
    plan->m_step = m_blocks * plan->capacity * FSN__LANES + FSN__LANES;
    plan->u_bytes = planes_bytes(plan, plan->u_step);
    plan->v_bytes = planes_bytes(plan, plan->v_step);
    plan->m_bytes = planes_bytes(plan, plan->m_step);
    plan->sums_bytes = weights ? 0 : (size_t)(2 * plan->k_blocks * FSN__LANES) * sizeof(double);
    each = plan->u_bytes + plan->v_bytes + plan->m_bytes + plan->sums_bytes;
    shared += plan->u_shared ? plan->u_bytes : 0;
    shared += plan->v_shared ? plan->v_bytes : 0;
    shared += plan->m_shared ? plan->m_bytes : 0;
    plan->total_bytes = shared + (each - shared) * (size_t)threads;
}

/* All passes walk the same tiles: 4 x 4 of the smaller map, 8 x 8 of the larger one. */
static void plan_strided(const struct fsn__conv_shape *s, struct fsn__wino *plan)
{
    plan->frequencies = FSN__WINO_STRIDED_SIDE * FSN__WINO_STRIDED_SIDE;
    if (plan->pass == FSN__WINO_BACKWARD_DATA)
        plan->k_parts = FSN__WINO_PHASES;
    else
        plan->c_parts = FSN__WINO_PHASES;
    plan->tiles_x = (s->q + TILE - 1) / TILE;
    plan->tiles_image = (s->p + TILE - 1) / TILE * plan->tiles_x;
}

void fsn__wino_plan(const struct fsn__conv_shape *s, enum fsn__wino_pass pass, int threads,
                    struct fsn__wino *plan)
{
    *plan = (struct fsn__wino){.pass = pass,
                               .strided = s->stride_y == 2,
                               .frequencies = FSN__WINO_FREQUENCIES,
                               .n = s->n,
                               .c_parts = 1,
                               .k_parts = 1};
    if (pass == FSN__WINO_BACKWARD_DATA) {
        plan->c = s->k;
        plan->h = s->p;
        plan->w = s->q;
        plan->k = s->c;
        plan->p = s->h;
        plan->q = s->w;
        plan->pad_top = 2 - s->pad_top;
        plan->pad_left = 2 - s->pad_left;
    } else {
        plan->c = s->c;
        plan->h = s->h;
        plan->w = s->w;
        plan->k = s->k;
        plan->p = s->p;
        plan->q = s->q;
        plan->pad_top = s->pad_top;
        plan->pad_left = s->pad_left;
    }
    plan->c_blocks = fsn__channel_blocks(plan->c);
    plan->k_blocks = fsn__channel_blocks(plan->k);
    plan->tiles_x = (plan->q + TILE - 1) / TILE;
    plan->tiles_image = (plan->p + TILE - 1) / TILE * plan->tiles_x;
    if (plan->strided)
        plan_strided(s, plan);
    plan->tiles = plan->tiles_image * plan->n;
    plan_buffers(plan, threads);
}

struct fsn__wino_work fsn__wino_work(const struct fsn__wino *plan, void *work, int thread)
{
    const struct {
        size_t bytes;
        bool shared;
    } parts[] = {
        {plan->u_bytes, plan->u_shared},
        {plan->v_bytes, plan->v_shared},
        {plan->m_bytes, plan->m_shared},
        {plan->sums_bytes, false},
    };
    char *at[4], *shared = work;
    size_t each = 0;

    for (int i = 0; i < 4; i++) {
        if (parts[i].shared) {
            at[i] = shared;
            shared += parts[i].bytes;
        } else {
            each += parts[i].bytes;
        }
    }
    shared += each * (size_t)thread; /* now this thread's own part */
    for (int i = 0; i < 4; i++)
        if (!parts[i].shared) {
            at[i] = shared;
            shared += parts[i].bytes;
        }
    return (struct fsn__wino_work){
        .u = (float *)at[0], .v = (float *)at[1], .m = (float *)at[2], .sums = (double *)at[3]};
}

bool fsn__wino_joint(const struct fsn__wino *data, const struct fsn__wino *weights)
{
    return !data->large && !weights->large && data->tiles == weights->tiles &&
           data->capacity == weights->capacity;
}

/* [the filters' work][U][sums of each thread] */
struct fsn__wino_work fsn__wino_joint_work(const struct fsn__wino *data,
                                           const struct fsn__wino *weights, void *work, int thread)
{
    const struct fsn__wino_work other = fsn__wino_work(weights, work, thread);
    char *own = (char *)work + weights->total_bytes;

    return (struct fsn__wino_work){
        .u = (float *)own,
        .v = other.m,
        .m = other.v,
        .sums = (double *)(own + data->u_bytes + (size_t)thread * data->sums_bytes)};
}

size_t fsn__wino_work_bytes(const struct fsn__conv_shape *shape, int threads)
{
    struct fsn__wino plan[FSN__WINO_PASSES];
    const struct fsn__wino *data = &plan[FSN__WINO_BACKWARD_DATA];
    const struct fsn__wino *weights = &plan[FSN__WINO_BACKWARD_WEIGHTS];
    size_t most = 0;

    for (int pass = 0; pass < FSN__WINO_PASSES; pass++) {
        fsn__wino_plan(shape, (enum fsn__wino_pass)pass, threads, &plan[pass]);
        if (plan[pass].total_bytes > most)
            most = plan[pass].total_bytes;
    }
    if (fsn__wino_joint(data, weights)) {
        size_t joint = weights->total_bytes + data->u_bytes + data->sums_bytes * (size_t)threads;

        most = joint > most ? joint : most;
    }
    return most;
}
