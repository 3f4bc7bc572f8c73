/* Reading ONNX files: operators in the forms of older operator sets, and model-local functions.
 * Expected values are worked out by hand from the ONNX operator specification. */
#include "model_runner.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define FLOATS(...) ((const float[]){__VA_ARGS__})
#define ATTR(type) FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##type

/* ---- older forms --------------------------------------------------------------------------- */

/* One node in the form of an old operator set, x [2,3] = 1 -2 3 / -4 5 -6. */
static struct fsn_model *load_old(int64_t opset, const char *op,
                                  void (*set)(struct onnx_maker *m, FsnOnnx__NodeProto *node))
{
    struct onnx_maker m;

    onnx_begin(&m, opset);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 3));
    set(&m, onnx_node(&m, op, "x", "y"));
    onnx_output(&m, "y");
    return onnx_load(&m);
}

static void set_slice(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_ints(m, node, "axes", 1, INTS(1));
    onnx_attr_ints(m, node, "starts", 1, INTS(1));
    onnx_attr_ints(m, node, "ends", 1, INTS(9));
}

static void set_slice_of_first_axes(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_ints(m, node, "starts", 2, INTS(1, 0));
    onnx_attr_ints(m, node, "ends", 2, INTS(2, -1));
}

static void set_pad(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_ints(m, node, "pads", 4, INTS(0, 1, 0, 0));
    onnx_attr_float(m, node, "value", 9);
}

static void set_clip(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_float(m, node, "min", -3);
    onnx_attr_float(m, node, "max", 2);
}

static void set_clip_above(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_float(m, node, "max", 0);
}

static void set_dropout(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_float(m, node, "ratio", 0.3f);
}

static void set_unsqueeze(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_ints(m, node, "axes", 2, INTS(0, 3));
}

static void set_reduction(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    onnx_attr_ints(m, node, "axes", 1, INTS(-1));
    onnx_attr_int(m, node, "keepdims", 0);
}

static void set_nothing(struct onnx_maker *m, FsnOnnx__NodeProto *node)
{
    (void)m, (void)node;
}

static void older_forms_mean_what_they_meant(void **state)
{
    static const float x[6] = {1, -2, 3, -4, 5, -6};
    static const struct {
        int64_t opset;
        const char *op;
        void (*set)(struct onnx_maker *m, FsnOnnx__NodeProto *node);
        const char *shape;
        float y[8];
    } cases[] = {
        {1, "Slice", set_slice, "[2,2]", {-2, 3, 5, -6}},
        {6, "Neg", set_nothing, "[2,3]", {-1, 2, -3, 4, -5, 6}},
        {9, "Slice", set_slice, "[2,2]", {-2, 3, 5, -6}},
        {7, "Slice", set_slice_of_first_axes, "[1,2]", {-4, 5}},
        {10, "Pad", set_pad, "[2,4]", {9, 1, -2, 3, 9, -4, 5, -6}},
        {10, "Clip", set_clip, "[2,3]", {1, -2, 2, -3, 2, -3}},
        {7, "Clip", set_clip_above, "[2,3]", {0, -2, 0, -4, 0, -6}},
        {11, "Dropout", set_dropout, "[2,3]", {1, -2, 3, -4, 5, -6}},
        {17, "ReduceMax", set_reduction, "[2]", {3, 5}},
        {11, "ReduceSum", set_reduction, "[2]", {2, -5}},
        {13, "ReduceL1", set_nothing, "[1,1]", {21}},
        {12, "Hardmax", set_nothing, "[2,3]", {0, 0, 1, 0, 1, 0}},
        {12, "Unsqueeze", set_unsqueeze, "[1,2,3,1]", {1, -2, 3, -4, 5, -6}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_old(cases[i].opset, cases[i].op, cases[i].set);

        assert_shape(model_output(model, 0), cases[i].shape);
        assert_computes(model, x, fsn__numel(model_output(model, 0)), cases[i].y);
        fsn_model_destroy(model);
    }
}

/* b [3] and x [2,3], as version 6 says it: the last axes meet. */
static void broadcasting_had_to_be_asked_for(void **state)
{
    static const float x[6] = {1, -2, 3, -4, 5, -6}, b[3] = {10, 20, 30};
    static const float y[6] = {11, 18, 33, 6, 25, 24};
    struct fsn_model *model;
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 6);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 3));
    onnx_floats(&m, "b", 1, INTS(3), b);
    onnx_attr_int(&m, onnx_node(&m, "Add", "x,b", "y"), "broadcast", 1);
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_computes(model, x, 6, y);
    fsn_model_destroy(model);
}

