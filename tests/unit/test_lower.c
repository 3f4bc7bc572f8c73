/* test_lower.c - a lowered graph computes what the graph itself computes: outputs, gradients and
 * running statistics of networks of every kind, by the plain operators and by the fast path. And it
 * is lowered in fact: what is fused is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec_compare.h"
#include "graph/lower.h"
#include "kernels/blocked.h"
#include "net_builder.h"
#include "op_call.h"
#include "shared_data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- small graphs -----------------------------------------------------------------------------
 */

static int apply(struct net *net, const int *in, const struct op_call *call)
{
    struct fsn_error err = {.status = FSN_OK};
    int out = -1, n = 0;

    while (n < OP_CALL_INPUTS && in[n] >= -1)
        n++;
    if (fsn__graph_apply(net->graph, call->op, NULL, &call->attrs, n, in, &out, &err) != FSN_OK)
        fail_msg("%s: %s", call->op, err.text);
    return out;
}

/* A list of inputs, its end marked. */
#define INPUTS(...) ((int[]){__VA_ARGS__, -2})
#define APPLY(net, inputs, ...) apply(net, inputs, &(struct op_call){.op = __VA_ARGS__})

static int constant(struct net *net, struct fsn__tensor tensor)
{
    int out = -1;

    assert_int_equal(fsn__graph_add_const(net->graph, NULL, FSN__VALUE_CONST, &tensor, &out, NULL),
                     FSN_OK);
    return out;
}

static int weight(struct net *net, int64_t k, int64_t c, int64_t r, int64_t s)
{
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 4, .dim = {k, c, r, s}};
    int out;

    assert_int_equal(fsn__tensor_alloc(&t, NULL), FSN_OK);
    net_draw(fsn__f32(&t), fsn__numel(&t), 1.5F / sqrtf((float)(c * r * s)), net->seed,
             net->drawn++);
    out = constant(net, t);
    free(t.data);
    return out;
}

static int vector(struct net *net, int64_t n)
{
    struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .dim = {n}};
    int out;

    assert_int_equal(fsn__tensor_alloc(&t, NULL), FSN_OK);
    net_draw(fsn__f32(&t), n, 1, net->seed, net->drawn++);
    out = constant(net, t);
    free(t.data);
    return out;
}

static int conv_bn_relu(struct net *net, const char *name, int x, int c, int k, int size,
                        int stride)
{
    x = net_conv(net, name, x, c, k, size, stride);
    return net_relu(net, net_batch_norm(net, name, x, k));
}

static struct fsn__graph *finish(struct net *net, int x, int channels)
{
    struct fsn__graph *graph = net_finish(
        net, net_gemm(net, "fc", net_flatten(net, net_global_pool(net, x)), channels, 5));

    exec_disturb(graph);
    return graph;
}

/* Training and inference, batches of 1 and 3, 1 and 2 threads. */
static void compare_all(struct fsn__graph *graph)
{
    exec_compare(graph, (struct exec_comparison){.batch = 3, .training = true, .threads = 1});
    exec_compare(graph, (struct exec_comparison){.batch = 3, .training = true, .threads = 2});
    exec_compare(graph, (struct exec_comparison){.batch = 1, .training = true, .threads = 1});
    exec_compare(graph, (struct exec_comparison){.batch = 3, .training = false, .threads = 2});
    exec_compare(graph, (struct exec_comparison){.batch = 1, .training = false, .threads = 1});
    fsn__graph_destroy(graph);
}

/* ---- networks of the zoo ----------------------------------------------------------------------
 */

