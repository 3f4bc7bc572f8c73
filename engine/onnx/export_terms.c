/* export_terms.c - what ONNX operator set 13 lacks, or has in another form, written in its terms:
 *
 *   Softmax, LogSoftmax, Hardmax over several axes   Flatten, the operator, Reshape
 *   Pad with axes (18)                               Pad of all axes
 *   Reduce* with axes as an input (18)               axes as an attribute
 *   Split into a number of parts (18)                Split into parts of given sizes
 *   LayerNormalization (17)                          (x - mean) / Sqrt(mean square + epsilon) g + b
 *   GroupNormalization (18, 21)                      InstanceNormalization of [N, groups, ...]
 *   HardSwish (14)                                   x HardSigmoid(x)
 *   Mish (18)                                        x Tanh(Softplus(x))
 *   Swish (24)                                       x Sigmoid(alpha x)
 *   Gelu (20)                                        x/2 (1 + Erf(x / sqrt 2)), or its tanh form
 *   CastLike (15)                                    Cast to the type that the other input has
 */
#include "onnx/export.h"

#include <math.h>
#include <string.h>

/* ---- small pieces ------------------------------------------------------------------------------
 * A node of one output, which is `y`, or under an invented name where y is NULL; b NULL: of one
 * input.
 */

static const char *write_node(struct fsn__exporter *ex, const char *op, const char *a,
                              const char *b, const char *y)
{
    const char *in[2] = {a, b};
    const char *out = y ? y : fsn__export_new_name(ex);

    fsn__export_node(ex, &ex->nodes, op, b ? 2 : 1, in, 1, &out);
    return out;
}

static const char *write_scalar(struct fsn__exporter *ex, double value)
{
    struct fsn__tensor t = {.dtype = FSN__F32};
    const char *name = fsn__export_new_name(ex);

    t.data = fsn__export_alloc(ex, 1, sizeof(float));
    if (!t.data || !name)
        return NULL;
    *fsn__f32(&t) = (float)value;
    fsn__export_initialiser(ex, name, &t);
    return name;
}

static enum fsn_status done(const struct fsn__exporter *ex, struct fsn_error *err)
{
    return ex->out_of_memory ? FSN__NOMEM(err) : FSN_OK;
}

/* ---- activations -------------------------------------------------------------------------------
 */

static enum fsn_status write_hard_swish(struct fsn__exporter *ex, const struct fsn__node *from,
                                        struct fsn_error *err)
{
    const char *x = fsn__export_value(ex, from->in[0]), *gate = fsn__export_new_name(ex);
    FsnOnnx__NodeProto *node = fsn__export_node(ex, &ex->nodes, "HardSigmoid", 1, &x, 1, &gate);
    FsnOnnx__AttributeProto *alpha =
        fsn__export_attr(ex, node, "alpha", FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);

    if (!alpha)
        return FSN__NOMEM(err);
    alpha->has_f = true;
    alpha->f = 1.0F / 6; /* beta is 1/2 by itself */
    write_node(ex, "Mul", x, gate, fsn__export_value(ex, from->out[0]));
    return done(ex, err);
}

static enum fsn_status write_mish(struct fsn__exporter *ex, const struct fsn__node *from,
                                  struct fsn_error *err)
{
    const char *x = fsn__export_value(ex, from->in[0]);
    const char *gate =
        write_node(ex, "Tanh", write_node(ex, "Softplus", x, NULL, NULL), NULL, NULL);

    write_node(ex, "Mul", x, gate, fsn__export_value(ex, from->out[0]));
    return done(ex, err);
}

static enum fsn_status write_swish(struct fsn__exporter *ex, const struct fsn__node *from,
                                   struct fsn_error *err)
{
    const char *x = fsn__export_value(ex, from->in[0]), *gate = x;
    const float alpha = fsn__attr_float(&from->attrs, "alpha", 1);

    if (alpha != 1)
        gate = write_node(ex, "Mul", x, write_scalar(ex, (double)alpha), NULL);
    gate = write_node(ex, "Sigmoid", gate, NULL, NULL);
    write_node(ex, "Mul", x, gate, fsn__export_value(ex, from->out[0]));
    return done(ex, err);
}

/* What the two forms of Gelu take 1 + of: Erf(x / sqrt 2), or Tanh(sqrt(2/pi) (x + 0.044715 x^3)).
 */
