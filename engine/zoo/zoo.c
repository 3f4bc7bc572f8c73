/* zoo.c - the paper's networks by name, with fresh weights. */
#include "zoo/zoo.h"

#include <stdlib.h>
#include <string.h>

/* CIFAR's ResNets: three stages of 16, 32, 64; 6 n + 2 layers (9 n + 2 with bottlenecks). */
#define CIFAR_RESNET(n)                                                                    \
    .build = fsn__build_resnet, .input_size = 32, .min_size = 4, .stages = 3, .width = 16, \
    .blocks = {n, n, n}
/* The ones made for ImageNet: four stages of 64, 128, 256, 512. */
#define WIDE_RESNET(size, ...)                                                               \
    .build = fsn__build_resnet, .input_size = size, .min_size = 8, .stages = 4, .width = 64, \
    .blocks = {__VA_ARGS__}

/* X(name, settings of struct fsn__arch) */
#define ARCH_LIST(X)                                                                              \
    X("resnet8", CIFAR_RESNET(1))                                                                 \
    X("resnet20", CIFAR_RESNET(3))                                                                \
    X("resnet32", CIFAR_RESNET(5))                                                                \
    X("resnet44", CIFAR_RESNET(7))                                                                \
    X("resnet56", CIFAR_RESNET(9))                                                                \
    X("resnet110", CIFAR_RESNET(18))                                                              \
    X("resnet164", CIFAR_RESNET(18), .bottleneck = true)                                          \
    X("resnet18", WIDE_RESNET(32, 2, 2, 2, 2))                                                    \
    X("resnet50", WIDE_RESNET(224, 3, 4, 6, 3), .bottleneck = true)                               \
    X("densenet100", .build = fsn__build_densenet, .input_size = 32, .min_size = 4, .depth = 100, \
      .growth = 12)                                                                               \
    X("vgg16-bn", .build = fsn__build_vgg16, .input_size = 32, .min_size = 32)                    \
    X("ssd300", .build = fsn__build_ssd300, .input_size = 300, .min_size = 300, .max_size = 300,  \
      .width = 64, .classes = 20, .detector = true)                                               \
    X("ssd-lite", .build = fsn__build_ssd_lite, .input_size = 160, .min_size = 32, .classes = 20, \
      .detector = true)                                                                           \
    X("unet", .build = fsn__build_unet, .input_size = 128, .min_size = 8, .width = 16,            \
      .classes = 2, .wide = true)

static const struct fsn__arch archs[] = {
#define ROW(title, ...) {.name = title, __VA_ARGS__},
    ARCH_LIST(ROW)
#undef ROW
};

const char *const *fsn_arch_names(void)
{
    static const char *const names[] = {
#define NAME(title, ...) title,
        ARCH_LIST(NAME)
#undef NAME
            NULL};

    return names;
}

/* For the message, as one literal. */
#define WORD(title, ...) " " title
#define ALL_NAMES ARCH_LIST(WORD)

static const struct fsn__arch *find(const char *name)
{
    for (size_t i = 0; i < sizeof archs / sizeof archs[0]; i++)
        if (strcmp(archs[i].name, name) == 0)
            return &archs[i];
    return NULL;
}

/* ---- options --------------------------------------------------------------------------------- */

static enum fsn_status check(const char *arch, const char *option, int value, int min, int max,
                             struct fsn_error *err)
{
    if (value >= min && value <= max)
        return FSN_OK;
    return FSN__FAIL(err, FSN_INVALID, "%s: %s must be %d to %d, is %d", arch, option, min, max,
                     value);
}

/* What the architecture has not is refused, rather than left unused. */
static enum fsn_status check_has(const char *arch, const char *option, int value, bool has,
                                 struct fsn_error *err)
{
    if (value == 0 || has)
        return FSN_OK;
    return FSN__FAIL(err, FSN_INVALID, "%s: has no %s to choose, got %d", arch, option, value);
}

/* Puts the architecture's own values where the caller gave zero. */
static enum fsn_status complete(const struct fsn__arch *arch, struct fsn_arch_options *o,
                                struct fsn_error *err)
{
    enum fsn_status status = check_has(arch->name, "growth", o->growth, arch->growth != 0, err);

    if (status == FSN_OK)
        status = check_has(arch->name, "width", o->width, arch->wide, err);
    if (status != FSN_OK)
        return status;
    if (o->input_size == 0)
        o->input_size = arch->input_size;
    if (o->classes == 0)
        o->classes = arch->classes;
    if (o->classes == 0)
        o->classes = o->input_size >= FSN__IMAGENET_SIZE ? 1000 : 10;
    if (o->input_channels == 0)
        o->input_channels = 3;
    if (o->growth == 0)
        o->growth = arch->growth;
    if (o->width == 0)
        o->width = arch->width;
    status = check(arch->name, "input size", o->input_size, arch->min_size,
                   arch->max_size > 0 ? arch->max_size : 2048, err);
    if (status == FSN_OK)
        status = check(arch->name, "classes", o->classes, arch->detector ? 1 : 2, 100000, err);
    if (status == FSN_OK)
        status = check(arch->name, "input channels", o->input_channels, 1, FSN_MAX_CHANNELS, err);
    if (status == FSN_OK && arch->growth != 0)
        status = check(arch->name, "growth", o->growth, 1, 256, err);
    if (status == FSN_OK && arch->wide)
        status = check(arch->name, "width", o->width, 1, 512, err);
    return status;
}

/* ---- building -------------------------------------------------------------------------------- */

static enum fsn_status build(const struct fsn__arch *arch, const struct fsn_arch_options *options,
                             struct fsn__graph *graph, struct fsn_error *err)
{
    struct fsn__builder b = {.graph = graph, .seed = options->seed, .err = err};
    int x;

    x = fsn__build_input(&b, "input", options->input_channels, options->input_size);
    x = arch->build(&b, arch, options, x);
    fsn__build_output(&b, x);
    if (b.status == FSN_OK)
        fsn__graph_mark_trainable(graph);
    return b.status;
}

enum fsn_status fsn_arch_build(const char *name, const struct fsn_arch_options *options,
                               struct fsn_model **out, struct fsn_error *err)
{
    const struct fsn__arch *arch = find(name);
    struct fsn_arch_options complete_options = {.classes = 0};
    struct fsn_model *model = NULL;
    enum fsn_status status;

    if (!arch)
        return FSN__FAIL(err, FSN_INVALID, "no architecture '%.64s'; there are" ALL_NAMES, name);
    if (options)
        complete_options = *options;
    status = complete(arch, &complete_options, err);
    if (status != FSN_OK)
        return status;
    model = calloc(1, sizeof *model);
    if (!model)
        return FSN__NOMEM(err);
    status = fsn__graph_create(&model->graph, err);
    if (status == FSN_OK)
        status = build(arch, &complete_options, model->graph, err);
    if (status != FSN_OK) {
        fsn__graph_destroy(model->graph);
        free(model);
        return status;
    }
    *out = model;
    return FSN_OK;
}
