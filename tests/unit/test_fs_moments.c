/* test_fs_moments.c - the fit to what layers do: moments against sums written out, the fit against
 * dense normal equations, and whole networks against the weights' own fit. */
#include "compress/activations.h"
#include "fs/fit.h"
#include "fs/moments.h"
#include "graph/exec.h"
#include "net_builder.h"
#include "toy_task.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { K = 6, N = 8, L = 12, PLACES = 40, GROUPS = 2 };

static const struct fsn__fs_geometry line = {.layout = FSN_LAYOUT_1D,
                                             .k = K,
                                             .c = 2,
                                             .r = 2,
                                             .s = 2,
                                             .fs_dim = {L, 1, 1},
                                             .grid = {1, 1, 1},
                                             .stride = {1, 1, 1}};

/* Patches with means and correlations, and what filters w write on them with some noise. */
struct task {
    float col[GROUPS][N * PLACES], y[K * PLACES], w[K * N];
    struct fsn__moments m;
};

static void make(struct task *t, int64_t groups, bool centred, int slices)
{
    struct fsn__pool *pool = NULL;
    float noise[K * PLACES];

    for (int64_t g = 0; g < groups; g++) {
        net_draw(t->col[g], N * PLACES, 1, 1, (uint64_t)g);
        for (int i = 0; i < N; i++)
            for (int p = 0; p < PLACES; p++)
                t->col[g][i * PLACES + p] += 0.3F * (float)i + (i > 0 ? t->col[g][p] : 0);
    }
    net_draw(t->w, K * N, 1, 2, 0);
    net_draw(noise, K * PLACES, 0.1F, 3, 0);
    for (int k = 0; k < K; k++)
        for (int p = 0; p < PLACES; p++) {
            t->y[k * PLACES + p] = noise[k * PLACES + p] + 0.5F;
            for (int i = 0; i < N; i++)
                t->y[k * PLACES + p] += t->w[k * N + i] * t->col[k * groups / K][i * PLACES + p];
        }
    assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
    assert_int_equal(fsn__moments_alloc(&t->m, groups, K, N, NULL), FSN_OK);
    for (int64_t g = 0; g < groups; g++)
        fsn__moments_add(&t->m, g, t->col[g], t->y + g * (K / groups) * PLACES, PLACES, pool);
    fsn__moments_finish(&t->m, centred);
    fsn__pool_destroy(pool);
}

/* Mean of a b less, if centred, that of a times that of b. */
static double moment(const float *a, const float *b, bool centred)
{
    double ab = 0, sum_a = 0, sum_b = 0;

    for (int p = 0; p < PLACES; p++) {
        ab += (double)a[p] * b[p];
        sum_a += a[p];
        sum_b += b[p];
    }
    return ab / PLACES - (centred ? sum_a * sum_b / PLACES / PLACES : 0);
}

static void moments_are_the_sums_written_out(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        const int64_t groups = 1 + i % 2;
        const bool centred = i >= 2;
        struct task t;

        make(&t, groups, centred, 1 + i);
        assert_int_equal(t.m.places, PLACES);
        for (int k = 0; k < K; k++) {
            const float *y = t.y + k * PLACES, *col = t.col[k * groups / K];

            assert_float_equal(t.m.v[k], moment(y, y, centred), 1e-4);
            for (int e = 0; e < N; e++)
                assert_float_equal(t.m.r[k * N + e], moment(y, col + e * PLACES, centred), 1e-4);
        }
        for (int64_t g = 0; g < groups; g++)
            for (int a = 0; a < N; a++)
                for (int b = 0; b < N; b++)
                    assert_float_equal(
                        t.m.h[(g * N + a) * N + b],
                        moment(t.col[g] + a * PLACES, t.col[g] + b * PLACES, centred), 1e-4);
        fsn__moments_free(&t.m);
    }
}

/* Solves the n equations a x = b by elimination with pivots; a and b are overwritten. */
static void eliminate(double *a, double *b, int n)
{
    for (int i = 0; i < n; i++) {
        double right;
        int pivot = i;

        for (int r = i + 1; r < n; r++)
            if (fabs(a[r * n + i]) > fabs(a[pivot * n + i]))
                pivot = r;
        for (int c = 0; c < n; c++) {
            double kept = a[i * n + c];

            a[i * n + c] = a[pivot * n + c];
            a[pivot * n + c] = kept;
        }
        right = b[i];
        b[i] = b[pivot];
        b[pivot] = right;
        for (int r = 0; r < n; r++) {
            const double factor = r == i ? 0 : a[r * n + i] / a[i * n + i];

            for (int c = 0; c < n && r != i; c++)
                a[r * n + c] -= factor * a[i * n + c];
            if (r != i)
                b[r] -= factor * b[i];
        }
    }
    for (int i = 0; i < n; i++)
        b[i] /= a[i * n + i];
}

