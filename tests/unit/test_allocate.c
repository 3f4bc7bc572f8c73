/* test_allocate.c - how a budget is shared among layers: the optimum, its bounds, and the search
 * that meets a size exactly. */
#include "compress/budget.h"
#include "compress/compress.h"
#include "fs/allocate.h"
#include "onnx/onnx.h"
#include "small_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A curve of `elements` weights whose error is 1 - 1/r to a power: convex in 1/r and not. */
static struct fsn__fs_curve curve_of(double elements, double power)
{
    struct fsn__fs_curve curve = {.widths = 1, .bits = {1}};

    for (int i = 0; i < FSN__CURVE_POINTS; i++) {
        curve.ratio[i] = pow(2, i / 3.0);
        curve.size[i] = floor(elements / curve.ratio[i]);
        curve.error[i] = pow(1 - 1 / curve.ratio[i], power);
    }
    return curve;
}

static int point_of(const struct fsn__fs_curve *curve, double ratio)
{
    for (int i = 0; i < FSN__CURVE_POINTS; i++)
        if (curve->ratio[i] == ratio)
            return i;
    fail_msg("%g is no point of the curve", ratio);
    return 0;
}

/* Everett: what a multiplier finds is the best of all that are no larger. */
static void no_other_choice_of_that_size_is_better(void **state)
{
    const struct fsn__fs_curve curves[3] = {curve_of(1000, 1), curve_of(5000, 2),
                                            curve_of(700, 0.5)};
    const double weight[3] = {1, 3, 0.2};
    int n = FSN__CURVE_POINTS;

    (void)state;
    for (double total = 200; total < 6700; total += 500) {
        double ratios[3], cost = 0, size = 0;
        int bits[3];

        const struct fsn__fs_shares shares = {curves, weight, 3, total, 8, 1000};

        fsn__fs_allocate(&shares, ratios, bits);
        for (int i = 0; i < 3; i++) {
            const int p = point_of(&curves[i], ratios[i]);

            cost += weight[i] * curves[i].error[p];
            size += curves[i].size[p];
        }
        assert_true(size <= total);
        for (int a = 0; a < n * n * n; a++) {
            const int p[3] = {a % n, a / n % n, a / n / n};
            double other = 0, needs = 0;

            for (int i = 0; i < 3; i++) {
                other += weight[i] * curves[i].error[p[i]];
                needs += curves[i].size[p[i]];
            }
            assert_true(needs > size || other >= cost - 1e-12);
        }
    }
}

/* Against all choices of two layers with two widths: a multiplier finds the best of its size, and
 * what it leaves of the total is spent. */
static void widths_and_ratios_are_chosen_together(void **state)
{
    struct fsn__fs_curve curves[2] = {curve_of(3000, 1), curve_of(1000, 0.5)};
    const double weight[2] = {1, 4};
    const int n = FSN__CURVE_POINTS;
    bool few = false, many = false;

    (void)state;
    for (int i = 0; i < 2; i++) {
        curves[i].widths = 2;
        curves[i].bits[0] = 8;
        curves[i].bits[1] = 3;
        curves[i].noise[0] = 0.0001;
        curves[i].noise[1] = 0.04;
    }
    for (double total = 2000; total < 34000; total += 1000) {
        const struct fsn__fs_shares shares = {curves, weight, 2, total, 8, 1000};
        double ratios[2], cost = 0, size = 0, best;
        int bits[2];

        fsn__fs_allocate(&shares, ratios, bits);
        for (int i = 0; i < 2; i++) {
            const int p = point_of(&curves[i], ratios[i]);
            const double e = curves[i].error[p];

            cost += weight[i] * (e + (1 - e) * curves[i].noise[bits[i] == 3]);
            size += curves[i].size[p] * bits[i];
            few |= bits[i] == 3;
            many |= bits[i] == 8;
        }
        assert_true(size <= total);
        best = INFINITY;
        for (int a = 0; a < n * n * 4; a++) {
            const int p[2] = {a / 4 % n, a / 4 / n}, w[2] = {a % 2, a / 2 % 2};
            double other = 0, needs = 0;

            for (int i = 0; i < 2; i++) {
                const double e = curves[i].error[p[i]];

                other += weight[i] * (e + (1 - e) * curves[i].noise[w[i]]);
                needs += curves[i].size[p[i]] * curves[i].bits[w[i]];
            }
            best = needs <= total ? fmin(best, other) : best;
        }
        assert_true(cost < 1.1 * best);
    }
    assert_true(few && many);
}

