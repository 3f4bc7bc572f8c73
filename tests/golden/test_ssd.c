/*
 * test_ssd.c - the detectors of engine/zoo compute what PyTorch computes with the same weights.
 *
 * ssd_outputs.py writes them down a second time; weights and images follow a formula over names
 * (tests/support/named_noise.h). SSD300 is here with narrower layers and otherwise as it is; the
 * whole one is compared by hand: `ssd_outputs.py 64`, then this test.
 */
#include "graph/exec.h"
#include "named_noise.h"
#include "zoo/zoo.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Element `index` of a flat tensor, and the largest magnitude around it: of the map or tensor. */
struct sample {
    const char *name;
    int64_t index;
    double value, largest;
};
#include "ssd_outputs_table.h"

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
enum { BATCH = 2 };

static struct fsn__graph *ssd300(int width)
{
    const struct fsn__arch arch = {.width = width};
    const struct fsn_arch_options options = {.classes = 20};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *graph = NULL;
    struct fsn__builder b = {.err = &err};

    if (fsn__graph_create(&graph, &err) != FSN_OK)
        fail_msg("%s", err.text);
    b.graph = graph;
    fsn__build_output(
        &b, fsn__build_ssd300(&b, &arch, &options, fsn__build_input(&b, "input", 3, 300)));
    if (b.status != FSN_OK)
        fail_msg("%s", err.text);
    fsn__graph_mark_trainable(graph);
    return graph;
}

static struct fsn__exec *run(struct fsn__graph *graph, bool training)
{
    const struct fsn__exec_options how = {.batch = BATCH, .training = training};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;

    named_noise_weights(graph);
    if (fsn__exec_create(graph, &how, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    named_noise(fsn__exec_input(exec, 0), "input", 0, 1);
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return exec;
}

/* Returns the largest difference over the largest magnitude. */
static double compare(const struct sample *want, const struct fsn__tensor *got, double tolerance)
{
    double value, miss;

    assert_true(want->index < fsn__numel(got));
    value = fsn__f32(got)[want->index];
    miss = fabs(value - want->value) / want->largest;
    if (!(miss <= tolerance))
        fail_msg("%s[%lld] is %.7g, PyTorch has %.7g", want->name, (long long)want->index, value,
                 want->value);
    return miss;
}

static void compare_outputs(struct fsn__exec *exec, const struct sample *table, size_t count)
{
    double worst = 0;

    for (size_t i = 0; i < count; i++) {
        const int output = strcmp(table[i].name, "locations") == 0 ? 0 : 1;

        worst = fmax(worst, compare(&table[i], fsn__exec_output(exec, output), 1e-4));
    }
    printf("outputs differ from PyTorch's by %.2g at most\n", worst);
}

static void ssd300_computes_what_pytorch_computes(void **state)
{
    struct fsn__graph *graph = ssd300(SSD300_WIDTH);
    struct fsn__exec *exec = run(graph, false);

    (void)state;
    compare_outputs(exec, ssd300_outputs, COUNT(ssd300_outputs));
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

static void gradients_of_ssd300_are_pytorchs(void **state)
{
    struct fsn__graph *graph = ssd300(SSD300_WIDTH);
    struct fsn__exec *exec = run(graph, true);
    struct fsn_error err = {.status = FSN_OK};
    double worst = 0;

    (void)state;
    compare_outputs(exec, ssd300_outputs, COUNT(ssd300_outputs));
    named_noise(fsn__exec_output_grad(exec, 0), "gradient.locations", 0, 1);
    named_noise(fsn__exec_output_grad(exec, 1), "gradient.confidences", 0, 1);
    if (fsn__exec_backward(exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < COUNT(ssd300_gradients); i++) {
        const int value = fsn__graph_find_value(graph, ssd300_gradients[i].name);
        struct fsn__tensor *gradient = value >= 0 ? fsn__exec_param_grad(exec, value) : NULL;

        if (!gradient)
            fail_msg("'%s' has no gradient", ssd300_gradients[i].name);

        worst = fmax(worst, compare(&ssd300_gradients[i], gradient, 1e-4));
    }
    printf("gradients differ from PyTorch's by %.2g at most\n", worst);
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

static void ssd_lite_computes_what_pytorch_computes(void **state)
{
    const struct fsn_arch_options options = {.classes = 3, .input_size = 72};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;
    struct fsn__exec *exec;

    (void)state;
    if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    exec = run(model->graph, false);
    compare_outputs(exec, ssd_lite_outputs, COUNT(ssd_lite_outputs));
    fsn__exec_destroy(exec);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ssd300_computes_what_pytorch_computes),
        cmocka_unit_test(gradients_of_ssd300_are_pytorchs),
        cmocka_unit_test(ssd_lite_computes_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
