/* toy_task.c - see toy_task.h. */
#include "toy_task.h"

#include "core/rng.h"
#include "net_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

static uint8_t texture(int label, int y, int x)
{
    switch (label) {
    case 0:
        return 60;
    case 1:
        return 180;
    case 2:
        return x % 2 ? 180 : 60;
    default:
        return y % 2 ? 180 : 60;
    }
}

static void fill(struct fsn__images *images, int64_t count, uint64_t seed, uint64_t split)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_TEST, split, 1);
    uint8_t *pixel;

    images->count = count;
    images->pixels = pixel = calloc((size_t)count + 1, TOY_SIZE * TOY_SIZE);
    images->labels = calloc((size_t)count + 1, sizeof *images->labels);
    images->per_class = calloc(TOY_CLASSES, sizeof *images->per_class);
    assert_true(images->pixels && images->labels && images->per_class);
    for (int64_t i = 0; i < count; i++) {
        int label = (int)fsn__rng_below(&rng, TOY_CLASSES);

        images->labels[i] = label;
        images->per_class[label]++;
        for (int y = 0; y < TOY_SIZE; y++)
            for (int x = 0; x < TOY_SIZE; x++)
                *pixel++ = (uint8_t)(texture(label, y, x) + fsn__rng_below(&rng, 60));
    }
}

struct fsn_dataset *toy_dataset(int64_t train_images, int64_t test_images, uint64_t seed)
{
    struct fsn_dataset *data = calloc(1, sizeof *data);

    assert_non_null(data);
    data->format = "toy";
    data->channels = 1;
    data->height = data->width = TOY_SIZE;
    data->classes = TOY_CLASSES;
    fill(&data->split[FSN_SPLIT_TRAIN], train_images, seed, FSN_SPLIT_TRAIN);
    fill(&data->split[FSN_SPLIT_TEST], test_images, seed, FSN_SPLIT_TEST);
    return data;
}

struct fsn__graph *toy_network(uint64_t seed)
{
    struct net net = net_create(seed);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE);

    x = net_conv(&net, "conv", x, 1, 6, 3, 1);
    x = net_relu(&net, net_batch_norm(&net, "bn", x, 6));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "fc", x, 6, TOY_CLASSES));
}
