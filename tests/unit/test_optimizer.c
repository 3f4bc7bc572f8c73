/* test_optimizer.c - the SGD step against torch.optim.SGD. */
#include "train/train.h"

#include "../golden/training_tables.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void check_trajectory(const float *expected, double weight_decay)
{
    float w[SGD_SIZE], v[SGD_SIZE] = {0};

    memcpy(w, sgd_start, sizeof w);
    for (int step = 0; step < SGD_STEPS; step++) {
        fsn__sgd_step(w, sgd_grads + step * SGD_SIZE, v, SGD_SIZE, 0.1, 0.9, weight_decay);
        for (int i = 0; i < SGD_SIZE; i++) {
            float want = expected[step * SGD_SIZE + i];

            if (fabsf(w[i] - want) > 1e-6f)
                fail_msg("step %d, weight %d: got %.9g, want %.9g", step, i, (double)w[i],
                         (double)want);
        }
    }
}

static void five_steps_with_weight_decay_equal_pytorch(void **state)
{
    (void)state;
    check_trajectory(sgd_decayed, 5e-2);
}

static void five_steps_without_weight_decay_equal_pytorch(void **state)
{
    (void)state;
    check_trajectory(sgd_plain, 0);
}

static void without_momentum_a_step_is_plain_gradient_descent(void **state)
{
    float w[2] = {1.0f, -2.0f}, v[2] = {0};
    const float g[2] = {0.5f, 4.0f};

    (void)state;
    fsn__sgd_step(w, g, v, 2, 0.25, 0, 0);
    fsn__sgd_step(w, g, v, 2, 0.25, 0, 0);
    assert_true(w[0] == 0.75f && w[1] == -4.0f);
}

static void a_tensor_updated_in_pieces_gets_the_same_bits(void **state)
{
    float whole[SGD_SIZE], pieces[SGD_SIZE], v[SGD_SIZE] = {0}, u[SGD_SIZE] = {0};

    (void)state;
    memcpy(whole, sgd_start, sizeof whole);
    memcpy(pieces, sgd_start, sizeof pieces);
    for (int step = 0; step < SGD_STEPS; step++) {
        const float *g = sgd_grads + step * SGD_SIZE;

        fsn__sgd_step(whole, g, v, SGD_SIZE, 0.1, 0.9, 5e-2);
        fsn__sgd_step(pieces, g, u, 1, 0.1, 0.9, 5e-2);
        fsn__sgd_step(pieces + 1, g + 1, u + 1, SGD_SIZE - 1, 0.1, 0.9, 5e-2);
    }
    assert_memory_equal(whole, pieces, sizeof whole);
    assert_memory_equal(v, u, sizeof v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_steps_with_weight_decay_equal_pytorch),
        cmocka_unit_test(five_steps_without_weight_decay_equal_pytorch),
        cmocka_unit_test(without_momentum_a_step_is_plain_gradient_descent),
        cmocka_unit_test(a_tensor_updated_in_pieces_gets_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