/* ONNX's case resize_downsample_nearest of version 10, and one that enlarges. Elements are read at
 * ceil(i / 0.6) and at floor(i / 1.5). */
static void nearest_neighbours_lay_above_where_a_resize_shrank(void **state)
{
    static const float x[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const float scales[2][4] = {{1, 1, 0.6f, 0.6f}, {1, 1, 1, 1.5f}};
    static const float y[2][12] = {{1, 3}, {1, 1, 2, 3, 3, 4, 5, 5, 6, 7, 7, 8}};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct fsn_model *model;
        struct onnx_maker m;

        onnx_begin(&m, 10);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(1, 1, 2, 4));
        onnx_floats(&m, "s", 1, INTS(4), scales[i]);
        onnx_node(&m, "Resize", "x,s", "y");
        onnx_output(&m, "y");
        model = onnx_load(&m);
        assert_computes(model, x, i ? 12 : 2, y[i]);
        fsn_model_destroy(model);
    }
}

static void squeeze_took_its_axes_as_an_attribute(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 11);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 2, 1, 1));
    onnx_attr_ints(&m, onnx_node(&m, "Squeeze", "x", "y"), "axes", 2, INTS(2, -1));
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_shape(model_output(model, 0), "[N,2]");
    fsn_model_destroy(model);
}

/* Halves of four, of which nothing reads the second, or which has no name. */
static void equal_parts_that_nothing_reads_take_their_share(void **state)
{
    static const char *const outputs[] = {"a,b", "a,"};
    static const int64_t opsets[] = {11, 13, 18};

    (void)state;
    for (size_t i = 0; i < 6; i++) {
        struct onnx_maker m;
        struct fsn_model *model;
        FsnOnnx__NodeProto *node;

        onnx_begin(&m, opsets[i / 2]);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 4));
        node = onnx_node(&m, "Split", "x", outputs[i % 2]);
        onnx_attr_int(&m, node, "axis", 1);
        if (opsets[i / 2] == 18)
            onnx_attr_int(&m, node, "num_outputs", 2);
        onnx_node(&m, "Neg", "a", "y");
        onnx_output(&m, "y");
        model = onnx_load(&m);
        assert_shape(model_output(model, 0), "[N,2]");
        assert_computes(model, FLOATS(1, 2, 3, 4), 2, FLOATS(-1, -2));
        fsn_model_destroy(model);
    }
}

/* Before version 13 a Softmax normalised over all axes from `axis` on: four equal values are 1/4
 * each, where version 13 makes them 1/2 (over the last axis of two). */
static void softmax_normalised_over_several_axes(void **state)
{
    static const struct {
        int64_t opset;
        float each;
    } cases[] = {{11, 0.25f}, {13, 0.5f}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct onnx_maker m;
        struct fsn_model *model;

        onnx_begin(&m, cases[i].opset);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 3, INTS(ONNX_OPEN, 2, 2));
        onnx_node(&m, "Softmax", "x", "y");
        onnx_output(&m, "y");
        model = onnx_load(&m);
        assert_computes(model, FLOATS(7, 7, 7, 7), 4,
                        FLOATS(cases[i].each, cases[i].each, cases[i].each, cases[i].each));
        fsn_model_destroy(model);
    }
}

static void softmax_over_the_last_axis_alone_is_todays_form(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 9);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 2));
    onnx_node(&m, "Softmax", "x", "y");
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_null(fsn__attr_find(&model->graph->nodes[0].attrs, "flatten"));
    assert_int_equal(fsn__attr_int(&model->graph->nodes[0].attrs, "axis", 99), 1);
    fsn_model_destroy(model);
}

