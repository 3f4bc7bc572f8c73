/*
 * test_ssd.c - the detectors of engine/zoo compute what PyTorch computes with the same weights.
 *
 * ssd_outputs.py writes them down a second time; weights and images follow a formula over names
 * (tests/support/named_noise.h). SSD300 is here with narrower layers and otherwise as it is; `make
 * golden-ssd300` compares the whole one, as `fsnet new ssd300` builds it, with a table of its own.
 */
#include "detect/box_codec.h"
#include "detect/default_boxes.h"
#include "detect/multibox_loss.h"
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

/* Element `index` of a flat tensor, the largest magnitude around it (of the map or tensor), and how
 * far PyTorch's own float32 is from it there at most, over that. */
struct sample {
    const char *name;
    int64_t index;
    double value, largest, own;
};
#ifndef SSD_TABLE
#define SSD_TABLE "ssd_outputs_table.h"
#endif
#include SSD_TABLE

#define COUNT(table) (sizeof(table) / sizeof(table)[0])
enum { BATCH = 2 };
static const bool is_whole = SSD300_WIDTH == 64;

/* The network of `fsnet new`. */
static struct fsn__graph *whole_ssd300(const struct fsn_arch_options *options)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;
    struct fsn__graph *graph;

    if (fsn_arch_build("ssd300", options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    graph = model->graph;
    model->graph = NULL;
    fsn_model_destroy(model);
    return graph;
}

static struct fsn__graph *ssd300(int width)
{
    const struct fsn__arch arch = {.width = width};
    const struct fsn_arch_options options = {.classes = 20};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *graph = NULL;
    struct fsn__builder b = {.err = &err};

    if (is_whole)
        return whole_ssd300(&options);
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

static const double tolerance = 1e-4;

/* The difference over the largest magnitude. */
static double miss_of(const struct sample *want, const struct fsn__tensor *got)
{
    assert_true(want->index < fsn__numel(got));
    return fabs((double)fsn__f32(got)[want->index] - want->value) / want->largest;
}

/* Returns that difference, which must not be above `most`. */
static double compare(const struct sample *want, const struct fsn__tensor *got, double most)
{
    const double miss = miss_of(want, got);

    if (!(miss <= most))
        fail_msg("%s[%lld] is %.7g, PyTorch has %.7g", want->name, (long long)want->index,
                 (double)fsn__f32(got)[want->index], want->value);
    return miss;
}

static void compare_outputs(struct fsn__exec *exec, const struct sample *table, size_t count)
{
    double worst = 0;

    for (size_t i = 0; i < count; i++) {
        const int output = strcmp(table[i].name, "locations") == 0 ? 0 : 1;

        worst = fmax(worst, compare(&table[i], fsn__exec_output(exec, output), tolerance));
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

/* In the whole network rounding turns a few ReLUs and maxima of windows (ssd_outputs.py), and the
 * gradients of what lies before them go elsewhere by a step: a tenth of its weights may miss by so
 * much, about as many as PyTorch's own float32 does. */
static const double turned = 0.05;

static void compare_gradients(const struct fsn__graph *graph, struct fsn__exec *exec,
                              const struct sample *table, size_t count)
{
    const double most = is_whole ? turned : tolerance;
    int weights = 0, missed = 0, own = 0;
    struct fsn_error err = {.status = FSN_OK};
    double worst = 0, inside = 0;

    if (fsn__exec_backward(exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < count; weights++) {
        const char *name = table[i].name;
        const int value = fsn__graph_find_value(graph, name);
        const struct fsn__tensor *gradient = value >= 0 ? fsn__exec_param_grad(exec, value) : NULL;
        double of_weight = 0;

        if (!gradient) {
            fail_msg("'%s' has no gradient", name);
            return;
        }
        own += table[i].own > tolerance;
        for (; i < count && strcmp(table[i].name, name) == 0; i++)
            of_weight = fmax(of_weight, compare(&table[i], gradient, most));
        worst = fmax(worst, of_weight);
        missed += of_weight > tolerance;
        inside = of_weight > tolerance ? inside : fmax(inside, of_weight);
    }
    printf(
        "gradients of %d weights differ from PyTorch's by %.2g at most; those of %d by more than "
        "%.0e (PyTorch's own in float32: of %d), the others by %.2g at most\n",
        weights, worst, missed, tolerance, own, inside);
    assert_true(missed <= weights / 10);
}

/* Of noise, which reaches every unit of every map: in the whole network too many of them turn. */
static void gradients_of_ssd300_are_pytorchs(void **state)
{
    struct fsn__graph *graph;
    struct fsn__exec *exec;

    (void)state;
    if (is_whole)
        skip();
    graph = ssd300(SSD300_WIDTH);
    exec = run(graph, true);
    compare_outputs(exec, ssd300_outputs, COUNT(ssd300_outputs));
    named_noise(fsn__exec_output_grad(exec, 0), "gradient.locations", 0, 1);
    named_noise(fsn__exec_output_grad(exec, 1), "gradient.confidences", 0, 1);
    compare_gradients(graph, exec, ssd300_gradients, COUNT(ssd300_gradients));
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

/* The loss of the table's objects, and its gradients by the outputs into the executor. */
static struct fsn__multibox_terms multibox_loss(struct fsn__exec *exec)
{
    const struct fsn__box_rule rule = fsn__ssd300_box_rule();
    const struct fsn__multibox_batch batch = {
        .images = BATCH,
        .locations = fsn__f32(fsn__exec_output(exec, 0)),
        .confidences = fsn__f32(fsn__exec_output(exec, 1)),
        .objects = ssd300_objects,
        .first_object = ssd300_first_object,
    };
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__multibox *multibox = NULL;
    struct fsn__multibox_terms terms;
    float *standard = NULL;
    int64_t boxes = 0;

    if (fsn__default_boxes(&rule, &standard, &boxes, &err) != FSN_OK ||
        fsn__multibox_create(standard, boxes, 20, BATCH, &fsn__ssd_multibox, NULL, &multibox,
                             &err) != FSN_OK)
        fail_msg("%s", err.text);
    terms = fsn__multibox_loss(multibox, &batch, fsn__f32(fsn__exec_output_grad(exec, 0)),
                               fsn__f32(fsn__exec_output_grad(exec, 1)));
    fsn__multibox_destroy(multibox);
    free(standard);
    return terms;
}

static void a_training_step_of_ssd300_is_pytorchs(void **state)
{
    struct fsn__graph *graph = ssd300(SSD300_WIDTH);
    struct fsn__exec *exec = run(graph, true);
    const struct fsn__multibox_terms terms = multibox_loss(exec);
    const double miss = fabs(terms.loss / ssd300_loss - 1);

    (void)state;
    assert_int_equal(terms.matched, SSD300_MATCHED);
    assert_int_equal(terms.hard, SSD300_HARD);
    if (!(miss <= 1e-6))
        fail_msg("the loss is %.9g, PyTorch has %.9g", terms.loss, ssd300_loss);
    printf("the loss differs from PyTorch's by %.2g\n", miss);
    compare_gradients(graph, exec, ssd300_step_gradients, COUNT(ssd300_step_gradients));
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
        cmocka_unit_test(a_training_step_of_ssd300_is_pytorchs),
        cmocka_unit_test(ssd_lite_computes_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
