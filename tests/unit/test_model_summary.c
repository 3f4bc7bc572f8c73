/* test_model_summary.c - what is said of a model before anything is done with it: its layers, with
 * sizes counted by hand, and what keeps it from being compressed or trained. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fsnet.h"
#include "onnx_maker.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const int64_t scalar[1] = {1};

static struct fsn_model *load(struct onnx_maker *m)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);

    if (fsn_model_load_memory(bytes, size, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

static json_t *summary_of(struct onnx_maker *m)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = load(m);
    char *text = NULL;
    json_t *summary;

    assert_int_equal(fsn_model_summary_json(model, &text, &err), FSN_OK);
    summary = json_loads(text, 0, NULL);
    assert_non_null(summary);
    free(text);
    fsn_model_destroy(model);
    return summary;
}

static void expect_row(const json_t *summary, size_t i, const char *op, int64_t parameters,
                       int64_t macs, const char *reason)
{
    const json_t *row = json_array_get(json_object_get(summary, "layers"), i);
    const char *got = json_string_value(json_object_get(row, "reason"));

    assert_non_null(row);
    assert_string_equal(json_string_value(json_object_get(row, "op")), op);
    assert_int_equal(json_integer_value(json_object_get(row, "parameters")), parameters);
    assert_int_equal(json_integer_value(json_object_get(row, "macs")), macs);
    assert_int_equal(json_is_true(json_object_get(row, "compressible")), reason == NULL);
    if (reason)
        assert_string_equal(got, reason);
    else
        assert_null(got);
}

/* ---- networks --------------------------------------------------------------------------------
 */

static void image_input(struct onnx_maker *m, const char *name)
{
    onnx_input(m, name, FSN__ONNX_FLOAT, 4, (const int64_t[]){ONNX_OPEN, 8, 6, 6});
}

/* Weights [k,c,r,r] of zeros. */
static void weights(struct onnx_maker *m, const char *name, int64_t k, int64_t c, int64_t r)
{
    float zeros[8 * 8 * 3 * 3] = {0};

    onnx_floats(m, name, 4, (const int64_t[]){k, c, r, r}, zeros);
}

/* Conv [8,8,3,3], levels and back, Conv [4,8,3,3]: x is [N,8,6,6], the output [N,4,2,2]. */
static void quantised_between(struct onnx_maker *m)
{
    onnx_begin(m, 13);
    image_input(m, "x");
    weights(m, "w1", 8, 8, 3);
    weights(m, "w2", 4, 8, 3);
    onnx_floats(m, "scale", 1, scalar, (const float[]){0.1f});
    onnx_node(m, "Conv", "x,w1", "a");
    onnx_node(m, "QuantizeLinear", "a,scale", "q");
    onnx_node(m, "DequantizeLinear", "q,scale", "d");
    onnx_node(m, "Conv", "d,w2", "y");
    onnx_output(m, "y");
}

/* ---- tests -----------------------------------------------------------------------------------
 */

static void a_row_says_what_a_layer_costs_and_why_it_stays_as_it_is(void **state)
{
    struct onnx_maker m;
    json_t *summary;
    const uint8_t levels[4 * 8] = {0};
    const int32_t bias[4] = {0};

    (void)state;
    onnx_begin(&m, 13);
    image_input(&m, "x");
    weights(&m, "w1", 8, 8, 3);
    weights(&m, "up", 8, 4, 2);
    onnx_floats(&m, "scale", 1, scalar, (const float[]){0.1f});
    onnx_initialiser(&m, "zero", FSN__ONNX_UINT8, 1, scalar, levels, 1);
    onnx_initialiser(&m, "w8", FSN__ONNX_UINT8, 4, (const int64_t[]){4, 8, 1, 1}, levels, 32);
    onnx_initialiser(&m, "b32", FSN__ONNX_INT32, 1, (const int64_t[]){4}, bias, sizeof bias);
    onnx_node(&m, "Conv", "x,w1", "a");          /* [N,8,4,4] */
    onnx_node(&m, "ConvTranspose", "a,up", "b"); /* [N,4,5,5] */
    onnx_node(&m, "QuantizeLinear", "a,scale,zero", "q");
    onnx_node(&m, "QLinearConv", "q,scale,zero,w8,scale,zero,scale,zero,b32", "c");
    onnx_output(&m, "b");
    onnx_output(&m, "c");
    summary = summary_of(&m);
    assert_int_equal(json_array_size(json_object_get(summary, "layers")), 3);
    expect_row(summary, 0, "Conv", 8 * 8 * 9, 8 * 16 * 8 * 9, NULL);
    expect_row(summary, 1, "ConvTranspose", 8 * 4 * 4, 8 * 16 * 4 * 4,
               "transposed: not compressed");
    expect_row(summary, 2, "QLinearConv", 4 * 8 + 4, 4 * 16 * 8,
               "computes with integers: quantised already");
    assert_int_equal(json_integer_value(json_object_get(summary, "macs")),
                     8 * 16 * 8 * 9 + 8 * 16 * 4 * 4 + 4 * 16 * 8);
    /* q and c lead to an output, but the first convolution is trained through b */
    assert_int_equal(json_array_size(json_object_get(summary, "blocks_training")), 0);
    json_decref(summary);
    onnx_end(&m);
}

