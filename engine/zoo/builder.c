/* builder.c - see builder.h. */
#include "zoo/builder.h"
#include "core/rng.h"

#include <math.h>
#include <stdio.h>

enum { NAME_SIZE = 96 }; /* the networks of this folder have short names */

struct name {
    char text[NAME_SIZE];
};

static struct name join(const char *scope, const char *name)
{
    struct name out;

    snprintf(out.text, sizeof out.text, "%.48s%s%.40s", scope, *scope ? "." : "", name);
    return out;
}

int64_t fsn__build_dim(const struct fsn__builder *b, int value, int axis)
{
    return b->status == FSN_OK ? b->graph->values[value].tensor.dim[axis] : 1;
}

static int apply(struct fsn__builder *b, const char *op, const char *name,
                 const struct fsn__attrs *attrs, int n_in, const int *in)
{
    int out = -1;

    if (b->status == FSN_OK)
        b->status = fsn__graph_apply(b->graph, op, name, attrs, n_in, in, &out, b->err);
    return b->status == FSN_OK ? out : -1;
}

/* ---- weights --------------------------------------------------------------------------------- */

enum init { INIT_ZERO, INIT_ONE, INIT_SAME, INIT_NORMAL, INIT_UNIFORM };

static void fill(struct fsn__builder *b, int value, enum init init, double spread)
{
    const struct fsn__tensor *t = &b->graph->values[value].tensor;
    struct fsn__rng rng = fsn__rng_open(b->seed, FSN__RNG_INIT, (uint64_t)value, 0);
    const int64_t n = fsn__numel(t);
    float *x = fsn__f32(t);

    for (int64_t i = 0; i < n; i++)
        switch (init) {
        case INIT_ZERO:
            x[i] = 0;
            break;
        case INIT_ONE:
            x[i] = 1;
            break;
        case INIT_SAME:
            x[i] = (float)spread;
            break;
        case INIT_NORMAL:
            x[i] = (float)(spread * fsn__rng_normal(&rng));
            break;
        case INIT_UNIFORM:
            x[i] = (float)(spread * (2 * fsn__rng_uniform(&rng) - 1));
            break;
        }
}

/* A constant named "<layer>.<part>"; spread: of the normal or uniform distribution, or the value of
 * INIT_SAME. */
static int weight(struct fsn__builder *b, const char *layer, const char *part, int ndim,
                  const int64_t *dim, enum init init, double spread)
{
    struct fsn__tensor shape = {.data = NULL};
    char name[NAME_SIZE + 16];
    int out = -1;

    if (b->status != FSN_OK)
        return -1;
    snprintf(name, sizeof name, "%s.%s", layer, part);
    fsn__shape_set(&shape, FSN__F32, ndim, dim);
    b->status = fsn__graph_add_const(b->graph, name, FSN__VALUE_CONST, &shape, &out, b->err);
    if (b->status != FSN_OK)
        return -1;
    fill(b, out, init, spread);
    return out;
}

/* ---- input and output --------------------------------------------------------------------------
 */

int fsn__build_input(struct fsn__builder *b, const char *name, int64_t channels, int64_t size)
{
    struct fsn__tensor shape = {.data = NULL};
    int out = -1;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){FSN_BATCH, channels, size, size});
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_input(b->graph, name, &shape, &out, b->err);
    return out;
}

void fsn__build_output(struct fsn__builder *b, int value)
{
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_output(b->graph, value, b->err);
}

/* ---- layers ---------------------------------------------------------------------------------- */

/* kernel_shape, strides and pads as ONNX has them, and one more where it is not the default. */
struct window_attrs {
    int64_t size[2], stride[2], padding[4], dilation[2];
    struct fsn__attr item[4];
    struct fsn__attrs attrs;
};

static const struct fsn__attrs *window_attrs(struct window_attrs *a, struct fsn__square window)
{
    a->size[0] = a->size[1] = window.size;
    a->stride[0] = a->stride[1] = window.stride;
    for (int i = 0; i < 4; i++)
        a->padding[i] = window.padding;
    a->item[0] = (struct fsn__attr){
        .name = "kernel_shape", .type = FSN__ATTR_INTS, .count = 2, .ints = a->size};
    a->item[1] = (struct fsn__attr){
        .name = "strides", .type = FSN__ATTR_INTS, .count = 2, .ints = a->stride};
    a->item[2] =
        (struct fsn__attr){.name = "pads", .type = FSN__ATTR_INTS, .count = 4, .ints = a->padding};
    a->attrs = (struct fsn__attrs){.count = 3, .item = a->item};
    return &a->attrs;
}

