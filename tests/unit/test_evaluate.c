/* test_evaluate.c - accuracy and loss of networks whose logits are known: the pixels themselves. */
#include "core/pool.h"
#include "net_builder.h"
#include "train/train.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 6 };

/* An image is one row of CLASSES pixels; the network passes them on, so logit c is pixel[c] / 255.
 */
static struct fsn__graph *pixels_as_logits(int64_t batch)
{
    struct fsn__graph *graph = NULL;
    struct fsn__tensor shape;
    int x;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){batch, 1, 1, CLASSES});
    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_input(graph, "pixels", &shape, &x, NULL), FSN_OK);
    assert_int_equal(fsn__graph_apply(graph, "Flatten", NULL, NULL, 1, &x, &x, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_output(graph, x, NULL), FSN_OK);
    return graph;
}

/* `count` copies of the row, all with the label, in the test split. */
static struct fsn_dataset *make_data(const uint8_t row[CLASSES], int32_t label, int64_t count)
{
    struct fsn_dataset *data = calloc(1, sizeof *data);
    struct fsn__images *images = &data->split[FSN_SPLIT_TEST];

    data->channels = data->height = 1;
    data->width = data->classes = CLASSES;
    images->count = count;
    images->pixels = malloc((size_t)count * CLASSES);
    images->labels = calloc((size_t)count, sizeof *images->labels);
    for (int64_t i = 0; i < count; i++) {
        memcpy(images->pixels + i * CLASSES, row, CLASSES);
        images->labels[i] = label;
    }
    return data;
}

static enum fsn_status evaluate(struct fsn__graph *graph, const struct fsn_dataset *data,
                                const struct fsn_preprocess *preprocess, struct fsn_eval *out,
                                struct fsn_error *err)
{
    const struct fsn_spec spec = {.preprocess = *preprocess};

    return fsn__evaluate(graph, data, FSN_SPLIT_TEST, &spec, NULL, FSN_STAGE_VERIFY, 0, 1, NULL,
                         NULL, out, err);
}

static void check(const uint8_t row[CLASSES], int32_t label, double top1, double top5)
{
    const struct fsn_preprocess plain = {0};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, label, 1);
    struct fsn_eval eval = {0};

    assert_int_equal(evaluate(graph, data, &plain, &eval, NULL), FSN_OK);
    assert_true(eval.top1 == top1);
    assert_true(eval.top5 == top5);
    assert_int_equal(eval.images, 1);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void top1_wants_the_largest_logit_and_top5_one_of_the_five_largest(void **state)
{
    const uint8_t row[CLASSES] = {10, 60, 50, 40, 30, 20};

    (void)state;
    check(row, 1, 100, 100);
    check(row, 2, 0, 100);
    check(row, 5, 0, 100); /* fifth */
    check(row, 0, 0, 0);   /* sixth */
}

static void of_equal_logits_the_lowest_class_comes_first(void **state)
{
    const uint8_t same[CLASSES] = {7, 7, 7, 7, 7, 7}, pair[CLASSES] = {1, 9, 2, 9, 3, 4};

    (void)state;
    check(same, 0, 100, 100);
    check(same, 1, 0, 100);
    check(same, 4, 0, 100);
    check(same, 5, 0, 0);
    check(pair, 1, 100, 100);
    check(pair, 3, 0, 100);
}

/* Two images of three listed have their largest logit at 1, the third at 4. */
static void the_first_choice_is_said_image_by_image(void **state)
{
    const uint8_t row[CLASSES] = {1, 9, 2, 3, 4, 5};
    const int64_t list[] = {3, 0, 2};
    const struct fsn_spec spec = {0};
    const struct fsn__meter quiet = {0};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 1, 4);
    struct fsn_eval eval = {0};
    int32_t choice[3] = {-2, -2, -2};

    (void)state;
    data->split[FSN_SPLIT_TEST].pixels[4] = 9; /* of image 0: the same as pixel 1, and later */
    data->split[FSN_SPLIT_TEST].pixels[2 * CLASSES + 4] = 10;
    assert_int_equal(fsn__evaluate_images(graph, data, FSN_SPLIT_TEST, list, 3, &spec, NULL, &quiet,
                                          choice, &eval, NULL),
                     FSN_OK);
    assert_true(choice[0] == 1 && choice[1] == 1 && choice[2] == 4);
    assert_true(fabs(eval.top1 - 200.0 / 3) < 1e-12);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void loss_of_equal_logits_is_the_logarithm_of_the_classes(void **state)
{
    const uint8_t row[CLASSES] = {9, 9, 9, 9, 9, 9};
    const struct fsn_preprocess plain = {0};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 3, 10);
    struct fsn_eval eval = {0};

    (void)state;
    assert_int_equal(evaluate(graph, data, &plain, &eval, NULL), FSN_OK);
    assert_true(fabs(eval.loss - log(6)) < 1e-12);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

