/*
 * op_pad.c - Pad: adds elements around each axis, or removes them where a pad is negative.
 *
 * y has begin[i] + dim[i] + end[i] elements along axis i. Element o of y lies at s = o - begin of
 * x; inside what is kept of x, [lo, hi), it is x[s], outside it depends on the mode:
 *
 *     constant  the constant value
 *     edge      x[lo] or x[hi - 1]
 *     reflect   the neighbour mirrored at the first or last element, period 2 (hi - lo - 1)
 *     wrap      period hi - lo
 *
 * These source positions are worked out once an axis (-1: the constant). Rows then copy their
 * inside as one run. The gradient goes back along the same positions.
 */
#include "ops/infer.h"
#include "ops/walk.h"

#include <string.h>

enum pad_mode { PAD_CONSTANT, PAD_EDGE, PAD_REFLECT, PAD_WRAP, PAD_MODE_COUNT };

static const char *const mode_names[PAD_MODE_COUNT] = {"constant", "edge", "reflect", "wrap"};

struct pads {
    enum pad_mode mode;
    int64_t begin[FSN_MAX_DIMS], end[FSN_MAX_DIMS];
};

static enum fsn_status read_pads(const struct fsn__op_ctx *ctx, struct pads *pads,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    const char *mode = fsn__attr_string(ctx->attrs, "mode", "constant");
    int64_t given[2 * FSN_MAX_DIMS], axes[FSN_MAX_DIMS];
    int axis[FSN_MAX_DIMS], n_given, n_axes = x->ndim;
    enum fsn_status status = fsn__op_ints(ctx, 1, "pads", 2 * FSN_MAX_DIMS, given, &n_given, err);

    for (int i = 0; i < x->ndim; i++)
        axes[i] = i;
    if (status == FSN_OK && fsn__op_has_input(ctx, 3))
        status = fsn__op_ints(ctx, 3, "axes", FSN_MAX_DIMS, axes, &n_axes, err);
    if (status == FSN_OK)
        status = fsn__op_axes(ctx, axes, n_axes, x->ndim, axis, err);
    if (status != FSN_OK)
        return status;
    if (n_given != 2 * n_axes)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "has %d pads, expected 2 for each of %d axes",
                            n_given, n_axes);
    *pads = (struct pads){.mode = PAD_CONSTANT};
    while (pads->mode < PAD_MODE_COUNT && strcmp(mode, mode_names[pads->mode]) != 0)
        pads->mode++;
    if (pads->mode == PAD_MODE_COUNT)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                            "mode '%s' is none of constant, edge, reflect, wrap", mode);
    for (int i = 0; i < n_axes; i++) {
        pads->begin[axis[i]] = given[i];
        pads->end[axis[i]] = given[n_axes + i];
    }
    return FSN_OK;
}

/* What is kept of an axis of n elements: [lo, hi), lo == hi when nothing is. */
static void kept(int64_t n, int64_t begin, int64_t end, int64_t *lo, int64_t *hi)
{
    *lo = begin < 0 ? -begin : 0;
    *hi = end < 0 ? n + end : n;
    if (*lo > n)
        *lo = n;
    if (*hi < *lo)
        *hi = *lo;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS], lo, hi;
    struct pads pads;
    enum fsn_status status = read_pads(ctx, &pads, err);

    if (status != FSN_OK)
        return status;
    if (fsn__op_has_input(ctx, 2)) {
        const struct fsn__tensor *value = ctx->in[2];

        if (value->dtype != x->dtype)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its constant value is %s, its input %s",
                                fsn__dtype_name(value->dtype), fsn__dtype_name(x->dtype));
        if (fsn__numel(value) != 1)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "its constant value has shape %s, expected one element",
                                FSN__SHAPE(value));
    }
    for (int i = 0; i < x->ndim; i++) {
        int64_t begin = pads.begin[i], end = pads.end[i];

        dim[i] = x->dim[i];
        if (begin == 0 && end == 0)
            continue;
        if (dim[i] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "pads the batch axis, which is not supported");
        if (begin == FSN_BATCH || end == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "pads axis %d by the batch size, which is not fixed", i);
        if (__builtin_add_overflow(dim[i], begin, &dim[i]) ||
            __builtin_add_overflow(dim[i], end, &dim[i]) || dim[i] < 0)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "pads %lld and %lld do not fit axis %d of input %s",
                                (long long)begin, (long long)end, i, FSN__SHAPE(x));
        kept(x->dim[i], begin, end, &lo, &hi);
        if (pads.mode != PAD_CONSTANT && lo == hi && dim[i] > 0)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE,
                                "mode %s has nothing to repeat along axis %d of %s",
                                mode_names[pads.mode], i, FSN__SHAPE(x));
    }
    return fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
}