static void no_layer_leaves_the_spread_and_what_was_not_measured_counts_most(void **state)
{
    const struct fsn__fs_curve curves[2] = {curve_of(1000, 1), curve_of(1000, 1)};
    const double weight[2] = {1, 1000}, unknown[2] = {1, NAN};
    struct fsn__fs_shares shares = {curves, weight, 2, 500, 4, 2};
    double ratios[2];
    int bits[2];

    (void)state;
    fsn__fs_allocate(&shares, ratios, bits);
    assert_true(ratios[0] <= 8 && ratios[1] >= 2);
    assert_true(ratios[1] < ratios[0]);
    shares.weight = unknown;
    fsn__fs_allocate(&shares, ratios, bits);
    assert_true(ratios[0] == ratios[1]); /* NaN: as the largest, which is 1 */
}

/* ---- a network ------------------------------------------------------------------------------- */

struct net {
    struct small_net net;
    struct fsn_spec spec;
    struct fsn_faults faults;
    struct fsn_error err;
};

static void open_net(struct net *n)
{
    memset(n, 0, sizeof *n);
    small_net_open(&n->net, 8);
    small_net_conv(&n->net, "first", 32, 3);  /* 2304 */
    small_net_conv(&n->net, "second", 64, 3); /* 18432 */
    small_net_conv(&n->net, "third", 64, 1);  /* 4096 */
    small_net_finish(&n->net);
    fsn_spec_defaults(&n->spec);
    n->spec.quantize.least_bits = 8; /* all alike, but for a test that asks for others */
}

static struct fsn_plan *plan(struct net *n, const struct fsn__layer_effect *effects)
{
    struct fsn_plan *plan = NULL;

    if (fsn__plan_budget(n->net.b.graph, NULL, &n->spec, 0, effects, &plan, &n->faults, &n->err) !=
        FSN_OK)
        fail_msg("%s", n->err.text);
    return plan;
}

static void a_file_is_as_large_as_it_may_be_and_no_larger(void **state)
{
    struct net n;

    (void)state;
    open_net(&n);
    for (int bits = 8; bits <= 32; bits += 24)
        for (int size = 4000; size <= 16000; size += 2500) {
            struct fsn_plan *p;

            n.spec.quantize.bits = bits;
            n.spec.budget.size_bytes = size;
            p = plan(&n, NULL);
            assert_true(p->expected_bytes <= size);
            assert_true(p->expected_bytes >= size - size / 200);
            assert_false(p->measured);
            assert_true(fabs(p->layers[0].ratio / p->layers[1].ratio - 1) < 0.05); /* even */
            fsn_plan_destroy(p);
        }
    fsn__graph_destroy(n.net.b.graph);
}

/* The file that comes of the plan, with the fit that the settings ask for. */
static int64_t size_when_made(struct net *n, struct fsn_plan *plan)
{
    const struct fsn__fs_options options = fsn__fs_options_of(&n->spec);
    struct fsn_model student = {0};
    unsigned char *bytes = NULL;
    size_t size = 0;

    assert_int_equal(fsn__fs_convert(n->net.b.graph, plan, &options, &student.graph, &n->err),
                     FSN_OK);
    assert_int_equal(fsn__finish_graph(student.graph, &n->spec, n->spec.quantize.range, &n->err),
                     FSN_OK);
    assert_int_equal(fsn__onnx_export(&student, FSN_EXPORT_SMALL, &bytes, &size, &n->err), FSN_OK);
    free(bytes);
    fsn__graph_destroy(student.graph);
    return (int64_t)size;
}

