/* test_zoo.c - the networks by name: all of them build, options are checked, seeds decide. */
#include "graph/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct fsn_model *build(const char *arch, const struct fsn_arch_options *options)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    if (fsn_arch_build(arch, options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

static void assert_shape(const struct fsn__graph *graph, int value, const char *name,
                         const char *shape)
{
    assert_string_equal(graph->values[value].name, name);
    assert_string_equal(FSN__SHAPE(&graph->values[value].tensor), shape);
}

static bool is_classifier(const char *name)
{
    return strncmp(name, "ssd", 3) != 0 && strcmp(name, "unet") != 0;
}

static void every_classifier_maps_input_to_logits(void **state)
{
    (void)state;
    for (const char *const *name = fsn_arch_names(); *name; name++) {
        if (!is_classifier(*name))
            continue;
        /* 32: VGG's linear layers of the ImageNet form would fill most of a gigabyte */
        struct fsn_model *model =
            build(*name, &(struct fsn_arch_options){.input_size = 32, .classes = 7});
        const struct fsn__graph *graph = model->graph;

        assert_int_equal(graph->input_count, 1);
        assert_int_equal(graph->output_count, 1);
        assert_shape(graph, graph->inputs[0], "input", "[N,3,32,32]");
        assert_shape(graph, graph->outputs[0], "logits", "[N,7]");
        fsn_model_destroy(model);
    }
}

/* Boxes: 4 of 38 x 38 pixels, 6 of 19 x 19, 10 x 10 and 5 x 5, 4 of 3 x 3 and one. */
static void ssd300_has_8732_boxes_and_the_ports_parameters(void **state)
{
    struct fsn_model *model = build("ssd300", NULL);
    const struct fsn__graph *graph = model->graph;

    (void)state;
    assert_int_equal(graph->output_count, 2);
    assert_shape(graph, graph->inputs[0], "input", "[N,3,300,300]");
    assert_shape(graph, graph->outputs[0], "locations", "[N,8732,4]");
    assert_shape(graph, graph->outputs[1], "confidences", "[N,8732,21]");
    assert_int_equal(fsn__graph_parameters(graph), 26285486); /* amdegroot/ssd.pytorch, VOC */
    fsn_model_destroy(model);
}

/* Maps of 20, 10, 5 and 3 pixels: 4 * 400 + 6 * 100 + 6 * 25 + 4 * 9. */
static void ssd_lite_is_small(void **state)
{
    struct fsn_model *model = build("ssd-lite", &(struct fsn_arch_options){.classes = 3});
    const struct fsn__graph *graph = model->graph;

    (void)state;
    assert_shape(graph, graph->outputs[0], "locations", "[N,2386,4]");
    assert_shape(graph, graph->outputs[1], "confidences", "[N,2386,4]");
    assert_true(fsn__graph_parameters(graph) < 1000000);
    assert_true(fsn__graph_macs(graph) < 500000000);
    fsn_model_destroy(model);
    model = build("ssd-lite", &(struct fsn_arch_options){.classes = 1, .input_size = 32});
    assert_shape(model->graph, model->graph->outputs[1], "confidences", "[N,98,2]");
    fsn_model_destroy(model);
}

/* By hand, of width w and 3x3 convolutions without bias, each with 4 c + 1 of batch norm:
 * w = 4, K = 3: 3*4 + 4*4 + 4*8 + 8*8 + 8*16 + 16*16 + 16*32 + 32*32 going down, (32+16)*16 + 16*16
 * + (16+8)*8 + 8*8 + (8+4)*4 + 4*4 going up, times 9; 4*3 + 3 for the scores. */
static void a_unet_scores_every_pixel(void **state)
{
    struct fsn_model *model =
        build("unet", &(struct fsn_arch_options){.classes = 3, .input_size = 40, .width = 4});
    const struct fsn__graph *graph = model->graph;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(graph->output_count, 1);
    assert_shape(graph, graph->inputs[0], "input", "[N,3,40,40]");
    assert_shape(graph, graph->outputs[0], "scores", "[N,3,40,40]");
    assert_int_equal(fsn__graph_parameters(graph),
                     9 * (2044 + 1344) + 4 * (2 * (4 + 8 + 16 + 32) + 2 * (16 + 8 + 4)) + 14 + 15);
    fsn_model_destroy(model);
    assert_int_equal(
        fsn_arch_build("unet", &(struct fsn_arch_options){.input_size = 36}, &model, &err),
        FSN_INVALID);
    assert_non_null(strstr(err.text, "input size must be a multiple of 8"));
}

