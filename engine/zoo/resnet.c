/*
 * resnet.c - residual networks (He et al., "Deep Residual Learning", arXiv 1512.03385).
 *
 * Basic block: conv 3x3, conv 3x3. Bottleneck: conv 1x1, conv 3x3, conv 1x1 to four times the
 * width. Batch norm after each, ReLU after each but the last, whose ReLU follows the addition.
 * Where the shape changes the shortcut is a strided 1x1 convolution with batch norm (option B), on
 * CIFAR too: so the networks of the FSNet paper have them. The stem is conv 3x3 on small images; on
 * ImageNet's conv 7x7 and max pooling, both of stride 2. In a bottleneck the 3x3 has the stride.
 */
#include "zoo/zoo.h"

#include <stdio.h>

enum { EXPANSION = 4 }; /* of a bottleneck */

static const struct fsn__square conv_1x1 = {1, 1, 0};

static struct fsn__square conv_3x3(int64_t stride)
{
    return (struct fsn__square){3, stride, 1};
}

/* The convolution and its batch norm, "conv<i>" and "bn<i>". */
static int conv_bn(struct fsn__builder *b, const char *scope, int i, int x, int64_t filters,
                   struct fsn__square window)
{
    char conv[16], bn[16];

    snprintf(conv, sizeof conv, "conv%d", i);
    snprintf(bn, sizeof bn, "bn%d", i);
    x = fsn__build_conv(b, scope, conv, x, filters, window, false);
    return fsn__build_bn(b, scope, bn, x);
}

int fsn__build_conv_bn_relu(struct fsn__builder *b, const char *scope, int i, int x,
                            int64_t filters, struct fsn__square window)
{
    char relu[16];

    snprintf(relu, sizeof relu, "relu%d", i);
    return fsn__build_unary(b, "Relu", scope, relu, conv_bn(b, scope, i, x, filters, window));
}

static int block(struct fsn__builder *b, const char *scope, int x, int64_t width, int64_t stride,
                 bool bottleneck)
{
    const int64_t filters = bottleneck ? EXPANSION * width : width;
    int y, shortcut = x;

    if (bottleneck) {
        y = fsn__build_conv_bn_relu(b, scope, 1, x, width, conv_1x1);
        y = fsn__build_conv_bn_relu(b, scope, 2, y, width, conv_3x3(stride));
        y = conv_bn(b, scope, 3, y, filters, conv_1x1);
    } else {
        y = fsn__build_conv_bn_relu(b, scope, 1, x, width, conv_3x3(stride));
        y = conv_bn(b, scope, 2, y, filters, conv_3x3(1));
    }
    if (stride != 1 || fsn__build_dim(b, x, 1) != filters) {
        shortcut = fsn__build_conv(b, scope, "downsample.conv", x, filters,
                                   (struct fsn__square){1, stride, 0}, false);
        shortcut = fsn__build_bn(b, scope, "downsample.bn", shortcut);
    }
    y = fsn__build_add(b, scope, "add", y, shortcut);
    return fsn__build_unary(b, "Relu", scope, "relu", y);
}

int fsn__build_basic_block(struct fsn__builder *b, const char *scope, int x, int64_t width,
                           int64_t stride)
{
    return block(b, scope, x, width, stride, false);
}

int fsn__build_resnet(struct fsn__builder *b, const struct fsn__arch *arch,
                      const struct fsn_arch_options *options, int x)
{
    int64_t width = arch->width;
    char scope[32];

    if (options->input_size >= FSN__IMAGENET_SIZE) {
        x = fsn__build_conv_bn_relu(b, "", 1, x, width, (struct fsn__square){7, 2, 3});
        x = fsn__build_max_pool(b, "", "maxpool", x, (struct fsn__square){3, 2, 1});
    } else {
        x = fsn__build_conv_bn_relu(b, "", 1, x, width, conv_3x3(1));
    }
    for (int stage = 0; stage < arch->stages; stage++, width *= 2)
        for (int i = 0; i < arch->blocks[stage]; i++) {
            snprintf(scope, sizeof scope, "layer%d.%d", stage + 1, i);
            x = block(b, scope, x, width, stage > 0 && i == 0 ? 2 : 1, arch->bottleneck);
        }
    return fsn__build_classifier(b, x, options->classes);
}