static void no_file_of_few_bits_is_larger_than_its_plan(void **state)
{
    static const int bits[] = {1, 2, 3, 4, 6, 8};
    struct net n;

    (void)state;
    open_net(&n);
    for (int i = 0; i < 6; i++)
        for (int segments = 0; segments < 2; segments++)
            for (int start = FSN_START_RANDOM; start <= FSN_START_ASSIGNED; start++) {
                const int most = bits[i] > 1 ? 6000 : 4000;
                struct fsn_plan *p;
                int64_t size;

                n.spec.budget.size_bytes = most;
                n.spec.quantize.bits = bits[i];
                n.spec.quantize.granularity =
                    segments ? FSN_GRANULARITY_SEGMENT : FSN_GRANULARITY_SUMMARY;
                n.spec.filter_summary.start = (enum fsn_start)start;
                p = plan(&n, NULL);
                assert_true(p->expected_bytes <= most && p->expected_bytes > most - 100);
                assert_true(isnan(p->layers[0].fit_error)); /* nobody fitted yet */
                size = size_when_made(&n, p);
                assert_true(size <= p->expected_bytes);
                assert_true(size > p->expected_bytes - 100); /* small constants, met by chance */
                assert_true(p->layers[0].fit_error > 0);
                fsn_plan_destroy(p);
            }
    fsn__graph_destroy(n.net.b.graph);
}

static void a_count_of_parameters_is_met(void **state)
{
    struct net n;
    struct fsn_plan *p;

    (void)state;
    open_net(&n);
    n.spec.budget.parameters = 3000;
    p = plan(&n, NULL);
    assert_true(p->compressed_parameters <= 3000 && p->compressed_parameters >= 2990);
    fsn_plan_destroy(p);
    fsn__graph_destroy(n.net.b.graph);
}

static void what_matters_gets_more_of_the_same_size(void **state)
{
    const struct fsn__layer_effect effects[3] = {{0.01, 1, 0}, {0.01, 1, 0}, {5, 60, 0}};
    struct net n;
    struct fsn_plan *even, *measured;

    (void)state;
    open_net(&n);
    for (int which = 0; which < 2; which++) {
        n.spec.budget.size_bytes = which == 0 ? 0 : 8000;
        even = plan(&n, NULL);
        measured = plan(&n, effects);
        assert_true(measured->measured);
        assert_true(measured->layers[2].ratio < 1.2 && even->layers[2].ratio > 2);
        assert_true(measured->layers[1].ratio > even->layers[1].ratio);
        assert_true(measured->layers[2].alone_divergence == 5);
        assert_true(which > 0 || measured->expected_bytes <= even->expected_bytes);
        assert_true(llabs(measured->expected_bytes - even->expected_bytes) < 100);
        n.spec.budget.distribution = FSN_DISTRIBUTION_EVEN;
        fsn_plan_destroy(measured);
        measured = plan(&n, effects); /* shown in the rows, and not heeded */
        assert_true(measured->layers[2].ratio == even->layers[2].ratio);
        assert_true(measured->layers[2].alone_top1_drop == 60);
        n.spec.budget.distribution = FSN_DISTRIBUTION_SENSITIVITY;
        fsn_plan_destroy(even);
        fsn_plan_destroy(measured);
    }
    fsn__graph_destroy(n.net.b.graph);
}

