/* test_augment_boxes.c - SSD's augmentations, and that boxes stay on what they mark.
 *
 * Colours come from Python's colorsys; geometry is worked out by hand. */
#include "data/augment_boxes.h"
#include "data/detection_batch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"

enum { WIDTH = 64, HEIGHT = 48, PLANE = WIDTH * HEIGHT, SIZE = 3 * PLANE };

static void assert_rgb(const struct fsn__photometric *change, float r, float g, float b,
                       const double want[3])
{
    float rgb[3] = {r, g, b};

    fsn__photometric_apply(change, rgb);
    for (int c = 0; c < 3; c++)
        assert_float_equal(rgb[c], want[c], 1e-3);
}

static void colours_change_as_in_hsv(void **state)
{
    struct fsn__photometric change = {.contrast = 1, .saturation = 1, .order = {0, 1, 2}};

    (void)state;
    assert_rgb(&change, 200, 100, 50, (double[]){200, 100, 50});
    change.hue = 18;
    change.saturation = 0.5;
    assert_rgb(&change, 200, 100, 50, (double[]){200, 172.5, 125});
    assert_rgb(&change, 90, 90, 90, (double[]){90, 90, 90});
    change.hue = -18;
    change.saturation = 1.5; /* of 0.75: stays at 1 */
    assert_rgb(&change, 200, 100, 50, (double[]){200, 20.0 / 3, 0});
    change.saturation = 1;
    assert_rgb(&change, 200, 100, 50, (double[]){200, 55, 50});
}

static void levels_are_shifted_scaled_and_cut(void **state)
{
    struct fsn__photometric change = {
        .brightness = 30, .contrast = 1.5, .saturation = 1, .order = {2, 0, 1}};

    (void)state;
    assert_rgb(&change, 200, 100, 50, (double[]){120, 255, 195});
    /* Contrast before saturation cuts at 255 what contrast after it does not. */
    change = (struct fsn__photometric){.contrast = 1.5, .saturation = 0.5, .order = {0, 1, 2}};
    assert_rgb(&change, 200, 100, 40, (double[]){255, 202.5, 157.5});
    change.contrast_last = true;
    assert_rgb(&change, 200, 100, 40, (double[]){255, 225, 180});
}

static void objects_are_moved_cut_and_dropped_by_their_centre(void **state)
{
    static const struct fsn__object objects[] = {
        {{0.4f, 0.25f, 0.8f, 0.5f}, 3, true}, /* centre 0.6 */
        {{0.1f, 0.25f, 0.6f, 0.5f}, 4, false},
    };
    const struct fsn__window whole = {0, 0, 1, 1, false}, right = {0.5, 0, 1, 1, false};
    const struct fsn__window wide = {-1, -2, 3, 2, true};
    struct fsn__object out[2];

    (void)state;
    assert_int_equal(fsn__window_objects(&whole, objects, 2, out), 2);
    for (int i = 0; i < 2; i++)
        assert_memory_equal(&out[i].box, &objects[i].box, sizeof out[i].box);
    assert_int_equal(fsn__window_objects(&right, objects, 2, out), 1);
    assert_float_equal(out[0].box.x0, 0, 1e-6);
    assert_float_equal(out[0].box.x1, 0.6, 1e-6);
    assert_float_equal(out[0].box.y0, 0.25, 1e-6);
    assert_float_equal(out[0].box.y1, 0.5, 1e-6);
    assert_true(out[0].label == 3 && out[0].difficult);
    assert_int_equal(fsn__window_objects(&wide, objects, 2, out), 2);
    assert_float_equal(out[0].box.x0, 0.55f, 1e-6);
    assert_float_equal(out[0].box.x1, 0.65f, 1e-6);
    assert_float_equal(out[0].box.y0, 2.25 / 4, 1e-6);
    assert_float_equal(out[0].box.y1, 2.5 / 4, 1e-6);
}

static void windows_are_drawn_as_often_as_they_should_be(void **state)
{
    enum { DRAWS = 7000 };
    static const struct fsn__object object = {{0.3f, 0.3f, 0.7f, 0.6f}, 0, false};
    int whole = 0, larger = 0, flipped = 0;

    (void)state;
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct fsn__rng rng = fsn__rng_open(1, FSN__RNG_TEST, 0, i);
        const struct fsn__window window = fsn__window_draw(&rng, 200, 100, &object, 1);
        const double w = window.x1 - window.x0, h = window.y1 - window.y0;
        struct fsn__object out;

        assert_int_equal(fsn__window_objects(&window, &object, 1, &out), 1);
        assert_true(w > 0.29 && w <= 4 && h > 0.29 && h <= 4);
        flipped += window.flip;
        larger += w > 1 && h > 1;
        if (fabs(w - h) < 1e-12) /* a canvas, by no chance a patch */
            whole += w == 1 && window.x0 == 0 && window.y0 == 0;
        else
            assert_in_range(1000 * w * 2 / h, 499, 2001);
    }
    /* Half of all; standard deviation 42. */
    assert_in_range(flipped, 3250, 3750);
    /* Not expanded, 1/2, and "whole", 1/7 at the first choice and again where others fail. */
    assert_in_range(whole, 400, 1400);
    assert_in_range(larger, 500, 3500);
}

