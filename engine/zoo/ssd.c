/*
 * ssd.c - single shot detectors (Liu et al., "SSD: Single Shot MultiBox Detector", arXiv
 * 1512.02325).
 *
 * From maps of falling size a 3x3 convolution each says, for every default box of every pixel, how
 * to move it (4 numbers) and what is in it (classes + 1 logits, the background first). The outputs
 * are `locations` [N, P, 4] and `confidences` [N, P, classes + 1]; the P boxes stand map by map,
 * row by row, pixel by pixel, in the order of detect/default_boxes.h.
 *
 * SSD300 is layer for layer the PyTorch port that most go by (amdegroot/ssd.pytorch), VGG-16
 * without batch norm: pool3 rounds up, pool5 is 3x3 at stride 1, fc6 is a 3x3 convolution of
 * dilation 6, fc7 a 1x1. The port's order of the boxes is ours. SSD-lite is our own, with what
 * trains fast on a CPU: 3x3 convolutions of residual blocks with batch norm, widths a multiple of
 * 16, and maps at strides 8, 16, 32 and 64.
 */
#include "zoo/zoo.h"

#include <stdio.h>

enum { MAX_MAPS = 6, OFFSETS = 4 };

static const struct fsn__square conv_1x1 = {1, 1, 0}, conv_3x3 = {3, 1, 1};
static const struct fsn__square halving = {3, 2, 1}, valid = {3, 1, 0};

/* ---- heads -------------------------------------------------------------------------------------
 */

struct heads {
    bool glorot; /* how they begin; without batch norm before them it must be so */
    int count, locations[MAX_MAPS], confidences[MAX_MAPS];
};

/* "<scope>.locations" or ".confidences": `width` numbers for each of a pixel's boxes, as rows. */
static int head(struct fsn__builder *b, bool glorot, const char *scope, const char *name, int x,
                int boxes, int64_t width)
{
    if (glorot)
        x = fsn__build_last_conv(b, scope, name, x, boxes * width, conv_3x3);
    else
        x = fsn__build_conv(b, scope, name, x, boxes * width, conv_3x3, true);
    return fsn__build_rows(b, scope, name, x, width);
}

static void add_heads(struct fsn__builder *b, struct heads *heads, const char *scope, int x,
                      int boxes, int classes)
{
    heads->locations[heads->count] = head(b, heads->glorot, scope, "locations", x, boxes, OFFSETS);
    heads->confidences[heads->count++] =
        head(b, heads->glorot, scope, "confidences", x, boxes, classes + 1);
}

static int join_heads(struct fsn__builder *b, const struct heads *heads)
{
    fsn__build_output(b, fsn__build_join(b, "locations", heads->count, heads->locations));
    return fsn__build_join(b, "confidences", heads->count, heads->confidences);
}

/* ---- SSD300 ------------------------------------------------------------------------------------
 */

/* "conv<name>" and "relu<name>". With biases of 0 all maps would be 0 beyond the picture, where
 * augmentation puts it into a larger one, and conv4_3's norm would divide by that. */
static int conv_relu(struct fsn__builder *b, const char *name, int x, int64_t filters,
                     struct fsn__square window, int64_t dilation)
{
    char conv[16], relu[16];

    snprintf(conv, sizeof conv, "conv%s", name);
    snprintf(relu, sizeof relu, "relu%s", name);
    x = fsn__build_biased_conv(b, "", conv, x, filters, window, dilation);
    return fsn__build_unary(b, "Relu", "", relu, x);
}

/* Group i (from 1) of VGG-16, without its pooling. */
static int vgg_group(struct fsn__builder *b, int i, int x, int convs, int64_t filters)
{
    char name[8];

    for (int j = 1; j <= convs; j++) {
        snprintf(name, sizeof name, "%d_%d", i, j);
        x = conv_relu(b, name, x, filters, conv_3x3, 1);
    }
    return x;
}

/* Layers i of those behind VGG-16: 1x1 to half of the filters, then 3x3. */
static int extra(struct fsn__builder *b, int i, int x, int64_t filters, struct fsn__square window)
{
    char name[8];

    snprintf(name, sizeof name, "%d_1", i);
    x = conv_relu(b, name, x, filters / 2, conv_1x1, 1);
    snprintf(name, sizeof name, "%d_2", i);
    return conv_relu(b, name, x, filters, window, 1);
}

int fsn__build_ssd300(struct fsn__builder *b, const struct fsn__arch *arch,
                      const struct fsn_arch_options *options, int x)
{
    static const struct fsn__square pool = {2, 2, 0}, wide = {3, 1, 6};
    const int64_t w = arch->width;
    const int classes = options->classes;
    struct heads heads = {.glorot = true};

    x = fsn__build_max_pool(b, "", "pool1", vgg_group(b, 1, x, 2, w), pool);
    x = fsn__build_max_pool(b, "", "pool2", vgg_group(b, 2, x, 2, 2 * w), pool);
    x = fsn__build_max_pool_ceil(b, "", "pool3", vgg_group(b, 3, x, 3, 4 * w), pool);
    x = vgg_group(b, 4, x, 3, 8 * w);
    add_heads(b, &heads, "conv4_3", fsn__build_l2_norm(b, "conv4_3", "norm", x, 20), 4, classes);
    x = fsn__build_max_pool(b, "", "pool4", x, pool);
    x = fsn__build_max_pool(b, "", "pool5", vgg_group(b, 5, x, 3, 8 * w), conv_3x3);
    x = conv_relu(b, "6", x, 16 * w, wide, 6);
    x = conv_relu(b, "7", x, 16 * w, conv_1x1, 1);
    add_heads(b, &heads, "conv7", x, 6, classes);
    x = extra(b, 8, x, 8 * w, halving);
    add_heads(b, &heads, "conv8_2", x, 6, classes);
    x = extra(b, 9, x, 4 * w, halving);
    add_heads(b, &heads, "conv9_2", x, 6, classes);
    x = extra(b, 10, x, 4 * w, valid);
    add_heads(b, &heads, "conv10_2", x, 4, classes);
    x = extra(b, 11, x, 4 * w, valid);
    add_heads(b, &heads, "conv11_2", x, 4, classes);
    return join_heads(b, &heads);
}

/* ---- SSD-lite ----------------------------------------------------------------------------------
 */

int fsn__build_ssd_lite(struct fsn__builder *b, const struct fsn__arch *arch,
                        const struct fsn_arch_options *options, int x)
{
    static const struct {
        int width, blocks, boxes; /* boxes 0: no head */
    } stages[] = {{32, 1, 0}, {64, 2, 4}, {96, 1, 6}, {96, 1, 6}, {96, 1, 4}};
    struct heads heads = {.count = 0};
    char scope[32];

    (void)arch;
    x = fsn__build_conv_bn_relu(b, "", 1, x, 16, halving);
    for (int stage = 0; stage < 5; stage++) {
        for (int i = 0; i < stages[stage].blocks; i++) {
            snprintf(scope, sizeof scope, "layer%d.%d", stage + 1, i);
            x = fsn__build_basic_block(b, scope, x, stages[stage].width, i == 0 ? 2 : 1);
        }
        snprintf(scope, sizeof scope, "head%d", stage);
        if (stages[stage].boxes > 0)
            add_heads(b, &heads, scope, x, stages[stage].boxes, options->classes);
    }
    return join_heads(b, &heads);
}
