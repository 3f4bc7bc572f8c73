/*
 * test_grad_fs.c - the gradient of F, through FilterSummary and Conv, against central differences.
 *
 * loss = sum of c_i y_i over the outputs of a network of convolutions alone. It is linear in each
 * F, and between two elements in each filter's location, so a central difference has no error but
 * rounding, and every element is compared with its sign.
 */
#include "fs/fs.h"
#include "graph/exec.h"
#include "quant/quant.h"
#include "small_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

/* Between -1 and 1, without a pattern. */
static float noise(int64_t i)
{
    return (float)((uint32_t)i * UINT32_C(2654435761) >> 8) / (1 << 23) - 1;
}

/* What is checked: with a scale for each filter; with filters that are the Filter Summary's for a
 * part only; with filters between its elements, and both. */
enum how { PLAIN, SCALED, SHARED, LOCATED, LOCATED_SHARED };

static bool is_shared(enum how how)
{
    return how == SHARED || how == LOCATED_SHARED;
}

static struct fsn__graph *converted(enum fsn_layout layout, enum fsn_spacing spacing, enum how how)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *graph = NULL;
    struct fsn_plan *plan = NULL;
    struct small_net net;
    struct fsn_spec spec;

    small_net_open(&net, 2);
    small_net_conv(&net, "first", 6, 3);
    small_net_conv(&net, "second", 5, 1);
    small_net_conv(&net, "third", 3, 5);
    small_net_finish(&net);
    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = layout;
    if (fsn__fs_plan(net.b.graph, &spec, &plan, NULL, &err) != FSN_OK ||
        fsn__fs_convert(net.b.graph, plan,
                        &(struct fsn__fs_options){.spacing = spacing,
                                                  .start = is_shared(how) ? FSN_START_ASSIGNED
                                                                          : FSN_START_LEAST_SQUARES,
                                                  .sharing = is_shared(how),
                                                  .learn = true},
                        &graph, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(net.b.graph);
    return graph;
}

/* Puts a scale for each filter on every FilterSummary node. */
static void add_scales(struct fsn__graph *graph)
{
    struct fsn_error err = {.status = FSN_OK};

    for (int i = 0; i < graph->node_count; i++) {
        float scales[16];
        struct fsn__tensor t = {.dtype = FSN__F32, .ndim = 1, .data = scales};
        int value = -1;

        if (graph->nodes[i].op != &fsn__op_filter_summary)
            continue;
        t.dim[0] = graph->values[graph->nodes[i].out[0]].tensor.dim[0];
        for (int64_t k = 0; k < t.dim[0]; k++)
            scales[k] = 1.5F * noise(k + 40);
        assert_int_equal(fsn__graph_add_const(graph, "scale", FSN__VALUE_CONST, &t, &value, &err),
                         FSN_OK);
        assert_int_equal(fsn__graph_set_input(graph, i, 1, value, &err), FSN_OK);
    }
}

static double loss(struct fsn__exec *exec)
{
    struct fsn_error err = {.status = FSN_OK};
    const struct fsn__tensor *y = fsn__exec_output(exec, 0);
    const int64_t n = fsn__numel(y);
    double sum = 0;

    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (int64_t i = 0; i < n; i++)
        sum += (double)noise(i + 7) * fsn__f32(y)[i];
    return sum;
}

/* Every element of `value`: |analytic - numeric| small against the largest gradient. The loss is
 * linear within a step of it: a large one has the least rounding. */
static int compare(struct fsn__exec *exec, const struct fsn__graph *graph, int value, float step)
{
    const struct fsn__tensor *f = &graph->values[value].tensor;
    const struct fsn__tensor *df = fsn__exec_param_grad(exec, value);
    const int64_t n = fsn__numel(f);
    double largest = 0;

    assert_non_null(df);
    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)fsn__f32(df)[i]));
    assert_true(largest > 0.1);
    for (int64_t i = 0; i < n; i++) {
        const float kept = fsn__f32(f)[i];
        double high, low, numeric, got = fsn__f32(df)[i];

        fsn__f32(f)[i] = kept + step;
        high = loss(exec);
        fsn__f32(f)[i] = kept - step;
        low = loss(exec);
        fsn__f32(f)[i] = kept;
        numeric = (high - low) / (2.0 * step);
        if (fabs(numeric - got) > 1e-4 * largest)
            fail_msg("%s[%d]: backward %.7g, central difference %.7g", graph->values[value].name,
                     (int)i, got, numeric);
    }
    return (int)n;
}