/* ---- training mode ----------------------------------------------------------------------------
 */

/* Channels of x [2,3]: y = (x - 1) / sqrt(4) * 4 + 1. */
static void add_norm(struct onnx_maker *m, const char *outputs, bool says_so)
{
    FsnOnnx__NodeProto *node;

    onnx_input(m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 3));
    onnx_floats(m, "s", 1, INTS(3), FLOATS(4, 4, 4));
    onnx_floats(m, "one", 1, INTS(3), FLOATS(1, 1, 1));
    onnx_floats(m, "v", 1, INTS(3), FLOATS(4, 4, 4));
    node = onnx_node(m, "BatchNormalization", "x,s,one,one,v", outputs);
    onnx_attr_float(m, node, "epsilon", 0);
    if (says_so)
        onnx_attr_int(m, node, "training_mode", 1);
    onnx_output(m, "y");
}

static void a_batch_norm_exported_in_training_mode_uses_its_running_statistics(void **state)
{
    static const struct {
        int64_t opset;
        const char *outputs;
        bool says_so;
    } cases[] = {
        {9, "y,m2,v2,sm,sv", false},
        {13, "y,m2,v2", false},
        {14, "y,m2,v2", true},
        {15, "y", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct onnx_maker m;
        struct fsn_model *model;

        onnx_begin(&m, cases[i].opset);
        add_norm(&m, cases[i].outputs, cases[i].says_so);
        model = onnx_load(&m);
        assert_computes(model, FLOATS(1, -2, 3, -4, 5, -6), 6, FLOATS(1, -5, 5, -9, 9, -13));
        fsn_model_destroy(model);
    }
}

/* Where the moved statistics are read, the mode is meant: here those of the batch are. */
static void a_batch_norm_whose_new_statistics_are_an_output_stays_as_it_is(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 9);
    add_norm(&m, "y,m2,v2", false);
    onnx_output(&m, "m2");
    model = onnx_load(&m);
    assert_int_equal(model->graph->output_count, 2);
    assert_int_equal(fsn__attr_int(&model->graph->nodes[0].attrs, "training_mode", 0), 1);
    fsn_model_destroy(model);
}

static void a_dropout_exported_in_training_mode_drops_nothing(void **state)
{
    static const unsigned char yes = 1;
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 3));
    onnx_floats(&m, "ratio", 0, NULL, FLOATS(0.5f));
    onnx_initialiser(&m, "training", FSN__ONNX_BOOL, 0, NULL, &yes, 1);
    onnx_node(&m, "Dropout", "x,ratio,training", "y,mask");
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_computes(model, FLOATS(1, -2, 3, -4, 5, -6), 6, FLOATS(1, -2, 3, -4, 5, -6));
    fsn_model_destroy(model);
}

/* ---- functions ----------------------------------------------------------------------------- */

/* mine.Scale(x, by?) = Concat(x, x) on `axis` (default 1), plus `by` if given. */
static void add_concat_function(struct onnx_maker *m, bool with_default)
{
    FsnOnnx__FunctionProto *f = onnx_function(m, "mine", "Twice", "x,unused", "z");
    FsnOnnx__NodeProto *node = onnx_body_node(m, f, "Concat", "x,x", "t");

    onnx_attr_ref(m, node, "axis", ATTR(INT), "where");
    onnx_body_node(m, f, "Identity", "t", "z");
    if (with_default) { /* FunctionProto.attribute_proto: where = 1 */
        FsnOnnx__NodeProto *holder = onnx_body_node(m, f, "Identity", "t", "spare");

        onnx_attr_int(m, holder, "where", 1);
        f->attribute_proto = holder->attribute;
        f->n_attribute_proto = holder->n_attribute;
        holder->n_attribute = 0;
    }
}

