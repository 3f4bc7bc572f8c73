/* test_features.c - feature maps compared: the loss, its gradient, where stages end. */
#include "net_builder.h"
#include "toy_task.h"
#include "train/features.h"

#include "../golden/training_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void assert_near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.17g, want %.17g", got, want);
}

static void the_loss_and_its_gradient_equal_pytorch(void **state)
{
    float grad[MAP_IMAGES * MAP_SIZE];
    double scratch[3 * MAP_IMAGES];

    (void)state;
    for (int slices = 1; slices <= 4; slices++) {
        struct fsn__pool *pool;

        assert_int_equal(fsn__pool_create(slices, &pool, NULL), FSN_OK);
        assert_near(fsn__feature_loss(map_student, map_teacher, MAP_IMAGES, MAP_SIZE, 0.5, grad,
                                      scratch, pool),
                    map_loss, 1e-12 * map_loss);
        for (int i = 0; i < MAP_IMAGES * MAP_SIZE; i++)
            assert_near(grad[i], map_grad[i], 1e-7);
        fsn__pool_destroy(pool);
    }
}

static void a_constant_map_of_the_teacher_asks_for_nothing(void **state)
{
    const float s[4] = {1, 2, 3, 4}, t[4] = {0.1f, 0.1f, 0.1f, 0.1f};
    float grad[4] = {9, 9, 9, 9};
    double scratch[6];

    (void)state;
    assert_near(fsn__feature_loss(s, t, 2, 2, 1, grad, scratch, NULL), 0, 0);
    for (int i = 0; i < 4; i++)
        assert_near(grad[i], 0, 0);
}

static void a_map_that_is_not_finite_makes_the_loss_so(void **state)
{
    const float s[4] = {1, 2, NAN, 4}, t[4] = {1, 2, 3, 4}, u[4] = {1, INFINITY, 3, 4};
    float grad[4];
    double scratch[6];

    (void)state;
    assert_true(isnan(fsn__feature_loss(s, t, 2, 2, 1, grad, scratch, NULL)));
    assert_true(isnan(fsn__feature_loss(t, u, 2, 2, 1, grad, scratch, NULL)));
}

/* Two stages of one residual block each; the maps fall at "down" and at the pooling. */
static struct fsn__graph *two_stages(uint64_t seed, int ends[2])
{
    struct net net = net_create(seed);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE), y;

    x = net_relu(&net, net_batch_norm(&net, "bn0", net_conv(&net, "stem", x, 1, 4, 3, 1), 4));
    y = net_batch_norm(&net, "bn1", net_conv(&net, "a", x, 4, 4, 3, 1), 4);
    ends[0] = x = net_relu(&net, net_add(&net, x, y));
    x = net_relu(&net, net_batch_norm(&net, "bn2", net_conv(&net, "down", x, 4, 6, 3, 2), 6));
    y = net_batch_norm(&net, "bn3", net_conv(&net, "b", x, 6, 6, 3, 1), 6);
    ends[1] = x = net_relu(&net, net_add(&net, x, y));
    x = net_flatten(&net, net_global_pool(&net, x));
    return net_finish(&net, net_gemm(&net, "fc", x, 6, TOY_CLASSES));
}

/* The teacher has its batch norm folded: other nodes, other values, the same names. */
static struct fsn__graph *folded(uint64_t seed)
{
    int ends[2];
    struct fsn__graph *teacher = two_stages(seed, ends);

    assert_int_equal(fsn__graph_fold_bn(teacher, NULL), FSN_OK);
    return teacher;
}

static void stages_end_where_maps_become_smaller(void **state)
{
    int ends[2];
    struct fsn__graph *student = two_stages(1, ends), *teacher = folded(2);
    struct fsn__stage_ends found;

    (void)state;
    assert_int_equal(fsn__stage_ends_find(student, teacher, &found, NULL), FSN_OK);
    assert_int_equal(found.count, 2);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(found.student[i], ends[i]);
        assert_string_equal(student->values[found.student[i]].name,
                            teacher->values[found.teacher[i]].name);
    }
    fsn__graph_destroy(student);
    fsn__graph_destroy(teacher);
}