/* The normal equations of sum_k i_k^2 (v_k^T (H + ridge) v_k - 2 v_k (R_k + ridge w_k)), element by
 * element through the places of the weights. ridge: a hundredth of H's mean diagonal. */
static void solve_densely(const struct task *t, int64_t groups, const float *importance, double *x)
{
    double a[L * L] = {0};

    memset(x, 0, L * sizeof *x);
    for (int k = 0; k < K; k++) {
        const float *h = t->m.h + k * groups / K * N * N;
        const double weight = (double)importance[k] * importance[k];
        double ridge = 0;

        for (int e = 0; e < N; e++)
            ridge += 0.01 * h[e * N + e] / N;
        for (int e = 0; e < N; e++) {
            const int64_t row = (k * L / K + e) % L;

            x[row] += weight * (t->m.r[k * N + e] + ridge * t->w[k * N + e]);
            for (int c = 0; c < N; c++)
                a[row * L + (k * L / K + c) % L] += weight * (h[e * N + c] + (e == c ? ridge : 0));
        }
    }
    eliminate(a, x, L);
}

static void the_fit_solves_the_normal_equations(void **state)
{
    const float importance[K] = {1, 2, 0.5F, 1, 3, 1};

    (void)state;
    for (int64_t groups = 1; groups <= GROUPS; groups++) {
        struct task t;
        struct fsn__moments_fit how = {.w = t.w, .importance = importance};
        float f[L] = {0}, scale[K];
        double want[L], error = -1, missed = 0, all = 0;

        make(&t, groups, true, 1);
        for (int k = 0; k < K; k++)
            scale[k] = 1;
        assert_int_equal(fsn__fs_fit_moments(&line, &t.m, &how, scale, f, &error, NULL), FSN_OK);
        solve_densely(&t, groups, importance, want);
        for (int j = 0; j < L; j++)
            assert_float_equal(f[j], want[j], 2e-3);
        for (int k = 0; k < K; k++) { /* the error, from the places themselves */
            float rest[PLACES];

            for (int p = 0; p < PLACES; p++) {
                rest[p] = t.y[k * PLACES + p];
                for (int e = 0; e < N; e++)
                    rest[p] -= f[(k * L / K + e) % L] * t.col[k * groups / K][e * PLACES + p];
            }
            missed += importance[k] * importance[k] * moment(rest, rest, true);
            all += importance[k] * importance[k] * t.m.v[k];
        }
        assert_float_equal(error, sqrt(missed / all), 1e-3);
        fsn__moments_free(&t.m);
    }
}

/* A teacher whose filters are pieces of one vector, each times a factor, is found exactly. */
static void scales_are_found_with_the_summary(void **state)
{
    const float factor[K] = {1, -2, 0.5F, 3, -1, 0.25F}, importance[K] = {1, 1, 1, 1, 1, 1};
    struct task t;
    struct fsn__moments_fit how = {.w = t.w, .importance = importance, .scaled = true};
    float truth[L], f[L], scale[K];
    double error = -1;

    (void)state;
    make(&t, 1, true, 1);
    net_draw(truth, L, 1, 9, 0);
    for (int k = 0; k < K; k++) {
        scale[k] = 1;
        fsn__fs_gather_filter(&line, k, truth, t.w + k * N);
        for (int e = 0; e < N; e++)
            t.w[k * N + e] *= factor[k];
        t.m.v[k] = fsn__moments_variance(&t.m, k, t.w + k * N);
        for (int e = 0; e < N; e++) {
            t.m.r[k * N + e] = 0;
            for (int c = 0; c < N; c++)
                t.m.r[k * N + e] += t.m.h[e * N + c] * t.w[k * N + c];
        }
    }
    for (int j = 0; j < L; j++)
        f[j] = truth[j] + 0.2F * (float)(j % 3 - 1);
    assert_int_equal(fsn__fs_fit_moments(&line, &t.m, &how, scale, f, &error, NULL), FSN_OK);
    assert_true(error < 0.05);
    for (int k = 0; k < K; k++)
        assert_true((scale[k] < 0) == (factor[k] < 0));
    fsn__moments_free(&t.m);
}

static bool never(void *user, double done)
{
    (void)user;
    (void)done;
    return false;
}