static void a_function_is_inlined_with_its_callers_attributes(void **state)
{
    static const struct {
        int64_t axis;
        const char *shape;
        float y[4];
    } cases[] = {{1, "[2,2]", {1, 1, 2, 2}}, {0, "[4,1]", {1, 2, 1, 2}}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct onnx_maker m;
        struct fsn_model *model;
        FsnOnnx__NodeProto *call;

        onnx_begin(&m, 13);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 1));
        add_concat_function(&m, true);
        call = onnx_node(&m, "Twice", "x", "y");
        call->domain = (char *)"mine";
        if (cases[i].axis == 0) /* else the function's default */
            onnx_attr_int(&m, call, "where", 0);
        onnx_output(&m, "y");
        model = onnx_load(&m);
        assert_shape(model_output(model, 0), cases[i].shape);
        assert_computes(model, FLOATS(1, 2), 4, cases[i].y);
        fsn_model_destroy(model);
    }
}

/* Outer(x) calls Twice with an attribute that refers to its own, two levels down. */
static void nested_functions_hand_attributes_on(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    FsnOnnx__FunctionProto *outer;
    FsnOnnx__NodeProto *call;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 1));
    add_concat_function(&m, false);
    outer = onnx_function(&m, "mine", "Outer", "a", "b");
    call = onnx_body_node(&m, outer, "Twice", "a,", "b");
    call->domain = (char *)"mine";
    onnx_attr_ref(&m, call, "where", ATTR(INT), "axis_of_outer");
    call = onnx_node(&m, "Outer", "x", "y");
    call->domain = (char *)"mine";
    onnx_attr_int(&m, call, "axis_of_outer", 0);
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_shape(model_output(model, 0), "[4,1]");
    assert_computes(model, FLOATS(1, 2), 4, FLOATS(1, 2, 1, 2));
    fsn_model_destroy(model);
}

/* Values of the same name in two calls, and in the graph, are different values. */
static void names_in_a_body_are_the_calls_own(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    FsnOnnx__FunctionProto *f;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 1, INTS(2));
    f = onnx_function(&m, "mine", "AddTwice", "a,b", "c");
    onnx_body_node(&m, f, "Add", "a,b", "t");
    onnx_body_node(&m, f, "Add", "t,b", "c");
    onnx_node(&m, "Relu", "x", "t");
    onnx_node(&m, "AddTwice", "x,t", "u")->domain = (char *)"mine";
    onnx_node(&m, "AddTwice", "u,x", "y")->domain = (char *)"mine";
    onnx_output(&m, "y");
    model = onnx_load(&m); /* y = x + 2 relu(x) + 2 x */
    assert_computes(model, FLOATS(-1, 2), 2, FLOATS(-3, 10));
    fsn_model_destroy(model);
}

static void a_function_may_hand_an_input_through(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 1, INTS(2));
    onnx_function(&m, "mine", "Same", "a", "a");
    onnx_node(&m, "Same", "x", "y")->domain = (char *)"mine";
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_computes(model, FLOATS(-1, 2), 2, FLOATS(-1, 2));
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broadcasting_had_to_be_asked_for),
        cmocka_unit_test(nearest_neighbours_lay_above_where_a_resize_shrank),
        cmocka_unit_test(older_forms_mean_what_they_meant),
        cmocka_unit_test(squeeze_took_its_axes_as_an_attribute),
        cmocka_unit_test(equal_parts_that_nothing_reads_take_their_share),
        cmocka_unit_test(softmax_normalised_over_several_axes),
        cmocka_unit_test(softmax_over_the_last_axis_alone_is_todays_form),
        cmocka_unit_test(a_batch_norm_exported_in_training_mode_uses_its_running_statistics),
        cmocka_unit_test(a_batch_norm_whose_new_statistics_are_an_output_stays_as_it_is),
        cmocka_unit_test(a_dropout_exported_in_training_mode_drops_nothing),
        cmocka_unit_test(a_function_is_inlined_with_its_callers_attributes),
        cmocka_unit_test(nested_functions_hand_attributes_on),
        cmocka_unit_test(names_in_a_body_are_the_calls_own),
        cmocka_unit_test(a_function_may_hand_an_input_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
