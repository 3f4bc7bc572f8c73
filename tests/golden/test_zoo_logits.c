/*
 * test_zoo_logits.c - the networks of engine/zoo compute what PyTorch computes with the same
 * weights.
 *
 * zoo_logits.py writes the networks down a second time, from their papers, and fills weights and
 * input by a formula over the tensors' names; so do we. Names, strides, order of concatenation and
 * places of the shortcuts must all agree for the logits to.
 */
#include "graph/exec.h"
#include "named_noise.h"

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
    named_noise_weights(model->graph);
    if (fsn__exec_create(model->graph, &run, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    named_noise(fsn__exec_input(exec, 0), "input", 0, 1);
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
