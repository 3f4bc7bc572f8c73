/* test_explain.c - what a layer's output has lost, and which layers are to be excluded first. */
#include "compress/explain.h"
#include "compress/output_errors.h"
#include "net_builder.h"
#include "toy_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* ---- the figure ------------------------------------------------------------------------------ */

static struct fsn__channel_sums sums_of(const float *x, const float *y, int64_t n)
{
    struct fsn__channel_sums sums = {0};

    fsn__channel_sums_add(&sums, x, y, n / 2); /* in two parts, as batches come */
    fsn__channel_sums_add(&sums, x + n / 2, y + n / 2, n - n / 2);
    return sums;
}

static void a_scale_and_a_shift_of_a_channel_are_no_loss(void **state)
{
    const float y[4] = {1, 2, 5, -1}, x[4] = {-13, -16, -25, -7}; /* -10 - 3 y */
    const struct fsn__channel_sums sums = sums_of(x, y, 4);

    (void)state;
    assert_true(fsn__output_error(&sums, 1) < 1e-6);
}

/* y centred: -3 -1 1 3, 20 in squares; x centred: -1 1 -1 1, 4; their product: 3 - 1 - 1 + 3 = 4.
 * Left: 20 - 16 / 4 = 16 of 20. */
static void what_no_scale_and_shift_brings_back_is_the_error(void **state)
{
    const float y[4] = {7, 9, 11, 13}, x[4] = {0, 2, 0, 2};
    const struct fsn__channel_sums sums = sums_of(x, y, 4);

    (void)state;
    assert_float_equal(fsn__output_error(&sums, 1), sqrt(16.0 / 20.0), 1e-12);
}

/* The first channel loses 16 of 20, the second (1 -1 1 -1) nothing of 4, the third, which the
 * network writes one number into, all of 40 (twice -4 and -2, 2 and 4). */
static void channels_count_by_how_far_they_vary(void **state)
{
    const float y[3][4] = {{7, 9, 11, 13}, {1, -1, 1, -1}, {-4, -2, 2, 4}};
    const float x[3][4] = {{0, 2, 0, 2}, {2, -2, 2, -2}, {0.1F, 0.1F, 0.1F, 0.1F}};
    struct fsn__channel_sums sums[3];

    (void)state;
    for (int k = 0; k < 3; k++)
        sums[k] = sums_of(x[k], y[k], 4);
    assert_float_equal(fsn__output_error(sums, 3), sqrt(56.0 / 64.0), 1e-12);
}

static void there_is_no_error_of_what_does_not_vary_or_is_no_number(void **state)
{
    const float constant[2] = {3, 3}, x[2] = {1, 2}, broken[2] = {1, INFINITY};
    struct fsn__channel_sums sums = sums_of(x, constant, 2);

    (void)state;
    assert_true(isnan(fsn__output_error(&sums, 1)));
    sums = sums_of(broken, x, 2);
    assert_true(isnan(fsn__output_error(&sums, 1)));
}

/* ---- networks -------------------------------------------------------------------------------- */