static void half_of_the_images_keep_each_of_their_colours(void **state)
{
    enum { DRAWS = 4000 };
    int same[5] = {0};

    (void)state;
    for (uint64_t i = 0; i < DRAWS; i++) {
        struct fsn__rng rng = fsn__rng_open(2, FSN__RNG_TEST, 0, i);
        const struct fsn__photometric change = fsn__photometric_draw(&rng);

        assert_true(fabs(change.brightness) <= 32 && fabs(change.hue) <= 18);
        assert_true(change.contrast >= 0.5 && change.contrast < 1.5);
        assert_true(change.saturation >= 0.5 && change.saturation < 1.5);
        assert_int_equal(change.order[0] + change.order[1] + change.order[2], 3);
        same[0] += change.brightness == 0;
        same[1] += change.contrast == 1;
        same[2] += change.saturation == 1;
        same[3] += change.hue == 0;
        same[4] += change.order[0] == 0 && change.order[1] == 1;
    }
    for (int i = 0; i < 4; i++)
        assert_in_range(same[i], 1850, 2150); /* 2000, standard deviation 32 */
    assert_in_range(same[4], 2180, 2490);     /* and one of six orders: 7/12 */
}

/* ---- batches --------------------------------------------------------------------------------- */

/* Two pictures of 64 x 48, black with a white square: columns 20..39, rows 12..27. */
static struct fsn_dataset *open_set(void)
{
    static const char xml[] =
        "<annotation><object><name>square</name><bndbox><xmin>21</xmin><ymin>13</ymin>"
        "<xmax>40</xmax><ymax>28</ymax></bndbox></object></annotation>";
    static uint8_t pixels[PLANE * 3];
    struct made_bytes image;
    struct fsn_dataset *dataset;
    struct fsn_error err;

    for (int i = 0; i < PLANE; i++)
        memset(pixels + (size_t)i * 3,
               i % WIDTH >= 20 && i % WIDTH < 40 && i / WIDTH >= 12 && i / WIDTH < 28 ? 255 : 0, 3);
    image = make_png(pixels, WIDTH, HEIGHT, MADE_RGB, 8, 0);
    dataset = open_entries(
        (struct made_entry[]){
            {.name = "V/JPEGImages/1.png", .bytes = image.data, .size = image.size},
            {.name = "V/JPEGImages/2.png", .bytes = image.data, .size = image.size},
            {.name = "V/JPEGImages/3.png", .bytes = image.data, .size = image.size},
            {.name = "V/Annotations/1.xml", .bytes = xml, .size = sizeof xml - 1},
            {.name = "V/Annotations/2.xml", .bytes = xml, .size = sizeof xml - 1},
            {.name = "V/Annotations/3.xml", .bytes = xml, .size = sizeof xml - 1},
        },
        6, FSN_OK, &err);
    free(image.data);
    return dataset;
}

/* Mean 0, so that what lies beyond the image is black too. */
static struct fsn__transform transform_of(uint64_t seed)
{
    return (struct fsn__transform){
        .preprocess = {.channels = 3, .std = {1, 1, 1}},
        .channels = 3,
        .height = HEIGHT,
        .width = WIDTH,
        .seed = seed,
    };
}

static void without_augmentation_an_image_is_resized_only(void **state)
{
    struct fsn_dataset *dataset = open_set();
    struct fsn__transform transform = transform_of(1);
    struct fsn__object_batch objects = {0};
    const int64_t index[] = {1, 0};
    static float x[2 * SIZE], want[2 * SIZE];
    int32_t labels[2];

    (void)state;
    transform.preprocess.mean[1] = 0.25f;
    transform.preprocess.std[2] = 0.5f;
    transform.width = 40;
    assert_int_equal(fsn__load_detection_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform,
                                               false, 0, NULL, x, &objects, NULL),
                     FSN_OK);
    transform.preprocess.crop = FSN_CROP_NONE;
    assert_int_equal(fsn__load_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform, false, 0, NULL,
                                     want, labels, NULL),
                     FSN_OK);
    for (int i = 0; i < 2 * 3 * 40 * HEIGHT; i++)
        assert_float_equal(x[i], want[i], 1e-6);
    assert_true(objects.first[0] == 0 && objects.first[1] == 1 && objects.first[2] == 2);
    assert_float_equal(objects.objects[1].box.x0, 20.0 / 64, 1e-6);
    assert_float_equal(objects.objects[1].box.y1, 28.0 / 48, 1e-6);
    fsn__object_batch_clear(&objects);
    fsn_dataset_destroy(dataset);
}

