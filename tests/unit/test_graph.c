/* Graphs: order, cycles, pruning, folding constants, names, rewrites that keep what is computed. */
#include "core/rng.h"
#include "graph/exec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static struct fsn__graph *new_graph(void)
{
    struct fsn__graph *graph = NULL;

    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    return graph;
}

static int input(struct fsn__graph *graph, const char *name, int ndim, const int64_t *dim)
{
    struct fsn__tensor shape = {0};
    int value = -1;

    fsn__shape_set(&shape, FSN__F32, ndim, dim);
    assert_int_equal(fsn__graph_add_input(graph, name, &shape, &value, NULL), FSN_OK);
    return value;
}

/* A constant with values from a random stream, within [low, high). */
static int constant(struct fsn__graph *graph, const char *name, int ndim, const int64_t *dim,
                    double low, double high)
{
    struct fsn__rng rng = fsn__rng_open(3, FSN__RNG_TEST, (uint64_t)graph->value_count, 0);
    struct fsn__tensor shape = {0};
    int value = -1;

    fsn__shape_set(&shape, FSN__F32, ndim, dim);
    assert_int_equal(fsn__graph_add_const(graph, name, FSN__VALUE_CONST, &shape, &value, NULL),
                     FSN_OK);
    for (int64_t i = 0; i < fsn__numel(&shape); i++)
        fsn__f32(&graph->values[value].tensor)[i] =
            (float)(low + (high - low) * fsn__rng_uniform(&rng));
    return value;
}

static int apply(struct fsn__graph *graph, const char *op, const char *name, int n_in,
                 const int *in)
{
    struct fsn_error err = {0};
    int value = -1;

    if (fsn__graph_apply(graph, op, name, NULL, n_in, in, &value, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return value;
}

static void nodes_are_sorted_and_a_cycle_is_named(void **state)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 1, (int64_t[]){4}), a = -1, b = -1;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn__graph_add_value(graph, "a", FSN__VALUE_COMPUTED, NULL, &a, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_value(graph, "b", FSN__VALUE_COMPUTED, NULL, &b, NULL), FSN_OK);
    /* b = Relu(a) stands before a = Relu(x) */
    assert_int_equal(
        fsn__graph_add_node(graph, &fsn__op_relu, "second", NULL, 1, &a, 1, &b, NULL, NULL),
        FSN_OK);
    assert_int_equal(
        fsn__graph_add_node(graph, &fsn__op_relu, "first", NULL, 1, &x, 1, &a, NULL, NULL), FSN_OK);
    assert_int_equal(fsn__graph_sort(graph, NULL), FSN_OK);
    assert_string_equal(graph->nodes[0].name, "first");
    assert_int_equal(graph->values[b].producer, 1);
    graph->nodes[0].in[0] = b; /* now first reads second's output */
    assert_int_equal(fsn__graph_sort(graph, &err), FSN_FORMAT);
    assert_non_null(strstr(err.text, "cycle"));
    fsn__graph_destroy(graph);
}

static void equal_names_are_made_unique(void **state)
{
    struct fsn__graph *graph = new_graph();
    int first = input(graph, "x", 1, (int64_t[]){4}), second = -1;

    (void)state;
    assert_int_equal(fsn__graph_add_value(graph, "x", FSN__VALUE_COMPUTED, NULL, &second, NULL),
                     FSN_OK);
    assert_string_not_equal(graph->values[first].name, graph->values[second].name);
    assert_int_equal(fsn__graph_find_value(graph, "x"), first);
    assert_int_equal(fsn__graph_find_value(graph, "nobody"), -1);
    fsn__graph_destroy(graph);
}

static void pruning_drops_what_no_output_needs(void **state)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 1, (int64_t[]){4});
    int dead = apply(graph, "Relu", "dead", 1, &x);
    int live = apply(graph, "Relu", "live", 1, &x);

    (void)state;
    (void)dead;
    assert_int_equal(fsn__graph_add_output(graph, live, NULL), FSN_OK);
    constant(graph, "unused", 1, (int64_t[]){3}, 0, 1);
    assert_int_equal(fsn__graph_prune(graph, NULL), FSN_OK);
    assert_int_equal(graph->node_count, 1);
    assert_int_equal(graph->value_count, 2);
    assert_string_equal(graph->nodes[0].name, "live");
    assert_int_equal(fsn__graph_find_value(graph, "unused"), -1);
    assert_int_equal(graph->outputs[0], fsn__graph_find_value(graph, "live"));
    fsn__graph_destroy(graph);
}

