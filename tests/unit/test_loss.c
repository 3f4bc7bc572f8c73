/* test_loss.c - the training loss against PyTorch, against central differences and at its edges. */
#include "train/train.h"

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

static void cross_entropy_and_its_gradient_equal_pytorch(void **state)
{
    float grad[LOSS_IMAGES * LOSS_CLASSES];
    double loss = fsn__distill_loss(loss_student, NULL, loss_labels, LOSS_IMAGES, LOSS_CLASSES, 0.9,
                                    4, grad, NULL);

    (void)state;
    assert_near(loss, loss_cross_entropy, 1e-12 * loss_cross_entropy);
    for (int i = 0; i < LOSS_IMAGES * LOSS_CLASSES; i++)
        assert_near(grad[i], loss_cross_entropy_grad[i], 1e-7);
}

static void distillation_and_its_gradient_equal_pytorch(void **state)
{
    float grad[LOSS_IMAGES * LOSS_CLASSES];
    double loss = fsn__distill_loss(loss_student, loss_teacher, loss_labels, LOSS_IMAGES,
                                    LOSS_CLASSES, 0.9, 4, grad, NULL);

    (void)state;
    assert_near(loss, loss_distill, 1e-12 * loss_distill);
    for (int i = 0; i < LOSS_IMAGES * LOSS_CLASSES; i++)
        assert_near(grad[i], loss_distill_grad[i], 1e-7);
}

static void soft_labels_and_their_gradient_equal_pytorch(void **state)
{
    const struct fsn__targets targets = {loss_labels, 0.7, 0.1};
    float grad[LOSS_IMAGES * LOSS_CLASSES];
    double loss = fsn__train_loss(loss_student, loss_teacher, &targets, LOSS_IMAGES, LOSS_CLASSES,
                                  0.9, 4, grad, NULL);

    (void)state;
    assert_near(loss, loss_soft, 1e-12 * loss_soft);
    for (int i = 0; i < LOSS_IMAGES * LOSS_CLASSES; i++)
        assert_near(grad[i], loss_soft_grad[i], 1e-7);
}

/* Image 0's first choice is its own label 1, image 1's its own label 0; the teacher's the other. */
static void hits_are_counted_at_the_label_of_the_larger_share(void **state)
{
    const float student[4] = {0, 1, 1, 0}, teacher[4] = {1, 0, 0, 1};
    const int32_t labels[2] = {1, 0};
    struct fsn__targets targets = {labels, 0.75, 0};
    struct fsn__hits hits;

    (void)state;
    fsn__train_loss(student, teacher, &targets, 2, 2, 0.5, 1, NULL, &hits);
    assert_int_equal(hits.student, 2);
    assert_int_equal(hits.teacher, 0);
    targets.mix = 0.25;
    fsn__train_loss(student, teacher, &targets, 2, 2, 0.5, 1, NULL, &hits);
    assert_int_equal(hits.student, 0);
    assert_int_equal(hits.teacher, 2);
}

/* Logits and h are multiples of 2^-10 of moderate size, so z +- h is exact in f32. */
static void gradient_agrees_with_central_differences(void **state)
{
    const float h = 0x1p-10f;
    float student[6] = {0.5f, -1.25f, 2.0f, 1.5f, 0.25f, -0.75f};
    const float teacher[6] = {1.0f, 0.5f, -2.0f, 3.0f, 0.0f, 1.0f};
    const int32_t labels[2] = {2, 0};
    float grad[6];

    (void)state;
    fsn__distill_loss(student, teacher, labels, 2, 3, 0.6, 2.5, grad, NULL);
    for (int i = 0; i < 6; i++) {
        float z = student[i];
        double up, down;

        student[i] = z + h;
        up = fsn__distill_loss(student, teacher, labels, 2, 3, 0.6, 2.5, NULL, NULL);
        student[i] = z - h;
        down = fsn__distill_loss(student, teacher, labels, 2, 3, 0.6, 2.5, NULL, NULL);
        student[i] = z;
        assert_near(grad[i], (up - down) / (2 * (double)h), 1e-6);
    }
}

