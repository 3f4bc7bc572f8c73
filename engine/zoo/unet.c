/*
 * unet.c - a U-Net that says of what class every pixel is (Ronneberger, Fischer, Brox, "U-Net:
 * Convolutional Networks for Biomedical Image Segmentation", arXiv 1505.04597), in small.
 *
 * Going down, two 3x3 convolutions with batch norm and ReLU at each of four levels, and 2x2 max
 * pooling between them; the width doubles with each. Going up, a level's map is made twice as
 * large, joined with the one of that size from the way down, and goes through two convolutions
 * more. Two things differ from the paper: convolutions are padded, so that the scores have the
 * image's size, and maps grow by repeating their pixels, so that all weights lie in convolutions.
 * The output is `scores` [N, classes, H, W].
 */
#include "zoo/zoo.h"

#include <stdio.h>

enum { LEVELS = 4, SMALLEST = 1 << (LEVELS - 1) };

static const struct fsn__square conv_1x1 = {1, 1, 0}, conv_3x3 = {3, 1, 1}, halving = {2, 2, 0};

static int double_conv(struct fsn__builder *b, const char *scope, int x, int64_t width)
{
    x = fsn__build_conv_bn_relu(b, scope, 1, x, width, conv_3x3);
    return fsn__build_conv_bn_relu(b, scope, 2, x, width, conv_3x3);
}

int fsn__build_unet(struct fsn__builder *b, const struct fsn__arch *arch,
                    const struct fsn_arch_options *options, int x)
{
    const int64_t width = options->width > 0 ? options->width : arch->width;
    int down[LEVELS];
    char scope[16];

    if (b->status == FSN_OK && options->input_size % SMALLEST != 0) {
        b->status = FSN__FAIL(b->err, FSN_INVALID,
                              "%s: input size must be a multiple of %d, which is halved %d times, "
                              "is %d",
                              arch->name, SMALLEST, LEVELS - 1, options->input_size);
        return -1;
    }
    for (int level = 0; level < LEVELS; level++) {
        snprintf(scope, sizeof scope, "down%d", level + 1);
        if (level > 0)
            x = fsn__build_max_pool(b, scope, "pool", x, halving);
        down[level] = x = double_conv(b, scope, x, width << level);
    }
    for (int level = LEVELS - 2; level >= 0; level--) {
        snprintf(scope, sizeof scope, "up%d", level + 1);
        x = fsn__build_double_size(b, scope, "resize", x);
        x = fsn__build_concat(b, scope, "join", down[level], x);
        x = double_conv(b, scope, x, width << level);
    }
    return fsn__build_conv(b, "", "scores", x, options->classes, conv_1x1, true);
}
