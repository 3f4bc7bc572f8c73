/* test_distill_objective.c - a student's outputs follow a teacher's: what is learnt, which outputs
 * are, that labels have no part in it, and what is refused. */
#include "net_builder.h"
#include "toy_run.h"
#include "train/follow.h"
#include "train/followed.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MAP, SCORES, CODE, OUTPUTS };

/* Three outputs: a map [N,4,6,6], a softmax [N,4] and a vector [N,3], without batch norm, so that a
 * network in training says what it says at inference. */
static struct fsn__graph *network(uint64_t seed)
{
    struct net net = net_create(seed);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), map, vector;

    x = net_relu(&net, net_conv_bias(&net, "a", x, 1, 8, 3, 1));
    map = net_conv_bias(&net, "map", x, 8, 4, 1, 1);
    vector = net_flatten(&net, net_global_pool(&net, x));
    assert_int_equal(fsn__graph_add_output(net.graph, map, NULL), FSN_OK);
    x = net_apply(&net, "Softmax", NULL, net_gemm(&net, "scores", vector, 8, 4), -1);
    assert_int_equal(fsn__graph_add_output(net.graph, x, NULL), FSN_OK);
    return net_finish(&net, net_gemm(&net, "code", vector, 8, 3));
}

static const char *name_of(const struct fsn__graph *graph, int output)
{
    return graph->values[graph->outputs[output]].name;
}

/* Adds an output to those that the spec names. */
static struct fsn_distill_output *follow(struct fsn_spec *spec, const char *name,
                                         enum fsn_output_loss loss)
{
    struct fsn_distill_output *item = &spec->distill_outputs.item[spec->distill_outputs.count++];

    *item = (struct fsn_distill_output){strdup(name), loss, 1};
    return item;
}

static int setup(void **state)
{
    struct toy_run *f;

    toy_setup(state);
    f = *state;
    f->spec.task = FSN_TASK_DISTILL;
    f->spec.finetune.crop_padding = 0;
    f->spec.finetune.flip = false;
    f->spec.finetune.lr = 0.05;
    f->spec.finetune.clip_norm = 1; /* a fresh student is far away */
    f->spec.finetune.recalibrate_bn = 0;
    return 0;
}

/* What follow.c says of two networks on the train images. */
static struct fsn__following measure(const struct toy_run *f, struct fsn__graph *teacher,
                                     struct fsn__graph *student)
{
    const struct fsn__meter silent = {.progress = NULL};
    const struct fsn__follow order = {.teacher = teacher,
                                      .student = student,
                                      .data = f->data,
                                      .split = FSN_SPLIT_TRAIN,
                                      .images = TOY_IMAGES,
                                      .spec = &f->spec,
                                      .meter = &silent};
    struct fsn__following said;

    assert_int_equal(fsn__follow_measure(&order, &said, NULL), FSN_OK);
    return said;
}

/* ---- learning ----------------------------------------------------------------------------------
 */

static void outputs_come_near_to_the_teachers(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9), *fresh = network(1);
    struct fsn__following before = measure(f, teacher, fresh), after;
    struct toy_result r;

    f->spec.finetune.epochs = 60;
    r = toy_train_graph(f, network(1), teacher, 2, NULL);
    if (r.status != FSN_OK)
        fail_msg("%s", r.err.text);
    after = measure(f, teacher, r.student);
    assert_int_equal(before.count, OUTPUTS);
    assert_int_equal(before.loss[MAP], FSN_OUTPUT_MSE);
    assert_int_equal(before.loss[SCORES], FSN_OUTPUT_KL);
    assert_int_equal(before.loss[CODE], FSN_OUTPUT_MSE);
    for (int i = 0; i < OUTPUTS; i++) {
        assert_true(before.distance[i] > before.spread[i]);
        assert_true(after.distance[i] < 0.2 * before.distance[i]);
    }
    assert_true(isnan(r.curve.rows[0].train_top1) && isnan(r.curve.rows[0].teacher_top1));
    assert_true(isnan(r.curve.rows[0].matched));
    fsn__following_clear(&before);
    fsn__following_clear(&after);
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