static void compare_zoo(const char *arch, int size, int batch, bool training, double tolerance)
{
    const struct fsn_arch_options options = {.classes = 7,
                                             .input_size = size,
                                             .growth = strncmp(arch, "densenet", 8) == 0 ? 12 : 0,
                                             .seed = 4};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    if (fsn_arch_build(arch, &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    exec_disturb(model->graph);
    exec_keep_from_zero(model->graph);
    exec_compare(model->graph,
                 (struct exec_comparison){
                     .batch = batch, .training = training, .threads = 2, .tolerance = tolerance});
    fsn_model_destroy(model);
}

static void residual_networks_train_and_infer_alike(void **state)
{
    (void)state;
    compare_zoo("resnet20", 16, 3, true, 1e-4);
    compare_zoo("resnet20", 16, 3, false, 1e-4);
    compare_zoo("resnet20", 13, 1, false, 1e-4);
}

static void bottleneck_networks_train_and_infer_alike(void **state)
{
    (void)state;
    compare_zoo("resnet50", 32, 3, true, 1e-4);
    compare_zoo("resnet50", 32, 3, false, 1e-4);
    compare_zoo("resnet50", 65, 1, false, 1e-4); /* with the stem for large images */
}

static void dense_networks_train_and_infer_alike(void **state)
{
    (void)state;
    /* a hundred layers: another kernel of the BLAS under the plain side alone moves some of a
     * million gradients by as much */
    compare_zoo("densenet100", 8, 3, true, 2e-4);
    compare_zoo("densenet100", 8, 3, false, 1e-4);
}

static void vgg_trains_and_infers_alike(void **state)
{
    (void)state;
    /* thirteen layers deep in values far from zero */
    compare_zoo("vgg16-bn", 32, 8, true, 3e-4);
    compare_zoo("vgg16-bn", 32, 2, false, 1e-4);
}

static void detectors_train_and_infer_alike(void **state)
{
    (void)state;
    /* batch norm of the last map has 32 values, so that rounding weighs more than elsewhere: under
       sanitizers, which compile otherwise, 1.01e-4 was seen */
    compare_zoo("ssd-lite", 72, 8, true, 3e-4);
    compare_zoo("ssd-lite", 40, 2, false, 1e-4);
}

/* ---- shapes and patterns ----------------------------------------------------------------------
 */

static void odd_channels_and_sizes_are_computed_alike(void **state)
{
    struct net net = net_create(1);
    int x = net_input(&net, 3, 11, 9), y;

    (void)state;
    x = conv_bn_relu(&net, "a", x, 3, 17, 5, 1);
    y = conv_bn_relu(&net, "b", x, 17, 33, 3, 2);
    x = net_batch_norm(&net, "short", net_conv(&net, "short", x, 17, 33, 1, 2), 33);
    x = net_relu(&net, net_add(&net, x, y));
    x = conv_bn_relu(&net, "c", x, 33, 5, 7, 1);
    compare_all(finish(&net, x, 5));
}

static void odd_operators_in_between_are_computed_alike(void **state)
{
    struct net net = net_create(2);
    int x = net_input(&net, 3, 12, 10), y;

    (void)state;
    x = conv_bn_relu(&net, "a", x, 3, 8, 3, 1);
    x = APPLY(&net, INPUTS(x, constant(&net, SCALAR(F32, float, 1.25F))), "Mul");
    x = net_batch_norm(&net, "b", net_conv(&net, "b", x, 8, 20, 3, 1), 20);
    x = APPLY(
        &net,
        INPUTS(x, constant(&net, SCALAR(F32, float, 0)), constant(&net, SCALAR(F32, float, 6))),
        "Clip");
    y = APPLY(&net, INPUTS(x), "MaxPool",
              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 2),
                    ATTR_INTS("pads", 1, 0, 1, 0)));
    x = APPLY(&net, INPUTS(x), "AveragePool",
              ATTRS(ATTR_INTS("kernel_shape", 3, 2), ATTR_INTS("strides", 2, 2),
                    ATTR_INTS("pads", 1, 0, 1, 0), ATTR_I("count_include_pad", 1)));
    x = net_add(&net, y, net_relu(&net, x));
    x = APPLY(&net, INPUTS(x), "Transpose", ATTRS(ATTR_INTS("perm", 0, 1, 3, 2)));
    x = APPLY(&net, INPUTS(x), "Dropout");
    x = conv_bn_relu(&net, "c", x, 20, 16, 3, 1);
    x = APPLY(&net, INPUTS(x), "Identity");
    x = APPLY(&net, INPUTS(x, net_conv(&net, "d", x, 16, 16, 1, 1)), "Sub");
    compare_all(finish(&net, x, 16));
}

