/* op_channel_copy.c - ChannelCopy: blocked tensors copied into ranges of the output's channels.
 *
 *   y[n, offset_i + c, h, w] = x_i[n, c, start_y + h step_y, start_x + w step_x],  c < count_i
 *   every other channel of y is zero;   dx_i[...] += dy[...]
 *
 * It is Concat (several inputs, one after another), the shortcut without parameters of He et al.
 * ("option A": every second pixel, channels padded with zeros) and what leads up to it, Slice and
 * Pad. Attributes: channels (of y); offsets, counts (ints, one an input); starts, steps (ints, of
 * height and width); sizes (ints, height and width of y).
 *
 * Offsets need not be multiples of 16: a block of x then lies across two blocks of y.
 */
#include "kernels/blocked.h"
#include "kernels/elementwise.h"

#include <string.h>

struct copy {
    const struct fsn__elementwise *loops;
    struct fsn__blocked in, out;
    int64_t offset, count;
    int64_t start[2], step[2];
    float *x, *y;   /* forward: x to y; backward: y to x */
    bool overwrite; /* backward: x holds nothing yet */
};

static void read_copy(const struct fsn__op_ctx *ctx, int i, struct copy *copy)
{
    size_t n;
    const int64_t *starts = fsn__attr_ints(ctx->attrs, "starts", &n);
    const int64_t *steps = fsn__attr_ints(ctx->attrs, "steps", &n);

    *copy = (struct copy){.in = fsn__blocked_of(ctx->in[i]),
                          .out = fsn__blocked_of(ctx->out[0]),
                          .offset = fsn__attr_ints(ctx->attrs, "offsets", &n)[i],
                          .count = fsn__attr_ints(ctx->attrs, "counts", &n)[i],
                          .start = {starts[0], starts[1]},
                          .step = {steps[0], steps[1]}};
}

/* Channels [first, first + lanes) of x lie in one block of x and one of y; backward adds. */
static void copy_lanes(const struct copy *c, int64_t n, int64_t first, int64_t lanes, bool back)
{
    const int64_t to = c->offset + first, step = c->step[1] * FSN__LANES;
    float *x = c->x + (n * c->in.blocks + first / FSN__LANES) * c->in.plane + first % FSN__LANES;
    float *y = c->y + (n * c->out.blocks + to / FSN__LANES) * c->out.plane + to % FSN__LANES;

    int64_t rows = c->out.h, pixels = c->out.w;

    if (c->step[0] == 1 && c->step[1] == 1 && c->in.w == c->out.w) { /* whole planes: one row */
        pixels *= rows;
        rows = 1;
    }
    for (int64_t h = 0; h < rows; h++, y += pixels * FSN__LANES) {
        float *row = x + ((c->start[0] + h * c->step[0]) * c->in.w + c->start[1]) * FSN__LANES;

        if (back)
            c->loops->copy(pixels, lanes, y, FSN__LANES, row, step, true);
        else
            c->loops->copy(pixels, lanes, row, step, y, FSN__LANES, false);
    }
}

static void copy_image(const struct copy *c, int64_t n, bool back)
{
    int64_t lanes;

    for (int64_t first = 0; first < c->count; first += lanes) {
        lanes = FSN__LANES - first % FSN__LANES; /* to the end of the block in x ... */
        if (FSN__LANES - (c->offset + first) % FSN__LANES < lanes)
            lanes = FSN__LANES - (c->offset + first) % FSN__LANES; /* ... and in y */
        if (c->count - first < lanes)
            lanes = c->count - first;
        copy_lanes(c, n, first, lanes, back);
    }
}

struct job {
    const struct fsn__op_ctx *ctx;
    const struct fsn__elementwise *loops;
    int64_t blank; /* y's first block that the inputs do not fill */
};

static void forward_task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const struct fsn__op_ctx *ctx = job->ctx;
    const struct fsn__blocked out = fsn__blocked_of(ctx->out[0]);
    const int64_t image = out.blocks * out.plane;
    int64_t begin, end;

    fsn__share(out.n, thread, threads, &begin, &end);
    for (int64_t n = begin; n < end; n++) {
        float *y = fsn__f32(ctx->out[0]) + n * image;

        memset(y + job->blank * out.plane, 0,
               (size_t)((out.blocks - job->blank) * out.plane) * sizeof *y);
        for (int i = 0; i < ctx->n_in; i++) {
            struct copy copy;

            read_copy(ctx, i, &copy);
            copy.loops = job->loops;
            copy.x = fsn__f32(ctx->in[i]);
            copy.y = fsn__f32(ctx->out[0]);
            copy_image(&copy, n, false);
        }
    }
}

