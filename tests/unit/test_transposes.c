/* test_transposes.c - networks with channels last: what they compute stays, bit for bit, and the
 * Transposes go; and such a network takes a data set's images. */
#include "graph/transposes.h"
#include "graph_run.h"
#include "net_builder.h"
#include "toy_run.h"
#include "train/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int transpose(struct net *net, int x, const int64_t perm[4])
{
    struct fsn__attr item = {.name = "perm", .type = FSN__ATTR_INTS, .count = 4, .ints = perm};

    return net_apply(net, "Transpose", &(struct fsn__attrs){1, &item}, x, -1);
}

static int to_nchw(struct net *net, int x)
{
    return transpose(net, x, (const int64_t[]){0, 3, 1, 2});
}

static int to_nhwc(struct net *net, int x)
{
    return transpose(net, x, (const int64_t[]){0, 2, 3, 1});
}

static int nhwc_input(struct net *net, int height, int width, int channels)
{
    struct fsn__tensor shape = {.dtype = FSN__F32, .ndim = 4};
    int x = -1;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){FSN_BATCH, height, width, channels});
    assert_int_equal(fsn__graph_add_input(net->graph, "x", &shape, &x, NULL), FSN_OK);
    return x;
}

static int concat(struct net *net, int a, int b, int64_t axis)
{
    struct fsn__attr item = {.name = "axis", .type = FSN__ATTR_INT, .i = axis};

    return net_apply(net, "Concat", &(struct fsn__attrs){1, &item}, a, b);
}

/* As tf2onnx writes it without its optimiser: only Conv and pooling are in ONNX's order. */
static struct fsn__graph *channels_last(void)
{
    struct net net = net_create(3);
    int x = nhwc_input(&net, TOY_SIZE, TOY_SIZE, 1), a, b, c;

    a = net_batch_norm(&net, "bn", net_conv(&net, "a", to_nchw(&net, x), 1, 6, 3, 1), 6);
    a = to_nhwc(&net, a);
    a = net_apply(&net, "Mul", NULL, a, net_constant(&net, "scale", 1, (int64_t[]){6}, 1));
    c = net_constant(&net, "shift", 4, (int64_t[]){1, 1, 1, 6}, 1);
    a = net_relu(&net, net_apply(&net, "Add", NULL, c, a));
    b = to_nhwc(&net, net_conv(&net, "b", to_nchw(&net, a), 6, 4, 3, 1));
    a = concat(&net, a, net_relu(&net, b), -1);
    b = to_nhwc(&net, net_conv_bias(&net, "c", to_nchw(&net, a), 10, 10, 3, 1));
    a = to_nhwc(&net, net_global_pool(&net, to_nchw(&net, net_relu(&net, net_add(&net, a, b)))));
    return net_finish(&net, net_gemm(&net, "fc", net_flatten(&net, a), 10, TOY_CLASSES));
}

static struct fsn__graph *pushed(const struct fsn__graph *graph)
{
    struct fsn__graph *copy = NULL;

    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    assert_int_equal(fsn__graph_push_transposes(copy, NULL), FSN_OK);
    return copy;
}

static void transposes_between_the_layers_cancel_and_the_function_stays(void **state)
{
    struct fsn__graph *graph = channels_last(), *copy = pushed(graph);

    (void)state;
    assert_int_equal(graph_count(graph, "Transpose"), 8);
    assert_int_equal(graph_count(copy, "Transpose"), 2); /* of the input; before Flatten */
    assert_true(graph_difference(graph, copy, 3) < 1e-6);
    assert_string_equal(copy->values[copy->outputs[0]].name, graph->values[graph->outputs[0]].name);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void a_pair_that_is_no_identity_becomes_one(void **state)
{
    struct net net = net_create(1);
    struct fsn__graph *graph, *copy;
    int x = net_input(&net, 2, 3, 4);

    (void)state;
    x = transpose(&net, x, (const int64_t[]){0, 2, 1, 3});
    x = transpose(&net, x, (const int64_t[]){0, 3, 2, 1});
    graph = net_finish(&net, net_relu(&net, x));
    copy = pushed(graph);
    assert_int_equal(graph_count(copy, "Transpose"), 1);
    assert_true(graph_difference(graph, copy, 2) == 0);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

/* The name of an output is part of the file. */
static void an_output_keeps_its_transpose(void **state)
{
    struct net net = net_create(1);
    int x = net_input(&net, 2, 3, 4);
    struct fsn__graph *graph = net_finish(&net, to_nchw(&net, to_nhwc(&net, x))), *copy;

    (void)state;
    copy = pushed(graph);
    assert_int_equal(graph_count(copy, "Transpose"), 1);
    assert_string_equal(copy->values[copy->outputs[0]].name, graph->values[graph->outputs[0]].name);
    assert_true(graph_difference(graph, copy, 2) == 0);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void operands_in_different_orders_are_left_alone(void **state)
{
    struct net net = net_create(1);
    int x = net_input(&net, 3, 3, 3), y = to_nhwc(&net, x), z = to_nchw(&net, x);
    struct fsn__graph *graph = net_finish(&net, net_relu(&net, net_add(&net, y, z))), *copy;

    (void)state;
    copy = pushed(graph);
    assert_int_equal(graph_count(copy, "Transpose"), 2);
    assert_true(graph_difference(graph, copy, 2) == 0);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

/* ---- images ------------------------------------------------------------------------------------
 */

static void the_view_of_such_a_network_begins_with_its_first_layer(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = channels_last(), *copy = pushed(graph), *view = NULL;

    assert_int_equal(fsn__view_create(copy, "test", f->data, copy->outputs, 1, &view, NULL),
                     FSN_OK);
    assert_int_equal(graph_count(view, "Transpose"), 1); /* before Flatten */
    assert_string_equal(FSN__SHAPE(&view->values[view->inputs[0]].tensor), "[N,1,6,6]");
    assert_string_equal(FSN__SHAPE(&copy->values[copy->inputs[0]].tensor), "[N,6,6,1]");
    fsn__graph_destroy(view);
    fsn__graph_destroy(copy);
    fsn__graph_destroy(graph);
}

static void a_network_with_channels_last_learns_in_place(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = channels_last();
    struct toy_result result;

    f->spec.finetune.epochs = 60;
    f->spec.finetune.lr = 0.05;
    result = toy_train_graph(f, graph, NULL, 1, NULL);
    if (result.status != FSN_OK)
        fail_msg("%s", result.err.text);
    assert_true(toy_top1(f, graph) > 90);
    toy_clear(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transposes_between_the_layers_cancel_and_the_function_stays),
        cmocka_unit_test(a_pair_that_is_no_identity_becomes_one),
        cmocka_unit_test(an_output_keeps_its_transpose),
        cmocka_unit_test(operands_in_different_orders_are_left_alone),
        cmocka_unit_test_setup_teardown(the_view_of_such_a_network_begins_with_its_first_layer,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(a_network_with_channels_last_learns_in_place, toy_setup,
                                        toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