/* 17 channels leave lanes of a block that are no channels. */
static void activations_are_computed_alike(void **state)
{
    static const char *const names[] = {
        "LeakyRelu", "ThresholdedRelu", "Elu",      "Celu", "Selu", "Swish",
        "Tanh",      "HardSwish",       "Softsign", "Mish", "Gelu", "HardSigmoid"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct net net = net_create(20 + i);
        int x = net_input(&net, 3, 9, 7);

        x = net_batch_norm(&net, "a", net_conv(&net, "a", x, 3, 17, 3, 1), 17);
        x = APPLY(&net, INPUTS(x), names[i]);
        x = conv_bn_relu(&net, "b", x, 17, 16, 3, 1);
        compare_all(finish(&net, x, 16));
    }
}

/* x Sigmoid(x), in either order, and gates that are something else. */
static void gates_are_computed_alike(void **state)
{
    struct net net = net_create(40);
    int x = net_input(&net, 3, 9, 7), gate, y;

    (void)state;
    x = net_conv(&net, "a", x, 3, 17, 3, 1);
    gate = APPLY(&net, INPUTS(x), "Sigmoid");
    x = net_conv(&net, "b", APPLY(&net, INPUTS(x, gate), "Mul"), 17, 17, 3, 1);
    gate = APPLY(&net, INPUTS(x), "Sigmoid");
    y = net_conv(&net, "c", APPLY(&net, INPUTS(gate, x), "Mul"), 17, 17, 3, 1);
    gate = APPLY(&net, INPUTS(x), "Sigmoid");
    y = APPLY(&net, INPUTS(y, gate), "Mul"); /* of another value */
    gate = APPLY(&net, INPUTS(y), "Sigmoid");
    y = net_add(&net, APPLY(&net, INPUTS(y, gate), "Mul"), gate); /* read twice */
    y = net_conv(&net, "d", y, 17, 16, 1, 1);
    gate = APPLY(&net, INPUTS(y), "Sigmoid");
    assert_int_equal(fsn__graph_add_output(net.graph, gate, NULL), FSN_OK);
    compare_all(finish(&net, y, 16));
}

static void grouped_and_depthwise_convolutions_are_computed_alike(void **state)
{
    struct net net = net_create(3);
    int x = net_input(&net, 4, 9, 9);

    (void)state;
    x = conv_bn_relu(&net, "a", x, 4, 32, 1, 1);
    x = APPLY(&net, INPUTS(x, weight(&net, 32, 1, 3, 3)), "Conv",
              ATTRS(ATTR_I("group", 32), ATTR_INTS("pads", 1, 1, 1, 1)));
    x = net_relu(&net, net_batch_norm(&net, "depthwise", x, 32));
    x = APPLY(&net, INPUTS(x, weight(&net, 32, 16, 3, 3)), "Conv",
              ATTRS(ATTR_I("group", 2), ATTR_INTS("pads", 1, 1, 1, 1), ATTR_INTS("strides", 2, 2)));
    x = net_relu(&net, net_batch_norm(&net, "grouped", x, 32));
    x = APPLY(&net, INPUTS(x, weight(&net, 24, 8, 3, 3), vector(&net, 24)), "Conv",
              ATTRS(ATTR_I("group", 4), ATTR_S("auto_pad", "SAME_UPPER"))); /* 6 of 8 a group */
    x = net_relu(&net, x);
    x = APPLY(&net, INPUTS(x, weight(&net, 18, 24, 3, 3), vector(&net, 18)), "Conv",
              ATTRS(ATTR_INTS("dilations", 2, 2), ATTR_INTS("pads", 2, 2, 2, 2)));
    compare_all(finish(&net, net_relu(&net, x), 18));
}

