/* exec_compare.c - see exec_compare.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "exec_compare.h"
#include "net_builder.h"

#include <math.h>

enum { STEPS = 2, SEED = 77, MAX_VECTOR = 4096 };

struct side {
    struct fsn__graph *graph;
    struct fsn__exec *exec;
};

static struct side open_side(const struct fsn__graph *graph, const struct exec_comparison *how,
                             struct fsn__pool *pool, bool reference)
{
    const struct fsn__exec_options options = {.batch = how->batch,
                                              .training = how->training,
                                              .pool = pool,
                                              .seed = 3,
                                              .bf16 = how->bf16,
                                              .reference = reference};
    struct fsn_error err = {.status = FSN_OK};
    struct side side = {.graph = NULL};

    assert_int_equal(fsn__graph_clone(graph, &side.graph, NULL), FSN_OK);
    if (fsn__exec_create(side.graph, &options, &side.exec, &err) != FSN_OK)
        fail_msg("%s: %s", reference ? "reference" : "lowered", err.text);
    return side;
}

static void close_side(struct side *side)
{
    fsn__exec_destroy(side->exec);
    fsn__graph_destroy(side->graph);
}

static void run_step(struct side *side, bool training, int step)
{
    struct fsn_error err = {.status = FSN_OK};

    for (int i = 0; i < side->graph->input_count; i++) {
        struct fsn__tensor *x = fsn__exec_input(side->exec, i);

        net_draw(fsn__f32(x), fsn__numel(x), 1, SEED, (uint64_t)(100 * step + i));
    }
    if (fsn__exec_forward(side->exec, (uint64_t)step, &err) != FSN_OK)
        fail_msg("forward: %s", err.text);
    for (int i = 0; i < side->graph->output_count && training; i++) {
        struct fsn__tensor *dy = fsn__exec_output_grad(side->exec, i);

        if (dy)
            net_draw(fsn__f32(dy), fsn__numel(dy), 1, SEED, (uint64_t)(100 * step + 50 + i));
    }
    if (training && fsn__exec_backward(side->exec, &err) != FSN_OK)
        fail_msg("backward: %s", err.text);
}

static double rms(const struct fsn__tensor *t)
{
    const int64_t n = fsn__numel(t);
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += (double)fsn__f32(t)[i] * (double)fsn__f32(t)[i];
    return n > 0 ? sqrt(sum / (double)n) : 0;
}

/* floor: least scale, for tensors that are zero but for rounding. */
static void compare(const char *what, const char *name, const struct fsn__tensor *want,
                    const struct fsn__tensor *got, double floor, double tolerance)
{
    const double scale = fmax(rms(want), floor);

    if (!fsn__same_shape(want, got))
        fail_msg("%s of '%s' is %s, expected %s", what, name, FSN__SHAPE(got), FSN__SHAPE(want));
    for (int64_t i = 0; i < fsn__numel(want); i++) {
        const double a = (double)fsn__f32(want)[i], b = (double)fsn__f32(got)[i];

        if (!(fabs(a - b) <= tolerance * scale) || (fabs(a) > 0 && scale == 0))
            fail_msg("%s of '%s': element %lld is %.9g, expected %.9g (rms %.3g)", what, name,
                     (long long)i, b, a, scale);
    }
}

static double largest_gradient(const struct side *side)
{
    double largest = 0;

    for (int i = 0; i < side->graph->value_count; i++) {
        const struct fsn__tensor *grad = fsn__exec_param_grad(side->exec, i);

        if (grad)
            largest = fmax(largest, rms(grad));
    }
    return largest;
}

static void compare_gradients(const struct side *want, const struct side *got, double tolerance)
{
    const double floor = 0.1 * largest_gradient(want);

    for (int i = 0; i < want->graph->value_count; i++) {
        const struct fsn__value *value = &want->graph->values[i];
        const struct fsn__tensor *a = fsn__exec_param_grad(want->exec, i);
        const struct fsn__tensor *b = fsn__exec_param_grad(got->exec, i);

        if ((a == NULL) != (b == NULL))
            fail_msg("'%s' has a gradient on one side alone", value->name);
        if (a)
            compare("the gradient", value->name, a, b, floor, tolerance);
        if (value->kind == FSN__VALUE_STAT)
            compare("the running statistics", value->name, &value->tensor,
                    &got->graph->values[i].tensor, 0, tolerance);
    }
}

void exec_compare(const struct fsn__graph *graph, struct exec_comparison how)
{
    const double tolerance = how.tolerance > 0 ? how.tolerance : 1e-4;
    struct fsn__pool *pool = NULL;
    struct side want, got;

    assert_int_equal(fsn__pool_create(how.threads > 0 ? how.threads : 1, &pool, NULL), FSN_OK);
    want = open_side(graph, &how, pool, true);
    got = open_side(graph, &how, pool, false);
    for (int step = 0; step < STEPS; step++) {
        run_step(&want, how.training, step);
        run_step(&got, how.training, step);
        for (int i = 0; i < graph->output_count; i++)
            compare("the output", graph->values[graph->outputs[i]].name,
                    fsn__exec_output(want.exec, i), fsn__exec_output(got.exec, i), 0, tolerance);
        if (how.training)
            compare_gradients(&want, &got, tolerance);
    }
    close_side(&want);
    close_side(&got);
    fsn__pool_destroy(pool);
}

void exec_disturb(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__tensor *t = &graph->values[i].tensor;
        float noise[MAX_VECTOR];

        if (!t->data || t->dtype != FSN__F32 || t->ndim != 1 || fsn__numel(t) > MAX_VECTOR)
            continue;
        net_draw(noise, fsn__numel(t), 0.25F, SEED, (uint64_t)(1000 + i));
        for (int64_t j = 0; j < fsn__numel(t); j++)
            fsn__f32(t)[j] += noise[j];
    }
}

void exec_keep_from_zero(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const struct fsn__tensor *shift;

        if (node->op != &fsn__op_batch_normalization)
            continue;
        shift = &graph->values[node->in[2]].tensor;
        for (int64_t c = 0; c < fsn__numel(shift); c++)
            fsn__f32(shift)[c] = c % 4 == 1 ? -4.5F : 4.5F;
    }
}