static const struct fsn__attrs *with_dilation(struct window_attrs *a, int64_t dilation)
{
    if (dilation == 1)
        return &a->attrs;
    a->dilation[0] = a->dilation[1] = dilation;
    a->item[a->attrs.count++] = (struct fsn__attr){
        .name = "dilations", .type = FSN__ATTR_INTS, .count = 2, .ints = a->dilation};
    return &a->attrs;
}

/* How a convolution begins: weights normal with variance 2 / (size^2 fan). */
struct conv_start {
    int64_t fan;
    bool has_bias;
    enum init bias;
};

static int build_conv(struct fsn__builder *b, struct name layer, int x, int64_t filters,
                      struct fsn__square window, int64_t dilation, struct conv_start start)
{
    const int64_t shape[4] = {filters, fsn__build_dim(b, x, 1), window.size, window.size};
    const double area = (double)(window.size * window.size);
    struct window_attrs a;
    int in[3] = {x};

    in[1] = weight(b, layer.text, "weight", 4, shape, INIT_NORMAL,
                   sqrt(2 / (area * (double)start.fan)));
    if (start.has_bias)
        in[2] = weight(b, layer.text, "bias", 1, &filters, start.bias,
                       1 / sqrt(area * (double)shape[1]));
    window_attrs(&a, window);
    return apply(b, "Conv", layer.text, with_dilation(&a, dilation), start.has_bias ? 3 : 2, in);
}

int fsn__build_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                    int64_t filters, struct fsn__square window, bool bias)
{
    return build_conv(b, join(scope, name), x, filters, window, 1,
                      (struct conv_start){filters, bias, INIT_ZERO});
}

int fsn__build_last_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                         int64_t filters, struct fsn__square window)
{
    return build_conv(b, join(scope, name), x, filters, window, 1,
                      (struct conv_start){filters + fsn__build_dim(b, x, 1), true, INIT_ZERO});
}

int fsn__build_biased_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                           int64_t filters, struct fsn__square window, int64_t dilation)
{
    return build_conv(b, join(scope, name), x, filters, window, dilation,
                      (struct conv_start){filters, true, INIT_UNIFORM});
}

int fsn__build_bn(struct fsn__builder *b, const char *scope, const char *name, int x)
{
    const struct name layer = join(scope, name);
    const int64_t c = fsn__build_dim(b, x, 1);
    int in[5] = {x};

    in[1] = weight(b, layer.text, "weight", 1, &c, INIT_ONE, 0);
    in[2] = weight(b, layer.text, "bias", 1, &c, INIT_ZERO, 0);
    in[3] = weight(b, layer.text, "running_mean", 1, &c, INIT_ZERO, 0);
    in[4] = weight(b, layer.text, "running_var", 1, &c, INIT_ONE, 0);
    return apply(b, "BatchNormalization", layer.text, NULL, 5, in);
}

int fsn__build_max_pool(struct fsn__builder *b, const char *scope, const char *name, int x,
                        struct fsn__square window)
{
    struct window_attrs a;

    return apply(b, "MaxPool", join(scope, name).text, window_attrs(&a, window), 1, &x);
}

int fsn__build_max_pool_ceil(struct fsn__builder *b, const char *scope, const char *name, int x,
                             struct fsn__square window)
{
    struct window_attrs a;

    window_attrs(&a, window);
    a.item[a.attrs.count++] =
        (struct fsn__attr){.name = "ceil_mode", .type = FSN__ATTR_INT, .i = 1};
    return apply(b, "MaxPool", join(scope, name).text, &a.attrs, 1, &x);
}

int fsn__build_average_pool(struct fsn__builder *b, const char *scope, const char *name, int x,
                            struct fsn__square window)
{
    struct window_attrs a;

    return apply(b, "AveragePool", join(scope, name).text, window_attrs(&a, window), 1, &x);
}

int fsn__build_double_size(struct fsn__builder *b, const char *scope, const char *name, int x)
{
    struct fsn__attr item[3] = {
        {.name = "mode", .type = FSN__ATTR_STRING, .s = "nearest"},
        {.name = "coordinate_transformation_mode", .type = FSN__ATTR_STRING, .s = "asymmetric"},
        {.name = "nearest_mode", .type = FSN__ATTR_STRING, .s = "floor"},
    };
    const struct fsn__attrs attrs = {.count = 3, .item = item};
    struct fsn__tensor scales = {.data = (float[]){1, 1, 2, 2}};
    const struct name layer = join(scope, name);
    int in[3] = {x, -1, -1};

    fsn__shape_set(&scales, FSN__F32, 1, (int64_t[]){4});
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_const(b->graph, join(layer.text, "scales").text,
                                         FSN__VALUE_CONST, &scales, &in[2], b->err);
    return apply(b, "Resize", layer.text, &attrs, 3, in);
}

