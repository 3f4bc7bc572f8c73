/* test_holdout.c - which images are held back, and which epoch they choose. */
#include "train/holdout.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { IMAGES = 100, CLASSES = 4 };

/* 50 images of class 0, 30 of 1, 19 of 2, one of 3, in turns. */
static int32_t labels[IMAGES];

static struct fsn_dataset data_set(void)
{
    static const int counts[CLASSES] = {50, 30, 19, 1};
    struct fsn_dataset data = {.classes = CLASSES};
    int left[CLASSES], n = 0;

    memcpy(left, counts, sizeof left);
    while (n < IMAGES)
        for (int c = 0; c < CLASSES; c++)
            if (left[c]-- > 0)
                labels[n++] = c;
    data.split[FSN_SPLIT_TRAIN] = (struct fsn__images){.count = IMAGES, .labels = labels};
    return data;
}

static void each_class_gives_its_share(void **state)
{
    const struct fsn_dataset data = data_set();
    int held[CLASSES] = {0}, seen[IMAGES] = {0};
    struct fsn__parts parts;

    (void)state;
    assert_int_equal(fsn__parts_create(&data, 0.1, 7, &parts, NULL), FSN_OK);
    assert_int_equal(parts.train_count, 90);
    assert_int_equal(parts.held_count, 10);
    for (int64_t i = 0; i < parts.held_count; i++)
        held[labels[parts.held[i]]]++;
    assert_int_equal(held[0], 5);
    assert_int_equal(held[1], 3);
    assert_int_equal(held[2], 2); /* 1.9 */
    assert_int_equal(held[3], 0);
    for (int64_t i = 0; i < parts.train_count; i++)
        seen[parts.train[i]]++;
    for (int64_t i = 0; i < parts.held_count; i++)
        seen[parts.held[i]]++;
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(seen[i], 1);
    fsn__parts_clear(&parts);
}

/* Of 50, 30, 19 and 1 images half are for choices: 25, 15, 10 (9.5) and none. */
static void half_of_each_class_of_the_test_images_is_for_choices(void **state)
{
    struct fsn_dataset data = data_set();
    int chosen[CLASSES] = {0}, seen[IMAGES] = {0};
    struct fsn__halves halves, again;

    (void)state;
    data.split[FSN_SPLIT_TEST] = data.split[FSN_SPLIT_TRAIN];
    assert_int_equal(fsn__halves_create(&data, true, &halves, NULL), FSN_OK);
    assert_int_equal(halves.selection_count, 50);
    assert_int_equal(halves.unseen_count, 50);
    for (int64_t i = 0; i < halves.selection_count; i++) {
        chosen[labels[halves.selection[i]]]++;
        seen[halves.selection[i]]++;
    }
    assert_true(chosen[0] == 25 && chosen[1] == 15 && chosen[2] == 10 && chosen[3] == 0);
    for (int64_t i = 0; i < halves.unseen_count; i++)
        seen[halves.unseen[i]]++;
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(seen[i], 1);
    assert_int_equal(fsn__halves_create(&data, true, &again, NULL), FSN_OK);
    assert_memory_equal(halves.unseen, again.unseen, IMAGES * sizeof *halves.unseen);
    fsn__halves_clear(&halves);
    fsn__halves_clear(&again);
    data.split[FSN_SPLIT_TEST].count = 4; /* one of each class: none can be spared */
    assert_int_equal(fsn__halves_create(&data, true, &halves, NULL), FSN_MISMATCH);
}

static void a_class_keeps_an_image_for_training(void **state)
{
    struct fsn_dataset data = data_set();
    struct fsn__parts parts;

    (void)state;
    data.split[FSN_SPLIT_TRAIN].count = 4; /* one of each class */
    assert_int_equal(fsn__parts_create(&data, 0.5, 7, &parts, NULL), FSN_MISMATCH);
    data.split[FSN_SPLIT_TRAIN].count = 8; /* classes 0, 1, 2 have two or more */
    assert_int_equal(fsn__parts_create(&data, 0.5, 7, &parts, NULL), FSN_OK);
    for (int64_t i = 0; i < parts.held_count; i++)
        assert_int_not_equal(labels[parts.held[i]], 3);
    fsn__parts_clear(&parts);
}

