/*
 * op_resize.c - Resize: nearest, linear and cubic resampling along any axes.
 *
 * Inputs: x, the region (roi, for tf_crop_and_resize), scales or sizes; these three are constants.
 * With `axes` they speak of those axes alone. O = floor(s I) for scales; sizes give s = O / I, or
 * with keep_aspect_ratio_policy one s for all axes (not_larger: the smallest, not_smaller: the
 * largest) and O = s I rounded.
 *
 * One pass for each axis that changes (resize_axis.h): from [outer, I, inner] to [outer, O, inner],
 * by way of two buffers in the work space, which also has the passes' taps and weights. The
 * gradient goes the same way back, adding each output's gradient to the inputs that it was taken
 * from. Nearest takes any element type, the others float32. A symbolic batch stays as it is.
 */
#include "core/mem.h"
#include "ops/infer.h"
#include "ops/resize_axis.h"
#include "ops/walk.h"

#include <math.h>
#include <string.h>

enum { ROI = 1, SCALES, SIZES };

struct resize {
    struct fsn__resize_rule rule;
    struct fsn__resize_axis axis[FSN_MAX_DIMS];
};

/* ---- attributes and inputs ------------------------------------------------------------------ */

struct name {
    const char *text;
    int value;
};

static const struct name modes[] = {
    {"nearest", FSN__RESIZE_NEAREST}, {"linear", FSN__RESIZE_LINEAR}, {"cubic", FSN__RESIZE_CUBIC}};
static const struct name coordinates[] = {
    {"half_pixel", FSN__RESIZE_HALF_PIXEL},
    {"half_pixel_symmetric", FSN__RESIZE_HALF_PIXEL_SYMMETRIC},
    {"pytorch_half_pixel", FSN__RESIZE_PYTORCH_HALF_PIXEL},
    {"align_corners", FSN__RESIZE_ALIGN_CORNERS},
    {"asymmetric", FSN__RESIZE_ASYMMETRIC},
    {"tf_half_pixel_for_nn", FSN__RESIZE_TF_HALF_PIXEL_FOR_NN},
    {"tf_crop_and_resize", FSN__RESIZE_TF_CROP_AND_RESIZE}};
static const struct name rounds[] = {{"round_prefer_floor", FSN__RESIZE_ROUND_PREFER_FLOOR},
                                     {"round_prefer_ceil", FSN__RESIZE_ROUND_PREFER_CEIL},
                                     {"floor", FSN__RESIZE_FLOOR},
                                     {"ceil", FSN__RESIZE_CEIL}};
enum policy { POLICY_STRETCH, POLICY_NOT_LARGER, POLICY_NOT_SMALLER };
static const struct name policies[] = {{"stretch", POLICY_STRETCH},
                                       {"not_larger", POLICY_NOT_LARGER},
                                       {"not_smaller", POLICY_NOT_SMALLER}};

#define COUNT(list) ((int)(sizeof(list) / sizeof(list)[0]))

/* The first name is the default. */
static enum fsn_status read_name(const struct fsn__op_ctx *ctx, const char *attr,
                                 const struct name *list, int count, int *out,
                                 struct fsn_error *err)
{
    const char *text = fsn__attr_string(ctx->attrs, attr, list[0].text);

    for (int i = 0; i < count; i++)
        if (strcmp(text, list[i].text) == 0) {
            *out = list[i].value;
            return FSN_OK;
        }
    return FSN__OP_FAIL(ctx, err, FSN_INVALID, "%s is '%s', which ONNX does not define", attr,
                        text);
}

static enum fsn_status read_rule(const struct fsn__op_ctx *ctx, struct fsn__resize_rule *rule,
                                 struct fsn_error *err)
{
    int mode = 0, where = 0, round = 0;
    enum fsn_status status = read_name(ctx, "mode", modes, COUNT(modes), &mode, err);

