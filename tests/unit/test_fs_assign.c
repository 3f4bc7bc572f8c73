/* test_fs_assign.c - filters in slots: against all orders and signs of a few filters, against a
 * known answer, and in networks, where nothing but the filters may change. */
#include "fs/assign.h"
#include "fs/fit.h"
#include "fs/fs.h"
#include "graph/exec.h"
#include "net_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64, MOST_WEIGHTS = 4096 };

static const struct fsn__fs_geometry line = {.layout = FSN_LAYOUT_1D,
                                             .k = 5,
                                             .c = 2,
                                             .r = 3,
                                             .s = 3,
                                             .fs_dim = {22, 1, 1},
                                             .grid = {1, 1, 1},
                                             .stride = {1, 1, 1}};
/* Shorter than a filter: all of them read all of it, some elements twice. */
static const struct fsn__fs_geometry ring = {.layout = FSN_LAYOUT_1D,
                                             .k = 5,
                                             .c = 2,
                                             .r = 3,
                                             .s = 3,
                                             .fs_dim = {13, 1, 1},
                                             .grid = {1, 1, 1},
                                             .stride = {1, 1, 1}};
/* A grid of six slots for five filters. */
static const struct fsn__fs_geometry block = {.layout = FSN_LAYOUT_3D,
                                              .k = 5,
                                              .c = 2,
                                              .r = 3,
                                              .s = 3,
                                              .fs_dim = {2, 4, 6},
                                              .grid = {1, 2, 3},
                                              .stride = {2, 2, 2}};

/* The least-squares error of sign[k] w[k] in slot[k], by the fit itself. */
static double error_of(const struct fsn__fs_geometry *g, const float *w, const int64_t *slot,
                       const float *sign)
{
    struct fsn__fs_geometry placed = *g;
    const int64_t n = fsn__fs_filter_size(g);
    float signed_w[MOST_WEIGHTS], f[MOST_WEIGHTS];
    double error = -1;

    placed.slot = slot;
    for (int64_t i = 0; i < g->k * n; i++)
        signed_w[i] = sign ? sign[i / n] * w[i] : w[i];
    assert_int_equal(fsn__fs_fit(&placed, signed_w, f, &error, NULL), FSN_OK);
    return error;
}

/* The least error of all orders (by recursion, `at` filters are placed) and all signs. */
static double least(const struct fsn__fs_geometry *g, const float *w, bool with_signs, int64_t at,
                    int64_t *slot, float *sign)
{
    double best = INFINITY;

    if (at == g->k)
        return error_of(g, w, slot, sign);
    for (int64_t p = 0; p < g->k; p++) {
        bool taken = false;

        for (int64_t i = 0; i < at; i++)
            taken |= slot[i] == p;
        if (taken)
            continue;
        slot[at] = p;
        for (int s = 0; s < (with_signs && at > 0 ? 2 : 1); s++) {
            sign[at] = s ? -1 : 1;
            best = fmin(best, least(g, w, with_signs, at + 1, slot, sign));
        }
    }
    return best;
}

static double worst_order(const struct fsn__fs_geometry *g, const float *w)
{
    const int64_t in_order[] = {0, 1, 2, 3, 4};

    return error_of(g, w, in_order, NULL);
}

/* Swaps need not reach the best of all orders, so it is held on the average over many draws: most
 * of the way from the given order to the best one. */
static void swaps_come_near_the_best_of_all_orders_and_signs(void **state)
{
    const struct fsn__fs_geometry *cases[] = {&line, &ring, &block};

    (void)state;
    for (int i = 0; i < 6; i++) {
        const struct fsn__fs_geometry *g = cases[i % 3];
        const bool with_signs = i >= 3;
        double given = 0, found = 0, best = 0;

        for (uint64_t draw = 0; draw < 8; draw++) {
            float w[MOST_WEIGHTS], sign[MOST], tried[MOST];
            int64_t slot[MOST], order[MOST];
            double error;

            net_draw(w, g->k * fsn__fs_filter_size(g), 1, draw, 1);
            assert_int_equal(fsn__fs_assign(g, w, slot, with_signs ? sign : NULL, NULL), FSN_OK);
            error = error_of(g, w, slot, with_signs ? sign : NULL);
            given += worst_order(g, w);
            found += error;
            best += least(g, w, with_signs, 0, order, tried);
            assert_true(error <= worst_order(g, w) + 1e-6);
        }
        assert_true(best < given - 1e-3);
        if (given - found < 0.75 * (given - best))
            fail_msg("case %d: %g in order, %g found, %g at best", i, given / 8, found / 8,
                     best / 8);
    }
}

