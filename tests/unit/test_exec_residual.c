/* test_exec_residual.c - residual blocks whose gradients share one place: where they do, where they
 * must not, and that gradients are those of the plain operators either way. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec_compare.h"
#include "kernels/blocked.h"
#include "net_builder.h"

/* What the executor has decided. */
struct decided {
    int passes, finished; /* Joins */
    int scaled, finishes; /* convolutions */
};

static struct decided decide(struct fsn__graph *graph)
{
    const struct fsn__exec_options options = {.batch = 2, .training = true, .plan_only = true};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;
    struct decided d = {0};

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < fsn__exec_node_count(exec); i++) {
        const struct fsn__op_ctx *ctx = fsn__exec_node(exec, i);

        d.passes += ctx->passes;
        d.finished += ctx->finished;
        d.scaled += ctx->dout_scale != NULL;
        d.finishes += ctx->finishes != NULL;
    }
    fsn__exec_destroy(exec);
    return d;
}

/* Training alike on one thread and on two, and nearly so with rounded products. Destroys the graph.
 */
static void check(struct net *net, int x, int channels, struct decided expect)
{
    struct fsn__graph *graph = net_finish(
        net, net_gemm(net, "fc", net_flatten(net, net_global_pool(net, x)), channels, 5));
    struct decided got;

    exec_disturb(graph);
    exec_keep_from_zero(graph);
    got = decide(graph);
    assert_int_equal(got.passes, expect.passes);
    assert_int_equal(got.finished, expect.finished);
    assert_int_equal(got.scaled, expect.passes); /* each shared gradient has its convolution */
    assert_int_equal(got.finishes, expect.finished);
    for (int threads = 1; threads <= 2; threads++)
        exec_compare(graph,
                     (struct exec_comparison){.batch = 3, .training = true, .threads = threads});
    exec_compare(graph,
                 (struct exec_comparison){
                     .batch = 3, .training = true, .threads = 2, .bf16 = true, .tolerance = 0.1});
    fsn__graph_destroy(graph);
}

static int conv_bn(struct net *net, const char *name, int x, int c, int k, int size, int stride)
{
    return net_batch_norm(net, name, net_conv(net, name, x, c, k, size, stride), k);
}

/* relu(bn(conv(relu(bn(conv x))) + x) */
static int block(struct net *net, const char *first, const char *second, int x, int c, int size)
{
    int y = net_relu(net, conv_bn(net, first, x, c, c, size, 1));

    return net_relu(net, net_add(net, conv_bn(net, second, y, c, c, size, 1), x));
}

/* The first block's s is normalised on load, by the convolution and by the Join: no plain map. */
static void a_stage_shares_one_place(void **state)
{
    struct net net = net_create(1);
    int x = net_input(&net, 3, 9, 10);

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 17, 3, 1));
    x = block(&net, "a1", "a2", x, 17, 3);
    x = block(&net, "b1", "b2", x, 17, 3);
    x = block(&net, "c1", "c2", x, 17, 3);
    check(&net, x, 17, (struct decided){.passes = 2, .finished = 1});
}

/* The operands the other way round; a block that ends in front of a stride. */
static void a_stride_finishes_the_stage_before(void **state)
{
    struct net net = net_create(2);
    int x = net_input(&net, 3, 8, 8), y;

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
    x = block(&net, "a1", "a2", x, 16, 3);
    y = net_relu(&net, conv_bn(&net, "b1", x, 16, 16, 3, 1));
    x = net_relu(&net, net_add(&net, x, conv_bn(&net, "b2", y, 16, 16, 3, 1)));
    y = net_relu(&net, conv_bn(&net, "c1", x, 16, 32, 3, 2));
    y = conv_bn(&net, "c2", y, 32, 32, 3, 1);
    /* both branches are normalised: nothing is shared there */
    x = net_relu(&net, net_add(&net, y, conv_bn(&net, "short", x, 16, 32, 1, 2)));
    check(&net, x, 32, (struct decided){.passes = 1, .finished = 1});
}

/* A kernel that cannot finish y's gradient leaves it to the Join; all can read it scaled. */
static void pointwise_convolutions_share_too(void **state)
{
    struct net net = net_create(3);
    int x = net_input(&net, 3, 7, 7);

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 32, 3, 1));
    x = block(&net, "a1", "a2", x, 32, 1);
    x = block(&net, "b1", "b2", x, 32, 1);
    x = block(&net, "c1", "c2", x, 32, 1);
    check(&net, x, 32, (struct decided){.passes = 2, .finished = 0});
}

