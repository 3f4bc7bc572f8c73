/* test_predict.c - one picture in networks that end in Softmax, in Sigmoid, and that take channels
 * last: what fsn_predict says of them is what ONNX Runtime says (predict_table.mjs); and what is
 * refused. */
#include "fsnet.h"
#include "image_maker.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { SIDE = 32, CLASSES = 10 };

struct golden {
    const char *name;
    double probability[CLASSES];
};
#include "predict_table.h"

static const struct fsn_preprocess preprocess = {
    .channels = 3, .mean = {0.4f, 0.5f, 0.6f}, .std = {0.2f, 0.25f, 0.3f}};

static struct made_bytes picture(void)
{
    uint8_t pixels[SIDE * SIDE * 3];

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++)
            for (int c = 0; c < 3; c++)
                pixels[(y * SIDE + x) * 3 + c] =
                    (uint8_t)((y * y * 3 + x * 7 * (c + 1) + c * 40 + x * y % 11 * 5) % 256);
    return make_png(pixels, SIDE, SIDE, MADE_RGB, 8, 0);
}

static enum fsn_status create(const struct fsn_model *model, const char *output,
                              struct fsn_predictor **out, struct fsn_error *err)
{
    struct fsn_spec spec;
    char name[32] = "";

    fsn_spec_defaults(&spec);
    if (output) {
        snprintf(name, sizeof name, "%s", output);
        spec.output = name;
    }
    return fsn_predictor_create(model, &spec, out, err);
}

static struct fsn_predictor *open_predictor(const char *fixture, struct fsn_model **model)
{
    struct fsn_predictor *predictor = NULL;
    char path[256];

    snprintf(path, sizeof path, "tests/fixtures/%s/model.onnx", fixture);
    assert_int_equal(fsn_model_load(path, NULL, model, NULL), FSN_OK);
    assert_int_equal(create(*model, NULL, &predictor, NULL), FSN_OK);
    return predictor;
}

static void probabilities_are_those_of_onnx_runtime(void **state)
{
    struct made_bytes png = picture();
    const struct fsn_image image = {.name = "picture", .bytes = png.data, .size = png.size};

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        const double *want = table[i].probability;
        struct fsn_model *model = NULL;
        struct fsn_predictor *predictor = open_predictor(table[i].name, &model);
        struct fsn_prediction got;

        /* Twice: nothing of a call is left for the next. */
        for (int call = 0; call < 2; call++) {
            assert_int_equal(
                fsn_predict(predictor, &preprocess, &image, FSN_MAX_CHOICES, &got, NULL), FSN_OK);
            assert_int_equal(got.count, CLASSES);
            assert_int_equal(got.label, -1);
            for (int c = 0; c < CLASSES; c++) {
                const struct fsn_choice *choice = &got.choice[c];

                if (fabs(choice->probability - want[choice->class_index]) > 2e-6)
                    fail_msg("%s, class %d: %.8f, ONNX Runtime says %.8f", table[i].name,
                             (int)choice->class_index, choice->probability,
                             want[choice->class_index]);
                assert_true(c == 0 || choice->probability <= choice[-1].probability);
            }
        }
        fsn_predictor_destroy(predictor);
        fsn_model_destroy(model);
    }
    free(png.data);
}

static void only_as_many_choices_come_as_are_wanted(void **state)
{
    struct made_bytes png = picture();
    const struct fsn_image image = {.name = "picture", .bytes = png.data, .size = png.size};
    struct fsn_model *model = NULL;
    struct fsn_predictor *predictor = open_predictor("softmax-opset12", &model);
    struct fsn_predictor_info info;
    struct fsn_prediction three, all;

    (void)state;
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 3, &three, NULL), FSN_OK);
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 100, &all, NULL), FSN_OK);
    assert_int_equal(three.count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(three.choice[i].class_index, all.choice[i].class_index);
        assert_true(three.choice[i].probability == all.choice[i].probability);
    }
    fsn_predictor_info(predictor, &info);
    assert_int_equal(info.height, SIDE);
    assert_int_equal(info.channels, 3);
    assert_int_equal(info.classes, CLASSES);
    assert_false(info.sigmoid);
    /* 1230 parameters of 4 bytes, and the planned block. */
    assert_true(info.memory_bytes > 4 * 1230);
    fsn_predictor_destroy(predictor);
    fsn_model_destroy(model);
    free(png.data);
}