int fsn__build_unary(struct fsn__builder *b, const char *op, const char *scope, const char *name,
                     int x)
{
    return apply(b, op, join(scope, name).text, NULL, 1, &x);
}

int fsn__build_add(struct fsn__builder *b, const char *scope, const char *name, int x, int y)
{
    return apply(b, "Add", join(scope, name).text, NULL, 2, (int[]){x, y});
}

int fsn__build_concat(struct fsn__builder *b, const char *scope, const char *name, int x, int y)
{
    return fsn__build_join(b, join(scope, name).text, 2, (int[]){x, y});
}

int fsn__build_l2_norm(struct fsn__builder *b, const char *scope, const char *name, int x,
                       double scale)
{
    struct fsn__attr item[2] = {{.name = "axis", .type = FSN__ATTR_INT, .i = 1},
                                {.name = "p", .type = FSN__ATTR_INT, .i = 2}};
    const struct fsn__attrs attrs = {.count = 2, .item = item};
    const struct name layer = join(scope, name);
    const int64_t shape[3] = {fsn__build_dim(b, x, 1), 1, 1};
    const int weights = weight(b, layer.text, "weight", 3, shape, INIT_SAME, scale);

    x = apply(b, "LpNormalization", layer.text, &attrs, 1, &x);
    return apply(b, "Mul", join(layer.text, "scale").text, NULL, 2, (int[]){x, weights});
}

/* ---- the end of a detector ---------------------------------------------------------------------
 */

int fsn__build_rows(struct fsn__builder *b, const char *scope, const char *name, int x,
                    int64_t width)
{
    struct fsn__attr perm = {
        .name = "perm", .type = FSN__ATTR_INTS, .count = 4, .ints = (int64_t[]){0, 2, 3, 1}};
    const struct fsn__attrs attrs = {.count = 1, .item = &perm};
    struct fsn__tensor shape = {.data = (int64_t[]){0, -1, width}};
    const struct name layer = join(scope, name);
    int in[2];

    fsn__shape_set(&shape, FSN__I64, 1, (int64_t[]){3});
    in[0] = apply(b, "Transpose", join(layer.text, "transpose").text, &attrs, 1, &x);
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_const(b->graph, join(layer.text, "shape").text, FSN__VALUE_CONST,
                                         &shape, &in[1], b->err);
    return apply(b, "Reshape", join(layer.text, "rows").text, NULL, 2, in);
}

int fsn__build_join(struct fsn__builder *b, const char *name, int count, const int *values)
{
    struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attrs attrs = {.count = 1, .item = &axis};

    return apply(b, "Concat", name, &attrs, count, values);
}

/* ---- the end of a classifier -------------------------------------------------------------------
 */

int fsn__build_linear(struct fsn__builder *b, const char *name, int x, int64_t features,
                      const char *output)
{
    const int64_t shape[2] = {features, fsn__build_dim(b, x, 1)};
    struct fsn__attr trans_b = {.name = "transB", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attrs attrs = {.count = 1, .item = &trans_b};
    int in[3] = {x}, out = -1, node = -1;

    in[1] = weight(b, name, "weight", 2, shape, INIT_UNIFORM, 1 / sqrt((double)shape[1]));
    in[2] = weight(b, name, "bias", 1, &features, INIT_ZERO, 0);
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_value(b->graph, output, FSN__VALUE_COMPUTED, NULL, &out, b->err);
    if (b->status == FSN_OK)
        b->status = fsn__graph_add_node(b->graph, &fsn__op_gemm, name, &attrs, 3, in, 1, &out,
                                        &node, b->err);
    if (b->status == FSN_OK)
        b->status = fsn__graph_infer_node(b->graph, node, b->err);
    return b->status == FSN_OK ? out : -1;
}

int fsn__build_classifier(struct fsn__builder *b, int x, int64_t classes)
{
    x = fsn__build_unary(b, "GlobalAveragePool", "", "pool", x);
    x = fsn__build_unary(b, "Flatten", "", "flatten", x);
    return fsn__build_linear(b, "fc", x, classes, "logits");
}