    if (status == FSN_OK)
        status = read_name(ctx, "coordinate_transformation_mode", coordinates, COUNT(coordinates),
                           &where, err);
    if (status == FSN_OK)
        status = read_name(ctx, "nearest_mode", rounds, COUNT(rounds), &round, err);
    *rule = (struct fsn__resize_rule){
        .mode = (enum fsn__resize_mode)mode,
        .coordinates = (enum fsn__resize_coordinates)where,
        .round = (enum fsn__resize_round)round,
        .antialias = fsn__attr_int(ctx->attrs, "antialias", 0) != 0,
        .exclude_outside = fsn__attr_int(ctx->attrs, "exclude_outside", 0) != 0,
        .cubic_a = fsn__attr_float(ctx->attrs, "cubic_coeff_a", -0.75F),
        .extrapolation = fsn__attr_float(ctx->attrs, "extrapolation_value", 0.0F),
    };
    return status;
}

/* An empty input counts as absent, as operator set 11 wrote it. */
static bool given(const struct fsn__op_ctx *ctx, int in)
{
    return fsn__op_has_input(ctx, in) && fsn__numel(ctx->in[in]) != 0;
}

/* `count` constant floats of an input. */
static enum fsn_status read_floats(const struct fsn__op_ctx *ctx, int in, const char *what,
                                   int count, double *out, struct fsn_error *err)
{
    const struct fsn__tensor *t = ctx->in[in];

    if ((t->dtype != FSN__F32 && t->dtype != FSN__F64) || t->ndim != 1 || t->dim[0] != count)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "its %s input is %s %s, expected %d floats", what,
                            fsn__dtype_name(t->dtype), FSN__SHAPE(t), count);
    if (!t->data)
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "its %s input must be constant", what);
    for (int i = 0; i < count; i++) {
        out[i] = t->dtype == FSN__F32 ? (double)fsn__f32(t)[i] : ((const double *)t->data)[i];
        if (!isfinite(out[i]))
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "%s[%d] is not finite", what, i);
    }
    return FSN_OK;
}

static enum fsn_status read_axes(const struct fsn__op_ctx *ctx, int *axes, int *count,
                                 struct fsn_error *err)
{
    const int ndim = ctx->in[0]->ndim;
    size_t given_axes;
    const int64_t *list = fsn__attr_ints(ctx->attrs, "axes", &given_axes);

    *count = ndim;
    for (int i = 0; i < ndim; i++)
        axes[i] = i;
    if (!list)
        return FSN_OK;
    if (given_axes > (size_t)ndim)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "has %zu axes for input %s", given_axes,
                            FSN__SHAPE(ctx->in[0]));
    *count = (int)given_axes;
    return fsn__op_axes(ctx, list, *count, ndim, axes, err);
}

static enum fsn_status use_scales(const struct fsn__op_ctx *ctx, struct resize *r, const int *axes,
                                  int count, struct fsn_error *err)
{
    double scales[FSN_MAX_DIMS];
    enum fsn_status status = read_floats(ctx, SCALES, "scales", count, scales, err);

    for (int i = 0; i < count && status == FSN_OK; i++) {
        struct fsn__resize_axis *a = &r->axis[axes[i]];
        double length;

        a->scale = scales[i];
        if (a->scale == 1.0)
            continue; /* the batch too */
        if (a->in == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "resizes the batch axis");
        /* in float32, as the scale is: 0.7 of 10 is 7 */
        length = floor((double)((float)a->in * (float)a->scale));
        if (a->scale <= 0.0 || !(length < 0x1p40))
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "the scale of axis %d is %g", axes[i],
                                a->scale);
        a->out = (int64_t)length;
    }
    return status;
}

