/* net_builder.c - see net_builder.h. */
#include "net_builder.h"

#include "core/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

static void demand(enum fsn_status status, const struct fsn_error *err)
{
    if (status != FSN_OK)
        fail_msg("building the network: %s", err->text);
}

void net_draw(float *x, int64_t n, float bound, uint64_t seed, uint64_t stream)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_TEST, stream, 0);

    for (int64_t i = 0; i < n; i++)
        x[i] = (float)((2 * fsn__rng_uniform(&rng) - 1) * (double)bound);
}

struct net net_create(uint64_t seed)
{
    struct net net = {.seed = seed};
    struct fsn_error err = {0};

    demand(fsn__graph_create(&net.graph, &err), &err);
    return net;
}

int net_input(struct net *net, int channels, int height, int width)
{
    struct fsn_error err = {0};
    struct fsn__tensor shape;
    int x = -1;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){FSN_BATCH, channels, height, width});
    demand(fsn__graph_add_input(net->graph, "x", &shape, &x, &err), &err);
    return x;
}

/* bound > 0: drawn; else every element is `value`. */
static int add_weight(struct net *net, const char *layer, const char *part, int ndim,
                      const int64_t *dim, float bound, float value)
{
    struct fsn_error err = {0};
    struct fsn__tensor tensor = {0};
    char name[96];
    int out = -1;

    snprintf(name, sizeof name, "%s.%s", layer, part);
    fsn__shape_set(&tensor, FSN__F32, ndim, dim);
    demand(fsn__tensor_alloc(&tensor, &err), &err);
    if (bound > 0)
        net_draw(fsn__f32(&tensor), fsn__numel(&tensor), bound, net->seed, net->drawn++);
    else
        for (int64_t i = 0; i < fsn__numel(&tensor); i++)
            fsn__f32(&tensor)[i] = value;
    demand(fsn__graph_add_const(net->graph, name, FSN__VALUE_CONST, &tensor, &out, &err), &err);
    free(tensor.data);
    return out;
}

static int apply(struct net *net, const char *op, const char *name, const struct fsn__attrs *attrs,
                 int n_in, const int *in)
{
    struct fsn_error err = {0};
    int out = -1;

    demand(fsn__graph_apply(net->graph, op, name, attrs, n_in, in, &out, &err), &err);
    return out;
}

static int apply_conv(struct net *net, const char *name, int x, int w, int kernel, int stride,
                      int groups)
{
    const int64_t pad = kernel / 2, pads[4] = {pad, pad, pad, pad}, strides[2] = {stride, stride};
    struct fsn__attr items[3] = {
        {.name = "pads", .type = FSN__ATTR_INTS, .count = 4, .ints = pads},
        {.name = "strides", .type = FSN__ATTR_INTS, .count = 2, .ints = strides},
        {.name = "group", .type = FSN__ATTR_INT, .i = groups},
    };
    const struct fsn__attrs attrs = {3, items};

    return apply(net, "Conv", name, &attrs, 2, (int[]){x, w});
}

static float conv_bound(int in_channels, int kernel)
{
    return 1.5f / sqrtf((float)(in_channels * kernel * kernel));
}

int net_conv(struct net *net, const char *name, int x, int in_channels, int out_channels,
             int kernel, int stride)
{
    int w = add_weight(net, name, "w", 4, (int64_t[]){out_channels, in_channels, kernel, kernel},
                       conv_bound(in_channels, kernel), 0);

    return apply_conv(net, name, x, w, kernel, stride, 1);
}

int net_conv_bias(struct net *net, const char *name, int x, int in_channels, int out_channels,
                  int kernel, int stride)
{
    struct fsn_error err = {0};
    int y = net_conv(net, name, x, in_channels, out_channels, kernel, stride);
    int b = add_weight(net, name, "b", 1, (int64_t[]){out_channels}, 0.5f, 0);

    demand(fsn__graph_set_input(net->graph, net->graph->values[y].producer, 2, b, &err), &err);
    return y;
}

int net_constant(struct net *net, const char *name, int ndim, const int64_t *dim, float bound)
{
    return add_weight(net, name, "c", ndim, dim, bound, 0);
}

int net_apply(struct net *net, const char *op, const struct fsn__attrs *attrs, int a, int b)
{
    return apply(net, op, NULL, attrs, b < 0 ? 1 : 2, (int[]){a, b});
}

int net_conv_depthwise(struct net *net, const char *name, int x, int channels, int kernel,
                       int stride)
{
    int w = add_weight(net, name, "w", 4, (int64_t[]){channels, 1, kernel, kernel},
                       conv_bound(1, kernel), 0);

    return apply_conv(net, name, x, w, kernel, stride, channels);
}

int net_conv_summary(struct net *net, const char *name, int x, int in_channels, int out_channels,
                     int kernel, int length)
{
    const int64_t shape[4] = {out_channels, in_channels, kernel, kernel};
    struct fsn__attr items[3] = {
        {.name = "layout", .type = FSN__ATTR_STRING, .s = "1d"},
        {.name = "shape", .type = FSN__ATTR_INTS, .count = 4, .ints = shape},
        {.name = "spacing", .type = FSN__ATTR_STRING, .s = "even"},
    };
    const struct fsn__attrs attrs = {3, items};
    int f = add_weight(net, name, "fs", 1, (int64_t[]){length}, conv_bound(in_channels, kernel), 0);

    return apply_conv(net, name, x, apply(net, "FilterSummary", NULL, &attrs, 1, &f), kernel, 1, 1);
}

int net_batch_norm(struct net *net, const char *name, int x, int channels)
{
    const int64_t c = channels;
    int in[5] = {x};

    in[1] = add_weight(net, name, "scale", 1, &c, 0, 1);
    in[2] = add_weight(net, name, "shift", 1, &c, 0, 0);
    in[3] = add_weight(net, name, "mean", 1, &c, 0, 0);
    in[4] = add_weight(net, name, "var", 1, &c, 0, 1);
    return apply(net, "BatchNormalization", name, NULL, 5, in);
}

int net_relu(struct net *net, int x)
{
    return apply(net, "Relu", NULL, NULL, 1, &x);
}

int net_add(struct net *net, int a, int b)
{
    return apply(net, "Add", NULL, NULL, 2, (int[]){a, b});
}

int net_global_pool(struct net *net, int x)
{
    return apply(net, "GlobalAveragePool", NULL, NULL, 1, &x);
}

int net_flatten(struct net *net, int x)
{
    return apply(net, "Flatten", NULL, NULL, 1, &x);
}

int net_gemm(struct net *net, const char *name, int x, int inputs, int outputs)
{
    struct fsn__attr item = {.name = "transB", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attrs attrs = {1, &item};
    float bound = 1 / sqrtf((float)inputs);
    int w = add_weight(net, name, "w", 2, (int64_t[]){outputs, inputs}, bound, 0);
    int b = add_weight(net, name, "b", 1, (int64_t[]){outputs}, bound, 0);

    return apply(net, "Gemm", name, &attrs, 3, (int[]){x, w, b});
}

struct fsn__graph *net_finish(struct net *net, int x)
{
    struct fsn_error err = {0};

    demand(fsn__graph_add_output(net->graph, x, &err), &err);
    fsn__graph_mark_trainable(net->graph);
    return net->graph;
}
