/* test_restore_bn.c - batch norm that is put back: where, that the function stays, what calibration
 * measures, that it trains, and that folding gives the first weights again. */
#include "graph/head.h"
#include "graph_run.h"
#include "net_builder.h"
#include "toy_run.h"
#include "train/calibrate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* conv a - relu - conv b - + - relu - conv c - pool - fc, all with a bias, as a folded ResNet has
 * them, b without; and a last convolution d that writes the logits instead of fc. */
static struct fsn__graph *folded_net(bool fully_convolutional)
{
    struct net net = net_create(5);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), a, b, c;

    a = net_relu(&net, net_conv_bias(&net, "a", x, 1, 6, 3, 1));
    b = net_add(&net, net_conv(&net, "b", a, 6, 6, 3, 1), a);
    c = net_relu(&net, net_conv_bias(&net, "c", net_relu(&net, b), 6, 8, 3, 2));
    if (fully_convolutional) {
        x = net_global_pool(&net, net_conv_bias(&net, "d", c, 8, TOY_CLASSES, 1, 1));
        return net_finish(&net, net_flatten(&net, x));
    }
    x = net_flatten(&net, net_global_pool(&net, c));
    return net_finish(&net, net_gemm(&net, "fc", x, 8, TOY_CLASSES));
}

static struct fsn__bare_convs find(const struct fsn__graph *graph, enum fsn_restore_bn rule)
{
    struct fsn__bare_convs bare = {0};
    struct fsn__head head = {0};
    struct fsn_error err = {0};
    struct fsn__ends ends = {.count = 1};

    if (fsn__graph_find_head(graph, NULL, 0, &head, &err) != FSN_OK)
        fail_msg("%s", err.text);
    ends.value[0] = head.logits;
    if (fsn__graph_find_bare_convs(graph, &ends, rule, &bare, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return bare;
}

static void assert_found(const struct fsn__graph *graph, enum fsn_restore_bn rule, const char *want)
{
    struct fsn__bare_convs bare = find(graph, rule);
    char got[64] = "";

    for (int i = 0; i < bare.count; i++)
        strncat(got, graph->nodes[bare.item[i].node].name, 8);
    assert_string_equal(got, want);
    fsn__bare_convs_free(&bare);
}

static void convolutions_with_a_bias_get_it_but_for_the_last_one(void **state)
{
    struct fsn__graph *net = folded_net(false), *full = folded_net(true);

    (void)state;
    assert_found(net, FSN_RESTORE_BN_AUTO, "ac");
    assert_found(net, FSN_RESTORE_BN_ALL, "abc");
    assert_found(net, FSN_RESTORE_BN_NONE, "");
    assert_found(full, FSN_RESTORE_BN_AUTO, "ac"); /* d writes the logits, though pooled */
    fsn__graph_destroy(net);
    fsn__graph_destroy(full);
}

static void one_that_has_it_or_shares_its_weight_or_writes_one_pixel_does_not(void **state)
{
    struct net net = net_create(6);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), y, gate;
    struct fsn__graph *graph;

    (void)state;
    x = net_relu(&net, net_batch_norm(&net, "n", net_conv_bias(&net, "a", x, 1, 6, 3, 1), 6));
    y = net_conv_bias(&net, "b", x, 6, 6, 3, 1);
    x = net_conv_bias(&net, "c", net_relu(&net, y), 6, 6, 3, 1);
    net.graph->nodes[net.graph->values[x].producer].in[1] =
        net.graph->nodes[net.graph->values[y].producer].in[1];
    gate = net_conv_bias(&net, "g", net_global_pool(&net, x), 6, 6, 1, 1);
    x = net_apply(&net, "Mul", NULL, x, net_relu(&net, gate));
    x = net_relu(&net, net_conv_bias(&net, "d", x, 6, 6, 3, 1));
    x = net_flatten(&net, net_global_pool(&net, x));
    graph = net_finish(&net, net_gemm(&net, "fc", x, 6, TOY_CLASSES));
    assert_found(graph, FSN_RESTORE_BN_AUTO, "d");
    assert_found(graph, FSN_RESTORE_BN_ALL, "d");
    fsn__graph_destroy(graph);
}

/* Statistics of all kinds: none of them may change the function. */
static void disturb(struct fsn__bare_convs *bare)
{
    for (int i = 0; i < bare->count; i++)
        for (int64_t c = 0; c < bare->item[i].channels; c++) {
            bare->item[i].mean[c] = 0.3F * (float)(c - 2);
            bare->item[i].var[c] = c == 1 ? 0 : c == 2 ? 1e-9F : 0.4F * (float)(c + 1);
        }
}

static struct fsn__graph *restored(struct fsn__graph *graph, bool disturbed)
{
    struct fsn__bare_convs bare = find(graph, FSN_RESTORE_BN_ALL);
    struct fsn__graph *copy = NULL;