/* Filters cut out of one vector and shuffled, each with its sign: they go back where they were. */
static void shuffled_pieces_of_a_summary_find_their_places(void **state)
{
    const struct fsn__fs_geometry g = {.layout = FSN_LAYOUT_1D,
                                       .k = 12,
                                       .c = 4,
                                       .r = 3,
                                       .s = 3,
                                       .fs_dim = {108, 1, 1},
                                       .grid = {1, 1, 1},
                                       .stride = {1, 1, 1}};
    const int64_t n = fsn__fs_filter_size(&g);
    float f[108], w[MOST_WEIGHTS], sign[MOST];
    int64_t slot[MOST];

    (void)state;
    net_draw(f, 108, 1, 5, 0);
    for (int64_t k = 0; k < g.k; k++) {
        fsn__fs_gather_filter(&g, (k * 5 + 3) % g.k, f, w + k * n);
        for (int64_t e = 0; k % 3 == 0 && e < n; e++)
            w[k * n + e] = -w[k * n + e];
    }
    assert_int_equal(fsn__fs_assign(&g, w, slot, sign, NULL), FSN_OK);
    assert_true(error_of(&g, w, slot, sign) < 1e-6);
}

static void slots_are_a_permutation_and_the_same_every_time(void **state)
{
    float w[MOST_WEIGHTS], sign[2][MOST];
    int64_t slot[2][MOST];
    bool taken[MOST] = {false};
    struct fsn__fs_geometry g = line;

    (void)state;
    g.k = MOST;
    g.fs_dim[0] = MOST * 18 / 4;
    net_draw(w, MOST * 18, 1, 2, 0);
    for (int i = 0; i < 2; i++)
        assert_int_equal(fsn__fs_assign(&g, w, slot[i], sign[i], NULL), FSN_OK);
    assert_memory_equal(slot[0], slot[1], sizeof slot[0]);
    assert_memory_equal(sign[0], sign[1], sizeof sign[0]);
    for (int k = 0; k < MOST; k++) {
        assert_in_range(slot[0][k], 0, MOST - 1);
        assert_false(taken[slot[0][k]]);
        taken[slot[0][k]] = true;
        assert_true(fabsf(sign[0][k]) == 1);
    }
}

/* ---- the fit with scales ----------------------------------------------------------------------
 */

/* Two filters that are the same but for a factor share one F exactly. */
static void scales_let_filters_share_that_differ_by_a_factor(void **state)
{
    const struct fsn__fs_geometry g = {.layout = FSN_LAYOUT_1D,
                                       .k = 2,
                                       .c = 1,
                                       .r = 1,
                                       .s = 4,
                                       .fs_dim = {4, 1, 1},
                                       .grid = {1, 1, 1},
                                       .stride = {1, 1, 1},
                                       .spacing = FSN_SPACING_REFERENCE};
    const float w[] = {1, -2, 3, 4, -2.5F, 5, -7.5F, -10};
    float f[4], scale[] = {1, -1}, importance[] = {1, 2};
    double error = -1;

    (void)state;
    assert_int_equal(fsn__fs_fit_scaled(&g, w, importance, scale, f, &error, NULL), FSN_OK);
    assert_true(error < 1e-6);
    assert_float_equal(scale[1] / scale[0], -2.5, 1e-5);
    for (int e = 0; e < 4; e++)
        assert_float_equal(scale[0] * f[e], w[e], 1e-5);
}

/* Where two filters contradict each other, F follows the one that matters:
 * f = (i0^2 w0 + i1^2 w1) / (i0^2 + i1^2) for scales of 1, the weighted mean. */
static void importance_says_whom_the_summary_follows(void **state)
{
    const struct fsn__fs_geometry g = {.layout = FSN_LAYOUT_1D,
                                       .k = 2,
                                       .c = 1,
                                       .r = 1,
                                       .s = 2,
                                       .fs_dim = {2, 1, 1},
                                       .grid = {1, 1, 1},
                                       .stride = {1, 1, 1},
                                       .spacing = FSN_SPACING_REFERENCE};
    const float w[] = {1, 0, 0, 1};
    float f[2], scale[] = {1, 1}, filter[2];
    const float importance[] = {3, 1};
    double error = -1;

    (void)state;
    assert_int_equal(fsn__fs_fit_scaled(&g, w, importance, scale, f, &error, NULL), FSN_OK);
    assert_true(fabsf(f[0]) > 3 * fabsf(f[1]));
    /* sqrt((9 |w0 - s0 f|^2 + |w1 - s1 f|^2) / 10): at worst w1 is lost, and what holds its scale
     * at a tenth adds 0.01 to its 1 */
    assert_true(error <= sqrt(1.01 / 10) + 1e-6);
    assert_float_equal(fsn__fs_fit_error(&g, w, importance, scale, f, filter), error, 1e-9);
}

/* ---- in a network -----------------------------------------------------------------------------
 */

static struct fsn__graph *network(void)
{
    struct net net = net_create(3);
    int x = net_input(&net, 3, 7, 7);

    x = net_relu(&net, net_batch_norm(&net, "n1", net_conv(&net, "c1", x, 3, 16, 3, 1), 16));
    x = net_relu(&net, net_batch_norm(&net, "n2", net_conv(&net, "c2", x, 16, 24, 3, 2), 24));
    x = net_relu(&net, net_conv_bias(&net, "c3", x, 24, 8, 1, 1));
    return net_finish(&net,
                      net_gemm(&net, "fc", net_flatten(&net, net_global_pool(&net, x)), 8, 5));
}

