/* zoo.h - the families of networks and what tells their members apart. */
#ifndef FSN_ZOO_ZOO_H
#define FSN_ZOO_ZOO_H

#include "zoo/builder.h"

#define FSN__MAX_STAGES 4

struct fsn__arch {
    const char *name;
    /* From the input value to the logits, or to a detector's last output (the others it adds). */
    int (*build)(struct fsn__builder *b, const struct fsn__arch *arch,
                 const struct fsn_arch_options *options, int x);
    int input_size; /* default */
    int min_size;   /* smallest input that every stage can still halve */
    int max_size;   /* 0: any */
    int classes;    /* default; 0: as many as CIFAR-10 or ImageNet have, by the input's size */
    bool detector;  /* one class is enough: the background is another */
    int growth;     /* default; 0: the family has none, and the option is not looked at */
    bool wide;      /* the option `width` is looked at */
    /* ResNets */
    bool bottleneck;
    int stages, width; /* of the first stage; each one doubles it (SSD300: of the trunk's first;
                          U-Net: default) */
    int blocks[FSN__MAX_STAGES];
    /* DenseNets */
    int depth;
};

/* From this input size on a network takes its ImageNet form, below it the one for CIFAR. */
#define FSN__IMAGENET_SIZE 64

int fsn__build_resnet(struct fsn__builder *b, const struct fsn__arch *arch,
                      const struct fsn_arch_options *options, int x);
/* Its pieces, for other networks: "conv<i>", "bn<i>" and "relu<i>"; two 3x3 with a shortcut. */
int fsn__build_conv_bn_relu(struct fsn__builder *b, const char *scope, int i, int x,
                            int64_t filters, struct fsn__square window);
int fsn__build_basic_block(struct fsn__builder *b, const char *scope, int x, int64_t width,
                           int64_t stride);
int fsn__build_densenet(struct fsn__builder *b, const struct fsn__arch *arch,
                        const struct fsn_arch_options *options, int x);
int fsn__build_vgg16(struct fsn__builder *b, const struct fsn__arch *arch,
                     const struct fsn_arch_options *options, int x);
int fsn__build_ssd300(struct fsn__builder *b, const struct fsn__arch *arch,
                      const struct fsn_arch_options *options, int x);
int fsn__build_ssd_lite(struct fsn__builder *b, const struct fsn__arch *arch,
                        const struct fsn_arch_options *options, int x);
int fsn__build_unet(struct fsn__builder *b, const struct fsn__arch *arch,
                    const struct fsn_arch_options *options, int x);

#endif