/* The factor behind the normalisation is learned and begins at 20. */
static void the_scale_of_a_normalisation_is_trained(void **state)
{
    struct fsn_model *model = build("ssd300", NULL);
    const struct fsn__graph *graph = model->graph;
    const int scale = fsn__graph_find_value(graph, "conv4_3.norm.weight");

    (void)state;
    assert_true(scale >= 0);
    assert_int_equal(graph->values[scale].kind, FSN__VALUE_PARAM);
    assert_false(graph->values[scale].decay);
    assert_int_equal(fsn__numel(&graph->values[scale].tensor), 512);
    for (int i = 0; i < 512; i++)
        assert_true(fsn__f32(&graph->values[scale].tensor)[i] == 20.0F);
    fsn_model_destroy(model);
}

static double mean_square(const struct fsn__graph *graph, const char *value)
{
    const int index = fsn__graph_find_value(graph, value);
    const struct fsn__tensor *t = index < 0 ? NULL : &graph->values[index].tensor;
    double sum = 0;

    if (!t)
        fail_msg("no value '%s'", value);
    for (int64_t i = 0; i < fsn__numel(t); i++)
        sum += (double)fsn__f32(t)[i] * fsn__f32(t)[i];
    return sum / (double)fsn__numel(t);
}

/* Where an image is 0 the map that conv4_3's norm divides by is not, and a head's outputs are no
 * larger than that map: else the first steps of training diverge. */
static void ssd300_begins_so_that_it_trains(void **state)
{
    struct fsn_model *model = build("ssd300", NULL);
    const struct fsn__graph *graph = model->graph;

    (void)state;
    assert_float_equal(mean_square(graph, "conv4_3.bias") * 9 * 512, 1.0 / 3, 0.05);
    assert_float_equal(mean_square(graph, "conv4_3.locations.weight") * 9 * (512 + 16), 2, 0.1);
    assert_true(mean_square(graph, "conv4_3.locations.bias") == 0);
    fsn_model_destroy(model);
}

static int64_t dim(const struct fsn__graph *graph, const char *value, int axis)
{
    int index = fsn__graph_find_value(graph, value);

    if (index < 0)
        fail_msg("no value '%s'", value);
    return graph->values[index].tensor.dim[axis];
}

static void input_size_decides_between_the_forms_for_cifar_and_imagenet(void **state)
{
    struct fsn_model *small = build("resnet18", NULL);
    struct fsn_model *large = build("resnet18", &(struct fsn_arch_options){.input_size = 224});

    (void)state;
    assert_int_equal(dim(small->graph, "conv1.weight", 2), 3);
    assert_int_equal(dim(small->graph, "layer1.0.conv1", 2), 32);
    assert_int_equal(dim(small->graph, "logits", 1), 10);
    assert_int_equal(dim(large->graph, "conv1.weight", 2), 7);
    assert_int_equal(dim(large->graph, "layer1.0.conv1", 2), 56);
    assert_int_equal(dim(large->graph, "layer4.1.conv2", 2), 7);
    assert_int_equal(dim(large->graph, "logits", 1), 1000);
    fsn_model_destroy(small);
    fsn_model_destroy(large);
}

/* 4.09 and 1.81 G: the sums of all layers' K C R S H W in the papers' tables, as torchvision states
 * them for 224 x 224. */
static void imagenet_networks_have_the_published_multiply_adds(void **state)
{
    struct fsn_model *model = build("resnet50", NULL);

    (void)state;
    assert_true(fabs((double)fsn__graph_macs(model->graph) - 4.09e9) < 0.005e9);
    fsn_model_destroy(model);
    model = build("resnet18", &(struct fsn_arch_options){.input_size = 224});
    assert_true(fabs((double)fsn__graph_macs(model->graph) - 1.81e9) < 0.005e9);
    fsn_model_destroy(model);
}

/* torchvision's vgg16_bn has 138,365,992 trainable tensors' elements; 13 batch norms of 4,224
 * channels add their statistics and a counter each. */
