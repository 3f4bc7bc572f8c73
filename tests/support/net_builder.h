/* net_builder.h - small networks for tests, layer by layer; a failure ends the test with its text.
 *
 * Weights are drawn: the i-th tensor that asks for random values (i from 0) takes them from stream
 * (seed, FSN__RNG_TEST, i, 0), each (2 u - 1) * bound with u uniform in [0, 1). The formula is
 * short enough for a Python script to repeat. */
#ifndef TESTS_SUPPORT_NET_BUILDER_H
#define TESTS_SUPPORT_NET_BUILDER_H

#include "graph/graph.h"

struct net {
    struct fsn__graph *graph;
    uint64_t seed;
    uint64_t drawn; /* tensors so far */
};

struct net net_create(uint64_t seed);

/* Each returns the index of the value it made. */
int net_input(struct net *net, int channels, int height, int width); /* [N,C,H,W] */
/* Square kernel, padding kernel / 2, no bias; weights bounded by 1.5 / sqrt(fan-in). */
int net_conv(struct net *net, const char *name, int x, int in_channels, int out_channels,
             int kernel, int stride);
/* net_conv with a drawn bias. */
int net_conv_bias(struct net *net, const char *name, int x, int in_channels, int out_channels,
                  int kernel, int stride);
/* The same without a bias, each channel by itself. */
int net_conv_depthwise(struct net *net, const char *name, int x, int channels, int kernel,
                       int stride);
/* The same as net_conv with weights gathered from a Filter Summary, layout 1d, of `length`
 * elements. */
int net_conv_summary(struct net *net, const char *name, int x, int in_channels, int out_channels,
                     int kernel, int length);
/* scale 1, shift 0, mean 0, variance 1. */
int net_batch_norm(struct net *net, const char *name, int x, int channels);
int net_relu(struct net *net, int x);
int net_add(struct net *net, int a, int b);
int net_global_pool(struct net *net, int x); /* [N,C,1,1] */
int net_flatten(struct net *net, int x);
/* With a bias; both bounded by 1 / sqrt(inputs). */
int net_gemm(struct net *net, const char *name, int x, int inputs, int outputs);
/* A drawn constant NAME.c; any operator of one or (b >= 0) two inputs. */
int net_constant(struct net *net, const char *name, int ndim, const int64_t *dim, float bound);
int net_apply(struct net *net, const char *op, const struct fsn__attrs *attrs, int a, int b);
/* Ends it: x is the output, weights are marked trainable. */
struct fsn__graph *net_finish(struct net *net, int x);

/* x[n] = (2 u - 1) * bound, u from stream (seed, FSN__RNG_TEST, stream, 0). */
void net_draw(float *x, int64_t n, float bound, uint64_t seed, uint64_t stream);

#endif