static struct fsn__graph *convert(const struct fsn__graph *from, struct fsn__fs_options options,
                                  double *mean_error)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__graph *out = NULL;
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    if (fsn__fs_plan(from, &spec, &plan, NULL, &err) != FSN_OK ||
        fsn__fs_convert(from, plan, &options, &out, &err) != FSN_OK)
        fail_msg("%s", err.text);
    *mean_error = 0;
    for (size_t i = 0; i < plan->layer_count; i++)
        *mean_error += plan->layers[i].fit_error / (double)plan->layer_count;
    fsn_plan_destroy(plan);
    fsn_spec_clear(&spec);
    return out;
}

static void run(struct fsn__graph *graph, bool reference, float *y)
{
    const struct fsn__exec_options options = {.batch = 2, .reference = reference};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__exec *exec = NULL;
    struct fsn__tensor *x;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    x = fsn__exec_input(exec, 0);
    net_draw(fsn__f32(x), fsn__numel(x), 1, 8, 0);
    assert_int_equal(fsn__exec_forward(exec, 0, NULL), FSN_OK);
    memcpy(y, fsn__exec_output(exec, 0)->data, 10 * sizeof *y);
    fsn__exec_destroy(exec);
}

/* Signs and scales go into batch norm and into the base alike, so before the Summary has any share
 * the network still computes what it did. */
static void a_network_that_begins_to_share_computes_what_the_baseline_does(void **state)
{
    struct fsn__graph *dense = network();

    (void)state;
    for (enum fsn_start start = FSN_START_RANDOM; start <= FSN_START_ASSIGNED; start++) {
        double error;
        struct fsn__graph *student =
            convert(dense, (struct fsn__fs_options){.start = start, .sharing = true}, &error);
        float want[10], got[10];

        for (int reference = 0; reference < 2; reference++) {
            run(dense, reference, want);
            run(student, reference, got);
            for (int i = 0; i < 10; i++)
                assert_float_equal(got[i], want[i], 2e-5);
        }
        *fsn__fs_sharing(student) = 1;
        run(student, false, got);
        assert_true(fabsf(got[0] - want[0]) > 1e-3); /* the fit is not exact */
        assert_int_equal(fsn__fs_end_sharing(student, NULL), FSN_OK);
        run(student, false, want);
        assert_memory_equal(got, want, sizeof got);
        fsn__graph_destroy(student);
    }
    fsn__graph_destroy(dense);
}

static void every_start_is_nearer_to_the_weights_than_the_one_before(void **state)
{
    struct fsn__graph *dense = network();
    double before = INFINITY;

    (void)state;
    for (enum fsn_start start = FSN_START_RANDOM; start <= FSN_START_ASSIGNED; start++) {
        double error;

        fsn__graph_destroy(convert(dense, (struct fsn__fs_options){.start = start}, &error));
        assert_true(error < before - 0.02);
        before = error;
    }
    fsn__graph_destroy(dense);
}

static void a_random_start_depends_on_the_seed_alone(void **state)
{
    struct fsn__graph *dense = network();
    double error[3];

    (void)state;
    for (uint64_t i = 0; i < 3; i++)
        fsn__graph_destroy(convert(
            dense, (struct fsn__fs_options){.start = FSN_START_RANDOM, .seed = i / 2}, &error[i]));
    assert_true(error[0] == error[1]);
    assert_true(error[0] != error[2]);
    fsn__graph_destroy(dense);
}

static bool stop_at_once(void *user, double done)
{
    (void)done;
    return ++*(int *)user < 2;
}

static void a_fit_can_be_cancelled_between_layers(void **state)
{
    struct fsn__graph *dense = network(), *out = NULL;
    int calls = 0;
    const struct fsn__fs_options options = {
        .start = FSN_START_ASSIGNED, .go_on = stop_at_once, .user = &calls};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;

    (void)state;
    fsn_spec_defaults(&spec);
    assert_int_equal(fsn__fs_plan(dense, &spec, &plan, NULL, NULL), FSN_OK);
    assert_int_equal(fsn__fs_convert(dense, plan, &options, &out, &err), FSN_CANCELLED);
    assert_int_equal(calls, 2);
    assert_null(out);
    fsn_plan_destroy(plan);
    fsn__graph_destroy(dense);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(swaps_come_near_the_best_of_all_orders_and_signs),
        cmocka_unit_test(shuffled_pieces_of_a_summary_find_their_places),
        cmocka_unit_test(slots_are_a_permutation_and_the_same_every_time),
        cmocka_unit_test(scales_let_filters_share_that_differ_by_a_factor),
        cmocka_unit_test(importance_says_whom_the_summary_follows),
        cmocka_unit_test(a_network_that_begins_to_share_computes_what_the_baseline_does),
        cmocka_unit_test(every_start_is_nearer_to_the_weights_than_the_one_before),
        cmocka_unit_test(a_random_start_depends_on_the_seed_alone),
        cmocka_unit_test(a_fit_can_be_cancelled_between_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