static enum fsn_status use_sizes(const struct fsn__op_ctx *ctx, struct resize *r, const int *axes,
                                 int count, struct fsn_error *err)
{
    int64_t sizes[FSN_MAX_DIMS];
    int policy = 0, n_sizes = 0;
    double common = 0.0;
    enum fsn_status status =
        read_name(ctx, "keep_aspect_ratio_policy", policies, COUNT(policies), &policy, err);

    if (status == FSN_OK)
        status = fsn__op_ints(ctx, SIZES, "sizes", FSN_MAX_DIMS, sizes, &n_sizes, err);
    if (status != FSN_OK)
        return status;
    if (n_sizes != count)
        return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "has %d sizes for %d axes", n_sizes, count);
    for (int i = 0; i < count; i++) {
        struct fsn__resize_axis *a = &r->axis[axes[i]];

        if (axes[i] == 0 && sizes[i] == FSN_BATCH)
            sizes[i] = a->in;
        if (sizes[i] == a->in)
            sizes[i] = a->out; /* stays; the batch too */
        else if (a->in == FSN_BATCH || sizes[i] == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED,
                                "resizes axis %d of or to the batch size", axes[i]);
        if ((sizes[i] < 0 && sizes[i] != FSN_BATCH) || sizes[i] > INT64_C(1) << 40)
            return FSN__OP_FAIL(ctx, err, FSN_INVALID, "sizes[%d] is %lld", i, (long long)sizes[i]);
        a->out = sizes[i];
        a->scale = a->in > 0 ? (double)a->out / (double)a->in : 1.0;
        a->whole = true;
        if (i == 0 || (policy == POLICY_NOT_LARGER ? a->scale < common : a->scale > common))
            common = a->scale;
    }
    for (int i = 0; i < count && policy != POLICY_STRETCH; i++) {
        struct fsn__resize_axis *a = &r->axis[axes[i]];
        const double length = floor(common * (double)a->in + 0.5);

        if (a->in == FSN_BATCH)
            return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "resizes the batch axis");
        if (!(length < 0x1p40))
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT, "axis %d would grow to %g", axes[i], length);
        a->out = (int64_t)length;
        a->scale = common;
        a->whole = false;
    }
    return FSN_OK;
}

static enum fsn_status use_region(const struct fsn__op_ctx *ctx, struct resize *r, const int *axes,
                                  int count, struct fsn_error *err)
{
    double roi[2 * FSN_MAX_DIMS];
    enum fsn_status status;

    if (r->rule.coordinates != FSN__RESIZE_TF_CROP_AND_RESIZE)
        return FSN_OK;
    if (!given(ctx, ROI))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "tf_crop_and_resize without its region (roi)");
    status = read_floats(ctx, ROI, "roi", 2 * count, roi, err);
    for (int i = 0; i < count && status == FSN_OK; i++) {
        r->axis[axes[i]].start = roi[i];
        r->axis[axes[i]].end = roi[count + i];
    }
    return status;
}

static enum fsn_status read_resize(const struct fsn__op_ctx *ctx, struct resize *r,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int axes[FSN_MAX_DIMS], count = 0;
    enum fsn_status status = read_rule(ctx, &r->rule, err);

    for (int i = 0; i < x->ndim; i++)
        r->axis[i] = (struct fsn__resize_axis){
            .in = x->dim[i], .out = x->dim[i], .scale = 1.0, .start = 0.0, .end = 1.0};
    if (status == FSN_OK)
        status = read_axes(ctx, axes, &count, err);
    if (status != FSN_OK)
        return status;
    if (given(ctx, SCALES) == given(ctx, SIZES))
        return FSN__OP_FAIL(ctx, err, FSN_INVALID, "needs either scales or sizes, has %s",
                            given(ctx, SCALES) ? "both" : "neither");
    status = given(ctx, SCALES) ? use_scales(ctx, r, axes, count, err)
                                : use_sizes(ctx, r, axes, count, err);
    return status == FSN_OK ? use_region(ctx, r, axes, count, err) : status;
}

/* Scratch must stay far from overflow: the tables, whose rows are as long as the widest kernel, and
 * what lies between two passes, where some axes already have their new size. */
static enum fsn_status check_scratch(const struct fsn__op_ctx *ctx, const struct resize *r,
                                     struct fsn_error *err)
{
    const int ndim = ctx->in[0]->ndim;