static const char *write_gelu_gate(struct fsn__exporter *ex, const char *x, bool by_tanh)
{
    const char *cube;

    if (!by_tanh)
        return write_node(ex, "Erf", write_node(ex, "Mul", x, write_scalar(ex, M_SQRT1_2), NULL),
                          NULL, NULL);
    cube = write_node(ex, "Pow", x, write_scalar(ex, 3), NULL);
    cube = write_node(ex, "Mul", cube, write_scalar(ex, 0.044715), NULL);
    cube = write_node(ex, "Add", x, cube, NULL);
    cube = write_node(ex, "Mul", cube, write_scalar(ex, M_2_SQRTPI * M_SQRT1_2), NULL);
    return write_node(ex, "Tanh", cube, NULL, NULL);
}

static enum fsn_status write_gelu(struct fsn__exporter *ex, const struct fsn__node *from,
                                  struct fsn_error *err)
{
    const char *form = fsn__attr_string(&from->attrs, "approximate", "none");
    const char *x = fsn__export_value(ex, from->in[0]);
    const char *gate = write_gelu_gate(ex, x, strcmp(form, "tanh") == 0);

    gate = write_node(ex, "Add", gate, write_scalar(ex, 1), NULL);
    gate = write_node(ex, "Mul", gate, write_scalar(ex, 0.5), NULL);
    write_node(ex, "Mul", x, gate, fsn__export_value(ex, from->out[0]));
    return done(ex, err);
}

/* ---- other forms -------------------------------------------------------------------------------
 */

/* A Reshape back to x's shape reads a size of 0 as "as before". */
static enum fsn_status refuse_empty(const struct fsn__node *from, const struct fsn__tensor *x,
                                    struct fsn_error *err)
{
    for (int i = 0; i < x->ndim; i++)
        if (x->dim[i] == 0)
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "%s '%s' of an empty tensor cannot be written in operator set "
                             "version %d",
                             from->op->name, from->name, FSN__EXPORT_OPSET);
    return FSN_OK;
}

/* y = Reshape(Softmax(Flatten(x)), shape of x) */
static enum fsn_status write_softmax(struct fsn__exporter *ex, const struct fsn__node *from,
                                     struct fsn_error *err)
{
    const struct fsn__tensor *x = &ex->graph->values[from->in[0]].tensor;
    const char *in = fsn__export_value(ex, from->in[0]), *flat = fsn__export_new_name(ex);
    int64_t shape[FSN_MAX_DIMS];
    FsnOnnx__NodeProto *node;

    if (refuse_empty(from, x, err) != FSN_OK)
        return err->status;
    for (int i = 0; i < x->ndim; i++)
        shape[i] = x->dim[i] == FSN_BATCH ? -1 : x->dim[i];
    node = fsn__export_node(ex, &ex->nodes, "Flatten", 1, &in, 1, &flat);
    fsn__export_attr_int(ex, node, "axis", fsn__attr_int(&from->attrs, "axis", 1));
    write_node(ex, "Reshape", write_node(ex, from->op->name, flat, NULL, NULL),
               fsn__export_ints(ex, (size_t)x->ndim, shape), fsn__export_value(ex, from->out[0]));
    return done(ex, err);
}

static enum fsn_status write_cast_like(struct fsn__exporter *ex, const struct fsn__node *from,
                                       struct fsn_error *err)
{
    const char *x = fsn__export_value(ex, from->in[0]), *y = fsn__export_value(ex, from->out[0]);
    FsnOnnx__NodeProto *node = fsn__export_node(ex, &ex->nodes, "Cast", 1, &x, 1, &y);

    fsn__export_attr_int(ex, node, "to",
                         fsn__proto_dtype_of(ex->graph->values[from->out[0]].tensor.dtype));
    return done(ex, err);
}

static enum fsn_status must_be_constant(const struct fsn__node *from, const char *what,
                                        const struct fsn__tensor *t, struct fsn_error *err)
{
    if (t->data)
        return FSN_OK;
    return FSN__FAIL(err, FSN_UNSUPPORTED,
                     "%s '%s': %s that are not constant cannot be written in operator set version "
                     "%d",
                     from->op->name, from->name, what, FSN__EXPORT_OPSET);
}