static void a_fit_can_be_cancelled(void **state)
{
    const float importance[K] = {1, 1, 1, 1, 1, 1};
    struct task t;
    struct fsn__moments_fit how = {.w = t.w, .importance = importance, .go_on = never};
    float f[L] = {0}, scale[K] = {1, 1, 1, 1, 1, 1};
    double error;

    (void)state;
    make(&t, 1, true, 1);
    assert_int_equal(fsn__fs_fit_moments(&line, &t.m, &how, scale, f, &error, NULL), FSN_CANCELLED);
    for (int j = 0; j < L; j++)
        assert_true(f[j] == 0);
    fsn__moments_free(&t.m);
}

/* ---- in a network -----------------------------------------------------------------------------
 */

struct student {
    struct fsn__graph *graph;
    double activation_error; /* mean over the layers */
};

static struct student fit(struct fsn__graph *teacher, const struct fsn_dataset *data, bool sharing,
                          int slices)
{
    const struct fsn__fs_options options = {.start = FSN_START_ASSIGNED, .sharing = sharing};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn__train_job job = {.data = data};
    struct student s = {NULL, 0};
    struct fsn_plan *plan = NULL;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    job.spec = &spec;
    assert_int_equal(fsn__pool_create(slices, &job.pool, NULL), FSN_OK);
    if (fsn__fs_plan(teacher, &spec, &plan, NULL, &err) != FSN_OK ||
        fsn__fs_convert(teacher, plan, &options, &s.graph, &err) != FSN_OK)
        fail_msg("%s", err.text);
    job.student = s.graph;
    if (fsn__fit_activations(&job, teacher, plan, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (size_t i = 0; i < plan->layer_count; i++) {
        assert_true(plan->layers[i].activation_error > 0);
        s.activation_error += plan->layers[i].activation_error / (double)plan->layer_count;
    }
    fsn_plan_destroy(plan);
    fsn__pool_destroy(job.pool);
    return s;
}

/* How far the student's logits are from the teacher's, of the teacher's own spread. */
static double distance(struct fsn__graph *teacher, struct fsn__graph *student)
{
    struct fsn__graph *graph[] = {teacher, student};
    double missed = 0, all = 0;
    float logits[2][16 * TOY_CLASSES];

    for (int i = 0; i < 2; i++) {
        const struct fsn__exec_options options = {.batch = 16};
        struct fsn__exec *exec = NULL;
        struct fsn__tensor *x;

        assert_int_equal(fsn__exec_create(graph[i], &options, &exec, NULL), FSN_OK);
        x = fsn__exec_input(exec, 0);
        net_draw(fsn__f32(x), fsn__numel(x), 0.5F, 4, 0);
        for (int64_t j = 0; j < fsn__numel(x); j++)
            fsn__f32(x)[j] += 0.5F; /* pixels of 0 to 1, as the toy images have */
        assert_int_equal(fsn__exec_forward(exec, 0, NULL), FSN_OK);
        memcpy(logits[i], fsn__exec_output(exec, 0)->data, sizeof logits[i]);
        fsn__exec_destroy(exec);
    }
    for (int i = 0; i < 16 * TOY_CLASSES; i++) {
        missed += pow((double)logits[1][i] - logits[0][i], 2);
        all += pow((double)logits[0][i], 2);
    }
    return sqrt(missed / all);
}

static void layers_are_brought_near_to_the_teachers(void **state)
{
    struct fsn_dataset *data = toy_dataset(200, 20, 5);
    struct fsn__graph *teacher = toy_network(3);
    struct student one = fit(teacher, data, false, 1), again = fit(teacher, data, false, 1);
    struct student sharing = fit(teacher, data, true, 2);

    (void)state;
    assert_true(one.activation_error < 0.9);
    assert_true(one.activation_error == again.activation_error);
    for (int i = 0; i < one.graph->value_count; i++)
        if (one.graph->values[i].tensor.data)
            assert_memory_equal(one.graph->values[i].tensor.data,
                                again.graph->values[i].tensor.data,
                                fsn__tensor_bytes(&one.graph->values[i].tensor));
    assert_int_equal(one.graph->value_count, again.graph->value_count);
    *fsn__fs_sharing(sharing.graph) = 1;
    assert_true(distance(teacher, sharing.graph) > 1e-3);
    fsn__graph_destroy(one.graph);
    fsn__graph_destroy(again.graph);
    fsn__graph_destroy(sharing.graph);
    fsn__graph_destroy(teacher);
    fsn_dataset_destroy(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_the_sums_written_out),
        cmocka_unit_test(the_fit_solves_the_normal_equations),
        cmocka_unit_test(scales_are_found_with_the_summary),
        cmocka_unit_test(a_fit_can_be_cancelled),
        cmocka_unit_test(layers_are_brought_near_to_the_teachers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