static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    size_t positions = 0;

    /* Of an empty output no position is needed, however long its other axes are. */
    for (int i = 0; i < ctx->out[0]->ndim && fsn__numel(ctx->out[0]) > 0; i++)
        positions += (size_t)ctx->out[0]->dim[i];
    *work = positions * sizeof(int64_t);
    *saved = 0;
}

/* ---- source positions ----------------------------------------------------------------------- */

static int64_t positive_mod(int64_t a, int64_t b)
{
    int64_t r = a % b;

    return r < 0 ? r + b : r;
}

static int64_t source_of(enum pad_mode mode, int64_t s, int64_t lo, int64_t hi)
{
    int64_t last = hi - lo - 1, p;

    if (s >= lo && s < hi)
        return s;
    switch (mode) {
    case PAD_EDGE:
        return s < lo ? lo : hi - 1;
    case PAD_REFLECT:
        p = last == 0 ? 0 : positive_mod(s - lo, 2 * last);
        return lo + (p <= last ? p : 2 * last - p);
    case PAD_WRAP:
        return lo + positive_mod(s - lo, hi - lo);
    case PAD_CONSTANT:
    case PAD_MODE_COUNT:
        break;
    }
    return -1;
}

/* Everything that the rows need, for both directions. */
struct pad_task {
    const struct fsn__tensor *y; /* its shape */
    const int64_t *source[FSN_MAX_DIMS];
    const int64_t *in_row; /* source of the last axis */
    int64_t x_stride[FSN_MAX_DIMS];
    int64_t rows, length; /* y as rows along the last axis; a scalar is one of one element */
    int64_t unit;         /* rows that one thread keeps together */
    int64_t inside[2];    /* of a row, [from, to): the part that is one run of x */
    size_t bytes;
    const char *value; /* one element, or NULL for zero */
    char *to;
    const char *from;
};

static enum fsn_status prepare(const struct fsn__op_ctx *ctx, struct pad_task *task,
                               struct pads *pads, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];
    static const int64_t scalar_source[1] = {0};
    int64_t *source = ctx->work;
    int last = x->ndim - 1;
    enum fsn_status status = read_pads(ctx, pads, err);

    if (status != FSN_OK)
        return status;
    *task = (struct pad_task){.y = y,
                              .in_row = scalar_source,
                              .length = last < 0 ? 1 : y->dim[last],
                              .unit = 1,
                              .inside = {0, 1},
                              .bytes = fsn__dtype_bytes(x->dtype)};
    fsn__dense_strides(x, task->x_stride);
    task->rows = fsn__numel_range(y, 0, last < 0 ? 0 : last);
    for (int i = 0; i <= last; i++) {
        int64_t lo, hi;

        kept(x->dim[i], pads->begin[i], pads->end[i], &lo, &hi);
        task->source[i] = task->in_row = source;
        for (int64_t o = 0; o < y->dim[i]; o++)
            *source++ = source_of(pads->mode, o - pads->begin[i], lo, hi);
        task->inside[0] = lo < hi ? lo + pads->begin[i] : 0;
        task->inside[1] = lo < hi ? hi + pads->begin[i] : 0;
    }
    return FSN_OK;
}

/* Offset in x of the row of y, or -1 when the row is all padding. */
static int64_t row_offset(const struct pad_task *task, int64_t row)
{
    int64_t offset = 0;

    for (int i = task->y->ndim - 2; i >= 0; i--) {
        int64_t source = task->source[i][row % task->y->dim[i]];

        if (source < 0)
            return -1;
        offset += source * task->x_stride[i];
        row /= task->y->dim[i];
    }
    return offset;
}

