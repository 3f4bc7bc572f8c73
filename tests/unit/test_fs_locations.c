/* test_fs_locations.c - layout learned: where filters begin, move to, and stay. */
#include "fs/fs.h"
#include "graph/exec.h"
#include "small_net.h"
#include "toy_run.h"
#include "train/parameters.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- conversion ------------------------------------------------------------------------------ */

static struct fsn_plan *plan_of(const struct fsn__graph *graph)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = FSN_LAYOUT_LEARNED;
    if (fsn__fs_plan(graph, &spec, &plan, NULL, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return plan;
}

static struct fsn__graph *convert(const struct fsn__graph *graph, struct fsn_plan *plan, bool learn)
{
    const struct fsn__fs_options options = {.start = FSN_START_ASSIGNED, .seed = 1, .learn = learn};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *out = NULL;

    if (fsn__fs_convert(graph, plan, &options, &out, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return out;
}

static void open_net(struct small_net *net)
{
    small_net_open(net, 4);
    small_net_conv(net, "first", 8, 3);
    small_net_conv(net, "single", 1, 5);
    small_net_conv(net, "point", 16, 1);
    small_net_conv(net, "last", 5, 3);
    small_net_finish(net);
}

static void close_net(struct small_net *net)
{
    fsn__graph_destroy(net->b.graph);
}

static struct fsn__node *summary_of(const struct fsn__graph *graph, const char *conv)
{
    const int node = fsn__names_find(&graph->node_names, conv);

    assert_true(node >= 0);
    return &graph->nodes[graph->values[graph->nodes[node].in[1]].producer];
}

static struct fsn__fs_geometry geometry_of(const struct fsn__graph *graph, const char *conv)
{
    const struct fsn__node *node = summary_of(graph, conv);
    struct fsn__fs_geometry g;

    assert_int_equal(
        fsn__fs_geometry_read(&node->attrs, &graph->values[node->in[0]].tensor, conv, &g, NULL),
        FSN_OK);
    return g;
}

static float *offsets_of(const struct fsn__graph *graph, const char *conv)
{
    const struct fsn__node *node = summary_of(graph, conv);

    assert_int_equal(node->n_in, FSN__FS_INPUTS);
    return fsn__f32(&graph->values[node->in[FSN__FS_OFFSET]].tensor);
}

/* The outputs for a drawn image; freed by free(). */
static float *outputs_of(struct fsn__graph *graph, int64_t *count)
{
    const struct fsn__exec_options options = {.batch = 2};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;
    struct fsn__tensor *x;
    float *copy;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    x = fsn__exec_input(exec, 0);
    for (int64_t i = 0; i < fsn__numel(x); i++)
        fsn__f32(x)[i] = (float)(i * 37 % 101) / 50 - 1;
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    *count = fsn__numel(fsn__exec_output(exec, 0));
    copy = malloc((size_t)*count * sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, fsn__f32(fsn__exec_output(exec, 0)), (size_t)*count * sizeof *copy);
    fsn__exec_destroy(exec);
    return copy;
}

static void assert_same_outputs(struct fsn__graph *a, struct fsn__graph *b)
{
    int64_t count, other;
    float *x = outputs_of(a, &count), *y = outputs_of(b, &other);

    assert_int_equal(count, other);
    for (int64_t i = 0; i < count; i++)
        assert_float_equal(x[i], y[i], 1e-5);
    free(x);
    free(y);
}

static void layers_of_more_than_one_filter_are_learned(void **state)
{
    static const enum fsn_layout want[] = {FSN_LAYOUT_LEARNED, FSN_LAYOUT_1D, FSN_LAYOUT_LEARNED,
                                           FSN_LAYOUT_LEARNED};
    struct small_net net;
    struct fsn_plan *plan;

    (void)state;
    open_net(&net);
    plan = plan_of(net.b.graph);
    assert_int_equal(plan->layer_count, 4);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(plan->layers[i].layout, want[i]);
        assert_true(isnan(plan->layers[i].moved));
    }
    assert_int_equal(plan->layers[0].fs_dim[0], 8 * 4 * 9 / 4);
    fsn_plan_destroy(plan);
    close_net(&net);
}

/* Locations begin at the slots that the start chose: nothing but the form is another one. */
static void a_network_with_fixed_locations_is_the_one_that_learning_begins_with(void **state)
{
    struct small_net net;
    struct fsn__graph *moving, *fixed;
    struct fsn_plan *plan;
    struct fsn__fs_geometry from, to;

    (void)state;
    open_net(&net);
    plan = plan_of(net.b.graph);
    moving = convert(net.b.graph, plan, true);
    fixed = convert(net.b.graph, plan, false);
    from = geometry_of(moving, "first");
    to = geometry_of(fixed, "first");
    assert_int_equal(from.spacing, FSN_SPACING_EVEN);
    assert_int_equal(to.spacing, FSN_SPACING_FREE);
    for (int64_t k = 0; k < 8; k++) {
        assert_true(offsets_of(moving, "first")[k] == 0);
        assert_int_equal(fsn__fs_start(&to, k), from.slot[k] * 72 / 8);
    }
    assert_int_equal(summary_of(fixed, "first")->n_in, 1);
    assert_same_outputs(moving, fixed);
    fsn__graph_destroy(moving);
    fsn__graph_destroy(fixed);
    fsn_plan_destroy(plan);
    close_net(&net);
}

static void fixing_puts_filters_at_the_nearest_element_of_the_ring(void **state)
{
    /* by hand: k L / K = 9 k in slot k of 72 elements; "point" has 4 k of 64, all moved by 0 */
    static const float offset[8] = {-0.4F, -1.4F, 0.6F, 200, 0, -73, 71.8F, 0.5F};
    static const int64_t moved[8] = {0, -1, 1, 200, 0, -73, 72, 0}; /* half to even */
    struct small_net net;
    struct fsn__graph *graph, *whole;
    struct fsn_plan *plan;
    struct fsn__fs_geometry before, after;
    int64_t slot[8];

    (void)state;
    open_net(&net);
    plan = plan_of(net.b.graph);
    graph = convert(net.b.graph, plan, true);
    whole = convert(net.b.graph, plan, true);
    before = geometry_of(graph, "first");
    memcpy(slot, before.slot, sizeof slot);
    for (int k = 0; k < 8; k++) {
        offsets_of(graph, "first")[k] = offset[k];
        offsets_of(whole, "first")[k] = (float)moved[k];
    }
    assert_int_equal(fsn__fs_fix_locations(graph, plan, NULL), FSN_OK);
    after = geometry_of(graph, "first");
    assert_int_equal(after.spacing, FSN_SPACING_FREE);
    for (int k = 0; k < 8; k++)
        assert_int_equal(fsn__fs_start(&after, k), ((slot[k] * 9 + moved[k]) % 72 + 72) % 72);
    assert_true(plan->layers[0].moved == 5.0 / 8);
    assert_true(plan->layers[2].moved == 0);
    assert_true(isnan(plan->layers[1].moved));
    assert_int_equal(fsn__graph_find_value(graph, "first.weight.offset"), -1);
    assert_same_outputs(graph, whole);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(whole);
    fsn_plan_destroy(plan);
    close_net(&net);
}

/* ---- training -------------------------------------------------------------------------------- */

/* The toy network with learned locations. */
static struct fsn__graph *learned_network(bool sharing)
{
    const struct fsn__fs_options options = {
        .start = FSN_START_ASSIGNED, .learn = true, .sharing = sharing};
    struct fsn__graph *dense = toy_network(1), *out = NULL;
    struct fsn_plan *plan = plan_of(dense);

    assert_int_equal(fsn__fs_convert(dense, plan, &options, &out, NULL), FSN_OK);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(dense);
    return out;
}

static const struct fsn__tensor *trained_offsets(const struct fsn__graph *graph)
{
    const int value = fsn__graph_find_value(graph, "conv.w.offset");

    assert_true(value >= 0);
    assert_int_equal(graph->values[value].kind, FSN__VALUE_PARAM);
    return &graph->values[value].tensor;
}

static int count_moved(const struct fsn__graph *graph)
{
    const struct fsn__tensor *offset = trained_offsets(graph);
    int moved = 0;

    for (int64_t k = 0; k < offset->dim[0]; k++)
        moved += fsn__f32(offset)[k] != 0;
    return moved;
}

static bool all_whole(const struct fsn__graph *graph)
{
    const struct fsn__tensor *offset = trained_offsets(graph);

    for (int64_t k = 0; k < offset->dim[0]; k++)
        if (fsn__f32(offset)[k] != rintf(fsn__f32(offset)[k]))
            return false;
    return true;
}

static struct fsn__graph *train(struct toy_run *f, bool sharing)
{
    struct toy_result r = toy_train_graph(f, learned_network(sharing), NULL, 2, NULL);
    struct fsn__graph *graph = r.student;

    if (r.status != FSN_OK)
        fail_msg("%s", r.err.text);
    r.student = NULL;
    toy_clear(&r);
    return graph;
}

static void filters_move_while_training_and_end_on_whole_places(void **state)
{
    struct toy_run *f = *state;

    f->spec.finetune.location_lr = 100; /* filters move, and the network still learns */
    for (int sharing = 0; sharing < 2; sharing++) {
        struct fsn__graph *graph = train(f, sharing);

        assert_true(all_whole(graph));
        assert_true(count_moved(graph) > 0);
        assert_true(toy_top1(f, graph) > 50); /* of four classes */
        fsn__graph_destroy(graph);
    }
}

static void without_a_rate_filters_stay_where_they_were(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph;

    f->spec.finetune.location_lr = 0;
    graph = train(f, false);
    assert_int_equal(count_moved(graph), 0);
    fsn__graph_destroy(graph);
}

/* A run that rounds before its first step is the same run without learning. */
static void rounded_filters_move_no_more(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph;

    f->spec.finetune.location_lr = 1000;
    f->spec.finetune.rounding = 0;
    graph = train(f, false);
    assert_int_equal(count_moved(graph), 0);
    fsn__graph_destroy(graph);
}

/* The average of weights from both sides of the rounding would be of filters in two places. */
static void averaged_weights_belong_to_the_rounded_places(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *last, *average;
    const struct fsn__tensor *a, *b;

    f->spec.finetune.location_lr = 1000;
    last = train(f, false);
    f->spec.finetune.ema = 0.99;
    average = train(f, false);
    a = trained_offsets(last);
    b = trained_offsets(average);
    assert_memory_equal(a->data, b->data, fsn__tensor_bytes(a));
    fsn__graph_destroy(last);
    fsn__graph_destroy(average);
}

/* One item of weights and one of locations, by hand: lr 0.5, no momentum. */
static void a_step_moves_locations_at_their_rate_and_lets_none_decay(void **state)
{
    float w[] = {1, 2}, v[4] = {0}, grad[] = {0.5F, 1, 3, 4}, place[] = {10, -2.5F};
    struct fsn__parameter items[] = {
        {.name = "w", .w = w, .v = v, .grad = grad, .size = 2, .decay = true},
        {.name = "at", .w = place, .v = v + 2, .grad = grad + 2, .size = 2, .location = true}};
    struct fsn__parameters parameters = {.count = 2, .item = items, .has_locations = true};
    struct fsn_spec spec;

    (void)state;
    fsn_spec_defaults(&spec);
    spec.finetune.momentum = 0;
    spec.finetune.weight_decay = spec.finetune.weight_decay_bn = 1;
    spec.finetune.location_lr = 4;
    /* the norm is that of the weights' gradient alone, sqrt(1.25) */
    assert_float_equal(fsn__parameters_clip(&parameters, 100, NULL), 1.1180340, 1e-6);
    assert_float_equal(fsn__parameters_clip(&parameters, 0.1, NULL), 1.1180340, 1e-6);
    assert_true(grad[2] == 3 && grad[3] == 4);
    grad[0] = 0.5F, grad[1] = 1;
    fsn__parameters_step(&parameters, &spec, 0.5, NULL);
    assert_true(w[0] == 0.25F && w[1] == 0.5F);       /* w - 0.5 (g + w) */
    assert_true(place[0] == 4 && place[1] == -10.5F); /* at - 0.5 4 g */
    fsn__parameters_round_locations(&parameters);
    assert_true(w[0] == 0.25F && place[1] == -10); /* half to even */
    parameters.locations_fixed = true;
    fsn__parameters_step(&parameters, &spec, 0.5, NULL);
    assert_true(place[0] == 4 && place[1] == -10);
    fsn_spec_clear(&spec);
}

static void rounding_falls_on_a_step_of_the_run(void **state)
{
    struct fsn_spec spec;

    (void)state;
    fsn_spec_defaults(&spec);
    spec.finetune.rounding = 0.75;
    assert_int_equal(fsn__rounding_step(&spec, 100), 75);
    assert_int_equal(fsn__rounding_step(&spec, 3), 2);
    assert_int_equal(fsn__rounding_step(&spec, 1), 0);
    spec.finetune.rounding = 0.95; /* the largest that a spec may ask for */
    assert_int_equal(fsn__rounding_step(&spec, 1), 0);
    fsn_spec_clear(&spec);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, toy_setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_of_more_than_one_filter_are_learned),
        cmocka_unit_test(a_network_with_fixed_locations_is_the_one_that_learning_begins_with),
        cmocka_unit_test(fixing_puts_filters_at_the_nearest_element_of_the_ring),
        CASE(filters_move_while_training_and_end_on_whole_places),
        CASE(without_a_rate_filters_stay_where_they_were),
        CASE(rounded_filters_move_no_more),
        CASE(averaged_weights_belong_to_the_rounded_places),
        cmocka_unit_test(a_step_moves_locations_at_their_rate_and_lets_none_decay),
        cmocka_unit_test(rounding_falls_on_a_step_of_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