/* More images than one batch, the last batch short: two images that are right (the first and the
 * last) among 130 of which the others are wrong. */
static void every_image_counts_once_in_a_short_last_batch_too(void **state)
{
    const uint8_t row[CLASSES] = {200, 0, 0, 0, 0, 0};
    const struct fsn_preprocess plain = {0};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 5, 130);
    struct fsn_eval eval = {0};

    (void)state;
    data->split[FSN_SPLIT_TEST].labels[0] = 0;
    data->split[FSN_SPLIT_TEST].labels[129] = 0;
    assert_int_equal(evaluate(graph, data, &plain, &eval, NULL), FSN_OK);
    assert_true(fabs(eval.top1 - 100.0 * 2 / 130) < 1e-12);
    assert_int_equal(eval.images, 130);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void a_network_with_a_fixed_batch_is_run_in_batches_of_that_size(void **state)
{
    const uint8_t row[CLASSES] = {200, 0, 0, 0, 0, 0};
    const struct fsn_preprocess plain = {0};
    struct fsn__graph *graph = pixels_as_logits(3);
    struct fsn_dataset *data = make_data(row, 0, 7);
    struct fsn_eval eval = {0};

    (void)state;
    data->split[FSN_SPLIT_TEST].labels[6] = 1;
    assert_int_equal(evaluate(graph, data, &plain, &eval, NULL), FSN_OK);
    assert_true(fabs(eval.top1 - 100.0 * 6 / 7) < 1e-12);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

/* std 0 makes 0 / 0 of every pixel. */
static void logits_that_are_not_numbers_are_never_right(void **state)
{
    const uint8_t row[CLASSES] = {0};
    const struct fsn_spec broken = {.preprocess.channels = 1};
    const struct fsn__meter quiet = {0};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 0, 1);
    struct fsn_eval eval = {0};
    int32_t choice = 0;

    (void)state;
    assert_int_equal(fsn__evaluate_images(graph, data, FSN_SPLIT_TEST, NULL, 1, &broken, NULL,
                                          &quiet, &choice, &eval, NULL),
                     FSN_OK);
    assert_true(eval.top1 == 0 && eval.top5 == 0);
    assert_int_equal(choice, -1);
    assert_true(isnan(eval.loss));
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

struct watch {
    int calls, stop_at;
    struct fsn_progress last;
};

static bool watch_progress(const struct fsn_progress *progress, void *user)
{
    struct watch *watch = user;

    watch->last = *progress;
    return ++watch->calls != watch->stop_at;
}

static void progress_covers_the_given_part_of_the_job_and_can_stop_it(void **state)
{
    const uint8_t row[CLASSES] = {1, 2, 3, 4, 5, 6};
    const struct fsn_spec spec = {.seed = 1};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 0, 300); /* three batches */
    struct fsn_eval eval = {.images = -1};
    struct watch watch = {0};

    (void)state;
    assert_int_equal(fsn__evaluate(graph, data, FSN_SPLIT_TEST, &spec, NULL, FSN_STAGE_BASELINE,
                                   0.25, 0.5, watch_progress, &watch, &eval, NULL),
                     FSN_OK);
    assert_int_equal(watch.calls, 3);
    assert_int_equal(watch.last.stage, FSN_STAGE_BASELINE);
    assert_true(watch.last.fraction == 0.5);
    assert_int_equal(watch.last.step, 3);
    assert_int_equal(watch.last.steps, 3);
    assert_int_equal(watch.last.epoch, 0);
    assert_true(isnan(watch.last.loss));
    assert_null(watch.last.epoch_row);

    watch = (struct watch){.stop_at = 2};
    eval.images = -1;
    assert_int_equal(fsn__evaluate(graph, data, FSN_SPLIT_TEST, &spec, NULL, FSN_STAGE_BASELINE,
                                   0.25, 0.5, watch_progress, &watch, &eval, NULL),
                     FSN_CANCELLED);
    assert_int_equal(watch.calls, 2);
    assert_int_equal(eval.images, -1);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void expect_mismatch(struct fsn__graph *graph, const struct fsn_dataset *data,
                            const struct fsn_preprocess *preprocess, const char *text)
{
    struct fsn_error err = {0};
    struct fsn_eval eval;

    assert_int_equal(evaluate(graph, data, preprocess, &eval, &err), FSN_MISMATCH);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static void data_that_do_not_fit_are_refused_with_both_sides_named(void **state)
{
    const uint8_t row[CLASSES] = {0};
    const struct fsn_preprocess plain = {0}, rgb = {.channels = 3};
    struct fsn__graph *graph = pixels_as_logits(FSN_BATCH);
    struct fsn_dataset *data = make_data(row, 0, 1);

    (void)state;
    expect_mismatch(graph, data, &rgb, "given for 3 channels, the images have 1");
    data->classes = CLASSES + 1;
    expect_mismatch(graph, data, &plain, "6 classes apart, the data set has 7");
    data->classes = CLASSES;
    data->width = 3;
    expect_mismatch(graph, data, &plain, "'pixels' takes float32 [N,1,1,6]");
    data->width = CLASSES;
    data->split[FSN_SPLIT_TEST].count = 0;
    expect_mismatch(graph, data, &plain, "no images in its test split");
    data->split[FSN_SPLIT_TEST].count = 1;
    fsn__shape_set(&graph->values[graph->inputs[0]].tensor, FSN__F32, 4,
                   (int64_t[]){FSN_BATCH, 1, 2, 3});
    data->height = 2;
    data->width = 3;
    graph->outputs[0] = graph->inputs[0]; /* [N,1,2,3] is no vector an image */
    expect_mismatch(graph, data, &plain, "[N,1,2,3]");
    fsn_dataset_destroy(data);
    fsn__graph_destroy(graph);
}

static void the_public_function_gives_the_same_on_any_number_of_threads(void **state)
{
    const uint8_t row[CLASSES] = {1, 2, 3, 4, 250, 6};
    struct fsn_spec spec = {.threads = 1};
    struct fsn_model model = {.graph = pixels_as_logits(FSN_BATCH)};
    struct fsn_dataset *data = make_data(row, 4, 200);
    struct fsn_eval one, three;

    (void)state;
    assert_int_equal(fsn_evaluate(&model, data, FSN_SPLIT_TEST, &spec, NULL, NULL, &one, NULL),
                     FSN_OK);
    spec.threads = 3;
    assert_int_equal(fsn_evaluate(&model, data, FSN_SPLIT_TEST, &spec, NULL, NULL, &three, NULL),
                     FSN_OK);
    assert_true(one.top1 == 100 && three.top1 == 100);
    assert_true(one.loss == three.loss);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(model.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top1_wants_the_largest_logit_and_top5_one_of_the_five_largest),
        cmocka_unit_test(of_equal_logits_the_lowest_class_comes_first),
        cmocka_unit_test(the_first_choice_is_said_image_by_image),
        cmocka_unit_test(loss_of_equal_logits_is_the_logarithm_of_the_classes),
        cmocka_unit_test(every_image_counts_once_in_a_short_last_batch_too),
        cmocka_unit_test(a_network_with_a_fixed_batch_is_run_in_batches_of_that_size),
        cmocka_unit_test(logits_that_are_not_numbers_are_never_right),
        cmocka_unit_test(progress_covers_the_given_part_of_the_job_and_can_stop_it),
        cmocka_unit_test(data_that_do_not_fit_are_refused_with_both_sides_named),
        cmocka_unit_test(the_public_function_gives_the_same_on_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