static void constants_fold_and_a_bound_on_their_bytes_holds(void **state)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 2, (int64_t[]){FSN_BATCH, 3});
    int a = constant(graph, "a", 1, (int64_t[]){3}, 1, 2);
    int b = constant(graph, "b", 1, (int64_t[]){3}, 1, 2);
    float first = fsn__f32(&graph->values[a].tensor)[1] + fsn__f32(&graph->values[b].tensor)[1];
    int sum = apply(graph, "Add", "sum", 2, (int[]){a, b});
    int y = apply(graph, "Add", "y", 2, (int[]){x, sum});
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn__graph_add_output(graph, y, NULL), FSN_OK);
    assert_int_equal(fsn__graph_fold(graph, 30, &err), FSN_LIMIT); /* 24 bytes are there already */
    assert_non_null(strstr(err.text, "sum"));
    fsn__graph_destroy(graph);

    graph = new_graph();
    x = input(graph, "x", 2, (int64_t[]){FSN_BATCH, 3});
    a = constant(graph, "a", 1, (int64_t[]){3}, 1, 2);
    b = constant(graph, "b", 1, (int64_t[]){3}, 1, 2);
    sum = apply(graph, "Add", "sum", 2, (int[]){a, b});
    y = apply(graph, "Add", "y", 2, (int[]){x, sum});
    assert_int_equal(fsn__graph_add_output(graph, y, NULL), FSN_OK);
    assert_int_equal(fsn__graph_fold(graph, 1 << 20, NULL), FSN_OK);
    assert_int_equal(graph->node_count, 1);
    sum = fsn__graph_find_value(graph, "sum");
    assert_int_equal(graph->values[sum].kind, FSN__VALUE_CONST);
    assert_float_equal(fsn__f32(&graph->values[sum].tensor)[1], first, 0);
    fsn__graph_destroy(graph);
}

/* conv -> bn -> relu with made-up statistics; the name of every output is "y". */
static struct fsn__graph *conv_bn(void)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 4, (int64_t[]){FSN_BATCH, 3, 5, 6});
    int w = constant(graph, "w", 4, (int64_t[]){4, 3, 3, 3}, -1, 1);
    int b = constant(graph, "b", 1, (int64_t[]){4}, -1, 1);
    int conv = apply(graph, "Conv", "conv", 3, (int[]){x, w, b});
    int scale = constant(graph, "scale", 1, (int64_t[]){4}, 0.5, 2);
    int shift = constant(graph, "shift", 1, (int64_t[]){4}, -1, 1);
    int mean = constant(graph, "mean", 1, (int64_t[]){4}, -1, 1);
    int var = constant(graph, "var", 1, (int64_t[]){4}, 0.1, 3);
    int bn = apply(graph, "BatchNormalization", "bn", 5, (int[]){conv, scale, shift, mean, var});
    int y = apply(graph, "Relu", "y", 1, &bn);

    assert_int_equal(fsn__graph_add_output(graph, y, NULL), FSN_OK);
    fsn__graph_mark_trainable(graph);
    return graph;
}

static void run(struct fsn__graph *graph, float *out, int64_t count)
{
    struct fsn__exec_options options = {.batch = 2};
    struct fsn__rng rng = fsn__rng_open(5, FSN__RNG_TEST, 0, 0);
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (int64_t i = 0; i < fsn__numel(fsn__exec_input(exec, 0)); i++)
        fsn__f32(fsn__exec_input(exec, 0))[i] = (float)fsn__rng_normal(&rng);
    assert_int_equal(fsn__exec_forward(exec, 0, &err), FSN_OK);
    assert_int_equal(fsn__numel(fsn__exec_output(exec, 0)), count);
    memcpy(out, fsn__f32(fsn__exec_output(exec, 0)), (size_t)count * sizeof *out);
    fsn__exec_destroy(exec);
}

static void folding_batch_norm_keeps_what_is_computed(void **state)
{
    enum { COUNT = 2 * 4 * 3 * 4 };
    struct fsn__graph *graph = conv_bn(), *folded = NULL;
    float before[COUNT], after[COUNT], untouched[COUNT];

    (void)state;
    run(graph, before, COUNT);
    assert_int_equal(fsn__graph_clone(graph, &folded, NULL), FSN_OK);
    assert_int_equal(fsn__graph_fold_bn(folded, NULL), FSN_OK);
    assert_int_equal(folded->node_count, 2);
    run(folded, after, COUNT);
    run(graph, untouched, COUNT);
    for (int i = 0; i < COUNT; i++) {
        assert_float_equal(after[i], before[i], 1e-4);
        assert_float_equal(untouched[i], before[i], 0);
    }
    fsn__graph_destroy(graph);
    fsn__graph_destroy(folded);
}

