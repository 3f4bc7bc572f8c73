/* test_shards.c - inference in shares of the batch gives what inference in one piece gives, but for
 * the last bit: BLAS rounds the rows at a matrix's end in another order. */
#include "graph/shards.h"
#include "net_builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SEED = 5 };

static struct fsn_model *make(const char *arch)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {.status = FSN_OK};

    if (fsn_arch_build(arch, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

/* The logits of `batch` drawn images; *count of shares on the way. */
static float *logits(struct fsn__graph *graph, int64_t batch, int slices, int *count)
{
    struct fsn__exec_options options = {.batch = batch};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__shards *shards = NULL;
    struct fsn__tensor *x, *y;
    float *copy;

    assert_int_equal(fsn__pool_create(slices, &options.pool, NULL), FSN_OK);
    if (fsn__shards_create(graph, &options, &shards, &err) != FSN_OK)
        fail_msg("%s", err.text);
    x = fsn__shards_input(shards);
    y = fsn__shards_output(shards);
    assert_int_equal(x->dim[0], batch);
    assert_int_equal(y->dim[0], batch);
    net_draw(fsn__f32(x), fsn__numel(x), 1, SEED, 0);
    for (int pass = 0; pass < 2; pass++)
        if (fsn__shards_forward(shards, &err) != FSN_OK)
            fail_msg("%s", err.text);
    copy = malloc(fsn__tensor_bytes(y));
    assert_non_null(copy);
    memcpy(copy, y->data, fsn__tensor_bytes(y));
    *count = fsn__shards_count(shards);
    fsn__shards_destroy(shards);
    fsn__pool_destroy(options.pool);
    return copy;
}

static void shares_of_any_size_give_what_one_piece_gives(void **state)
{
    enum { BATCH = 50, CLASSES = 10 };
    struct fsn_model *model = make("resnet20");
    int count;
    float *whole = logits(model->graph, BATCH, 1, &count);

    (void)state;
    assert_int_equal(count, 1);
    for (int slices = 2; slices <= 3; slices++) { /* 25 + 25 and 16 + 17 + 17 images */
        float *split = logits(model->graph, BATCH, slices, &count);

        assert_int_equal(count, slices);
        for (int i = 0; i < BATCH * CLASSES; i++)
            assert_float_equal(split[i], whole[i], 1e-5f);
        free(split);
    }
    free(whole);
    fsn_model_destroy(model);
}

static void what_would_not_pay_or_cannot_be_split_runs_in_one_piece(void **state)
{
    struct fsn_model *model = make("resnet20");
    int64_t *batch = &model->graph->values[model->graph->inputs[0]].tensor.dim[0];
    struct net net = net_create(SEED);
    struct fsn__graph *line = net_finish(
        &net, net_gemm(&net, "line", net_flatten(&net, net_input(&net, 3, 8, 8)), 3 * 8 * 8, 10));
    int count;

    (void)state;
    free(logits(line, 100, 2, &count)); /* a weight is used but 50 times in a share */
    assert_int_equal(count, 1);
    free(logits(line, 200, 2, &count));
    assert_int_equal(count, 2);
    fsn__graph_destroy(line);
    *batch = 50;
    free(logits(model->graph, 50, 2, &count)); /* the network is made for 50 images */
    assert_int_equal(count, 1);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shares_of_any_size_give_what_one_piece_gives),
        cmocka_unit_test(what_would_not_pay_or_cannot_be_split_runs_in_one_piece),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
