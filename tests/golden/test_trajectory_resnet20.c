/* test_trajectory_resnet20.c - ten training steps of ResNet-20 at batch 32 against PyTorch's losses
 * (trajectory_resnet20.py), by the fast path on every instruction set that this CPU has and by the
 * plain operators. Every kernel, the layout pass, loss and SGD must be right, gradients to within a
 * hundredth, for ten losses in a row to agree. */
#include "core/rng.h"
#include "graph/exec.h"
#include "kernels/kernels.h"
#include "net_builder.h"
#include "train/parameters.h"

#include "trajectory_resnet20_table.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { DATA_SEED = 21, WEIGHT_SEED = 22, BATCH = 32, CLASSES = 10, SIZE = 32, STEPS = 10 };
enum { IMAGE = 3 * SIZE * SIZE, FIRST_PATTERN = 1000, THREADS = 2 };

/* PyTorch's float32 run departs from its float64 run by 2e-5 at most, and so do ours. */
static const double TOLERANCE = 1e-4;

struct run {
    struct fsn__graph *graph;
    struct fsn__exec *exec;
    struct fsn__parameters parameters;
    float patterns[CLASSES][IMAGE];
};

/* FNV-1a: a tensor's random stream is named after it. */
static uint64_t stream_of(const char *name)
{
    uint32_t value = 2166136261U;

    for (; *name; name++)
        value = (value ^ (uint8_t)*name) * 16777619U;
    return value;
}

static bool ends_with(const char *name, const char *end)
{
    const size_t size = strlen(name), end_size = strlen(end);

    return size >= end_size && strcmp(name + size - end_size, end) == 0;
}

/* Convolutions and the linear layer: variance 2 / fan-in. Batch norm: scale 1, shift 0. */
static void fill_weights(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];
        const struct fsn__tensor *t = &value->tensor;
        const float constant = ends_with(value->name, ".bias") ? 0.0F : 1.0F;

        if (value->kind != FSN__VALUE_PARAM)
            continue;
        if (t->ndim > 1)
            net_draw(fsn__f32(t), fsn__numel(t),
                     sqrtf(6.0F / (float)fsn__numel_range(t, 1, t->ndim)), WEIGHT_SEED,
                     stream_of(value->name));
        else
            for (int64_t j = 0; j < fsn__numel(t); j++)
                fsn__f32(t)[j] = constant;
    }
}

/* A pattern for each class, and noise over it. */
static void fill_batch(struct run *run, int step, int32_t *labels)
{
    struct fsn__rng rng = fsn__rng_open(DATA_SEED, FSN__RNG_TEST, (uint64_t)(2 * step), 0);
    float *images = fsn__f32(fsn__exec_input(run->exec, 0));

    net_draw(images, BATCH * IMAGE, 2, DATA_SEED, (uint64_t)(2 * step + 1));
    for (int i = 0; i < BATCH; i++) {
        labels[i] = (int32_t)(fsn__rng_next(&rng) % CLASSES);
        for (int j = 0; j < IMAGE; j++)
            images[i * IMAGE + j] += run->patterns[labels[i]][j];
    }
}

static enum fsn_status train_step(struct run *run, const struct fsn_spec *spec,
                                  struct fsn__pool *pool, int step, double *loss)
{
    int32_t labels[BATCH];
    enum fsn_status status;

    fill_batch(run, step, labels);
    status = fsn__exec_forward(run->exec, (uint64_t)step, NULL);
    if (status != FSN_OK)
        return status;
    *loss = fsn__distill_loss(fsn__f32(fsn__exec_output(run->exec, 0)), NULL, labels, BATCH,
                              CLASSES, 0, 1, fsn__f32(fsn__exec_output_grad(run->exec, 0)), NULL);
    status = fsn__exec_backward(run->exec, NULL);
    if (status == FSN_OK)
        fsn__parameters_step(&run->parameters, spec, spec->finetune.lr, pool);
    return status;
}

/* Ten losses, or NaN where something failed. */
static void train(bool reference, double *losses)
{
    const struct fsn_spec spec = {.finetune = {.lr = 0.001, .momentum = 0.9, .weight_decay = 1e-4}};
    const struct fsn_arch_options arch = {.classes = CLASSES, .input_size = SIZE};
    struct fsn__exec_options options = {.batch = BATCH, .training = true, .reference = reference};
    struct fsn_model *model = NULL;
    static struct run run;
    enum fsn_status status;

    for (int step = 0; step < STEPS; step++)
        losses[step] = NAN;
    for (int i = 0; i < CLASSES; i++)
        net_draw(run.patterns[i], IMAGE, 1, DATA_SEED, (uint64_t)(FIRST_PATTERN + i));
    status = fsn__pool_create(THREADS, &options.pool, NULL);
    if (status == FSN_OK)
        status = fsn_arch_build("resnet20", &arch, &model, NULL);
    if (status == FSN_OK) {
        fsn__graph_mark_trainable(model->graph);
        fill_weights(model->graph);
        status = fsn__exec_create(model->graph, &options, &run.exec, NULL);
    }
    if (status == FSN_OK)
        status = fsn__parameters_collect(model->graph, run.exec, &run.parameters, NULL);
    for (int step = 0; step < STEPS && status == FSN_OK; step++)
        status = train_step(&run, &spec, options.pool, step, &losses[step]);
    fsn__parameters_clear(&run.parameters);
    fsn__exec_destroy(run.exec);
    fsn__pool_destroy(options.pool);
    fsn_model_destroy(model);
}

/* In a child: the instruction set is chosen once a process. */
static void check(const char *what, const char *isa, bool reference)
{
    const size_t bytes = STEPS * sizeof(double);
    double *losses = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = -1;
    pid_t child;

    assert_true(losses != MAP_FAILED);
    child = fork();
    if (child == 0) {
        if (isa && setenv("FSNET_ISA", isa, 1) != 0)
            _exit(1);
        train(reference, losses);
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int step = 0; step < STEPS; step++)
        if (!(fabs(losses[step] - resnet20_loss[step]) <= TOLERANCE * resnet20_loss[step]))
            fail_msg("%s, step %d: loss %.9g, PyTorch's is %.9g", what, step, losses[step],
                     resnet20_loss[step]);
    assert_int_equal(munmap(losses, bytes), 0);
}

static void the_plain_operators_follow_pytorch(void **state)
{
    (void)state;
    check("plain operators", NULL, true);
}

static void the_fast_path_follows_pytorch_on_every_instruction_set(void **state)
{
    int levels = 0;

    (void)state;
    for (int level = 0; fsn__isa_name(level); level++) {
        if (!fsn__kernels_at(FSN__WINOGRAD, level))
            continue;
        check(fsn__isa_name(level), fsn__isa_name(level), false);
        levels++;
    }
    assert_true(levels > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_plain_operators_follow_pytorch),
        cmocka_unit_test(the_fast_path_follows_pytorch_on_every_instruction_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
