/*
 * vgg.c - VGG-16 with batch norm (Simonyan and Zisserman, arXiv 1409.1556, configuration D).
 *
 * Thirteen 3x3 convolutions with bias, batch norm and ReLU, in five groups that end in 2x2 max
 * pooling. ImageNet's form ends in three linear layers with dropout between them; the one for small
 * images in a single linear layer.
 */
#include "zoo/zoo.h"

#include <stdio.h>

static int hidden(struct fsn__builder *b, int i, int x)
{
    char name[16];

    snprintf(name, sizeof name, "fc%d", i);
    x = fsn__build_linear(b, name, x, 4096, name);
    snprintf(name, sizeof name, "relu%d", i);
    x = fsn__build_unary(b, "Relu", "", name, x);
    snprintf(name, sizeof name, "dropout%d", i);
    return fsn__build_unary(b, "Dropout", "", name, x);
}

int fsn__build_vgg16(struct fsn__builder *b, const struct fsn__arch *arch,
                     const struct fsn_arch_options *options, int x)
{
    static const struct {
        int convs, width;
    } groups[] = {{2, 64}, {2, 128}, {3, 256}, {3, 512}, {3, 512}};
    char name[32];

    (void)arch;
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < groups[i].convs; j++) {
            snprintf(name, sizeof name, "conv%d_%d", i + 1, j + 1);
            x = fsn__build_conv(b, "", name, x, groups[i].width, (struct fsn__square){3, 1, 1},
                                true);
            snprintf(name, sizeof name, "bn%d_%d", i + 1, j + 1);
            x = fsn__build_bn(b, "", name, x);
            snprintf(name, sizeof name, "relu%d_%d", i + 1, j + 1);
            x = fsn__build_unary(b, "Relu", "", name, x);
        }
        snprintf(name, sizeof name, "pool%d", i + 1);
        x = fsn__build_max_pool(b, "", name, x, (struct fsn__square){2, 2, 0});
    }
    if (options->input_size < FSN__IMAGENET_SIZE)
        return fsn__build_classifier(b, x, options->classes);
    x = fsn__build_unary(b, "Flatten", "", "flatten", x);
    x = hidden(b, 6, x);
    x = hidden(b, 7, x);
    return fsn__build_linear(b, "fc8", x, options->classes, "logits");
}