static void layers_of_one_file_have_the_widths_that_pay(void **state)
{
    const struct fsn__layer_effect effects[3] = {{0.02, 1, 0}, {0.01, 1, 0}, {5, 60, 0}};
    struct net n;
    struct fsn_plan *fixed, *mixed;
    int64_t size;

    (void)state;
    open_net(&n);
    n.spec.budget.size_bytes = 8000;
    fixed = plan(&n, effects);
    n.spec.quantize.least_bits = 3;
    mixed = plan(&n, effects);
    assert_true(mixed->expected_bytes <= 8000 && mixed->expected_bytes > 7800);
    for (int i = 0; i < 3; i++) {
        const struct fsn_plan_layer *l = &mixed->layers[i];

        assert_int_equal(fixed->layers[i].bits, 8);
        assert_true(l->bits == 3 || l->bits == 4 || l->bits == 6 || l->bits == 8);
    }
    assert_true(mixed->layers[2].bits > mixed->layers[1].bits); /* it matters most */
    assert_true(mixed->layers[0].bits < 8);                     /* and so has more values */
    assert_true(mixed->layers[0].ratio < fixed->layers[0].ratio / 2);
    size = size_when_made(&n, mixed);
    assert_true(size <= mixed->expected_bytes && size > mixed->expected_bytes - 100);
    fsn_plan_destroy(fixed);
    fsn_plan_destroy(mixed);
    n.spec.quantize.least_bits = 1;
    for (int bytes = 2500; bytes <= 7000; bytes += 450) {
        n.spec.budget.size_bytes = bytes;
        mixed = plan(&n, effects);
        size = size_when_made(&n, mixed);
        assert_true(mixed->expected_bytes <= bytes && size <= mixed->expected_bytes);
        fsn_plan_destroy(mixed);
    }
    mixed = plan(&n, NULL); /* nothing was measured */
    for (int i = 0; i < 3; i++)
        assert_int_equal(mixed->layers[i].bits, 8);
    fsn_plan_destroy(mixed);
    fsn__graph_destroy(n.net.b.graph);
}

/* Which layer is the first to have which zero differs between plan and file, and with it which
 * names are short. */
static void no_file_of_many_layers_is_larger_than_its_plan(void **state)
{
    enum { LAYERS = 24 };
    struct fsn__layer_effect effects[LAYERS] = {{0, 0, 0}};
    struct net n = {.faults = {0}};
    char name[16];

    (void)state;
    small_net_open(&n.net, 16);
    for (int i = 0; i < LAYERS; i++) {
        snprintf(name, sizeof name, "layer%d", i);
        small_net_conv(&n.net, name, 16, 3);
        effects[i].divergence = 0.01 * (1 + i * 7 % 11);
    }
    small_net_finish(&n.net);
    fsn_spec_defaults(&n.spec);
    n.spec.quantize.least_bits = 1;
    for (int bytes = 10000; bytes <= 40000; bytes += 2500) {
        struct fsn_plan *p;
        int64_t size;

        n.spec.budget.size_bytes = bytes;
        n.spec.quantize.rest_bits = bytes % 5000 ? 8 : 16;
        p = plan(&n, effects);
        size = size_when_made(&n, p);
        assert_true(p->expected_bytes <= bytes && size <= p->expected_bytes);
        assert_true(size > p->expected_bytes - 100);
        fsn_plan_destroy(p);
    }
    fsn__graph_destroy(n.net.b.graph);
}

/* A layer of layout 3d has the ratio 2.25 or 4.5 or 9 and nothing in between. */
static void layers_of_few_ratios_fill_the_budget_one_by_one(void **state)
{
    struct small_net net;
    struct net n = {.faults = {0}};
    int shared;

    (void)state;
    small_net_open(&net, 16);
    shared = small_net_weight(&net, "shared", 16, 16);
    for (int i = 0; i < 10; i++) {
        char name[16];

        snprintf(name, sizeof name, "conv%d", i);
        if (i == 3 || i == 7)
            small_net_grouped_conv(&net, name, shared, 1);
        else
            small_net_conv(&net, name, 16, 3); /* 2304 weights */
    }
    small_net_finish(&net);
    n.net = net;
    fsn_spec_defaults(&n.spec);
    n.spec.filter_summary.layout = FSN_LAYOUT_3D;
    for (int size = 9000; size <= 12000; size += 500) {
        struct fsn_plan *p;
        double least = 1e9, most = 0;

        n.spec.budget.size_bytes = size;
        p = plan(&n, NULL);
        /* all at 4.5: 4,608 bytes and 3,000 beside; a step of one layer: 512 */
        assert_true(p->expected_bytes <= size && p->expected_bytes > size - 520);
        for (size_t i = 0; i < p->layer_count; i++) {
            least = fmin(least, p->layers[i].ratio);
            most = fmax(most, p->layers[i].ratio);
        }
        assert_true(most <= 2 * least + 1e-9);
        assert_true(p->layers[3].ratio == p->layers[7].ratio); /* the same weights */
        fsn_plan_destroy(p);
    }
    fsn__graph_destroy(net.b.graph);
}