static void the_loss_is_each_distance_over_its_spread(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9), *fresh = network(1);
    struct fsn__following said;
    struct toy_result r;
    double want;

    follow(&f->spec, name_of(fresh, CODE), FSN_OUTPUT_COSINE)->weight = 3;
    follow(&f->spec, name_of(fresh, SCORES), FSN_OUTPUT_AUTO);
    f->spec.finetune.epochs = 1;
    f->spec.finetune.batch_size = TOY_IMAGES;
    f->spec.finetune.precision = FSN_PRECISION_FLOAT32; /* as what measures */
    said = measure(f, teacher, fresh);
    assert_int_equal(said.count, 2);
    assert_int_equal(said.loss[0], FSN_OUTPUT_COSINE);
    want = (3 * said.distance[0] / said.spread[0] + said.distance[1] / said.spread[1]) / 4;
    r = toy_train_graph(f, network(1), teacher, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    if (!(fabs(r.curve.rows[0].train_loss - want) < 1e-5 * want))
        fail_msg("%.9g, expected %.9g", r.curve.rows[0].train_loss, want);
    fsn__following_clear(&said);
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

/* The weights of one output's own layer. */
static const struct fsn__tensor *weight_of(const struct fsn__graph *graph, const char *node)
{
    const int at = fsn__names_find(&graph->node_names, node);

    assert_true(at >= 0);
    return &graph->values[graph->nodes[at].in[1]].tensor;
}

static void what_is_not_named_is_not_trained(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9), *fresh = network(1);
    struct toy_result r;

    follow(&f->spec, name_of(fresh, MAP), FSN_OUTPUT_MSE);
    r = toy_train_graph(f, network(1), teacher, 1, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_memory_equal(weight_of(r.student, "code")->data, weight_of(fresh, "code")->data,
                        fsn__tensor_bytes(weight_of(fresh, "code")));
    assert_memory_not_equal(weight_of(r.student, "map")->data, weight_of(fresh, "map")->data,
                            fsn__tensor_bytes(weight_of(fresh, "map")));
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(fresh);
    toy_clear(&r);
}

static void labels_have_no_part_in_it(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9);
    struct fsn__images *train = &f->data->split[FSN_SPLIT_TRAIN];
    struct toy_result with = toy_train_graph(f, network(1), teacher, 2, NULL), without;

    for (int64_t i = 0; i < train->count; i++)
        train->labels[i] = 0;
    f->data->classes = 0; /* and the task is what such data asks for */
    f->spec.task = FSN_TASK_AUTO;
    without = toy_train_graph(f, network(1), teacher, 2, NULL);
    assert_int_equal(with.status, FSN_OK);
    assert_int_equal(without.status, FSN_OK);
    assert_true(toy_same_state(with.student, without.student));
    toy_assert_same_curve(&with.curve, &without.curve);
    fsn__graph_destroy(teacher);
    toy_clear(&with);
    toy_clear(&without);
}

static void held_back_images_are_judged_by_the_same_loss(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9);
    struct toy_result r;

    for (int64_t i = 0; i < TOY_IMAGES; i++)
        f->data->split[FSN_SPLIT_TRAIN].labels[i] = 0;
    f->data->classes = 0; /* a share of all images then */
    f->spec.finetune.holdout = 0.2;
    f->spec.finetune.epochs = 12;
    r = toy_train_graph(f, network(1), teacher, 2, NULL);
    assert_int_equal(r.status, FSN_OK);
    assert_int_equal(r.curve.held_images, 20);
    for (int i = 0; i < 12; i++)
        assert_true(isnan(r.curve.rows[i].held_top1));
    assert_true(r.curve.rows[11].held_loss < 0.5 * r.curve.rows[0].held_loss);
    /* Not augmented, without batch norm: of the same kind as the epoch's last steps. */
    assert_true(r.curve.rows[11].held_loss < 1.5 * r.curve.rows[11].train_loss);
    assert_true(r.curve.rows[11].held_loss > 0.5 * r.curve.rows[11].train_loss);
    fsn__graph_destroy(teacher);
    toy_clear(&r);
}

static void a_run_that_was_stopped_ends_with_the_bytes_of_an_undisturbed_one(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9);
    struct toy_result whole, half, rest, other;

    f->spec.finetune.flip = true;
    f->spec.finetune.crop_padding = 1;
    whole = toy_train_graph(f, network(1), teacher, 2, NULL);
    f->watch = (struct toy_watch){.stop_epoch = 3, .stop_step = 2};
    half = toy_train_graph(f, network(1), teacher, 2, f->checkpoint);
    toy_assert_says(&half, FSN_CANCELLED, "cancelled");
    f->watch = (struct toy_watch){0};
    rest = toy_train_graph(f, network(1), teacher, 2, f->checkpoint);
    assert_int_equal(rest.status, FSN_OK);
    assert_int_equal(f->watch.first.epoch, 3);
    assert_true(toy_same_state(rest.student, whole.student));
    toy_assert_same_curve(&rest.curve, &whole.curve);
    follow(&f->spec, name_of(teacher, MAP), FSN_OUTPUT_MSE); /* makes another run of it */
    other = toy_train_graph(f, network(1), teacher, 2, f->checkpoint);
    assert_int_equal(other.status, FSN_INVALID);
    fsn__graph_destroy(teacher);
    toy_clear(&whole);
    toy_clear(&half);
    toy_clear(&rest);
    toy_clear(&other);
}

