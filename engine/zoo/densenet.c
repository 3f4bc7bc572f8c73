/*
 * densenet.c - DenseNet with bottlenecks for small images (Huang et al., arXiv 1608.06993).
 *
 * Three dense blocks of (depth - 4) / 6 layers. A layer reads all that came before it: BN, ReLU,
 * conv 1x1 to 4k channels, BN, ReLU, conv 3x3 to k channels, and its result is concatenated to its
 * input. Between blocks BN, ReLU, conv 1x1 and 2x2 average pooling; the transitions keep the number
 * of channels (no reduction), as in the networks of the FSNet paper.
 */
#include "zoo/zoo.h"

#include <stdio.h>

enum { BLOCKS = 3 };

static const struct fsn__square conv_1x1 = {1, 1, 0}, conv_3x3 = {3, 1, 1};

static int bn_relu_conv(struct fsn__builder *b, const char *scope, int i, int x, int64_t filters,
                        struct fsn__square window)
{
    char bn[16], relu[16], conv[16];

    snprintf(bn, sizeof bn, "bn%d", i);
    snprintf(relu, sizeof relu, "relu%d", i);
    snprintf(conv, sizeof conv, "conv%d", i);
    x = fsn__build_bn(b, scope, bn, x);
    x = fsn__build_unary(b, "Relu", scope, relu, x);
    return fsn__build_conv(b, scope, conv, x, filters, window, false);
}

static int layer(struct fsn__builder *b, const char *scope, int x, int64_t growth)
{
    int y = bn_relu_conv(b, scope, 1, x, 4 * growth, conv_1x1);

    y = bn_relu_conv(b, scope, 2, y, growth, conv_3x3);
    return fsn__build_concat(b, scope, "concat", x, y);
}

static int transition(struct fsn__builder *b, const char *scope, int x)
{
    x = bn_relu_conv(b, scope, 1, x, fsn__build_dim(b, x, 1), conv_1x1);
    return fsn__build_average_pool(b, scope, "pool", x, (struct fsn__square){2, 2, 0});
}

int fsn__build_densenet(struct fsn__builder *b, const struct fsn__arch *arch,
                        const struct fsn_arch_options *options, int x)
{
    const int layers = (arch->depth - 4) / BLOCKS / 2;
    char scope[32];

    x = fsn__build_conv(b, "", "conv1", x, 2 * options->growth, conv_3x3, false);
    for (int i = 1; i <= BLOCKS; i++) {
        for (int j = 0; j < layers; j++) {
            snprintf(scope, sizeof scope, "dense%d.%d", i, j);
            x = layer(b, scope, x, options->growth);
        }
        if (i < BLOCKS) {
            snprintf(scope, sizeof scope, "trans%d", i);
            x = transition(b, scope, x);
        }
    }
    x = fsn__build_bn(b, "", "bn1", x);
    x = fsn__build_unary(b, "Relu", "", "relu1", x);
    return fsn__build_classifier(b, x, options->classes);
}
