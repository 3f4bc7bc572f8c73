/* builder.h - layers by one call each, so that a network reads like its paper.
 *
 * The first failure is kept in `status`; from then on every call does nothing and returns -1, so a
 * network is written down without checks and the status is read once, at the end. Functions take a
 * value and return one, both by index in the graph. A layer is named "<scope>.<name>" ("<name>"
 * when scope is ""), its weights "<layer>.weight", "<layer>.bias", ...
 */
#ifndef FSN_ZOO_BUILDER_H
#define FSN_ZOO_BUILDER_H

#include "graph/graph.h"

struct fsn__builder {
    struct fsn__graph *graph;
    uint64_t seed; /* of the initial weights */
    enum fsn_status status;
    struct fsn_error *err;
};

/* A square window of `size` pixels, its step and the padding on all sides. */
struct fsn__square {
    int64_t size, stride, padding;
};

/* Dimension `axis` of a value; 1 after a failure. */
int64_t fsn__build_dim(const struct fsn__builder *b, int value, int axis);

int fsn__build_input(struct fsn__builder *b, const char *name, int64_t channels, int64_t size);
void fsn__build_output(struct fsn__builder *b, int value);

/* Weights normal with variance 2 / (size^2 filters) (He et al. 2015, fan-out), biases zero. */
int fsn__build_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                    int64_t filters, struct fsn__square window, bool bias);
/* With bias, and variance 2 / (size^2 (channels + filters)) (Glorot and Bengio 2010): what comes
 * out is as large as what goes in, where filters are few too. */
int fsn__build_last_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                         int64_t filters, struct fsn__square window);
/* As fsn__build_conv() with taps `dilation` pixels apart, and biases uniform within 1 / sqrt(size^2
 * channels) of 0, as PyTorch begins: where a map is 0, what comes out is not. */
int fsn__build_biased_conv(struct fsn__builder *b, const char *scope, const char *name, int x,
                           int64_t filters, struct fsn__square window, int64_t dilation);
int fsn__build_bn(struct fsn__builder *b, const char *scope, const char *name, int x);
int fsn__build_max_pool(struct fsn__builder *b, const char *scope, const char *name, int x,
                        struct fsn__square window);
/* The last window may reach beyond the image (ceil_mode). */
int fsn__build_max_pool_ceil(struct fsn__builder *b, const char *scope, const char *name, int x,
                             struct fsn__square window);
int fsn__build_average_pool(struct fsn__builder *b, const char *scope, const char *name, int x,
                            struct fsn__square window);
/* Each pixel four times, in twice the height and width. */
int fsn__build_double_size(struct fsn__builder *b, const char *scope, const char *name, int x);
/* Operators without attributes: "Relu", "GlobalAveragePool", "Flatten", "Dropout". */
int fsn__build_unary(struct fsn__builder *b, const char *op, const char *scope, const char *name,
                     int x);
int fsn__build_add(struct fsn__builder *b, const char *scope, const char *name, int x, int y);
/* Along the channels. */
int fsn__build_concat(struct fsn__builder *b, const char *scope, const char *name, int x, int y);
/* Several values along axis 1, to a value of this name. */
int fsn__build_join(struct fsn__builder *b, const char *name, int count, const int *values);
/* The channels of each pixel divided by their L2 norm, times a learned factor for each channel that
 * begins at `scale` (Liu et al., "ParseNet", arXiv 1506.04579). */
int fsn__build_l2_norm(struct fsn__builder *b, const char *scope, const char *name, int x,
                       double scale);
/* x [N, k width, h, w] -> [N, h w k, width]: pixels row by row, the k groups of channels of each.
 */
int fsn__build_rows(struct fsn__builder *b, const char *scope, const char *name, int x,
                    int64_t width);
/* x [N, in] -> [N, features]; weights uniform within 1 / sqrt(in), biases zero. The result is named
 * `output`. */
int fsn__build_linear(struct fsn__builder *b, const char *name, int x, int64_t features,
                      const char *output);
/* Global average pooling, Flatten and a linear layer to the value "logits". */
int fsn__build_classifier(struct fsn__builder *b, int x, int64_t classes);

#endif