    for (int i = 0; i < ndim; i++) {
        const struct fsn__resize_axis *axis = &r->axis[i];
        double between = 1.0;

        if (fsn__resize_is_identity(&r->rule, axis) || axis->out == 0)
            continue;
        for (int j = 0; j < ndim; j++)
            between *= fmax(1.0, (double)(j > i ? r->axis[j].in : r->axis[j].out));
        if (between > 0x1p40 || (double)axis->out * 8.0 * fmax(1.0, 1.0 / axis->scale) > 0x1p40)
            return FSN__OP_FAIL(ctx, err, FSN_LIMIT,
                                "axis %d of %lld elements would grow to %lld: too much scratch "
                                "memory",
                                i, (long long)axis->in, (long long)axis->out);
    }
    return FSN_OK;
}

static enum fsn_status infer(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];
    struct resize r;
    enum fsn_status status = read_resize(ctx, &r, err);

    if (status != FSN_OK)
        return status;
    if (x->dtype != FSN__F32 && (r.rule.mode != FSN__RESIZE_NEAREST ||
                                 r.rule.coordinates == FSN__RESIZE_TF_CROP_AND_RESIZE))
        return FSN__OP_FAIL(ctx, err, FSN_UNSUPPORTED, "%s interpolation of %s",
                            fsn__attr_string(ctx->attrs, "mode", "nearest"),
                            fsn__dtype_name(x->dtype));
    for (int i = 0; i < x->ndim; i++) {
        dim[i] = r.axis[i].out;
        if (x->dim[i] == 0 && dim[i] > 0)
            return FSN__OP_FAIL(ctx, err, FSN_SHAPE, "cannot make %lld elements of axis %d of %s",
                                (long long)dim[i], i, FSN__SHAPE(x));
    }
    status = check_scratch(ctx, &r, err);
    if (status != FSN_OK)
        return status;
    return fsn__op_set_output(ctx, x->dtype, x->ndim, dim, err);
}

/* ---- the passes ----------------------------------------------------------------------------- */

struct pass {
    int64_t outer, in, out, inner, taps;
    int64_t *index; /* [out][taps] */
    float *weight;  /* [out][taps] */
    bool copies;    /* one tap of weight 1: elements of `bytes` bytes move as they are */
    size_t bytes;
    const char *from;
    char *to;
};

struct plan {
    struct resize resize;
    int count; /* of passes; one for each axis that changes */
    struct pass pass[FSN_MAX_DIMS];
    int axis[FSN_MAX_DIMS];
    int64_t index_count; /* of all tables */
    int64_t most;        /* elements of the largest tensor between two passes, or at the end */
};

/* Everything but the pointers. */
static enum fsn_status make_plan(const struct fsn__op_ctx *ctx, struct plan *plan,
                                 struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0];
    int64_t dim[FSN_MAX_DIMS];
    enum fsn_status status;

    *plan = (struct plan){.count = 0};
    status = read_resize(ctx, &plan->resize, err);
    if (status != FSN_OK || fsn__numel(ctx->out[0]) == 0)
        return status;
    for (int i = 0; i < x->ndim; i++)
        dim[i] = x->dim[i];
    for (int i = 0; i < x->ndim; i++) {
        const struct fsn__resize_axis *axis = &plan->resize.axis[i];
        struct pass *pass = &plan->pass[plan->count];
        int64_t total = 1;

        if (fsn__resize_is_identity(&plan->resize.rule, axis))
            continue;
        *pass = (struct pass){.outer = 1,
                              .in = axis->in,
                              .out = axis->out,
                              .inner = 1,
                              .taps = fsn__resize_taps(&plan->resize.rule, axis),
                              .copies = plan->resize.rule.mode == FSN__RESIZE_NEAREST,
                              .bytes = fsn__dtype_bytes(x->dtype)};
        dim[i] = axis->out;
        for (int j = 0; j < x->ndim; j++) {
            total *= dim[j];
            if (j < i)
                pass->outer *= dim[j];
            else if (j > i)
                pass->inner *= dim[j];
        }
        if (total > plan->most)
            plan->most = total;
        plan->axis[plan->count++] = i;
        plan->index_count += pass->out * pass->taps;
    }
    return FSN_OK;
}