/* Runs forward and backward on drawn images and gradients. */
static struct fsn__exec *backward(struct fsn__graph *graph)
{
    const struct fsn__exec_options options = {.batch = 2, .training = true};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;
    struct fsn__tensor *x, *dy;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    x = fsn__exec_input(exec, 0);
    for (int64_t i = 0; i < fsn__numel(x); i++)
        fsn__f32(x)[i] = noise(i);
    (void)loss(exec);
    dy = fsn__exec_output_grad(exec, 0);
    for (int64_t i = 0; i < fsn__numel(dy); i++)
        fsn__f32(dy)[i] = noise(i + 7);
    if (fsn__exec_backward(exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return exec;
}

/* Puts every filter between two elements, not nearer than 0.25 to either, on both sides of its
 * start and beyond the ring's end. */
static void move_filters(struct fsn__graph *graph)
{
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == &fsn__op_filter_summary) {
            const struct fsn__tensor *offset =
                &graph->values[graph->nodes[i].in[FSN__FS_OFFSET]].tensor;

            for (int64_t k = 0; k < offset->dim[0]; k++)
                fsn__f32(offset)[k] = rintf(100 * noise(k + i)) + 0.5F + 0.25F * noise(k + 90);
        }
}

static void check(enum fsn_layout layout, enum fsn_spacing spacing, enum how how)
{
    struct fsn__graph *graph = converted(layout, spacing, how);
    struct fsn__exec *exec;
    int compared = 0, located = 0;

    if (how == SCALED)
        add_scales(graph);
    if (is_shared(how))
        *fsn__fs_sharing(graph) = 0.3F;
    if (how >= LOCATED)
        move_filters(graph);
    exec = backward(graph);
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == &fsn__op_filter_summary) {
            compared += compare(exec, graph, graph->nodes[i].in[0], 0.5F);
            if (how >= LOCATED)
                located += compare(exec, graph, graph->nodes[i].in[FSN__FS_OFFSET], 0.2F);
        }
    assert_true(compared > 0);
    assert_int_equal(located, how >= LOCATED ? 6 + 5 + 3 : 0);
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
}

static void gradients_of_layout_1d_are_central_differences(void **state)
{
    (void)state;
    check(FSN_LAYOUT_1D, FSN_SPACING_EVEN, PLAIN);
    check(FSN_LAYOUT_1D, FSN_SPACING_REFERENCE, PLAIN);
}

static void gradients_of_layout_3d_are_central_differences(void **state)
{
    (void)state;
    check(FSN_LAYOUT_3D, FSN_SPACING_EVEN, PLAIN);
}

static void gradients_pass_a_scale_for_each_filter(void **state)
{
    (void)state;
    check(FSN_LAYOUT_1D, FSN_SPACING_EVEN, SCALED);
    check(FSN_LAYOUT_3D, FSN_SPACING_EVEN, SCALED);
}

static void gradients_pass_filters_that_are_blended_with_the_baselines(void **state)
{
    (void)state;
    check(FSN_LAYOUT_1D, FSN_SPACING_EVEN, SHARED);
    check(FSN_LAYOUT_3D, FSN_SPACING_EVEN, SHARED);
}

static void gradients_of_learned_locations_are_central_differences(void **state)
{
    (void)state;
    check(FSN_LAYOUT_LEARNED, FSN_SPACING_EVEN, LOCATED);
    check(FSN_LAYOUT_LEARNED, FSN_SPACING_REFERENCE, LOCATED);
    check(FSN_LAYOUT_LEARNED, FSN_SPACING_EVEN, LOCATED_SHARED);
}

/* One convolution, whose dF does not depend on F: in range, the straight-through gradient is that
 * of the network without the quantiser, and the step's is made of it. */
static void gradients_pass_a_quantiser_straight(void **state)
{
    const struct fsn__fs_options options = {.start = FSN_START_LEAST_SQUARES};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *graph = NULL;
    struct fsn_plan *plan = NULL;
    struct fsn__exec *plain, *aware;
    const struct fsn__tensor *f, *df, *df_aware;
    struct small_net net;
    struct fsn_spec spec;
    double dstep = 0, got;
    float step;
    int value;

    (void)state;
    small_net_open(&net, 16);
    small_net_conv(&net, "only", 16, 3);
    small_net_finish(&net);
    fsn_spec_defaults(&spec);
    spec.quantize.bits = 4;
    assert_int_equal(fsn__fs_plan(net.b.graph, &spec, &plan, NULL, &err), FSN_OK);
    assert_int_equal(fsn__fs_convert(net.b.graph, plan, &options, &graph, &err), FSN_OK);
    plain = backward(graph);
    assert_int_equal(fsn__aware_insert(graph, true, &err), FSN_OK);
    assert_int_equal(fsn__aware_fit(graph, FSN_RANGE_MIN_MAX, &err), FSN_OK); /* all in range */
    aware = backward(graph);
    value = fsn__graph_find_value(graph, "only.weight.fs");
    f = &graph->values[value].tensor;
    df = fsn__exec_param_grad(plain, value);
    df_aware = fsn__exec_param_grad(aware, value);
    value = fsn__graph_find_value(graph, "only.weight.fs.step");
    step = *fsn__f32(&graph->values[value].tensor);
    got = *fsn__f32(fsn__exec_param_grad(aware, value));
    value = fsn__graph_find_value(graph, "only.weight.fs.zero");
    for (int64_t i = 0; i < fsn__numel(f); i++) {
        const double steps = (double)fsn__f32(f)[i] / step;

        assert_float_equal(fsn__f32(df_aware)[i], fsn__f32(df)[i], 1e-6);
        dstep += fsn__f32(df)[i] * (rint(steps) - steps);
    }
    dstep /= sqrt((double)fsn__numel(f) * (15 - (double)*fsn__f32(&graph->values[value].tensor)));
    assert_true(fabs(dstep) > 0.01);
    assert_true(fabs(got - dstep) < 1e-4 * fabs(dstep) + 1e-5);
    fsn__exec_destroy(plain);
    fsn__exec_destroy(aware);
    fsn__graph_destroy(graph);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(net.b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_of_layout_1d_are_central_differences),
        cmocka_unit_test(gradients_of_layout_3d_are_central_differences),
        cmocka_unit_test(gradients_pass_a_scale_for_each_filter),
        cmocka_unit_test(gradients_pass_filters_that_are_blended_with_the_baselines),
        cmocka_unit_test(gradients_of_learned_locations_are_central_differences),
        cmocka_unit_test(gradients_pass_a_quantiser_straight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