/* The list of some axes' pads is spread over all, zeros elsewhere. */
static enum fsn_status write_pad(struct fsn__exporter *ex, const struct fsn__node *from,
                                 struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    const struct fsn__tensor *pads = &values[from->in[1]].tensor;
    const struct fsn__tensor *axes = &values[from->in[3]].tensor;
    int64_t rank = values[from->in[0]].tensor.ndim, count, all[2 * FSN_MAX_DIMS] = {0};
    const char *in[3], *out = fsn__export_value(ex, from->out[0]);
    enum fsn_status status = must_be_constant(from, "pads", pads, err);
    FsnOnnx__NodeProto *node;

    if (status == FSN_OK)
        status = must_be_constant(from, "axes", axes, err);
    if (status != FSN_OK)
        return status;
    count = fsn__numel(axes);
    for (int64_t i = 0; i < count; i++) {
        int64_t axis = fsn__get_i64(axes, i);

        axis += axis < 0 ? rank : 0;
        all[axis] = fsn__get_i64(pads, i);
        all[axis + rank] = fsn__get_i64(pads, i + count);
    }
    in[0] = fsn__export_value(ex, from->in[0]);
    in[1] = fsn__export_ints(ex, (size_t)(2 * rank), all);
    in[2] = fsn__export_value(ex, from->in[2]);
    node = fsn__export_node(ex, &ex->nodes, "Pad", from->in[2] >= 0 ? 3 : 2, in, 1, &out);
    return node ? fsn__export_attrs(ex, from, node, err) : FSN__NOMEM(err);
}

static enum fsn_status write_reduction(struct fsn__exporter *ex, const struct fsn__node *from,
                                       struct fsn_error *err)
{
    const struct fsn__tensor *axes =
        from->n_in > 1 && from->in[1] >= 0 ? &ex->graph->values[from->in[1]].tensor : NULL;
    const int64_t count = axes ? fsn__numel(axes) : 0;
    const char *x = fsn__export_value(ex, from->in[0]), *y = fsn__export_value(ex, from->out[0]);
    int64_t ints[FSN_MAX_DIMS];
    FsnOnnx__NodeProto *node;

    if (count == 0 && fsn__attr_int(&from->attrs, "noop_with_empty_axes", 0) != 0)
        return FSN__FAIL(
            err, FSN_UNSUPPORTED,
            "%s '%s': a reduction of no axes cannot be written in operator set version "
            "%d",
            from->op->name, from->name, FSN__EXPORT_OPSET);
    node = fsn__export_node(ex, &ex->nodes, from->op->name, 1, &x, 1, &y);
    if (!node)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < count; i++)
        ints[i] = fsn__get_i64(axes, i);
    if (count > 0)
        fsn__export_attr_ints(ex, node, "axes", (size_t)count, ints);
    fsn__export_attr_int(ex, node, "keepdims", fsn__attr_int(&from->attrs, "keepdims", 1));
    return done(ex, err);
}

/* The sizes of op_split.c: ceil(n / parts) each, the last ones of what is left. */
static enum fsn_status write_split(struct fsn__exporter *ex, const struct fsn__node *from,
                                   struct fsn_error *err)
{
    const struct fsn__tensor *x = &ex->graph->values[from->in[0]].tensor;
    const int64_t axis = fsn__attr_int(&from->attrs, "axis", 0);
    const int64_t parts = fsn__attr_int(&from->attrs, "num_outputs", from->n_out);
    const int64_t n = x->dim[axis < 0 ? axis + x->ndim : axis], chunk = (n + parts - 1) / parts;
    const char *in[2], *out[FSN__MAX_IO];
    int64_t sizes[FSN__MAX_IO], left = n;
    FsnOnnx__NodeProto *node;

    for (int64_t i = 0; i < parts; i++) {
        out[i] = i < from->n_out ? fsn__export_value(ex, from->out[i]) : fsn__export_new_name(ex);
        sizes[i] = left < chunk ? left : chunk;
        left -= sizes[i];
    }
    in[0] = fsn__export_value(ex, from->in[0]);
    in[1] = fsn__export_ints(ex, (size_t)parts, sizes);
    node = fsn__export_node(ex, &ex->nodes, "Split", 2, in, (size_t)parts, out);
    fsn__export_attr_int(ex, node, "axis", axis);
    return done(ex, err);
}

