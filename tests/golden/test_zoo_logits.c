/*
 * test_zoo_logits.c - the networks of engine/zoo compute what PyTorch computes with the same
 * weights.
 *
 * zoo_logits.py writes the networks down a second time, from their papers, and fills weights and
 * input by a formula over the tensors' names; so do we. Names, strides, order of concatenation and
 * places of the shortcuts must all agree for the logits to.
 */
#include "graph/exec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { CLASSES = 10 };

struct golden {
    const char *arch;
    int input_size;
    double logits[CLASSES];
};
#include "zoo_logits_table.h"

/* x[i] = offset + scale * (a number between -1 and 1 from the name and i) */
static void fill(const struct fsn__tensor *t, const char *name, float offset, float scale)
{
    const int64_t n = fsn__numel(t);
    uint32_t seed = 2166136261U; /* FNV-1a */

    for (const char *c = name; *c; c++)
        seed = (seed ^ (uint8_t)*c) * 16777619U;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)i * 2654435761U + seed;

        fsn__f32(t)[i] = offset + scale * ((float)(bits >> 8) / (1 << 23) - 1);
    }
}

static bool ends_with(const char *name, const char *end)
{
    const size_t size = strlen(name), end_size = strlen(end);

    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

static void fill_weights(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];
        const struct fsn__tensor *t = &value->tensor;

        if (!t->data)
            continue;
        if (t->ndim > 1) /* of a convolution or a linear layer: 1.5 / sqrt(fan-in) */
            fill(t, value->name, 0, (float)(1.5 / sqrt((double)fsn__numel_range(t, 1, t->ndim))));
        else if (ends_with(value->name, ".bias") || ends_with(value->name, ".running_mean"))
            fill(t, value->name, 0, 0.1F);
        else
            fill(t, value->name, 1, 0.2F);
    }
}

static void check(const struct golden *want)
{
    const struct fsn_arch_options options = {.classes = CLASSES, .input_size = want->input_size};
    const struct fsn__exec_options run = {.batch = 1};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;
    struct fsn__exec *exec = NULL;
    double largest = 0;
    const float *got;

    if (fsn_arch_build(want->arch, &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fill_weights(model->graph);
    if (fsn__exec_create(model->graph, &run, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fill(fsn__exec_input(exec, 0), "input", 0, 1);
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    got = fsn__f32(fsn__exec_output(exec, 0));
    for (int i = 0; i < CLASSES; i++)
        largest = fmax(largest, fabs(want->logits[i]));
    for (int i = 0; i < CLASSES; i++)
        if (!(fabs(got[i] - want->logits[i]) <= 1e-4 * largest))
            fail_msg("%s of %d: logit %d is %.7g, PyTorch has %.7g", want->arch, want->input_size,
                     i, got[i], want->logits[i]);
    fsn__exec_destroy(exec);
    fsn_model_destroy(model);
}

static void networks_compute_what_pytorch_computes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        check(&table[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(networks_compute_what_pytorch_computes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