/* ---- which outputs -----------------------------------------------------------------------------
 */

static void a_softmax_is_compared_by_what_it_reads(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = network(1);
    struct fsn__followed_list list;

    assert_int_equal(fsn__followed_find(graph, "test", &f->spec, &list, NULL, NULL), FSN_OK);
    assert_int_equal(list.count, OUTPUTS);
    assert_int_equal(list.item[MAP].value, graph->outputs[MAP]);
    assert_int_not_equal(list.item[SCORES].value, graph->outputs[SCORES]);
    assert_string_equal(list.item[SCORES].name, name_of(graph, SCORES));
    assert_int_equal(list.item[SCORES].axis, 1);
    /* By mse it is taken as it is; logits that no Softmax ends are taken for some if kl is asked.
     */
    follow(&f->spec, name_of(graph, SCORES), FSN_OUTPUT_MSE);
    follow(&f->spec, name_of(graph, MAP), FSN_OUTPUT_KL);
    assert_int_equal(fsn__followed_find(graph, "test", &f->spec, &list, NULL, NULL), FSN_OK);
    assert_int_equal(list.item[0].value, graph->outputs[SCORES]);
    assert_int_equal(list.item[1].value, graph->outputs[MAP]);
    assert_int_equal(list.item[1].axis, 1);
    fsn__graph_destroy(graph);
}

static void values_inside_can_be_followed(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = network(1);
    struct fsn__followed_list list;
    struct fsn_error err = {.status = FSN_OK};
    const int scores = graph->outputs[SCORES];
    const char *name = name_of(graph, SCORES);
    char near[80];

    /* the scores come out no more, though something else is made of them */
    assert_int_equal(
        fsn__graph_apply(graph, "Exp", "tail", NULL, 1, &scores, &graph->outputs[SCORES], NULL),
        FSN_OK);
    follow(&f->spec, name, FSN_OUTPUT_MSE);
    assert_int_equal(fsn__followed_find(graph, "test", &f->spec, &list, NULL, NULL), FSN_OK);
    assert_int_equal(list.item[0].value, scores);
    snprintf(near, sizeof near, "%sx", name);
    follow(&f->spec, near, FSN_OUTPUT_MSE);
    assert_int_equal(fsn__followed_find(graph, "test", &f->spec, &list, NULL, &err), FSN_INVALID);
    assert_non_null(strstr(err.text, ", and inside it '"));
    fsn__graph_destroy(graph);
}

static void a_network_follows_itself_without_a_distance(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = network(1);
    struct fsn__following said = measure(f, graph, graph);

    for (int i = 0; i < OUTPUTS; i++)
        assert_true(said.distance[i] == 0 && said.spread[i] > 0);
    fsn__following_clear(&said);
    said = measure(f, graph, NULL);
    assert_true(isnan(said.distance[MAP]) && said.spread[MAP] > 0);
    fsn__following_clear(&said);
    fsn__graph_destroy(graph);
}

/* ---- what is refused ---------------------------------------------------------------------------
 */

static void what_cannot_be_followed_is_refused(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *teacher = network(9), *classifier = toy_network(1);
    struct toy_result r = toy_train_graph(f, network(1), NULL, 1, NULL);

    toy_assert_says(&r, FSN_MISMATCH, "there is none");
    toy_clear(&r);
    r = toy_train_graph(f, network(1), classifier, 1, NULL);
    toy_assert_says(&r, FSN_MISMATCH, "has 1 outputs, the student");
    toy_clear(&r);
    f->spec.finetune.mixup = 0.2;
    r = toy_train_graph(f, network(1), teacher, 1, NULL);
    toy_assert_says(&r, FSN_INVALID, "finetune.mixup must be 0");
    toy_clear(&r);
    f->spec.finetune.mixup = 0;
    follow(&f->spec, "nowhere", FSN_OUTPUT_AUTO);
    r = toy_train_graph(f, network(1), teacher, 1, NULL);
    toy_assert_says(&r, FSN_INVALID, "the network has no output 'nowhere'; it has");
    toy_clear(&r);
    fsn__graph_destroy(teacher);
    fsn__graph_destroy(classifier);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, toy_teardown)
    const struct CMUnitTest tests[] = {
        TEST(outputs_come_near_to_the_teachers),
        TEST(the_loss_is_each_distance_over_its_spread),
        TEST(what_is_not_named_is_not_trained),
        TEST(labels_have_no_part_in_it),
        TEST(held_back_images_are_judged_by_the_same_loss),
        TEST(a_run_that_was_stopped_ends_with_the_bytes_of_an_undisturbed_one),
        TEST(a_softmax_is_compared_by_what_it_reads),
        TEST(values_inside_can_be_followed),
        TEST(a_network_follows_itself_without_a_distance),
        TEST(what_cannot_be_followed_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