/* ---- forward -------------------------------------------------------------------------------- */

static void fill(const struct pad_task *task, char *to, int64_t n)
{
    if (!task->value) {
        memset(to, 0, (size_t)n * task->bytes);
        return;
    }
    for (int64_t i = 0; i < n; i++)
        memcpy(to + (size_t)i * task->bytes, task->value, task->bytes);
}

/* Elements [from, to) of a row outside its inside. */
static void copy_rim(const struct pad_task *task, char *y, const char *x, int64_t from, int64_t to)
{
    const int64_t *source = task->in_row;

    for (int64_t o = from; o < to; o++) {
        if (source[o] < 0)
            fill(task, y + (size_t)o * task->bytes, 1);
        else
            memcpy(y + (size_t)o * task->bytes, x + (size_t)source[o] * task->bytes, task->bytes);
    }
}

static void forward_rows(void *arg, int thread, int threads)
{
    const struct pad_task *task = arg;
    int64_t n = task->length, begin, end;

    fsn__share(task->rows, thread, threads, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        int64_t offset = row_offset(task, row), first = task->inside[0], last = task->inside[1];
        char *y = task->to + (size_t)(row * n) * task->bytes;
        const char *x;

        if (offset < 0) {
            fill(task, y, n);
            continue;
        }
        x = task->from + (size_t)offset * task->bytes;
        copy_rim(task, y, x, 0, first);
        if (first < last) {
            memcpy(y + (size_t)first * task->bytes, x + (size_t)task->in_row[first] * task->bytes,
                   (size_t)(last - first) * task->bytes);
        }
        copy_rim(task, y, x, last, n);
    }
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    int64_t n = fsn__numel(ctx->out[0]);
    struct pad_task task;
    struct pads pads;
    enum fsn_status status;

    if (n == 0)
        return FSN_OK;
    status = prepare(ctx, &task, &pads, err);
    if (status != FSN_OK)
        return status;
    task.to = ctx->out[0]->data;
    task.from = ctx->in[0]->data;
    task.value = fsn__op_has_input(ctx, 2) ? ctx->in[2]->data : NULL;
    fsn__pool_run(n < FSN__SERIAL_BELOW ? NULL : ctx->pool, forward_rows, &task);
    return FSN_OK;
}

/* ---- backward ------------------------------------------------------------------------------- */

static void backward_rows(void *arg, int thread, int threads)
{
    const struct pad_task *task = arg;
    const int64_t *source = task->in_row;
    int64_t n = task->length, begin, end;

    fsn__share(task->rows / task->unit, thread, threads, &begin, &end);
    for (int64_t row = begin * task->unit; row < end * task->unit; row++) {
        int64_t offset = row_offset(task, row);
        const float *dy = (const float *)(const void *)task->from + row * n;
        float *dx = (float *)(void *)task->to;

        for (int64_t o = 0; o < n && offset >= 0; o++)
            if (source[o] >= 0)
                dx[offset + source[o]] += dy[o];
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct pad_task task;
    struct pads pads;
    enum fsn_status status;

    if (!ctx->din[0] || !ctx->dout[0] || fsn__numel(ctx->dout[0]) == 0)
        return FSN_OK;
    status = prepare(ctx, &task, &pads, err);
    if (status != FSN_OK)
        return status;
    /* Repeated elements gather several gradients: all of them must meet in one thread. */
    if (pads.mode != PAD_CONSTANT && task.y->ndim > 1)
        task.unit = pads.begin[0] == 0 && pads.end[0] == 0 ? task.rows / task.y->dim[0] : task.rows;
    task.to = ctx->din[0]->data;
    task.from = ctx->dout[0]->data;
    fsn__pool_run(fsn__numel(ctx->dout[0]) < FSN__SERIAL_BELOW ? NULL : ctx->pool, backward_rows,
                  &task);
    return FSN_OK;
}

const struct fsn__op fsn__op_pad = {
    .name = "Pad",
    .domain = "",
    .min_in = 2,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << 1 | 1 << 3,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