/* The columns (step 1) or rows (step WIDTH) in which something is white; black is at most 48 of 255
 * after all changes of colour, white at least 111. */
static void find_white(const float *x, bool rows, double *begin, double *end)
{
    *begin = 1e9;
    *end = -1;
    for (int i = 0; i < PLANE; i++) {
        const double at = rows ? i / WIDTH : i % WIDTH;

        if (x[i] < 80.0f / 255)
            continue;
        *begin = fmin(*begin, at);
        *end = fmax(*end, at + 1);
    }
}

static void boxes_follow_what_they_mark(void **state)
{
    enum { EPOCHS = 60 };
    struct fsn_dataset *dataset = open_set();
    const struct fsn__transform transform = transform_of(3);
    struct fsn__object_batch objects = {0};
    const int64_t index[] = {0, 1};
    static float x[2 * SIZE];
    double x0, x1, y0, y1;
    int moved = 0;

    (void)state;
    for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
        assert_int_equal(fsn__load_detection_batch(dataset, FSN_SPLIT_TRAIN, index, 2, &transform,
                                                   true, epoch, NULL, x, &objects, NULL),
                         FSN_OK);
        assert_int_equal(objects.first[2], 2);
        for (int i = 0; i < 2; i++) {
            const struct fsn__box *box = &objects.objects[i].box;

            find_white(x + (size_t)i * SIZE, false, &x0, &x1);
            find_white(x + (size_t)i * SIZE, true, &y0, &y1);
            /* A pixel of the image is up to 3.4 of the network: half of it, and rounding. */
            assert_float_equal(x0, box->x0 * WIDTH, 2.5);
            assert_float_equal(x1, box->x1 * WIDTH, 2.5);
            assert_float_equal(y0, box->y0 * HEIGHT, 2.5);
            assert_float_equal(y1, box->y1 * HEIGHT, 2.5);
            moved += fabs(box->x0 * WIDTH - 20) > 5;
        }
    }
    assert_in_range(moved, EPOCHS / 2, 2 * EPOCHS);
    fsn__object_batch_clear(&objects);
    fsn_dataset_destroy(dataset);
}

static void an_image_depends_on_nothing_but_its_stream(void **state)
{
    struct fsn_dataset *dataset = open_set();
    const struct fsn__transform transform = transform_of(3), other = transform_of(4);
    struct fsn__object_batch both = {0}, one = {0};
    static float x[2 * SIZE], y[SIZE];
    struct fsn__pool *pool;

    (void)state;
    assert_int_equal(fsn__pool_create(3, &pool, NULL), FSN_OK);
    assert_int_equal(fsn__load_detection_batch(dataset, FSN_SPLIT_TRAIN, (int64_t[]){0, 1}, 2,
                                               &transform, true, 7, pool, x, &both, NULL),
                     FSN_OK);
    assert_int_equal(fsn__load_detection_batch(dataset, FSN_SPLIT_TRAIN, (int64_t[]){1}, 1,
                                               &transform, true, 7, NULL, y, &one, NULL),
                     FSN_OK);
    assert_memory_equal(y, x + SIZE, sizeof y);
    assert_memory_equal(&one.objects[0].box, &both.objects[both.first[1]].box,
                        sizeof one.objects[0].box);
    assert_memory_not_equal(x, x + SIZE, sizeof y);
    assert_int_equal(fsn__load_detection_batch(dataset, FSN_SPLIT_TRAIN, (int64_t[]){1}, 1, &other,
                                               true, 7, NULL, y, &one, NULL),
                     FSN_OK);
    assert_memory_not_equal(y, x + SIZE, sizeof y);
    fsn__pool_destroy(pool);
    fsn__object_batch_clear(&both);
    fsn__object_batch_clear(&one);
    fsn_dataset_destroy(dataset);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(colours_change_as_in_hsv),
        cmocka_unit_test(levels_are_shifted_scaled_and_cut),
        cmocka_unit_test(objects_are_moved_cut_and_dropped_by_their_centre),
        cmocka_unit_test(windows_are_drawn_as_often_as_they_should_be),
        cmocka_unit_test(half_of_the_images_keep_each_of_their_colours),
        cmocka_unit_test(without_augmentation_an_image_is_resized_only),
        cmocka_unit_test(boxes_follow_what_they_mark),
        cmocka_unit_test(an_image_depends_on_nothing_but_its_stream),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