static void loss_without_a_teacher_ignores_alpha(void **state)
{
    double a = fsn__distill_loss(loss_student, NULL, loss_labels, LOSS_IMAGES, LOSS_CLASSES, 0, 1,
                                 NULL, NULL);
    double b = fsn__distill_loss(loss_student, NULL, loss_labels, LOSS_IMAGES, LOSS_CLASSES, 1, 9,
                                 NULL, NULL);

    (void)state;
    assert_true(a == b);
}

static void pure_distillation_does_not_look_at_the_labels(void **state)
{
    const int32_t other[LOSS_IMAGES] = {0};
    float a[LOSS_IMAGES * LOSS_CLASSES], b[LOSS_IMAGES * LOSS_CLASSES];

    (void)state;
    fsn__distill_loss(loss_student, loss_teacher, loss_labels, LOSS_IMAGES, LOSS_CLASSES, 1, 4, a,
                      NULL);
    fsn__distill_loss(loss_student, loss_teacher, other, LOSS_IMAGES, LOSS_CLASSES, 1, 4, b, NULL);
    for (int i = 0; i < LOSS_IMAGES * LOSS_CLASSES; i++)
        assert_true(a[i] == b[i]);
}

static void a_student_equal_to_its_teacher_has_no_divergence(void **state)
{
    float grad[LOSS_IMAGES * LOSS_CLASSES];
    double loss = fsn__distill_loss(loss_teacher, loss_teacher, loss_labels, LOSS_IMAGES,
                                    LOSS_CLASSES, 1, 4, grad, NULL);

    (void)state;
    assert_near(loss, 0, 1e-14);
    for (int i = 0; i < LOSS_IMAGES * LOSS_CLASSES; i++)
        assert_near(grad[i], 0, 1e-9);
}

/* log(1 + e^-2000) = 0 and the loss of the improbable class is 2000, in closed form. */
static void logits_far_apart_neither_overflow_nor_vanish(void **state)
{
    const float z[4] = {1000, -1000, 1000, -1000};
    const int32_t labels[2] = {0, 1};
    float grad[4];
    double loss = fsn__distill_loss(z, NULL, labels, 2, 2, 0, 1, grad, NULL);

    (void)state;
    assert_near(loss, 1000, 0);
    assert_near(grad[0], 0, 0);
    assert_near(grad[2], 0.5, 0);
    assert_near(grad[3], -0.5, 0);
}

static void a_logit_that_is_not_finite_makes_the_loss_so(void **state)
{
    const float bad[3] = {NAN, INFINITY, -INFINITY};
    const int32_t label = 1;

    (void)state;
    for (int i = 0; i < 3; i++) {
        float z[3] = {1, 2, 3};

        z[1] = bad[i];
        assert_true(!isfinite(fsn__distill_loss(z, NULL, &label, 1, 3, 0, 1, NULL, NULL)));
    }
}

static void correct_counts_the_first_of_equal_largest_logits(void **state)
{
    const float z[9] = {1, 3, 3, 3, 1, 3, 0, 0, 0};
    const int32_t labels[3] = {2, 0, 0};
    int64_t correct = -1;

    (void)state;
    fsn__distill_loss(z, NULL, labels, 3, 3, 0, 1, NULL, &correct);
    assert_int_equal(correct, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cross_entropy_and_its_gradient_equal_pytorch),
        cmocka_unit_test(distillation_and_its_gradient_equal_pytorch),
        cmocka_unit_test(soft_labels_and_their_gradient_equal_pytorch),
        cmocka_unit_test(hits_are_counted_at_the_label_of_the_larger_share),
        cmocka_unit_test(gradient_agrees_with_central_differences),
        cmocka_unit_test(loss_without_a_teacher_ignores_alpha),
        cmocka_unit_test(pure_distillation_does_not_look_at_the_labels),
        cmocka_unit_test(a_student_equal_to_its_teacher_has_no_divergence),
        cmocka_unit_test(logits_far_apart_neither_overflow_nor_vanish),
        cmocka_unit_test(a_logit_that_is_not_finite_makes_the_loss_so),
        cmocka_unit_test(correct_counts_the_first_of_equal_largest_logits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