/* The third reader's gradient would come before the block's convolution has read its own. */
static void a_late_reader_of_the_shortcut_keeps_them_apart(void **state)
{
    struct net net = net_create(4);
    int x = net_input(&net, 3, 8, 8), y, late;

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
    x = block(&net, "a1", "a2", x, 16, 3);
    y = net_relu(&net, conv_bn(&net, "b1", x, 16, 16, 3, 1));
    y = conv_bn(&net, "b2", y, 16, 16, 3, 1);
    late = net_relu(&net, conv_bn(&net, "late", x, 16, 16, 3, 1));
    x = net_relu(&net, net_add(&net, y, x));
    x = net_relu(&net, conv_bn(&net, "last", x, 16, 16, 3, 1));
    check(&net, net_add(&net, x, late), 16, (struct decided){0});
}

/* An early one's comes after. */
static void an_early_reader_of_the_shortcut_does_not(void **state)
{
    struct net net = net_create(5);
    int x = net_input(&net, 3, 8, 8), y, early;

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
    x = block(&net, "a1", "a2", x, 16, 3);
    early = net_relu(&net, conv_bn(&net, "early", x, 16, 16, 3, 1));
    y = net_relu(&net, conv_bn(&net, "b1", x, 16, 16, 3, 1));
    y = conv_bn(&net, "b2", y, 16, 16, 3, 1);
    x = net_relu(&net, net_add(&net, y, x));
    x = net_relu(&net, conv_bn(&net, "last", x, 16, 16, 3, 1));
    check(&net, net_add(&net, x, early), 16, (struct decided){.passes = 1, .finished = 1});
}

/* A block of one convolution would add to what it still reads. */
static void a_block_of_one_convolution_keeps_them_apart(void **state)
{
    struct net net = net_create(8);
    int x = net_input(&net, 3, 8, 8);

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
    x = block(&net, "a1", "a2", x, 16, 3);
    x = net_relu(&net, net_add(&net, conv_bn(&net, "b1", x, 16, 16, 3, 1), x));
    x = net_relu(&net, conv_bn(&net, "last", x, 16, 16, 3, 1));
    check(&net, x, 16, (struct decided){0});
}

/* What is added twice, what is read without its batch norm, and what is an output (which something
 * unpacks). */
static void other_sums_keep_their_gradients_apart(void **state)
{
    struct net net = net_create(6);
    int x = net_input(&net, 3, 8, 8), y;

    (void)state;
    x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
    x = block(&net, "a1", "a2", x, 16, 3);
    y = net_relu(&net, conv_bn(&net, "b1", x, 16, 16, 3, 1));
    y = net_conv(&net, "b2", y, 16, 16, 3, 1);
    x = net_relu(&net, net_add(&net, net_batch_norm(&net, "b2", y, 16), x));
    x = net_add(&net, x, y);
    y = conv_bn(&net, "c1", x, 16, 16, 3, 1);
    x = net_relu(&net, net_add(&net, y, y));
    x = block(&net, "d1", "d2", x, 16, 3);
    assert_int_equal(fsn__graph_add_output(net.graph, x, NULL), FSN_OK);
    check(&net, x, 16, (struct decided){.passes = 1});
}

/* Weights that are not trained: the convolution's gradient is of its input alone; or of nothing. */
static void frozen_weights_train_alike(void **state)
{
    static const struct {
        const char *frozen;
        struct decided expect;
    } cases[] = {{"b2.w", {.passes = 2, .finished = 1}}, {"c1.w", {.passes = 2, .finished = 1}}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct net net = net_create(7);
        int x = net_input(&net, 3, 8, 8);
        struct fsn__graph *graph;
        struct decided got;

        x = net_relu(&net, conv_bn(&net, "stem", x, 3, 16, 3, 1));
        x = block(&net, "a1", "a2", x, 16, 3);
        x = block(&net, "b1", "b2", x, 16, 3);
        x = block(&net, "c1", "c2", x, 16, 3);
        graph = net_finish(
            &net, net_gemm(&net, "fc", net_flatten(&net, net_global_pool(&net, x)), 16, 5));
        exec_disturb(graph);
        exec_keep_from_zero(graph);
        graph->values[fsn__graph_find_value(graph, cases[i].frozen)].kind = FSN__VALUE_CONST;
        got = decide(graph);
        assert_int_equal(got.passes, cases[i].expect.passes);
        assert_int_equal(got.finished, cases[i].expect.finished);
        exec_compare(graph, (struct exec_comparison){.batch = 3, .training = true, .threads = 2});
        fsn__graph_destroy(graph);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stage_shares_one_place),
        cmocka_unit_test(a_stride_finishes_the_stage_before),
        cmocka_unit_test(pointwise_convolutions_share_too),
        cmocka_unit_test(a_late_reader_of_the_shortcut_keeps_them_apart),
        cmocka_unit_test(an_early_reader_of_the_shortcut_does_not),
        cmocka_unit_test(a_block_of_one_convolution_keeps_them_apart),
        cmocka_unit_test(other_sums_keep_their_gradients_apart),
        cmocka_unit_test(frozen_weights_train_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