/* The shortcut without parameters: every second pixel, channels padded by `before` and `after`. */
static int option_a(struct net *net, int x, int64_t before, int64_t after)
{
    for (int64_t axis = 2; axis < 4; axis++)
        x = APPLY(net,
                  INPUTS(x, constant(net, I64((1), 0)), constant(net, I64((1), INT64_MAX)),
                         constant(net, I64((1), axis)), constant(net, I64((1), 2))),
                  "Slice");
    return APPLY(net,
                 INPUTS(x, constant(net, I64((8), 0, before, 0, 0, 0, after, 0, 0)),
                        constant(net, SCALAR(F32, float, 0))),
                 "Pad");
}

static void shortcuts_without_parameters_are_computed_alike(void **state)
{
    struct net net = net_create(4);
    int x = net_input(&net, 3, 12, 11), y;

    (void)state;
    x = conv_bn_relu(&net, "a", x, 3, 12, 3, 1);
    y = net_batch_norm(&net, "b", net_conv(&net, "b", x, 12, 24, 3, 2), 24);
    x = net_relu(&net, net_add(&net, y, option_a(&net, x, 6, 6)));
    y = net_batch_norm(&net, "c", net_conv(&net, "c", x, 24, 48, 3, 2), 48);
    x = net_relu(&net, net_add(&net, option_a(&net, x, 12, 12), y));
    compare_all(finish(&net, x, 48));
}

static void students_of_filter_summaries_are_computed_alike(void **state)
{
    struct net net = net_create(5);
    int x = net_input(&net, 3, 10, 10), y;

    (void)state;
    x = conv_bn_relu(&net, "a", x, 3, 16, 3, 1);
    y = net_conv_summary(&net, "b", x, 16, 16, 3, 300);
    y = net_relu(&net, net_batch_norm(&net, "b", y, 16));
    y = net_batch_norm(&net, "c", net_conv_summary(&net, "c", y, 16, 16, 1, 60), 16);
    compare_all(finish(&net, net_relu(&net, net_add(&net, x, y)), 16));
}