static void the_choice_is_named_by_the_seed(void **state)
{
    const struct fsn_dataset data = data_set();
    struct fsn__parts a, b, c;

    (void)state;
    assert_int_equal(fsn__parts_create(&data, 0.1, 7, &a, NULL), FSN_OK);
    assert_int_equal(fsn__parts_create(&data, 0.1, 7, &b, NULL), FSN_OK);
    assert_int_equal(fsn__parts_create(&data, 0.1, 8, &c, NULL), FSN_OK);
    assert_memory_equal(a.held, b.held, 10 * sizeof *a.held);
    assert_memory_not_equal(a.held, c.held, 10 * sizeof *a.held);
    fsn__parts_clear(&a);
    fsn__parts_clear(&b);
    fsn__parts_clear(&c);
}

static void without_a_share_all_images_are_for_training(void **state)
{
    const struct fsn_dataset data = data_set();
    struct fsn__parts parts;

    (void)state;
    assert_int_equal(fsn__parts_create(&data, 0, 7, &parts, NULL), FSN_OK);
    assert_int_equal(parts.train_count, IMAGES);
    assert_int_equal(parts.held_count, 0);
    for (int i = 0; i < IMAGES; i++)
        assert_int_equal(parts.train[i], i);
    fsn__parts_clear(&parts);
}

static void a_share_that_holds_nothing_back_is_refused(void **state)
{
    const struct fsn_dataset data = data_set();
    struct fsn_error err = {0};
    struct fsn__parts parts;

    (void)state;
    assert_int_equal(fsn__parts_create(&data, 0.005, 7, &parts, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "finetune.holdout"));
}

static void the_best_epoch_has_the_highest_figure_then_the_lowest_loss(void **state)
{
    struct fsn_epoch rows[6] = {
        {.held_top1 = 50, .held_loss = 1}, {.held_top1 = 70, .held_loss = 3},
        {.held_top1 = 70, .held_loss = 2}, {.held_top1 = 70, .held_loss = 2},
        {.held_top1 = 60, .held_loss = 0}, {.held_top1 = NAN, .held_loss = NAN},
    };
    struct fsn__curve curve = {.rows = rows};

    (void)state;
    assert_int_equal(fsn__best_epoch(&curve), -1);
    curve.count = 6;
    assert_int_equal(fsn__best_epoch(&curve), 2);
    assert_false(fsn__patience_is_over(&curve, 0));
    assert_true(fsn__patience_is_over(&curve, 3));
    assert_false(fsn__patience_is_over(&curve, 4));
    curve.count = 1;
    curve.rows = &rows[5];
    assert_int_equal(fsn__best_epoch(&curve), -1);
    assert_false(fsn__patience_is_over(&curve, 1));
}

static void without_accuracy_the_best_epoch_has_the_lowest_loss(void **state)
{
    struct fsn_epoch rows[4] = {
        {.held_top1 = NAN, .held_loss = NAN},
        {.held_top1 = NAN, .held_loss = 3},
        {.held_top1 = NAN, .held_loss = 2},
        {.held_top1 = NAN, .held_loss = 2},
    };
    const struct fsn__curve curve = {.count = 4, .rows = rows};

    (void)state;
    assert_int_equal(fsn__best_epoch(&curve), 2);
    assert_true(fsn__patience_is_over(&curve, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_class_gives_its_share),
        cmocka_unit_test(half_of_each_class_of_the_test_images_is_for_choices),
        cmocka_unit_test(a_class_keeps_an_image_for_training),
        cmocka_unit_test(the_choice_is_named_by_the_seed),
        cmocka_unit_test(without_a_share_all_images_are_for_training),
        cmocka_unit_test(a_share_that_holds_nothing_back_is_refused),
        cmocka_unit_test(the_best_epoch_has_the_highest_figure_then_the_lowest_loss),
        cmocka_unit_test(without_accuracy_the_best_epoch_has_the_lowest_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