    if (disturbed)
        disturb(&bare);
    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    assert_int_equal(fsn__graph_restore_bn(copy, &bare, NULL), FSN_OK);
    fsn__bare_convs_free(&bare);
    return copy;
}

static void the_function_stays_whatever_the_statistics(void **state)
{
    struct fsn__graph *net = folded_net(false);

    (void)state;
    for (int disturbed = 0; disturbed < 2; disturbed++) {
        struct fsn__graph *copy = restored(net, disturbed);

        assert_int_equal(graph_count(copy, "BatchNormalization"), 3);
        assert_true(graph_difference(net, copy, 5) < 1e-4);
        fsn__graph_destroy(copy);
    }
    fsn__graph_destroy(net);
}

static void a_filter_of_zeros_stays_one(void **state)
{
    struct fsn__graph *net = folded_net(false), *copy;
    struct fsn__tensor *w = &net->values[fsn__graph_find_value(net, "a.w")].tensor;

    (void)state;
    memset(fsn__f32(w) + 9, 0, 9 * sizeof(float)); /* the second filter */
    copy = restored(net, false);
    assert_true(graph_difference(net, copy, 3) < 1e-4);
    fsn__graph_destroy(copy);
    memset(fsn__f32(w), 0, fsn__tensor_bytes(w)); /* all of them */
    copy = restored(net, false);
    assert_true(graph_difference(net, copy, 3) < 1e-4);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(net);
}

/* sqrt(3), but for a dead filter: a thousandth of the others is a hundredth of the shortest. */
static void filters_get_one_length_and_dead_ones_stay_short(void **state)
{
    enum { FILTERS = 8, ELEMENTS = 54 };
    struct fsn__graph *net = folded_net(false), *copy;
    float *w = fsn__f32(&net->values[fsn__graph_find_value(net, "c.w")].tensor);
    const float *scaled;

    (void)state;
    for (int i = 0; i < ELEMENTS; i++)
        w[i] *= 1e-3F;
    copy = restored(net, true);
    scaled = fsn__f32(&copy->values[fsn__graph_find_value(copy, "c.w")].tensor);
    for (int k = 0; k < FILTERS; k++) {
        double sum = 0;

        for (int i = 0; i < ELEMENTS; i++)
            sum += pow((double)scaled[k * ELEMENTS + i], 2);
        if (k > 0)
            assert_float_equal((float)sum, 3.0F, 1e-4F);
        else
            assert_true(sqrt(sum) > 0.005 * sqrt(3) && sqrt(sum) < 0.02 * sqrt(3));
    }
    fsn__graph_destroy(copy);
    fsn__graph_destroy(net);
}

static void folding_gives_the_first_weights_again(void **state)
{
    struct fsn__graph *net = folded_net(false), *copy = restored(net, true);
    int conv, first;

    (void)state;
    assert_int_equal(fsn__graph_fold_bn(copy, NULL), FSN_OK);
    assert_int_equal(graph_count(copy, "BatchNormalization"), 0);
    conv = fsn__names_find(&copy->node_names, "c");
    first = fsn__names_find(&net->node_names, "c");
    for (int slot = 1; slot < 3; slot++) {
        const struct fsn__tensor *got = &copy->values[copy->nodes[conv].in[slot]].tensor;
        const struct fsn__tensor *want = &net->values[net->nodes[first].in[slot]].tensor;

        assert_int_equal(fsn__numel(got), fsn__numel(want));
        for (int64_t i = 0; i < fsn__numel(got); i++)
            assert_float_equal(fsn__f32(got)[i], fsn__f32(want)[i], 2e-6);
    }
    fsn__graph_destroy(copy);
    fsn__graph_destroy(net);
}

/* ---- calibration -------------------------------------------------------------------------------
 */

static void calibrate(struct toy_run *f, struct fsn__graph *graph, struct fsn__bare_convs *bare)
{
    const struct fsn__train_job job = {.student = graph, .data = f->data, .spec = &f->spec};
    struct fsn_error err = {0};

    if (fsn__calibrate(&job, bare, &err) != FSN_OK)
        fail_msg("%s", err.text);
}

/* A 1x1 convolution of one channel writes a x + b: its statistics are those of the pixels. */
static void calibration_measures_mean_and_variance_over_the_training_images(void **state)
{
    struct toy_run *f = *state;
    const struct fsn__images *images = &f->data->split[FSN_SPLIT_TRAIN];
    const int64_t pixels = images->count * TOY_SIZE * TOY_SIZE;
    struct net net = net_create(9);
    int x = net_conv_bias(&net, "a", net_input(&net, 1, TOY_SIZE, TOY_SIZE), 1, 3, 1, 1);
    struct fsn__graph *graph;
    struct fsn__bare_convs bare;
    double mean = 0, var = 0;

    x = net_flatten(&net, net_global_pool(&net, net_relu(&net, x)));
    graph = net_finish(&net, net_gemm(&net, "fc", x, 3, TOY_CLASSES));
    f->spec.finetune.crop_padding = 0; /* mirrored images have the same statistics */
    bare = find(graph, FSN_RESTORE_BN_AUTO);
    calibrate(f, graph, &bare);
    for (int64_t i = 0; i < pixels; i++)
        mean += images->pixels[i] / 255.0 / (double)pixels;
    for (int64_t i = 0; i < pixels; i++)
        var += pow(images->pixels[i] / 255.0 - mean, 2) / (double)pixels;
    assert_int_equal(bare.count, 1);
    for (int c = 0; c < 3; c++) {
        double a = fsn__f32(&graph->values[fsn__graph_find_value(graph, "a.w")].tensor)[c];
        double b = fsn__f32(&graph->values[fsn__graph_find_value(graph, "a.b")].tensor)[c];

        assert_float_equal(bare.item[0].mean[c], (float)(a * mean + b), 1e-5F);
        assert_float_equal(bare.item[0].var[c], (float)(a * a * var), 1e-5F);
    }
    fsn__bare_convs_free(&bare);
    fsn__graph_destroy(graph);
}

static void calibration_sees_every_layer_as_the_whole_network_feeds_it(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = folded_net(false), *copy = NULL;
    struct fsn__bare_convs bare = find(graph, FSN_RESTORE_BN_ALL), again;

    /* With the statistics of the first round the function is the same, so those of the second are
     * too, up to the scale of the filters: normalised outputs have mean 0 and variance 1. */
    calibrate(f, graph, &bare);
    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    assert_int_equal(fsn__graph_restore_bn(copy, &bare, NULL), FSN_OK);
    assert_true(graph_difference(graph, copy, 4) < 1e-4);
    again = find(graph, FSN_RESTORE_BN_ALL);
    calibrate(f, graph, &again);
    for (int i = 0; i < bare.count; i++) /* deterministic */
        assert_memory_equal(bare.item[i].mean, again.item[i].mean,
                            2 * (size_t)bare.item[i].channels * sizeof(float));
    for (int i = 0; i < copy->node_count; i++) {
        const struct fsn__node *node = &copy->nodes[i];

        if (node->op == &fsn__op_batch_normalization)
            assert_true(copy->values[node->in[4]].kind == FSN__VALUE_STAT &&
                        copy->values[node->in[1]].kind == FSN__VALUE_PARAM);
    }
    fsn__bare_convs_free(&bare);
    fsn__bare_convs_free(&again);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void a_network_without_images_to_calibrate_on_is_refused(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = folded_net(false);
    struct fsn__bare_convs bare = find(graph, FSN_RESTORE_BN_AUTO);
    const struct fsn__train_job job = {.student = graph, .data = f->data, .spec = &f->spec};
    struct fsn_error err = {0};

    f->data->split[FSN_SPLIT_TRAIN].count = 0;
    assert_int_equal(fsn__calibrate(&job, &bare, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "no images in its train split"));
    fsn__bare_convs_free(&bare);
    fsn__graph_destroy(graph);
}

/* ---- training ----------------------------------------------------------------------------------
 */

static void it_trains_and_is_folded_for_export(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = folded_net(false), *folded = NULL;
    struct fsn__bare_convs bare = find(graph, FSN_RESTORE_BN_AUTO);
    struct toy_result result;
    float before;

    calibrate(f, graph, &bare);
    assert_int_equal(fsn__graph_restore_bn(graph, &bare, NULL), FSN_OK);
    before = fsn__f32(&graph->values[fsn__graph_find_value(graph, "a.bn.scale")].tensor)[0];
    f->spec.finetune.epochs = 60;
    result = toy_train_graph(f, graph, NULL, 1, NULL);
    if (result.status != FSN_OK)
        fail_msg("%s", result.err.text);
    assert_true(toy_top1(f, graph) > 90);
    assert_true(before !=
                fsn__f32(&graph->values[fsn__graph_find_value(graph, "a.bn.scale")].tensor)[0]);
    assert_int_equal(fsn__graph_clone(graph, &folded, NULL), FSN_OK);
    assert_int_equal(fsn__graph_fold_bn(folded, NULL), FSN_OK);
    assert_int_equal(graph_count(folded, "BatchNormalization"), 0);
    assert_true(graph_difference(graph, folded, 6) < 1e-4);
    fsn__graph_destroy(folded);
    fsn__bare_convs_free(&bare);
    toy_clear(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_with_a_bias_get_it_but_for_the_last_one),
        cmocka_unit_test(one_that_has_it_or_shares_its_weight_or_writes_one_pixel_does_not),
        cmocka_unit_test(the_function_stays_whatever_the_statistics),
        cmocka_unit_test(a_filter_of_zeros_stays_one),
        cmocka_unit_test(filters_get_one_length_and_dead_ones_stay_short),
        cmocka_unit_test(folding_gives_the_first_weights_again),
        cmocka_unit_test_setup_teardown(
            calibration_measures_mean_and_variance_over_the_training_images, toy_setup,
            toy_teardown),
        cmocka_unit_test_setup_teardown(calibration_sees_every_layer_as_the_whole_network_feeds_it,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(a_network_without_images_to_calibrate_on_is_refused,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(it_trains_and_is_folded_for_export, toy_setup,
                                        toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
