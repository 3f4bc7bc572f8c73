/* Whole networks as exporters wrote them, against outputs that PyTorch computed (the
 * test_data_set_0 beside each file). Needs the shared models; skipped by name without them. */
#include "fsnet.h"
#include "graph/graph.h"
#include "shared_data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

/* Float32 sums in another order: 1e-3 relative, as the ONNX backend tests allow. */
static void assert_matches(const char *model, const char *cases, int64_t elements)
{
    struct fsn_check result = {0};
    struct fsn_error err = {0};
    char path[1024];

    snprintf(path, sizeof path, "%s", shared_data(model));
    if (fsn_model_check(path, shared_data(cases), 1e-3, 1e-4, &result, &err) != FSN_OK)
        fail_msg("%s", err.text);
    if (!result.passed)
        fail_msg("%s", result.worst);
    assert_int_equal(result.cases, 1);
    assert_int_equal(result.elements, elements);
}

static void resnet20_matches_pytorch(void **state)
{
    (void)state;
    assert_matches("models/resnet20-cifar10.onnx", "models/resnet20-cifar10_test_data_set_0", 160);
}

static void resnet56_as_exported_matches_pytorch(void **state)
{
    (void)state;
    assert_matches("models/resnet56-cifar10.onnx", "models/resnet56-cifar10_test_data_set_0", 160);
}

static void mnist_of_cntk_matches(void **state)
{
    (void)state;
    assert_matches("models/zoo/mnist-opt/model.onnx", "models/zoo/mnist-opt", 10);
}

/* A face detector of PyTorch 1.2: scores 1 x 4420 x 2 and boxes 1 x 4420 x 4, decoded in the graph.
 */
static void a_detector_with_its_box_decoding_matches(void **state)
{
    (void)state;
    assert_matches("models/zoo/ultraface-rfb-320/model.onnx", "models/zoo/ultraface-rfb-320",
                   4420 * (2 + 4));
}

/* The pads that ResNet-56 computes by a sub-graph of seven operators are constants after import. */
static void the_constant_sub_graphs_of_resnet56_are_folded(void **state)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    (void)state;
    if (fsn_model_load(shared_data("models/resnet56-cifar10.onnx"), NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < model->graph->node_count; i++) {
        static const char *const gone[] = {"Shape",           "Gather",    "Cast",
                                           "ConstantOfShape", "Transpose", "Unsqueeze"};

        for (size_t j = 0; j < sizeof gone / sizeof gone[0]; j++)
            assert_string_not_equal(model->graph->nodes[i].op->name, gone[j]);
    }
    /* 853,018 trained ones; 2 c + 1 more for each of 55 batch norms, 2,032 channels together */
    assert_int_equal(fsn__graph_parameters(model->graph), 853018 + 2 * 2032 + 55);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resnet20_matches_pytorch),
        cmocka_unit_test(resnet56_as_exported_matches_pytorch),
        cmocka_unit_test(mnist_of_cntk_matches),
        cmocka_unit_test(a_detector_with_its_box_decoding_matches),
        cmocka_unit_test(the_constant_sub_graphs_of_resnet56_are_folded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