static double error_of(struct toy_run *f, const struct fsn__graph *network, bool batch_statistics)
{
    struct fsn__graph *reference = toy_network(1), *plain = toy_network(1);
    const struct fsn__train_job job = {.data = f->data, .spec = &f->spec};
    const struct fsn__output_probe probe = {.reference = reference,
                                            .network = network ? network : plain,
                                            .batch_statistics = batch_statistics};
    struct fsn_plan *plan = NULL;
    struct fsn_error err = {0};
    double error = -1;

    assert_int_equal(fsn__fs_plan(reference, &f->spec, &plan, NULL, &err), FSN_OK);
    assert_int_equal(plan->layer_count, 1);
    if (fsn__graph_fold_bn(reference, &err) != FSN_OK ||
        fsn__measure_outputs(&job, plan, &probe, &error, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(reference);
    fsn__graph_destroy(plain);
    return error;
}

/* The reference has its batch norm folded, the network not. */
static void a_network_that_is_the_same_has_lost_nothing(void **state)
{
    struct toy_run *f = *state;

    assert_true(error_of(f, NULL, false) < 1e-5);
    assert_true(error_of(f, NULL, true) < 1e-5);
}

static void other_weights_lose_and_the_network_stays_as_it_is(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *other = toy_network(2), *copy = NULL;
    double error;

    assert_int_equal(fsn__graph_clone(other, &copy, NULL), FSN_OK);
    error = error_of(f, other, false);
    assert_true(error > 0.1 && error <= 1);
    assert_true(error == error_of(f, other, false));
    assert_true(toy_same_state(copy, other));
    fsn__graph_destroy(copy);
    fsn__graph_destroy(other);
}

static bool refuse(const struct fsn_progress *now, void *user)
{
    (void)user;
    assert_int_equal(now->stage, FSN_STAGE_VERIFY);
    return false;
}

static void comparing_can_be_cancelled(void **state)
{
    struct toy_run *f = *state;
    struct fsn__graph *graph = toy_network(1);
    const struct fsn__train_job job = {.data = f->data, .spec = &f->spec, .progress = refuse};
    const struct fsn__output_probe probe = {
        .reference = graph, .network = graph, .stage = FSN_STAGE_VERIFY};
    struct fsn_plan *plan = NULL;
    double error;

    assert_int_equal(fsn__fs_plan(graph, &f->spec, &plan, NULL, NULL), FSN_OK);
    assert_int_equal(fsn__measure_outputs(&job, plan, &probe, &error, NULL), FSN_CANCELLED);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(graph);
}

/* ---- what to exclude first ------------------------------------------------------------------- */

enum { ROWS = 7 };

struct rows {
    struct fsn_plan_layer layers[ROWS];
    int weight[ROWS];
    struct fsn_plan plan;
};

/* Seven layers that cost 0.1 and two points each: the median is 0.1, the bound 0.2. */
static void start(struct rows *r)
{
    memset(r, 0, sizeof *r);
    r->plan.layer_count = ROWS;
    r->plan.layers = r->layers;
    for (int i = 0; i < ROWS; i++) {
        r->layers[i].layout = FSN_LAYOUT_1D;
        r->layers[i].alone_divergence = 0.1;
        r->layers[i].alone_top1_drop = 2;
        r->weight[i] = i;
    }
}

/* want: rows as digits, "42" for row 4 before row 2. */
static void expect(const struct rows *r, const char *want)
{
    size_t row[FSN__MAX_EXCLUSIONS];
    char text[FSN__MAX_EXCLUSIONS + 1] = "";
    const int count = fsn__choose_exclusions(&r->plan, r->weight, row);

    assert_in_range(count, 0, FSN__MAX_EXCLUSIONS);
    for (int i = 0; i < count; i++)
        text[i] = (char)('0' + row[i]);
    assert_string_equal(text, want);
}

static void layers_that_cost_alike_are_not_named(void **state)
{
    struct rows r;

    (void)state;
    start(&r);
    expect(&r, "");
    r.layers[3].alone_divergence = 0.19;
    expect(&r, "");
}

static void the_costliest_come_first_and_no_more_than_three(void **state)
{
    struct rows r;

    (void)state;
    start(&r);
    r.layers[4].alone_divergence = 0.5;
    expect(&r, "4");
    r.layers[1].alone_divergence = 0.3;
    r.layers[6].alone_divergence = 0.4;
    expect(&r, "461");
    r.layers[0].alone_divergence =
        0.35; /* now four cost more than the others, and the median is 0.3 */
    expect(&r, "");
    r.layers[1].alone_divergence = 0.1;
    r.layers[0].alone_divergence = 0.2; /* three again, this one at the bound */
    expect(&r, "460");
}

/* Of six, the median lies between 1 and 2: 1.5, and the bound is 3. */
static void the_median_of_an_even_number_lies_in_the_middle(void **state)
{
    static const double cost[6] = {3.1, 1, 2, 2.9, 0.5, 0};
    struct rows r;

    (void)state;
    start(&r);
    r.plan.layer_count = 6;
    for (int i = 0; i < 6; i++)
        r.layers[i].alone_divergence = cost[i];
    expect(&r, "0");
}

static void what_is_dense_unmeasured_shared_or_lost_no_accuracy_is_not_named(void **state)
{
    struct rows r;

    (void)state;
    start(&r);
    for (int i = 0; i < 3; i++)
        r.layers[i].alone_divergence = 1;
    expect(&r, "012");
    r.layers[0].layout = FSN_LAYOUT_DENSE;
    r.layers[1].alone_top1_drop = 0.9;
    expect(&r, "2");
    r.layers[2].alone_divergence = NAN;
    expect(&r, "");
    start(&r); /* two rows of one weight are one layer */
    r.layers[2].alone_divergence = r.layers[5].alone_divergence = 1;
    r.weight[5] = 2;
    expect(&r, "2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scale_and_a_shift_of_a_channel_are_no_loss),
        cmocka_unit_test(what_no_scale_and_shift_brings_back_is_the_error),
        cmocka_unit_test(channels_count_by_how_far_they_vary),
        cmocka_unit_test(there_is_no_error_of_what_does_not_vary_or_is_no_number),
        cmocka_unit_test_setup_teardown(a_network_that_is_the_same_has_lost_nothing, toy_setup,
                                        toy_teardown),
        cmocka_unit_test_setup_teardown(other_weights_lose_and_the_network_stays_as_it_is,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(comparing_can_be_cancelled, toy_setup, toy_teardown),
        cmocka_unit_test(layers_that_cost_alike_are_not_named),
        cmocka_unit_test(the_costliest_come_first_and_no_more_than_three),
        cmocka_unit_test(the_median_of_an_even_number_lies_in_the_middle),
        cmocka_unit_test(what_is_dense_unmeasured_shared_or_lost_no_accuracy_is_not_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