static void what_cannot_be_judged_is_refused_by_name(void **state)
{
    struct made_bytes png = picture();
    struct fsn_image image = {.name = "picture", .bytes = png.data, .size = png.size / 2};
    const struct fsn_preprocess grey = {.channels = 1, .std = {1}};
    struct fsn_model *model = NULL;
    struct fsn_predictor *predictor = open_predictor("softmax-opset12", &model);
    struct fsn_prediction got;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 1, &got, &err), FSN_FORMAT);
    assert_non_null(strstr(err.text, "picture"));
    image.size = png.size;
    err = (struct fsn_error){0};
    assert_int_equal(fsn_predict(predictor, &grey, &image, 1, &got, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "for 1 channels, the images have 3"));
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 0, &got, NULL), FSN_INVALID);
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 101, &got, NULL), FSN_INVALID);
    image.bytes = "GIF89a of no use";
    image.size = 16;
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 1, &got, NULL), FSN_UNSUPPORTED);
    fsn_predictor_destroy(predictor);
    fsn_model_destroy(model);
    free(png.data);
}

static void a_network_that_does_not_classify_is_refused(void **state)
{
    struct fsn_predictor *predictor = NULL;
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_model_load("tests/fixtures/unet-opset11/model.onnx", NULL, &model, NULL),
                     FSN_OK);
    assert_int_equal(create(model, NULL, &predictor, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "expected one row of logits an image"));
    assert_int_equal(create(model, "nowhere", &predictor, NULL), FSN_INVALID);
    assert_null(predictor);
    fsn_model_destroy(model);
}

static void a_detector_finds_objects(void **state)
{
    const struct fsn_arch_options options = {.classes = 3, .input_size = 96};
    struct made_bytes png = picture();
    const struct fsn_image image = {.name = "picture", .bytes = png.data, .size = png.size};
    struct fsn_predictor *predictor = NULL;
    struct fsn_model *model = NULL;
    struct fsn_found_objects found;
    struct fsn_predictor_info info;
    struct fsn_prediction made;
    struct fsn_error err = {0};
    struct fsn_spec spec;

    (void)state;
    fsn_spec_defaults(&spec);
    spec.detection.keep = 7;
    spec.detection.score = 0;
    if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    if (fsn_predictor_create(model, &spec, &predictor, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_predictor_info(predictor, &info);
    assert_true(info.detects);
    assert_int_equal(info.classes, options.classes);
    assert_int_equal(fsn_predict(predictor, &preprocess, &image, 1, &made, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "finds objects"));
    if (fsn_predict_objects(predictor, &spec, &image, &found, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(found.width, SIDE);
    assert_int_equal(found.height, SIDE);
    assert_int_equal(found.count, 7);
    for (int64_t i = 0; i < found.count; i++) {
        const struct fsn_found_object *one = &found.object[i];

        assert_in_range(one->class_index, 0, options.classes - 1);
        assert_true(one->score > 0 && one->score <= 1);
        assert_true(i == 0 || one->score <= one[-1].score);
        assert_true(one->box[0] >= 0 && one->box[0] <= one->box[2] && one->box[2] <= SIDE);
        assert_true(one->box[1] >= 0 && one->box[1] <= one->box[3] && one->box[3] <= SIDE);
    }
    fsn_found_objects_clear(&found);
    fsn_predictor_destroy(predictor);
    fsn_model_destroy(model);
    free(png.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(probabilities_are_those_of_onnx_runtime),
        cmocka_unit_test(only_as_many_choices_come_as_are_wanted),
        cmocka_unit_test(what_cannot_be_judged_is_refused_by_name),
        cmocka_unit_test(a_network_that_does_not_classify_is_refused),
        cmocka_unit_test(a_detector_finds_objects),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