static void parameters_and_macs_are_counted_as_the_reference_counts(void **state)
{
    struct fsn__graph *graph = conv_bn();

    (void)state;
    /* weights 4*3*3*3, bias 4, batch norm 4*4 + 1 */
    assert_int_equal(fsn__graph_parameters(graph), 108 + 4 + 17);
    /* 4 x 3 x 4 outputs of 27 products */
    assert_int_equal(fsn__graph_macs(graph), 4 * 3 * 4 * 27);
    fsn__graph_destroy(graph);
}

static void identities_go_and_an_output_keeps_its_name(void **state)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 1, (int64_t[]){4});
    int a = apply(graph, "Identity", "a", 1, &x);
    int b = apply(graph, "Identity", "b", 1, &a);
    int c = apply(graph, "Relu", "c", 1, &b);
    int y = apply(graph, "Identity", "y", 1, &c);

    (void)state;
    assert_int_equal(fsn__graph_add_output(graph, y, NULL), FSN_OK);
    assert_int_equal(fsn__graph_drop_identity(graph, NULL), FSN_OK);
    assert_int_equal(graph->node_count, 2);
    assert_int_equal(graph->nodes[0].in[0], graph->inputs[0]);
    assert_string_equal(graph->values[graph->outputs[0]].name, "y");
    fsn__graph_destroy(graph);
}

/* y = relu(w x) summed with itself: the gradient of w through a value that is read twice. */
static void gradients_add_up_where_a_value_is_read_twice(void **state)
{
    struct fsn__graph *graph = new_graph();
    int x = input(graph, "x", 2, (int64_t[]){FSN_BATCH, 2});
    int w = constant(graph, "w", 2, (int64_t[]){2, 2}, 0.5, 1);
    int h = apply(graph, "MatMul", "h", 2, (int[]){x, w});
    int y = apply(graph, "Add", "y", 2, (int[]){h, h});
    struct fsn__exec_options options = {.batch = 1, .training = true};
    struct fsn__exec *exec = NULL;

    (void)state;
    assert_int_equal(fsn__graph_add_output(graph, y, NULL), FSN_OK);
    fsn__graph_mark_trainable(graph);
    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    for (int round = 0; round < 2; round++) { /* the second must not see the first's gradients */
        const float *dw;

        fsn__f32(fsn__exec_input(exec, 0))[0] = 3;
        fsn__f32(fsn__exec_input(exec, 0))[1] = -5;
        assert_int_equal(fsn__exec_forward(exec, 0, NULL), FSN_OK);
        fsn__f32(fsn__exec_output_grad(exec, 0))[0] = 1;
        fsn__f32(fsn__exec_output_grad(exec, 0))[1] = 10;
        assert_int_equal(fsn__exec_backward(exec, NULL), FSN_OK);
        dw = fsn__f32(fsn__exec_param_grad(exec, w)); /* dw[i][j] = x[i] * 2 dy[j] */
        assert_float_equal(dw[0], 6, 1e-6);
        assert_float_equal(dw[1], 60, 1e-5);
        assert_float_equal(dw[2], -10, 1e-6);
        assert_float_equal(dw[3], -100, 1e-5);
    }
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

/* The values move when there are more of them than there is room for. */
static void a_value_may_have_the_shape_of_another(void **state)
{
    struct fsn__tensor shape = {.dtype = FSN__F32, .ndim = 2, .dim = {3, 7}};
    struct fsn__graph *graph = NULL;
    int at = -1;

    (void)state;
    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_value(graph, NULL, FSN__VALUE_COMPUTED, &shape, &at, NULL),
                     FSN_OK);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(fsn__graph_add_value(graph, NULL, FSN__VALUE_COMPUTED,
                                              &graph->values[at].tensor, &at, NULL),
                         FSN_OK);
        assert_int_equal(graph->values[at].tensor.ndim, 2);
        assert_int_equal(graph->values[at].tensor.dim[1], 7);
    }
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_may_have_the_shape_of_another),
        cmocka_unit_test(nodes_are_sorted_and_a_cycle_is_named),
        cmocka_unit_test(equal_names_are_made_unique),
        cmocka_unit_test(pruning_drops_what_no_output_needs),
        cmocka_unit_test(constants_fold_and_a_bound_on_their_bytes_holds),
        cmocka_unit_test(folding_batch_norm_keeps_what_is_computed),
        cmocka_unit_test(parameters_and_macs_are_counted_as_the_reference_counts),
        cmocka_unit_test(identities_go_and_an_output_keeps_its_name),
        cmocka_unit_test(gradients_add_up_where_a_value_is_read_twice),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