static void backward_task(void *arg, int thread, int threads)
{
    const struct job *job = arg;
    const struct fsn__op_ctx *ctx = job->ctx;
    const struct fsn__blocked out = fsn__blocked_of(ctx->out[0]);
    int64_t begin, end;

    fsn__share(out.n, thread, threads, &begin, &end);
    for (int64_t n = begin; n < end; n++)
        for (int i = 0; i < ctx->n_in; i++) {
            struct copy copy;

            read_copy(ctx, i, &copy);
            copy.loops = job->loops;
            copy.x = fsn__input_grad_raw(ctx, i, &copy.overwrite);
            copy.y = fsn__f32(ctx->dout[0]);
            if (!copy.x)
                continue;
            if (copy.overwrite)
                memset(copy.x + n * copy.in.blocks * copy.in.plane, 0,
                       (size_t)(copy.in.blocks * copy.in.plane) * sizeof *copy.x);
            copy_image(&copy, n, true);
        }
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    static const char *const names[] = {"offsets", "counts", "starts", "steps", "sizes"};
    const size_t want[] = {(size_t)ctx->n_in, (size_t)ctx->n_in, 2, 2, 2};
    const int64_t channels = fsn__attr_int(ctx->attrs, "channels", 0);
    const struct fsn__tensor *x = ctx->in[0];
    const int64_t *list[5];

    for (int i = 0; i < 5; i++) {
        size_t count;

        list[i] = fsn__attr_ints(ctx->attrs, names[i], &count);
        if (count != want[i])
            return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "%s has %zu numbers", names[i], count);
    }
    for (int i = 0; i < ctx->n_in; i++) {
        enum fsn_status status = fsn__blocked_input(ctx, i, err);
        bool fits;

        if (status != FSN_OK)
            return status;
        fits = list[0][i] >= 0 && list[1][i] >= 0 && list[0][i] + list[1][i] <= channels &&
               list[1][i] <= ctx->in[i]->dim[1] * FSN__LANES && ctx->in[i]->dim[0] == x->dim[0];
        for (int k = 0; k < 2; k++) {
            const int64_t last = list[2][k] + (list[4][k] - 1) * list[3][k];

            fits &= list[2][k] >= 0 && list[3][k] >= 1 && list[4][k] >= 1 &&
                    last < ctx->in[i]->dim[2 + k];
        }
        if (!fits)
            return FSN__OP_FAIL(ctx, err, FSN_INTERNAL, "input %d %s does not fit", i,
                                FSN__SHAPE(ctx->in[i]));
    }
    return fsn__blocked_output(ctx, x->dim[0], fsn__channel_blocks(channels), list[4][0],
                               list[4][1], err);
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = {.ctx = ctx};
    enum fsn_status status = fsn__elementwise_get(&job.loops, err);
    int64_t covered = 0;
    size_t n;

    if (status != FSN_OK)
        return status;
    for (int i = 0; i < ctx->n_in; i++)
        covered += fsn__attr_ints(ctx->attrs, "counts", &n)[i];
    /* Concatenated they fill all channels, and only the last block may have lanes to spare. */
    if (covered == fsn__attr_int(ctx->attrs, "channels", 0))
        job.blank = covered / FSN__LANES;
    fsn__pool_run(ctx->pool, forward_task, &job);
    return FSN_OK;
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct job job = {.ctx = ctx};
    enum fsn_status status = fsn__elementwise_get(&job.loops, err);

    if (status == FSN_OK && ctx->dout[0])
        fsn__pool_run(ctx->pool, backward_task, &job);
    return status;
}

const struct fsn__op fsn__op_channel_copy = {
    .name = "ChannelCopy",
    .domain = FSN__FAST_DOMAIN,
    .min_in = 1,
    .max_in = FSN__MAX_IO,
    .min_out = 1,
    .max_out = 1,
    .flags = FSN__OVERWRITES,
    .infer = infer,
    .forward = forward,
    .backward = backward,
};