static void networks_without_a_map_in_common_are_refused(void **state)
{
    int ends[2];
    struct fsn__graph *student = two_stages(1, ends), *teacher;
    struct net net = net_create(1);
    int x = net_input(&net, 1, TOY_SIZE, TOY_SIZE);
    struct fsn__stage_ends found;
    struct fsn_error err = {0};

    (void)state;
    teacher = net_finish(&net, net_gemm(&net, "fc", net_flatten(&net, x), TOY_SIZE * TOY_SIZE, 4));
    assert_int_equal(fsn__stage_ends_find(student, teacher, &found, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "finetune.distill.feature"));
    fsn__graph_destroy(student);
    fsn__graph_destroy(teacher);
}

/* ---- through the executor ------------------------------------------------------------------ */

enum { BATCH = 5 };

struct pair {
    struct fsn_dataset *data;
    struct fsn__graph *student, *teacher;
    struct fsn__stage_ends ends;
    struct fsn__classifier s, t;
};

static void open_pair(struct pair *p, bool reference)
{
    struct fsn__exec_options options = {.batch = BATCH, .training = true, .reference = reference};
    int ends[2];

    memset(p, 0, sizeof *p);
    p->data = toy_dataset(10, 10, 1);
    p->student = two_stages(1, ends);
    p->teacher = folded(2);
    assert_int_equal(fsn__stage_ends_find(p->student, p->teacher, &p->ends, NULL), FSN_OK);
    assert_int_equal(fsn__classifier_create_with(p->student, "student", p->data, NULL, &options,
                                                 p->ends.student, p->ends.count, &p->s, NULL),
                     FSN_OK);
    options.training = false;
    assert_int_equal(fsn__classifier_create_with(p->teacher, "teacher", p->data, NULL, &options,
                                                 p->ends.teacher, p->ends.count, &p->t, NULL),
                     FSN_OK);
    net_draw(p->s.images, BATCH * TOY_SIZE * TOY_SIZE, 1, 3, 0);
    memcpy(p->t.images, p->s.images, p->s.image_bytes);
    assert_int_equal(fsn__classifier_forward(&p->t, 0, NULL), FSN_OK);
}

static void close_pair(struct pair *p)
{
    fsn__classifier_clear(&p->s);
    fsn__classifier_clear(&p->t);
    fsn__graph_destroy(p->student);
    fsn__graph_destroy(p->teacher);
    fsn_dataset_destroy(p->data);
}

static double forward(struct pair *p)
{
    double scratch[3 * BATCH];

    assert_int_equal(fsn__classifier_forward(&p->s, 0, NULL), FSN_OK);
    return fsn__features_compare(&p->ends, &p->s, &p->t, 2, scratch, NULL);
}

/* The gradient of the feature loss alone, by the first weights of both stages, against central
 * differences, on the fast kernels and on the plain operators. */
static void weights_before_a_stage_end_get_the_gradient(void **state)
{
    static const char *const weights[] = {"stem.w", "a.w", "down.w", "b.w", "bn3.scale"};
    const float h = 1e-3f;

    (void)state;
    for (int reference = 0; reference < 2; reference++) {
        struct pair p;

        open_pair(&p, reference);
        for (size_t i = 0; i < sizeof weights / sizeof *weights; i++) {
            const int value = fsn__graph_find_value(p.s.graph, weights[i]);
            float *w = fsn__f32(&p.s.graph->values[value].tensor), kept = w[1];
            double up, down, got;

            forward(&p);
            assert_int_equal(fsn__exec_backward(p.s.exec, NULL), FSN_OK);
            got = fsn__f32(fsn__exec_param_grad(p.s.exec, value))[1];
            w[1] = kept + h;
            up = forward(&p);
            w[1] = kept - h;
            down = forward(&p);
            w[1] = kept;
            assert_near(got, (up - down) / (2 * (double)h), 2e-3 + 1e-2 * fabs(got));
            assert_true(fabs(got) > 1e-4); /* there is something to compare */
        }
        close_pair(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_loss_and_its_gradient_equal_pytorch),
        cmocka_unit_test(a_constant_map_of_the_teacher_asks_for_nothing),
        cmocka_unit_test(a_map_that_is_not_finite_makes_the_loss_so),
        cmocka_unit_test(stages_end_where_maps_become_smaller),
        cmocka_unit_test(networks_without_a_map_in_common_are_refused),
        cmocka_unit_test(weights_before_a_stage_end_get_the_gradient),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