/* Every reader takes the value in another way. */
static void values_that_many_read_are_computed_alike(void **state)
{
    struct net net = net_create(6);
    int x = net_input(&net, 3, 8, 8), z, a, b, c;

    (void)state;
    z = net_conv(&net, "z", x, 3, 20, 3, 1);
    a = net_batch_norm(&net, "a", z, 20);
    b = net_relu(&net, z);
    c = net_relu(&net, a);
    a = net_conv(&net, "a", a, 20, 20, 3, 1);
    x = net_add(&net, net_add(&net, a, b), net_add(&net, c, c));
    x = net_batch_norm(&net, "twice", net_batch_norm(&net, "once", x, 20), 20);
    x = APPLY(&net, INPUTS(x, c, z), "Concat", ATTRS(ATTR_I("axis", 1)));
    x = net_relu(&net, net_batch_norm(&net, "wide", x, 60));
    assert_int_equal(fsn__graph_add_output(net.graph, c, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_output(net.graph, z, NULL), FSN_OK);
    compare_all(finish(&net, net_conv(&net, "last", x, 60, 16, 1, 1), 16));
}

/* A convolution that is not trained, and batch norm behind it that is. */
static void batch_norm_behind_frozen_weights_trains_alike(void **state)
{
    struct net net = net_create(7);
    int x = net_input(&net, 3, 8, 8);
    struct fsn__graph *graph;

    (void)state;
    x = conv_bn_relu(&net, "frozen", x, 3, 16, 3, 1);
    x = conv_bn_relu(&net, "b", x, 16, 16, 3, 1);
    graph = finish(&net, x, 16);
    graph->values[fsn__graph_find_value(graph, "frozen.w")].kind = FSN__VALUE_CONST;
    compare_all(graph);
}

static void a_channel_with_a_large_mean_keeps_its_variance(void **state)
{
    struct net net = net_create(8);
    int x = net_input(&net, 3, 8, 8);
    const int b = vector(&net, 16);

    (void)state;
    for (int i = 0; i < 16; i++) /* means up to 1000 deviations away from zero */
        fsn__f32(&net.graph->values[b].tensor)[i] = i % 2 ? 500.0F : -3.0F;
    x = APPLY(&net, INPUTS(x, weight(&net, 16, 3, 3, 3), b), "Conv",
              ATTRS(ATTR_INTS("pads", 1, 1, 1, 1)));
    x = net_relu(&net, net_batch_norm(&net, "bn", x, 16));
    x = net_conv(&net, "last", x, 16, 16, 3, 1);
    x = net_finish(&net, net_gemm(&net, "fc", net_flatten(&net, net_global_pool(&net, x)), 16, 5))
            ? x
            : -1;
    /* f32 itself keeps three digits less here */
    exec_compare(net.graph,
                 (struct exec_comparison){.batch = 3, .training = true, .tolerance = 5e-3});
    fsn__graph_destroy(net.graph);
}

static void the_trained_network_of_the_shared_models_is_computed_alike(void **state)
{
    const char *path = shared_data("models/resnet20-cifar10.onnx");
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    (void)state;
    if (fsn_model_load(path, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn__graph_mark_trainable(model->graph);
    exec_compare(model->graph, (struct exec_comparison){.batch = 2});
    exec_keep_from_zero(model->graph);
    exec_compare(model->graph, (struct exec_comparison){.batch = 2, .training = true});
    fsn_model_destroy(model);
}

/* ---- what is fused ----------------------------------------------------------------------------
 */

static int count_nodes(const struct fsn__graph *graph, const struct fsn__op *op)
{
    int count = 0;

    for (int i = 0; i < graph->node_count; i++)
        count += graph->nodes[i].op == op;
    return count;
}

static struct fsn__lowered *lower(const struct fsn__graph *graph, bool training)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__lowered *lowered = NULL;

    if (fsn__lower(graph, 8, training, &lowered, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return lowered;
}

static struct fsn_model *resnet20(void)
{
    struct fsn_model *model = NULL;

    assert_int_equal(fsn_arch_build("resnet20", NULL, &model, NULL), FSN_OK);
    return model;
}

/* 19 convolutions and 2 of shortcuts, each with batch norm; 9 blocks. */
static void a_training_resnet_is_one_blocked_run(void **state)
{
    struct fsn_model *model = resnet20();
    struct fsn__lowered *lowered = lower(model->graph, true);

    (void)state;
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_pack), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_unpack), 0);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_fast_conv), 21);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_bn_coef), 21);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_channel_sums), 0);
    /* the stem's value is added in the first block, and read on load by the convolution */
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_join), 9);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_fast_global_pool), 1);
    assert_int_equal(lowered->graph->node_count, 1 + 21 + 21 + 9 + 1 + 2);
    fsn__lowered_destroy(lowered);
    fsn_model_destroy(model);
}

static void an_inferring_resnet_is_convolutions_alone(void **state)
{
    struct fsn_model *model = resnet20();
    struct fsn__lowered *lowered = lower(model->graph, false);

    (void)state;
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_fast_conv), 21);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_join), 0);
    assert_int_equal(lowered->graph->node_count, 1 + 21 + 1 + 2); /* Pack; pool; Flatten, Gemm */
    fsn__lowered_destroy(lowered);
    fsn_model_destroy(model);
}

/* Pack, three convolutions with an activation between, pool. */
static void activations_stay_blocked(void **state)
{
    struct net net = net_create(41);
    int x = net_input(&net, 3, 8, 8);
    struct fsn__lowered *lowered;
    struct fsn__graph *graph;

    (void)state;
    x = net_conv(&net, "a", x, 3, 16, 3, 1);
    x = net_conv(&net, "b", APPLY(&net, INPUTS(x), "HardSwish"), 16, 16, 3, 1);
    x = APPLY(&net, INPUTS(x, APPLY(&net, INPUTS(x), "Sigmoid")), "Mul");
    graph = finish(&net, net_conv(&net, "c", x, 16, 16, 3, 1), 16);
    lowered = lower(graph, true);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_pack), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_unpack), 0);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_hard_swish), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_swish), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_sigmoid), 0);
    fsn__lowered_destroy(lowered);
    fsn__graph_destroy(graph);
}