/* Modes that came later, or went. */
static enum fsn_status refuse_resize(struct fsn__exporter *ex, const struct fsn__node *from,
                                     struct fsn_error *err)
{
    (void)ex;
    return FSN__FAIL(err, FSN_UNSUPPORTED,
                     "Resize '%s': its coordinate_transformation_mode '%s' cannot be written in "
                     "operator set version %d",
                     from->name,
                     fsn__attr_string(&from->attrs, "coordinate_transformation_mode", ""),
                     FSN__EXPORT_OPSET);
}

/* ---- normalisation -----------------------------------------------------------------------------
 */

static const char *write_mean(struct fsn__exporter *ex, const char *x, size_t count,
                              const int64_t *axes)
{
    const char *mean = fsn__export_new_name(ex);
    FsnOnnx__NodeProto *node = fsn__export_node(ex, &ex->nodes, "ReduceMean", 1, &x, 1, &mean);

    fsn__export_attr_ints(ex, node, "axes", count, axes);
    return mean;
}

static enum fsn_status write_layer_norm(struct fsn__exporter *ex, const struct fsn__node *from,
                                        struct fsn_error *err)
{
    const int64_t ndim = ex->graph->values[from->in[0]].tensor.ndim;
    const int64_t axis = fsn__attr_int(&from->attrs, "axis", -1);
    const char *x = fsn__export_value(ex, from->in[0]), *y = fsn__export_value(ex, from->out[0]);
    const bool bias = from->n_in > 2 && from->in[2] >= 0;
    int64_t axes[FSN_MAX_DIMS];
    const char *off, *var;
    size_t count = 0;

    if (from->n_out > 1)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "LayerNormalization '%s': its %d outputs cannot be written in operator "
                         "set version %d",
                         from->name, from->n_out, FSN__EXPORT_OPSET);
    for (int64_t i = axis < 0 ? axis + ndim : axis; i < ndim; i++)
        axes[count++] = i;
    off = write_node(ex, "Sub", x, write_mean(ex, x, count, axes), NULL);
    var = write_mean(ex, write_node(ex, "Mul", off, off, NULL), count, axes);
    var =
        write_node(ex, "Add", var,
                   write_scalar(ex, (double)fsn__attr_float(&from->attrs, "epsilon", 1e-5F)), NULL);
    off = write_node(ex, "Div", off, write_node(ex, "Sqrt", var, NULL, NULL), NULL);
    off = write_node(ex, "Mul", off, fsn__export_value(ex, from->in[1]), bias ? NULL : y);
    if (bias)
        write_node(ex, "Add", off, fsn__export_value(ex, from->in[2]), y);
    return done(ex, err);
}

/* A constant of n equal floats. */
static const char *write_floats(struct fsn__exporter *ex, int64_t n, float value)
{
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {n}};
    const char *name = fsn__export_new_name(ex);

    t.data = fsn__export_alloc(ex, (size_t)n, sizeof(float));
    if (!t.data || !name)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        fsn__f32(&t)[i] = value;
    fsn__export_initialiser(ex, name, &t);
    return name;
}

/* One scale a channel is applied behind the normalisation, one a group within it. */
static enum fsn_status write_group_norm(struct fsn__exporter *ex, const struct fsn__node *from,
                                        struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    const struct fsn__tensor *x = &values[from->in[0]].tensor;
    const int64_t groups = fsn__attr_int(&from->attrs, "num_groups", 1);
    const bool channels = values[from->in[1]].tensor.dim[0] != groups;
    const char *scale = fsn__export_value(ex, from->in[1]);
    const char *bias = fsn__export_value(ex, from->in[2]);
    const char *y = fsn__export_value(ex, from->out[0]), *in[3], *normal = fsn__export_new_name(ex);
    int64_t shape[FSN_MAX_DIMS], each[FSN_MAX_DIMS];
    FsnOnnx__AttributeProto *epsilon;
    FsnOnnx__NodeProto *node;

    if (refuse_empty(from, x, err) != FSN_OK)
        return err->status;
    for (int i = 0; i < x->ndim; i++) { /* 0: as many as before */
        shape[i] = i == 0 ? 0 : x->dim[i];
        each[i] = i == 1 ? x->dim[i] : 1;
    }
    in[0] = write_node(ex, "Reshape", fsn__export_value(ex, from->in[0]),
                       fsn__export_ints(ex, 3, (int64_t[]){0, groups, -1}), NULL);
    in[1] = channels ? write_floats(ex, groups, 1.0F) : scale;
    in[2] = channels ? write_floats(ex, groups, 0.0F) : bias;
    node = fsn__export_node(ex, &ex->nodes, "InstanceNormalization", 3, in, 1, &normal);
    epsilon =
        fsn__export_attr(ex, node, "epsilon", FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__FLOAT);
    if (!epsilon)
        return FSN__NOMEM(err);
    epsilon->has_f = true;
    epsilon->f = fsn__attr_float(&from->attrs, "epsilon", 1e-5F);
    normal = write_node(ex, "Reshape", normal, fsn__export_ints(ex, (size_t)x->ndim, shape),
                        channels ? NULL : y);
    if (channels) {
        const char *to = fsn__export_ints(ex, (size_t)x->ndim - 1, each + 1);

        normal = write_node(ex, "Mul", normal, write_node(ex, "Reshape", scale, to, NULL), NULL);
        write_node(ex, "Add", normal, write_node(ex, "Reshape", bias, to, NULL), y);
    }
    return done(ex, err);
}