/* Bytes of one of the two buffers, a multiple of 64. */
static size_t buffer_bytes(const struct fsn__op_ctx *ctx, const struct plan *plan)
{
    return ((size_t)plan->most * fsn__dtype_bytes(ctx->in[0]->dtype) + 63) / 64 * 64;
}

/* The buffers come first, then the tables of indices, then those of weights. */
static void sizes(const struct fsn__op_ctx *ctx, size_t *work, size_t *saved)
{
    struct plan plan;

    *work = *saved = 0;
    if (make_plan(ctx, &plan, NULL) == FSN_OK)
        *work = 2 * buffer_bytes(ctx, &plan) +
                (size_t)plan.index_count * (sizeof(int64_t) + sizeof(float));
}

static void fill_tables(const struct fsn__op_ctx *ctx, struct plan *plan)
{
    int64_t *index = (int64_t *)(void *)((char *)ctx->work + 2 * buffer_bytes(ctx, plan));
    float *weight = (float *)(void *)(index + plan->index_count);

    for (int i = 0; i < plan->count; i++) {
        struct pass *pass = &plan->pass[i];

        pass->index = index;
        pass->weight = weight;
        for (int64_t o = 0; o < pass->out; o++, index += pass->taps, weight += pass->taps)
            fsn__resize_weights(&plan->resize.rule, &plan->resize.axis[plan->axis[i]], o, index,
                                weight);
    }
}

/* Where tensor k between the passes lies, k = 0 being x and k = count y. */
static char *between(const struct fsn__op_ctx *ctx, const struct plan *plan, int k)
{
    return (char *)ctx->work + (size_t)(k % 2) * buffer_bytes(ctx, plan);
}

/* ---- forward -------------------------------------------------------------------------------- */

static void weigh_row(const struct pass *pass, int64_t o, const float *from, float *to)
{
    const int64_t *index = pass->index + o * pass->taps, n = pass->inner;
    const float *weight = pass->weight + o * pass->taps;

    for (int64_t i = 0; i < n; i++)
        to[i] = 0.0F;
    for (int64_t k = 0; k < pass->taps; k++) {
        const float *row = from + index[k] * n;

        if (weight[k] == 0.0F)
            continue;
        for (int64_t i = 0; i < n; i++)
            to[i] += weight[k] * row[i];
    }
}

static void forward_rows(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    const size_t row_bytes = (size_t)pass->inner * pass->bytes;
    int64_t begin, end;

    fsn__share(pass->outer * pass->out, thread, threads, &begin, &end);
    for (int64_t row = begin; row < end; row++) {
        const int64_t o = row % pass->out;
        const char *from = pass->from + (size_t)(row / pass->out * pass->in) * row_bytes;
        char *to = pass->to + (size_t)row * row_bytes;

        if (pass->copies)
            memcpy(to, from + (size_t)pass->index[o] * row_bytes, row_bytes);
        else
            weigh_row(pass, o, (const float *)(const void *)from, (float *)(void *)to);
    }
}

/* Whether element i of y has a position outside the input. */
static bool outside(const struct plan *plan, const struct fsn__tensor *y, int64_t i)
{
    for (int a = y->ndim - 1; a >= 0; a--) {
        const struct fsn__resize_axis *axis = &plan->resize.axis[a];

        if (!fsn__resize_is_identity(&plan->resize.rule, axis)) {
            const double p = fsn__resize_position(&plan->resize.rule, axis, i % y->dim[a]);

            if (p < 0.0 || p > (double)(axis->in - 1))
                return true;
        }
        i /= y->dim[a];
    }
    return false;
}

/* tf_crop_and_resize: what lies outside the input has no elements to take from. */
static void set_outside(const struct plan *plan, const struct fsn__tensor *shape, float *y,
                        float value)
{
    if (plan->resize.rule.coordinates != FSN__RESIZE_TF_CROP_AND_RESIZE)
        return;
    for (int64_t i = 0; i < fsn__numel(shape); i++)
        if (outside(plan, shape, i))
            y[i] = value;
}

