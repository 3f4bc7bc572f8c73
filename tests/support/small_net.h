/* small_net.h - networks of a few convolutions for tests; every failure fails the test. */
#ifndef FSN_TESTS_SMALL_NET_H
#define FSN_TESTS_SMALL_NET_H

#include "zoo/builder.h"

struct small_net {
    struct fsn__builder b;
    struct fsn_error err;
    int x; /* the value that the next layer reads */
};

/* Input [N, channels, 8, 8]. The graph is net->b.graph, destroyed by the test. */
void small_net_open(struct small_net *net, int64_t channels);
/* A square convolution that keeps the size of the image; weights from seed 0. */
void small_net_conv(struct small_net *net, const char *name, int64_t filters, int64_t size);
/* A 3x3 convolution over a given weight. */
void small_net_grouped_conv(struct small_net *net, const char *name, int weight, int64_t groups);
/* A weight [k, c, 3, 3] of zeros. */
int small_net_weight(struct small_net *net, const char *name, int64_t k, int64_t c);
/* Makes the last layer the output. */
void small_net_finish(struct small_net *net);

#endif