/* ---- the table ---------------------------------------------------------------------------------
 */

static bool is_flattened(const struct fsn__node *from)
{
    return fsn__attr_int(&from->attrs, "flatten", 0) != 0;
}

static bool has_axes_of_pads(const struct fsn__node *from)
{
    return from->n_in > 3 && from->in[3] >= 0;
}

static bool has_number_of_parts(const struct fsn__node *from)
{
    return fsn__attr_find(&from->attrs, "num_outputs") && (from->n_in < 2 || from->in[1] < 0);
}

static bool has_other_coordinates(const struct fsn__node *from)
{
    const char *mode = fsn__attr_string(&from->attrs, "coordinate_transformation_mode", "");

    return strcmp(mode, "half_pixel_symmetric") == 0 || strcmp(mode, "tf_half_pixel_for_nn") == 0;
}

static const struct {
    const struct fsn__op *op;
    bool (*applies)(const struct fsn__node *from); /* NULL: always */
    enum fsn_status (*write)(struct fsn__exporter *ex, const struct fsn__node *from,
                             struct fsn_error *err);
} terms[] = {
    {&fsn__op_softmax, is_flattened, write_softmax},
    {&fsn__op_log_softmax, is_flattened, write_softmax},
    {&fsn__op_hardmax, is_flattened, write_softmax},
    {&fsn__op_pad, has_axes_of_pads, write_pad},
    {&fsn__op_reduce_mean, NULL, write_reduction},
    {&fsn__op_reduce_l1, NULL, write_reduction},
    {&fsn__op_reduce_l2, NULL, write_reduction},
    {&fsn__op_reduce_sum_square, NULL, write_reduction},
    {&fsn__op_reduce_log_sum, NULL, write_reduction},
    {&fsn__op_reduce_log_sum_exp, NULL, write_reduction},
    {&fsn__op_reduce_prod, NULL, write_reduction},
    {&fsn__op_reduce_max, NULL, write_reduction},
    {&fsn__op_reduce_min, NULL, write_reduction}, /* ReduceSum has its axes as an input since 13 */
    {&fsn__op_split, has_number_of_parts, write_split},
    {&fsn__op_resize, has_other_coordinates, refuse_resize},
    {&fsn__op_layer_normalization, NULL, write_layer_norm},
    {&fsn__op_group_normalization, NULL, write_group_norm},
    {&fsn__op_hard_swish, NULL, write_hard_swish},
    {&fsn__op_mish, NULL, write_mish},
    {&fsn__op_swish, NULL, write_swish},
    {&fsn__op_gelu, NULL, write_gelu},
    {&fsn__op_cast_like, NULL, write_cast_like},
};
enum { TERMS = sizeof terms / sizeof terms[0] };

static size_t find(const struct fsn__node *from)
{
    size_t i = 0;

    while (i < TERMS && (terms[i].op != from->op || (terms[i].applies && !terms[i].applies(from))))
        i++;
    return i;
}

bool fsn__export_needs_terms(const struct fsn__node *from)
{
    return find(from) < TERMS;
}

enum fsn_status fsn__export_in_terms(struct fsn__exporter *ex, const struct fsn__node *from,
                                     struct fsn_error *err)
{
    return terms[find(from)].write(ex, from, err);
}