static enum fsn_status forward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    const struct fsn__tensor *x = ctx->in[0], *y = ctx->out[0];
    struct plan plan;
    enum fsn_status status = make_plan(ctx, &plan, err);

    if (status != FSN_OK)
        return status;
    if (plan.count == 0)
        fsn__copy_dense(ctx->pool, fsn__numel(y), fsn__dtype_bytes(x->dtype), y->data, x->data);
    else
        fill_tables(ctx, &plan);
    for (int i = 0; i < plan.count; i++) {
        struct pass *pass = &plan.pass[i];

        pass->from = i == 0 ? x->data : between(ctx, &plan, i);
        pass->to = i == plan.count - 1 ? y->data : between(ctx, &plan, i + 1);
        fsn__pool_run(ctx->pool, forward_rows, pass);
    }
    if (x->dtype == FSN__F32)
        set_outside(&plan, y, fsn__f32(y), plan.resize.rule.extrapolation);
    return FSN_OK;
}

/* ---- backward ------------------------------------------------------------------------------- */

/* to [outer, in, inner] += the transpose of the pass of from [outer, out, inner]. */
static void backward_parts(void *arg, int thread, int threads)
{
    const struct pass *pass = arg;
    int64_t begin, end;

    fsn__share(pass->outer, thread, threads, &begin, &end);
    for (int64_t part = begin; part < end; part++) {
        const float *from =
            (const float *)(const void *)pass->from + part * pass->out * pass->inner;
        float *to = (float *)(void *)pass->to + part * pass->in * pass->inner;

        for (int64_t k = 0; k < pass->out * pass->taps; k++) {
            const float *row = from + k / pass->taps * pass->inner;
            float *place = to + pass->index[k] * pass->inner;

            if (pass->weight[k] == 0.0F)
                continue;
            for (int64_t i = 0; i < pass->inner; i++)
                place[i] += pass->weight[k] * row[i];
        }
    }
}

static enum fsn_status backward(const struct fsn__op_ctx *ctx, struct fsn_error *err)
{
    struct plan plan;
    const char *gradient;
    enum fsn_status status;

    if (!ctx->din[0] || !ctx->dout[0])
        return FSN_OK;
    status = make_plan(ctx, &plan, err);
    if (status != FSN_OK)
        return status;
    if (plan.count == 0) {
        fsn__add_dense(ctx->pool, fsn__numel(ctx->out[0]), fsn__f32(ctx->din[0]),
                       fsn__f32(ctx->dout[0]));
        return FSN_OK;
    }
    fill_tables(ctx, &plan);
    gradient = ctx->dout[0]->data;
    if (plan.resize.rule.coordinates == FSN__RESIZE_TF_CROP_AND_RESIZE) {
        float *masked = (float *)(void *)between(ctx, &plan, plan.count);

        fsn__copy_dense(ctx->pool, fsn__numel(ctx->out[0]), sizeof *masked, masked, gradient);
        set_outside(&plan, ctx->out[0], masked, 0.0F);
        gradient = (const char *)masked;
    }
    for (int i = plan.count - 1; i >= 0; i--) {
        struct pass *pass = &plan.pass[i];

        pass->from = gradient;
        pass->to = i == 0 ? ctx->din[0]->data : between(ctx, &plan, i);
        if (i > 0)
            memset(pass->to, 0, (size_t)(pass->outer * pass->in * pass->inner) * pass->bytes);
        fsn__pool_run(ctx->pool, backward_parts, pass);
        gradient = pass->to;
    }
    return FSN_OK;
}

const struct fsn__op fsn__op_resize = {
    .name = "Resize",
    .domain = "",
    .min_in = 1,
    .max_in = 4,
    .min_out = 1,
    .max_out = 1,
    .backward_in = 1 << ROI | 1 << SCALES | 1 << SIZES,
    .infer = infer,
    .sizes = sizes,
    .forward = forward,
    .backward = backward,
};