static void dense_blocks_take_no_sums_but_the_first(void **state)
{
    struct fsn_model *model = NULL;
    struct fsn__lowered *lowered;

    (void)state;
    assert_int_equal(fsn_arch_build("densenet100", NULL, &model, NULL), FSN_OK);
    lowered = lower(model->graph, true);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_unpack), 0);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_concat_sums), 2 * 48);
    /* of what the two transitions' pooling writes */
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_channel_sums), 2);
    fsn__lowered_destroy(lowered);
    fsn_model_destroy(model);
}

static void a_shortcut_without_parameters_is_one_copy(void **state)
{
    struct net net = net_create(9);
    int x = conv_bn_relu(&net, "a", net_input(&net, 3, 8, 8), 3, 16, 3, 1);
    int y = net_conv(&net, "b", x, 16, 32, 3, 2);
    struct fsn__graph *graph = finish(&net, net_add(&net, option_a(&net, x, 8, 8), y), 32);
    struct fsn__lowered *lowered = lower(graph, true);

    (void)state;
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_channel_copy), 1);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_slice), 0);
    assert_int_equal(count_nodes(lowered->graph, &fsn__op_pad), 0);
    fsn__lowered_destroy(lowered);
    fsn__graph_destroy(graph);
}

/* ---- the switch -------------------------------------------------------------------------------
 */

static size_t memory_of(struct fsn__graph *graph, bool reference)
{
    const struct fsn__exec_options options = {.batch = 1, .reference = reference};
    struct fsn__exec *exec = NULL;
    size_t bytes;

    assert_int_equal(fsn__exec_create(graph, &options, &exec, NULL), FSN_OK);
    bytes = fsn__exec_memory(exec);
    fsn__exec_destroy(exec);
    return bytes;
}

static void the_environment_can_force_the_plain_operators(void **state)
{
    struct fsn_model *model = resnet20();
    const size_t lowered = memory_of(model->graph, false), plain = memory_of(model->graph, true);

    (void)state;
    assert_int_not_equal(lowered, plain);
    assert_int_equal(setenv("FSNET_FAST", "0", 1), 0);
    assert_int_equal(memory_of(model->graph, false), plain);
    assert_int_equal(unsetenv("FSNET_FAST"), 0);
    assert_int_equal(memory_of(model->graph, false), lowered);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(odd_channels_and_sizes_are_computed_alike),
        cmocka_unit_test(odd_operators_in_between_are_computed_alike),
        cmocka_unit_test(activations_are_computed_alike),
        cmocka_unit_test(gates_are_computed_alike),
        cmocka_unit_test(grouped_and_depthwise_convolutions_are_computed_alike),
        cmocka_unit_test(shortcuts_without_parameters_are_computed_alike),
        cmocka_unit_test(students_of_filter_summaries_are_computed_alike),
        cmocka_unit_test(values_that_many_read_are_computed_alike),
        cmocka_unit_test(batch_norm_behind_frozen_weights_trains_alike),
        cmocka_unit_test(a_channel_with_a_large_mean_keeps_its_variance),
        cmocka_unit_test(residual_networks_train_and_infer_alike),
        cmocka_unit_test(bottleneck_networks_train_and_infer_alike),
        cmocka_unit_test(dense_networks_train_and_infer_alike),
        cmocka_unit_test(vgg_trains_and_infers_alike),
        cmocka_unit_test(detectors_train_and_infer_alike),
        cmocka_unit_test(the_trained_network_of_the_shared_models_is_computed_alike),
        cmocka_unit_test(a_training_resnet_is_one_blocked_run),
        cmocka_unit_test(an_inferring_resnet_is_convolutions_alone),
        cmocka_unit_test(activations_stay_blocked),
        cmocka_unit_test(dense_blocks_take_no_sums_but_the_first),
        cmocka_unit_test(a_shortcut_without_parameters_is_one_copy),
        cmocka_unit_test(the_environment_can_force_the_plain_operators),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
