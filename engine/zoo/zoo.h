/* zoo.h - the families of networks and what tells their members apart. */
#ifndef FSN_ZOO_ZOO_H
#define FSN_ZOO_ZOO_H

#include "zoo/builder.h"

#define FSN__MAX_STAGES 4

struct fsn__arch {
    const char *name;
    /* From the input value to the logits. */
    int (*build)(struct fsn__builder *b, const struct fsn__arch *arch,
                 const struct fsn_arch_options *options, int x);
    int input_size; /* default */
    int min_size;   /* smallest input that every stage can still halve */
    int growth;     /* default; 0: the family has none, and the option is not looked at */
    /* ResNets */
    bool bottleneck;
    int stages, width; /* of the first stage; each one doubles it */
    int blocks[FSN__MAX_STAGES];
    /* DenseNets */
    int depth;
};

/* From this input size on a network takes its ImageNet form, below it the one for CIFAR. */
#define FSN__IMAGENET_SIZE 64

int fsn__build_resnet(struct fsn__builder *b, const struct fsn__arch *arch,
                      const struct fsn_arch_options *options, int x);
int fsn__build_densenet(struct fsn__builder *b, const struct fsn__arch *arch,
                        const struct fsn_arch_options *options, int x);
int fsn__build_vgg16(struct fsn__builder *b, const struct fsn__arch *arch,
                     const struct fsn_arch_options *options, int x);

#endif