static void a_budget_below_everything_is_refused_with_the_least(void **state)
{
    struct net n;
    struct fsn_plan *p = NULL;

    (void)state;
    open_net(&n);
    n.spec.budget.size_bytes = 300;
    assert_int_equal(fsn__plan_budget(n.net.b.graph, NULL, &n.spec, 0, NULL, &p, &n.faults, &n.err),
                     FSN_BUDGET);
    assert_null(p);
    assert_int_equal(n.faults.count, 1);
    assert_string_equal(n.faults.item[0].pointer, "/budget/size_bytes");
    assert_non_null(strstr(n.faults.item[0].text, "300 bytes cannot be reached"));
    n.spec.budget.size_bytes = 0;
    n.spec.budget.parameters = 2;
    assert_int_equal(fsn__plan_budget(n.net.b.graph, NULL, &n.spec, 0, NULL, &p, &n.faults, &n.err),
                     FSN_BUDGET);
    assert_string_equal(n.faults.item[1].pointer, "/budget/parameters");
    fsn__graph_destroy(n.net.b.graph);
}

/* With no file smaller and none larger: a budget below the least is refused with the same figure,
 * and one that is far above leads to the most. */
static void the_bounds_of_a_search_are_those_of_the_budgets(void **state)
{
    struct net n;
    struct fsn_plan *p = NULL;
    int64_t least = 0, most = 0;
    char words[64];

    (void)state;
    open_net(&n);
    assert_int_equal(fsn__plan_bounds(n.net.b.graph, NULL, &n.spec, &least, &most, NULL), FSN_OK);
    n.spec.budget.size_bytes = (int)least - 1;
    assert_int_equal(fsn__plan_budget(n.net.b.graph, NULL, &n.spec, 0, NULL, &p, &n.faults, &n.err),
                     FSN_BUDGET);
    snprintf(words, sizeof words, "still has %lld", (long long)least);
    assert_non_null(strstr(n.err.text, words));
    n.spec.budget.size_bytes = 1 << 30;
    assert_int_equal(fsn__plan_budget(n.net.b.graph, NULL, &n.spec, 0, NULL, &p, NULL, NULL),
                     FSN_OK);
    assert_int_equal(p->expected_bytes, most);
    fsn_plan_destroy(p);
    fsn__graph_destroy(n.net.b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_other_choice_of_that_size_is_better),
        cmocka_unit_test(widths_and_ratios_are_chosen_together),
        cmocka_unit_test(no_layer_leaves_the_spread_and_what_was_not_measured_counts_most),
        cmocka_unit_test(a_file_is_as_large_as_it_may_be_and_no_larger),
        cmocka_unit_test(no_file_of_few_bits_is_larger_than_its_plan),
        cmocka_unit_test(a_count_of_parameters_is_met),
        cmocka_unit_test(what_matters_gets_more_of_the_same_size),
        cmocka_unit_test(layers_of_one_file_have_the_widths_that_pay),
        cmocka_unit_test(no_file_of_many_layers_is_larger_than_its_plan),
        cmocka_unit_test(layers_of_few_ratios_fill_the_budget_one_by_one),
        cmocka_unit_test(a_budget_below_everything_is_refused_with_the_least),
        cmocka_unit_test(the_bounds_of_a_search_are_those_of_the_budgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