static void a_model_of_which_nothing_can_be_compressed_says_why(void **state)
{
    struct onnx_maker m;
    json_t *summary;
    const float zeros[8 * 9] = {0};

    (void)state;
    onnx_begin(&m, 13);
    image_input(&m, "x");
    onnx_floats(&m, "w", 4, (const int64_t[]){8, 1, 3, 3}, zeros);
    onnx_attr_int(&m, onnx_node(&m, "Conv", "x,w", "y"), "group", 8);
    onnx_output(&m, "y");
    summary = summary_of(&m);
    assert_true(json_is_false(json_object_get(summary, "compressible")));
    expect_row(summary, 0, "Conv", 8 * 9, 8 * 16 * 9, "depthwise: a filter has one channel");
    json_decref(summary);
    onnx_end(&m);
}

static void nodes_that_keep_gradients_from_weights_are_named(void **state)
{
    struct onnx_maker m;
    const json_t *blocked;
    json_t *summary;

    (void)state;
    quantised_between(&m);
    summary = summary_of(&m);
    blocked = json_object_get(summary, "blocks_training");
    assert_int_equal(json_array_size(blocked), 1);
    assert_string_equal(json_string_value(json_object_get(json_array_get(blocked, 0), "name")),
                        "QuantizeLinear_q");
    json_decref(summary);
    onnx_end(&m);
}

/* The condition has no gradient, but what it chooses between has. */
static void a_condition_keeps_no_gradient_away(void **state)
{
    struct onnx_maker m;
    json_t *summary;

    (void)state;
    onnx_begin(&m, 13);
    image_input(&m, "x");
    weights(&m, "w1", 8, 8, 3);
    onnx_floats(&m, "zero", 1, scalar, (const float[]){0});
    onnx_node(&m, "Conv", "x,w1", "a");
    onnx_node(&m, "Greater", "a,zero", "positive");
    onnx_node(&m, "Where", "positive,a,zero", "y");
    onnx_output(&m, "y");
    summary = summary_of(&m);
    assert_int_equal(json_array_size(json_object_get(summary, "blocks_training")), 0);
    json_decref(summary);
    onnx_end(&m);
}

static void a_plan_refuses_epochs_that_would_train_nothing(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    struct fsn_spec spec;
    struct fsn_plan *plan = NULL;
    struct fsn_faults faults = {0};
    struct fsn_error err = {.status = FSN_OK};

    (void)state;
    quantised_between(&m);
    model = load(&m);
    fsn_spec_defaults(&spec);
    assert_true(spec.finetune.epochs > 0);
    assert_int_equal(fsn_plan_create(model, &spec, &plan, &faults, &err), FSN_UNSUPPORTED);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.item[0].pointer, "/finetune/epochs");
    assert_string_equal(faults.item[0].text,
                        "weights cannot be trained, for no gradient comes back through "
                        "QuantizeLinear 'QuantizeLinear_q': only 0 epochs are possible");
    memset(&err, 0, sizeof err);
    spec.finetune.epochs = 0;
    if (fsn_plan_create(model, &spec, &plan, &faults, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_plan_destroy(plan);
    fsn_spec_clear(&spec);
    fsn_model_destroy(model);
    onnx_end(&m);
}

static void a_model_of_integers_alone_can_only_be_measured(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    struct fsn_spec spec;
    struct fsn_plan *plan = NULL;
    struct fsn_faults faults = {0};
    struct fsn_error err = {.status = FSN_OK};
    const uint8_t levels[4 * 8] = {0};

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_UINT8, 4, (const int64_t[]){ONNX_OPEN, 8, 6, 6});
    onnx_initialiser(&m, "w", FSN__ONNX_UINT8, 4, (const int64_t[]){4, 8, 1, 1}, levels, 32);
    onnx_node(&m, "ConvInteger", "x,w", "y");
    onnx_output(&m, "y");
    model = load(&m);
    fsn_spec_defaults(&spec);
    assert_int_equal(fsn_plan_create(model, &spec, &plan, &faults, &err), FSN_BUDGET);
    assert_non_null(
        strstr(faults.item[0].text, "it is quantised already and can only be measured"));
    fsn_spec_clear(&spec);
    fsn_model_destroy(model);
    onnx_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_says_what_a_layer_costs_and_why_it_stays_as_it_is),
        cmocka_unit_test(a_model_of_which_nothing_can_be_compressed_says_why),
        cmocka_unit_test(nodes_that_keep_gradients_from_weights_are_named),
        cmocka_unit_test(a_condition_keeps_no_gradient_away),
        cmocka_unit_test(a_plan_refuses_epochs_that_would_train_nothing),
        cmocka_unit_test(a_model_of_integers_alone_can_only_be_measured),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