static void vgg_of_imagenet_has_the_published_parameters(void **state)
{
    struct fsn_model *model = build("vgg16-bn", &(struct fsn_arch_options){.input_size = 224});

    (void)state;
    assert_int_equal(fsn__graph_parameters(model->graph), 138365992 + 2 * 4224 + 13);
    fsn_model_destroy(model);
}

static void weights_come_from_the_seed_with_he_variance(void **state)
{
    struct fsn_model *model[3];
    const float *w[3];
    double sum = 0, squares = 0;
    enum { WEIGHTS = 64 * 64 * 9 };

    (void)state;
    for (int i = 0; i < 3; i++) {
        int value;

        model[i] = build("resnet20", &(struct fsn_arch_options){.seed = i == 2 ? 6 : 5});
        value = fsn__graph_find_value(model[i]->graph, "layer3.1.conv2.weight");
        assert_true(value >= 0);
        assert_int_equal(model[i]->graph->values[value].kind, FSN__VALUE_PARAM);
        assert_int_equal(fsn__numel(&model[i]->graph->values[value].tensor), WEIGHTS);
        w[i] = fsn__f32(&model[i]->graph->values[value].tensor);
    }
    assert_memory_equal(w[0], w[1], WEIGHTS * sizeof **w);
    assert_memory_not_equal(w[0], w[2], WEIGHTS * sizeof **w);
    for (int i = 0; i < WEIGHTS; i++) {
        sum += w[0][i];
        squares += (double)w[0][i] * w[0][i];
    }
    /* standard deviation sqrt(2 / (9 * 64)) = 0.0589; five sigmas of both estimates */
    assert_true(fabs(sum / WEIGHTS) < 5 * 0.0589 / sqrt(WEIGHTS));
    assert_true(fabs(sqrt(squares / WEIGHTS) - 0.0589) < 5 * 0.0589 / sqrt(2.0 * WEIGHTS));
    for (int i = 0; i < 3; i++)
        fsn_model_destroy(model[i]);
}

static void assert_refused(const char *arch, struct fsn_arch_options options, const char *part)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    assert_int_equal(fsn_arch_build(arch, &options, &model, &err), FSN_INVALID);
    assert_null(model);
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void impossible_options_are_refused(void **state)
{
    (void)state;
    assert_refused("resnet19", (struct fsn_arch_options){0}, "no architecture 'resnet19'");
    assert_refused("resnet19", (struct fsn_arch_options){0}, "densenet100 vgg16-bn ssd300");
    assert_refused("resnet20", (struct fsn_arch_options){.classes = 1}, "classes must be 2 to");
    assert_refused("resnet20", (struct fsn_arch_options){.classes = -1}, "is -1");
    assert_refused("resnet20", (struct fsn_arch_options){.input_size = 3}, "input size must be 4");
    assert_refused("vgg16-bn", (struct fsn_arch_options){.input_size = 31}, "must be 32 to");
    assert_refused("resnet20", (struct fsn_arch_options){.input_channels = 5}, "channels");
    assert_refused("ssd300", (struct fsn_arch_options){.input_size = 320}, "size must be 300");
    assert_refused("ssd-lite", (struct fsn_arch_options){.classes = -1}, "classes must be 1 to");
    assert_refused("densenet100", (struct fsn_arch_options){.growth = 257}, "growth must be");
    assert_refused("ssd-lite", (struct fsn_arch_options){.width = 8}, "has no width to choose");
    assert_refused("resnet8", (struct fsn_arch_options){.width = 16}, "has no width to choose");
    assert_refused("unet", (struct fsn_arch_options){.growth = 3}, "has no growth to choose");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_classifier_maps_input_to_logits),
        cmocka_unit_test(ssd300_has_8732_boxes_and_the_ports_parameters),
        cmocka_unit_test(ssd_lite_is_small),
        cmocka_unit_test(a_unet_scores_every_pixel),
        cmocka_unit_test(the_scale_of_a_normalisation_is_trained),
        cmocka_unit_test(ssd300_begins_so_that_it_trains),
        cmocka_unit_test(input_size_decides_between_the_forms_for_cifar_and_imagenet),
        cmocka_unit_test(imagenet_networks_have_the_published_multiply_adds),
        cmocka_unit_test(vgg_of_imagenet_has_the_published_parameters),
        cmocka_unit_test(weights_come_from_the_seed_with_he_variance),
        cmocka_unit_test(impossible_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
