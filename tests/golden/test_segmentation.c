/* test_segmentation.c - the loss of class maps, its gradient, and what their scores say, against
 * PyTorch (segment_table.py). */
#include "train/pixel_scores.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "named_noise.h"
#include "segment_table.h"

enum { IMAGES = 3, CLASSES = 4, SIDE = 8, MOST = IMAGES * CLASSES * SIDE * SIDE };

/* mask() of segment_table.py */
static void make_masks(uint8_t masks[IMAGES * SIDE * SIDE])
{
    for (int p = 0; p < IMAGES * SIDE * SIDE; p++) {
        const int row = p / SIDE % SIDE, column = p % SIDE, image = p / (SIDE * SIDE);

        masks[p] = p % 11 == 5 ? FSN_MASK_VOID : (uint8_t)((row / 3 + column / 4 + image) % 3);
    }
}

static void make_scores(const char *name, int side, float *scores)
{
    const struct fsn__tensor t = {
        .dtype = FSN__F32, .ndim = 4, .dim = {IMAGES, CLASSES, side, side}, .data = scores};

    named_noise(&t, name, 0, 3);
}

static void check_loss(const char *name, int side, double loss, const float *gradient)
{
    const struct fsn__pixel_shape shape = {CLASSES, side, side, SIDE, SIDE};
    static float scores[MOST], got[MOST];
    uint8_t masks[IMAGES * SIDE * SIDE];
    double sums[IMAGES], serial = 0;

    make_masks(masks);
    make_scores(name, side, scores);
    for (int threads = 1; threads <= 2; threads++) {
        struct fsn__pool *pool = NULL;
        double value;

        assert_int_equal(fsn__pool_create(threads, &pool, NULL), FSN_OK);
        value = fsn__pixel_loss(&shape, scores, masks, IMAGES, got, NULL, sums, pool);
        fsn__pool_destroy(pool);
        assert_true(fabs(value - loss) < 1e-6);
        assert_true(threads == 1 || value == serial);
        serial = value;
        for (int i = 0; i < IMAGES * CLASSES * side * side; i++)
            assert_float_equal(got[i], gradient[i], 1e-8);
    }
}

static void losses_and_gradients_are_those_of_pytorch(void **state)
{
    (void)state;
    check_loss("same", SIDE, same_loss, same_gradient);
    check_loss("half", SIDE / 2, half_loss, half_gradient);
}

static void check_figures(const char *name, int side, const double iou[CLASSES], double accuracy)
{
    const struct fsn__pixel_shape shape = {CLASSES, side, side, SIDE, SIDE};
    int64_t truth[CLASSES] = {0}, said[CLASSES] = {0}, both[CLASSES] = {0}, none = 0;
    struct fsn__pixel_tally tally = {truth, said, both};
    uint8_t masks[IMAGES * SIDE * SIDE];
    int32_t choice[SIDE * SIDE];
    static float scores[MOST];
    int64_t right = 0, all = 0;
    float best[SIDE];

    make_masks(masks);
    make_scores(name, side, scores);
    for (int i = 0; i < IMAGES; i++) {
        fsn__pixel_choose(&shape, scores + i * CLASSES * side * side, best, choice);
        fsn__pixel_tally_add(&shape, masks + i * SIDE * SIDE, choice, &tally, &none);
    }
    assert_int_equal(none, (IMAGES * SIDE * SIDE - 5 + 10) / 11);
    for (int c = 0; c < CLASSES; c++) {
        const int64_t either = truth[c] + said[c] - both[c];

        assert_true(fabs(100.0 * (double)both[c] / (double)either - iou[c]) < 1e-6);
        right += both[c];
        all += truth[c];
    }
    assert_true(fabs(100.0 * (double)right / (double)all - accuracy) < 1e-6);
}

static void choices_are_those_of_pytorch_enlarged_or_not(void **state)
{
    (void)state;
    check_figures("same", SIDE, same_iou, same_accuracy);
    check_figures("half", SIDE / 2, half_iou, half_accuracy);
}

static void without_a_labelled_pixel_there_is_no_loss(void **state)
{
    const struct fsn__pixel_shape shape = {2, 1, 2, 1, 2};
    const uint8_t mask[2] = {FSN_MASK_VOID, FSN_MASK_VOID};
    const float scores[4] = {1, 2, 3, 4};
    float gradient[4] = {9, 9, 9, 9};
    double sums[1];

    (void)state;
    assert_true(fsn__pixel_loss(&shape, scores, mask, 1, gradient, NULL, sums, NULL) == 0);
    for (int i = 0; i < 4; i++)
        assert_true(gradient[i] == 0);
}

static void what_is_no_number_is_of_no_class(void **state)
{
    const struct fsn__pixel_shape shape = {2, 1, 2, 1, 2};
    const float scores[4] = {NAN, 2, 9, 3};
    int32_t choice[2];
    float best[2];

    (void)state;
    fsn__pixel_choose(&shape, scores, best, choice);
    assert_int_equal(choice[1], 1);
    assert_int_equal(choice[0], -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_and_gradients_are_those_of_pytorch),
        cmocka_unit_test(choices_are_those_of_pytorch_enlarged_or_not),
        cmocka_unit_test(without_a_labelled_pixel_there_is_no_loss),
        cmocka_unit_test(what_is_no_number_is_of_no_class),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
