/* Reading ONNX files: element types, the batch axis, older operator forms, functions, constants,
 * and running test cases against a model. Expected values are worked out by hand from the ONNX
 * operator specification. */
#include "fsnet.h"
#include "graph/exec.h"
#include "onnx/onnx.h"
#include "onnx_maker.h"
#include "temp_dir.h"

#include <math.h>
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

/* Loads what the maker holds, and ends it. */
static struct fsn_model *load(struct onnx_maker *m)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);

    if (fsn_model_load_memory(bytes, size, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    onnx_end(m);
    return model;
}

static const struct fsn__tensor *output(const struct fsn_model *model, int i)
{
    return &model->graph->values[model->graph->outputs[i]].tensor;
}

static void assert_shape(const struct fsn__tensor *t, const char *shape)
{
    assert_string_equal(FSN__SHAPE(t), shape);
}

/* Runs the model's one input x on its one output and compares. */
static void assert_computes(struct fsn_model *model, const float *x, int64_t n, const float *want)
{
    struct fsn__exec_options options = {.batch = 1};
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};

    if (fsn__exec_create(model->graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    memcpy(fsn__exec_input(exec, 0)->data, x, fsn__tensor_bytes(fsn__exec_input(exec, 0)));
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(fsn__numel(fsn__exec_output(exec, 0)), n);
    for (int64_t i = 0; i < n; i++)
        assert_float_equal(fsn__f32(fsn__exec_output(exec, 0))[i], want[i], 1e-6);
    fsn__exec_destroy(exec);
}

/* ---- element types ------------------------------------------------------------------------- */

/* 1, 0, 1 in every element type, raw. */
static void raw_data_of_every_element_type_is_read(void **state)
{
    static const struct {
        int32_t type;
        enum fsn__dtype dtype;
        size_t bytes;
        const void *raw;
    } cases[] = {
        {FSN__ONNX_FLOAT, FSN__F32, 12, "\0\0\x80\x3f\0\0\0\0\0\0\x80\x3f"},
        {FSN__ONNX_DOUBLE, FSN__F64, 24,
         "\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f"},
        {FSN__ONNX_FLOAT16, FSN__F32, 6, "\0\x3c\0\0\0\x3c"},
        {FSN__ONNX_BFLOAT16, FSN__F32, 6, "\x80\x3f\0\0\x80\x3f"},
        {FSN__ONNX_INT8, FSN__I8, 3, "\1\0\1"},
        {FSN__ONNX_UINT8, FSN__U8, 3, "\1\0\1"},
        {FSN__ONNX_BOOL, FSN__BOOL, 3, "\1\0\1"},
        {FSN__ONNX_INT16, FSN__I16, 6, "\1\0\0\0\1\0"},
        {FSN__ONNX_UINT16, FSN__U16, 6, "\1\0\0\0\1\0"},
        {FSN__ONNX_INT32, FSN__I32, 12, "\1\0\0\0\0\0\0\0\1\0\0\0"},
        {FSN__ONNX_UINT32, FSN__U32, 12, "\1\0\0\0\0\0\0\0\1\0\0\0"},
        {FSN__ONNX_INT64, FSN__I64, 24, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"},
        {FSN__ONNX_UINT64, FSN__U64, 24, "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct onnx_maker m;
        struct fsn_model *model;
        const struct fsn__tensor *t;

        onnx_begin(&m, 13);
        onnx_initialiser(&m, "t", cases[i].type, 1, INTS(3), cases[i].raw, cases[i].bytes);
        onnx_output(&m, "t");
        model = load(&m);
        t = output(model, 0);
        assert_int_equal(t->dtype, cases[i].dtype);
        assert_shape(t, "[3]");
        for (int j = 0; j < 3; j++) {
            double value = t->dtype == FSN__F32   ? (double)fsn__f32(t)[j]
                           : t->dtype == FSN__F64 ? ((const double *)t->data)[j]
                                                  : (double)fsn__get_i64(t, j);

            assert_true(value == (j == 1 ? 0 : 1));
        }
        fsn_model_destroy(model);
    }
}

/* The same numbers in the list that the specification gives for each type. */
static void typed_data_of_every_element_type_is_read(void **state)
{
    static float floats[2] = {-1.5f, 2};
    static double doubles[2] = {-1.5, 2};
    static int32_t ints[2] = {-3, 100}, counts[2] = {1, 100}, halves[2] = {0xbe00, 0x4000};
    static int32_t bfloats[2] = {0xbfc0, 0x4000};
    static int64_t longs[2] = {-3, INT64_C(1) << 40};
    static uint64_t ulongs[2] = {1, UINT32_MAX};
    static const struct {
        int32_t type;
        double first, second;
    } cases[] = {
        {FSN__ONNX_FLOAT, -1.5, 2},          {FSN__ONNX_DOUBLE, -1.5, 2},
        {FSN__ONNX_FLOAT16, -1.5, 2},        {FSN__ONNX_BFLOAT16, -1.5, 2},
        {FSN__ONNX_INT8, -3, 100},           {FSN__ONNX_INT16, -3, 100},
        {FSN__ONNX_INT32, -3, 100},          {FSN__ONNX_UINT8, 1, 100},
        {FSN__ONNX_UINT16, 1, 100},          {FSN__ONNX_UINT32, 1, 4294967295.0},
        {FSN__ONNX_UINT64, 1, 4294967295.0}, {FSN__ONNX_INT64, -3, 1099511627776.0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int32_t type = cases[i].type;
        struct onnx_maker m;
        struct fsn_model *model;
        const struct fsn__tensor *t;
        FsnOnnx__TensorProto *proto;

        onnx_begin(&m, 13);
        proto = onnx_initialiser(&m, "t", type, 1, INTS(2), NULL, 0);
        onnx_output(&m, "t");
        if (type == FSN__ONNX_FLOAT) {
            proto->n_float_data = 2;
            proto->float_data = floats;
        } else if (type == FSN__ONNX_DOUBLE) {
            proto->n_double_data = 2;
            proto->double_data = doubles;
        } else if (type == FSN__ONNX_INT64) {
            proto->n_int64_data = 2;
            proto->int64_data = longs;
        } else if (type == FSN__ONNX_UINT32 || type == FSN__ONNX_UINT64) {
            proto->n_uint64_data = 2;
            proto->uint64_data = ulongs;
        } else {
            proto->n_int32_data = 2;
            proto->int32_data = type == FSN__ONNX_FLOAT16    ? halves
                                : type == FSN__ONNX_BFLOAT16 ? bfloats
                                : cases[i].first < 0         ? ints
                                                             : counts;
        }
        model = load(&m);
        t = output(model, 0);
        for (int j = 0; j < 2; j++) {
            double value = t->dtype == FSN__F32   ? (double)fsn__f32(t)[j]
                           : t->dtype == FSN__F64 ? ((const double *)t->data)[j]
                                                  : (double)fsn__get_i64(t, j);

            assert_true(value == (j == 0 ? cases[i].first : cases[i].second));
        }
        fsn_model_destroy(model);
    }
}

/* IEEE 754 binary16: values from the standard's definition. */
static void half_precision_widens_exactly(void **state)
{
    assert_float_equal(fsn__half_to_float(0x3c00), 1.0f, 0);
    assert_float_equal(fsn__half_to_float(0xc000), -2.0f, 0);
    assert_float_equal(fsn__half_to_float(0x7bff), 65504.0f, 0);
    assert_float_equal(fsn__half_to_float(0x0001), 0x1p-24f, 0);
    assert_float_equal(fsn__half_to_float(0x8001), -0x1p-24f, 0);
    assert_float_equal(fsn__half_to_float(0x03ff), 0x1.ff8p-15f, 0);
    assert_float_equal(fsn__half_to_float(0x3555), 0.333251953125f, 0);
    assert_true(isinf(fsn__half_to_float(0x7c00)) && fsn__half_to_float(0x7c00) > 0);
    assert_true(isinf(fsn__half_to_float(0xfc00)) && fsn__half_to_float(0xfc00) < 0);
    assert_true(isnan(fsn__half_to_float(0x7e01)));
    assert_true(signbit(fsn__half_to_float(0x8000)));
    (void)state;
}

static void float_narrows_to_half_with_ties_to_even(void **state)
{
    assert_int_equal(fsn__float_to_half(1.0f + 0x1p-11f), 0x3c00);            /* tie: even is 1 */
    assert_int_equal(fsn__float_to_half(1.0f + 0x3p-11f), 0x3c02);            /* tie: even is up */
    assert_int_equal(fsn__float_to_half(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01); /* past the tie */
    assert_int_equal(fsn__float_to_half(65519.99f), 0x7bff);
    assert_int_equal(fsn__float_to_half(65520.0f), 0x7c00); /* rounds to infinity */
    assert_int_equal(fsn__float_to_half(1e10f), 0x7c00);
    assert_int_equal(fsn__float_to_half(0x1p-25f), 0x0000); /* tie between 0 and the smallest */
    assert_int_equal(fsn__float_to_half(0x1.8p-25f), 0x0001);
    assert_int_equal(fsn__float_to_half(-0x1p-24f), 0x8001);
    assert_int_equal(fsn__float_to_half(0x1.ffcp-15f), 0x0400); /* carries into the normal range */
    for (unsigned i = 0; i <= 0xffff; i++) {
        float wide = fsn__half_to_float((uint16_t)i);

        if (!isnan(wide))
            assert_int_equal(fsn__float_to_half(wide), i);
    }
    (void)state;
}

static void a_float64_model_is_narrowed_and_a_float64_constant_is_not(void **state)
{
    static const double w[2] = {0.5, 0.25};
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13); /* weights of a layer: the whole model */
    onnx_input(&m, "x", FSN__ONNX_DOUBLE, 2, INTS(ONNX_OPEN, 2));
    onnx_initialiser(&m, "w", FSN__ONNX_DOUBLE, 2, INTS(2, 1), w, sizeof w);
    onnx_node(&m, "MatMul", "x,w", "y");
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(output(model, 0)->dtype, FSN__F32);
    assert_computes(model, FLOATS(2, 4), 1, FLOATS(2));
    fsn_model_destroy(model);

    onnx_begin(&m, 13); /* a constant of its own stays what it is */
    onnx_initialiser(&m, "w", FSN__ONNX_DOUBLE, 1, INTS(2), w, sizeof w);
    onnx_node(&m, "Identity", "w", "y");
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(output(model, 0)->dtype, FSN__F64);
    fsn_model_destroy(model);
}

/* ---- inputs and the batch ------------------------------------------------------------------ */

static struct fsn_model *load_relu(int ndim, const int64_t *dim)
{
    struct onnx_maker m;

    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, ndim, dim);
    onnx_node(&m, "Relu", "x", "y");
    onnx_output(&m, "y");
    return load(&m);
}

static void the_open_first_dimension_is_the_batch(void **state)
{
    static const struct {
        int ndim;
        int64_t dim[4];
        const char *shape;
    } cases[] = {
        {4, {ONNX_OPEN, 3, 2, 2}, "[N,3,2,2]"},
        {2, {ONNX_OPEN, 3}, "[N,3]"},
        {4, {1, 3, 2, 2}, "[N,3,2,2]"}, /* one image: the export's example */
        {4, {2, 3, 2, 2}, "[2,3,2,2]"},
        {3, {1, 3, 2}, "[1,3,2]"},
        {0, {0}, "[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_relu(cases[i].ndim, cases[i].dim);

        assert_shape(&model->graph->values[model->graph->inputs[0]].tensor, cases[i].shape);
        assert_shape(output(model, 0), cases[i].shape);
        fsn_model_destroy(model);
    }
}

static void one_image_stays_fixed_where_the_network_wants_it(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(1, 3, 2, 2));
    onnx_ints(&m, "shape", 2, INTS(1, 12));
    onnx_node(&m, "Reshape", "x,shape", "y");
    onnx_output(&m, "y");
    model = load(&m);
    assert_shape(&model->graph->values[model->graph->inputs[0]].tensor, "[1,3,2,2]");
    assert_shape(output(model, 0), "[1,12]");
    fsn_model_destroy(model);
}

static void an_initialiser_listed_as_an_input_is_no_input(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 8);
    m.model.ir_version = 3;
    onnx_input(&m, "w", FSN__ONNX_FLOAT, 1, INTS(1));
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 2));
    onnx_floats(&m, "w", 1, INTS(1), FLOATS(3));
    onnx_node(&m, "Add", "x,w", "y");
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(model->graph->input_count, 1);
    assert_computes(model, FLOATS(1, 2), 2, FLOATS(4, 5));
    fsn_model_destroy(model);
}

static void what_the_file_says_of_itself_is_kept(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    size_t size;

    (void)state;
    onnx_begin(&m, 11);
    m.model.producer_name = (char *)"pytorch";
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 2));
    onnx_node(&m, "Relu", "x", "y");
    onnx_output(&m, "y");
    onnx_bytes(&m, &size);
    model = load(&m);
    assert_string_equal(model->producer, "pytorch");
    assert_int_equal(model->opset, 11);
    assert_int_equal(model->ir, 8);
    assert_int_equal(model->file_bytes, size);
    assert_string_equal(model->graph->nodes[0].name, "Relu_y");
    fsn_model_destroy(model);
}

static void nodes_may_stand_in_any_order(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 2));
    onnx_node(&m, "Add", "r,x", "y");
    onnx_node(&m, "Relu", "x", "r");
    onnx_output(&m, "y");
    model = load(&m);
    assert_string_equal(model->graph->nodes[0].op->name, "Relu");
    assert_computes(model, FLOATS(-1, 2), 2, FLOATS(-1, 4));
    fsn_model_destroy(model);
}

/* ---- constants ------------------------------------------------------------------------------- */

static void constant_nodes_of_every_form_become_constants(void **state)
{
    static float floats[2] = {1, 2};
    struct onnx_maker m;
    struct fsn_model *model;
    FsnOnnx__AttributeProto *attr;

    (void)state;
    onnx_begin(&m, 13);
    onnx_attr_int(&m, onnx_node(&m, "Constant", "", "i"), "value_int", -7);
    onnx_attr_ints(&m, onnx_node(&m, "Constant", "", "is"), "value_ints", 2, INTS(5, 6));
    onnx_attr_float(&m, onnx_node(&m, "Constant", "", "f"), "value_float", 0.5f);
    attr = onnx_attr(&m, onnx_node(&m, "Constant", "", "fs"), "value_floats", ATTR(FLOATS));
    attr->n_floats = 2;
    attr->floats = floats;
    attr = onnx_attr(&m, onnx_node(&m, "Constant", "", "t"), "value", ATTR(TENSOR));
    attr->t = onnx_initialiser(&m, "ignored", FSN__ONNX_INT32, 1, INTS(1), "\x09\0\0\0", 4);
    for (const char *const *name = (const char *const[]){"i", "is", "f", "fs", "t", NULL}; *name;
         name++)
        onnx_output(&m, *name);
    model = load(&m);
    assert_int_equal(model->graph->node_count, 0);
    assert_shape(output(model, 0), "[]");
    assert_int_equal(fsn__i64(output(model, 0))[0], -7);
    assert_shape(output(model, 1), "[2]");
    assert_int_equal(fsn__i64(output(model, 1))[1], 6);
    assert_float_equal(fsn__f32(output(model, 2))[0], 0.5f, 0);
    assert_float_equal(fsn__f32(output(model, 3))[1], 2.0f, 0);
    assert_int_equal(output(model, 4)->dtype, FSN__I32);
    assert_int_equal(fsn__get_i64(output(model, 4), 0), 9);
    fsn_model_destroy(model);
}

/* As exporters flatten: Reshape(x, Concat(Unsqueeze(Gather(Shape(x), 0)), [-1])). */
static void a_constant_sub_graph_around_the_batch_is_folded(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 2, 1, 2));
    onnx_node(&m, "Shape", "x", "s");
    onnx_attr_int(&m, onnx_node(&m, "Constant", "", "zero"), "value_int", 0);
    onnx_node(&m, "Gather", "s,zero", "n");
    onnx_ints(&m, "axes", 1, INTS(0));
    onnx_node(&m, "Unsqueeze", "n,axes", "n1");
    onnx_ints(&m, "rest", 1, INTS(-1));
    onnx_attr_int(&m, onnx_node(&m, "Concat", "n1,rest", "shape"), "axis", 0);
    onnx_node(&m, "Reshape", "x,shape", "y");
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(model->graph->node_count, 1);
    assert_shape(output(model, 0), "[N,4]");
    assert_computes(model, FLOATS(1, 2, 3, 4), 4, FLOATS(1, 2, 3, 4));
    fsn_model_destroy(model);
}

/* An operator with scratch memory and a state to save is folded too: x = 1 .. 25 in a 5 x 5 image,
 * the largest within two steps is the one two steps down and to the right, as far as there is. */
static void a_pooled_constant_is_folded(void **state)
{
    struct onnx_maker m;
    struct fsn_model *model;
    FsnOnnx__NodeProto *node;
    float x[25];

    (void)state;
    for (int i = 0; i < 25; i++)
        x[i] = (float)(i + 1);
    onnx_begin(&m, 13);
    onnx_floats(&m, "x", 4, INTS(1, 1, 5, 5), x);
    node = onnx_node(&m, "MaxPool", "x", "y");
    onnx_attr_ints(&m, node, "kernel_shape", 2, INTS(5, 5));
    onnx_attr_ints(&m, node, "pads", 4, INTS(2, 2, 2, 2));
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(model->graph->node_count, 0);
    for (int i = 0; i < 25; i++) {
        int row = i / 5 + 2 < 5 ? i / 5 + 2 : 4, column = i % 5 + 2 < 5 ? i % 5 + 2 : 4;

        assert_float_equal(fsn__f32(output(model, 0))[i], x[5 * row + column], 0);
    }
    fsn_model_destroy(model);
}

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
    return load(&m);
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
        {9, "Slice", set_slice, "[2,2]", {-2, 3, 5, -6}},
        {7, "Slice", set_slice_of_first_axes, "[1,2]", {-4, 5}},
        {10, "Pad", set_pad, "[2,4]", {9, 1, -2, 3, 9, -4, 5, -6}},
        {10, "Clip", set_clip, "[2,3]", {1, -2, 2, -3, 2, -3}},
        {7, "Clip", set_clip_above, "[2,3]", {0, -2, 0, -4, 0, -6}},
        {11, "Dropout", set_dropout, "[2,3]", {1, -2, 3, -4, 5, -6}},
        {12, "Unsqueeze", set_unsqueeze, "[1,2,3,1]", {1, -2, 3, -4, 5, -6}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_old(cases[i].opset, cases[i].op, cases[i].set);

        assert_shape(output(model, 0), cases[i].shape);
        assert_computes(model, x, fsn__numel(output(model, 0)), cases[i].y);
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
    model = load(&m);
    assert_shape(output(model, 0), "[N,2]");
    fsn_model_destroy(model);
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
        model = load(&m);
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
    model = load(&m);
    assert_null(fsn__attr_find(&model->graph->nodes[0].attrs, "flatten"));
    assert_int_equal(fsn__attr_int(&model->graph->nodes[0].attrs, "axis", 99), 1);
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
        model = load(&m);
        assert_shape(output(model, 0), cases[i].shape);
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
    model = load(&m);
    assert_shape(output(model, 0), "[4,1]");
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
    model = load(&m); /* y = x + 2 relu(x) + 2 x */
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
    model = load(&m);
    assert_computes(model, FLOATS(-1, 2), 2, FLOATS(-1, 2));
    fsn_model_destroy(model);
}

/* ---- test cases ---------------------------------------------------------------------------- */

static void put_tensor(const struct temp_dir *dir, const char *name, int32_t type, int ndim,
                       const int64_t *dim, const void *bytes, size_t size)
{
    struct onnx_maker m;
    const unsigned char *packed;
    size_t packed_size;

    onnx_begin(&m, 13);
    packed = onnx_tensor_bytes(&m, onnx_initialiser(&m, "t", type, ndim, dim, bytes, size),
                               &packed_size);
    temp_dir_write(dir, name, packed, packed_size);
    onnx_end(&m);
}

/* dir/model.onnx: y = Slice(x, starts, ends, axes), x [N,4], axes [1], starts and ends inputs. */
static void put_slice_case(struct temp_dir *dir)
{
    struct onnx_maker m;
    const unsigned char *bytes;
    size_t size;

    temp_dir_create(dir);
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 4));
    onnx_input(&m, "starts", FSN__ONNX_INT64, 1, INTS(1));
    onnx_input(&m, "axes", FSN__ONNX_INT64, 1, INTS(1)); /* an initialiser: no input_K.pb */
    onnx_input(&m, "ends", FSN__ONNX_INT64, 1, INTS(1));
    onnx_ints(&m, "axes", 1, INTS(1));
    onnx_node(&m, "Slice", "x,starts,ends,axes", "y");
    onnx_output(&m, "y");
    bytes = onnx_bytes(&m, &size);
    temp_dir_write(dir, "model.onnx", bytes, size);
    onnx_end(&m);
    put_tensor(dir, "input_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 4), FLOATS(1, 2, 3, 4, 5, 6, 7, 8),
               32);
    put_tensor(dir, "input_1.pb", FSN__ONNX_INT64, 1, INTS(1), INTS(1), 8);
    put_tensor(dir, "input_2.pb", FSN__ONNX_INT64, 1, INTS(1), INTS(3), 8);
}

static enum fsn_status check(const struct temp_dir *dir, struct fsn_check *out,
                             struct fsn_error *err)
{
    char model[300];

    snprintf(model, sizeof model, "%s", temp_dir_path(dir, "model.onnx"));
    return fsn_model_check(model, dir->path, 1e-3, 1e-5, out, err);
}

static void a_case_with_integer_inputs_is_run_and_compared(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 2), FLOATS(2, 3, 6, 7), 16);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_true(result.passed);
    assert_int_equal(result.cases, 1);
    assert_int_equal(result.elements, 4);
    assert_float_equal(result.max_abs, 0, 0);
    temp_dir_remove(&dir);
}

static void a_wrong_value_is_named_with_its_place(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 2), FLOATS(2, 3.5, 8, 7), 16);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_false(result.passed);
    assert_float_equal(result.max_abs, 2, 0);
    assert_float_equal(result.max_rel, 0.25, 1e-9);
    assert_string_equal(result.worst, "output 'y'[2] is 6, expected 8");
    temp_dir_remove(&dir);
}

static void a_wrong_shape_or_type_fails_the_check(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 1, INTS(4), FLOATS(2, 3, 6, 7), 16);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_false(result.passed);
    assert_non_null(strstr(result.worst, "[2,2], expected float32 [4]"));
    put_tensor(&dir, "output_0.pb", FSN__ONNX_INT32, 2, INTS(2, 2), FLOATS(2, 3, 6, 7), 16);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_false(result.passed);
    assert_non_null(strstr(result.worst, "expected int32"));
    temp_dir_remove(&dir);
}

/* 2049 is no half: the nearest one is 2048. */
static void a_half_precision_expectation_is_met_by_the_rounded_result(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "input_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 4),
               FLOATS(1, 2049, 3, 4, 5, 6, 7, 8), 32);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT16, 2, INTS(2, 2), "\0\x68\0\x42\0\x46\0\x47",
               8);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_true(result.passed);
    assert_float_equal(result.max_abs, 0, 0);
    temp_dir_remove(&dir);
}

static void cases_in_numbered_folders_are_all_run(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};
    char command[1024];

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 2), FLOATS(2, 3, 6, 7), 16);
    snprintf(command, sizeof command,
             "cd '%s' && mkdir test_data_set_0 test_data_set_1 && cp *.pb test_data_set_0 && "
             "mv *.pb test_data_set_1",
             dir.path);
    assert_int_equal(system(command), 0);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_int_equal(result.cases, 2);
    assert_int_equal(result.elements, 8);
    temp_dir_remove(&dir);
}

static void data_that_does_not_fit_the_model_is_a_mismatch(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};
    struct fsn_error err = {0};

    (void)state;
    put_slice_case(&dir);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 2, INTS(2, 2), FLOATS(2, 3, 6, 7), 16);
    put_tensor(&dir, "input_0.pb", FSN__ONNX_FLOAT, 2, INTS(4, 2), FLOATS(1, 2, 3, 4, 5, 6, 7, 8),
               32);
    assert_int_equal(check(&dir, &result, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "input 'x' is float32 [N,4], the test case's input_0.pb is"));
    temp_dir_remove(&dir);
}

/* y = Range(0.5, 3, 1): the size of y depends on the inputs' values, so all are constants. */
static void a_case_that_needs_every_input_is_computed_by_folding(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};
    struct fsn_error err = {0};
    struct onnx_maker m;
    const unsigned char *bytes;
    size_t size;

    (void)state;
    temp_dir_create(&dir);
    onnx_begin(&m, 13);
    onnx_input(&m, "start", FSN__ONNX_FLOAT, 0, NULL);
    onnx_input(&m, "limit", FSN__ONNX_FLOAT, 0, NULL);
    onnx_input(&m, "delta", FSN__ONNX_FLOAT, 0, NULL);
    onnx_node(&m, "Range", "start,limit,delta", "y");
    onnx_output(&m, "y");
    bytes = onnx_bytes(&m, &size);
    temp_dir_write(&dir, "model.onnx", bytes, size);
    onnx_end(&m);
    put_tensor(&dir, "input_0.pb", FSN__ONNX_FLOAT, 0, NULL, FLOATS(0.5), 4);
    put_tensor(&dir, "input_1.pb", FSN__ONNX_FLOAT, 0, NULL, FLOATS(3), 4);
    put_tensor(&dir, "input_2.pb", FSN__ONNX_FLOAT, 0, NULL, FLOATS(1), 4);
    put_tensor(&dir, "output_0.pb", FSN__ONNX_FLOAT, 1, INTS(3), FLOATS(0.5, 1.5, 2.5), 12);
    assert_int_equal(check(&dir, &result, NULL), FSN_OK);
    assert_true(result.passed);
    put_tensor(&dir, "input_2.pb", FSN__ONNX_FLOAT, 1, INTS(1), FLOATS(1), 4);
    assert_int_equal(check(&dir, &result, &err), FSN_MISMATCH);
    assert_non_null(strstr(err.text, "graph input 'delta' is float32 [], its data is float32 [1]"));
    temp_dir_remove(&dir);
}

static void a_folder_without_cases_is_an_error(void **state)
{
    struct temp_dir dir;
    struct fsn_check result = {0};
    struct fsn_error err = {0};

    (void)state;
    put_slice_case(&dir);
    assert_int_equal(check(&dir, &result, &err), FSN_IO);
    assert_non_null(strstr(err.text, "no test case"));
    temp_dir_remove(&dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_data_of_every_element_type_is_read),
        cmocka_unit_test(typed_data_of_every_element_type_is_read),
        cmocka_unit_test(half_precision_widens_exactly),
        cmocka_unit_test(float_narrows_to_half_with_ties_to_even),
        cmocka_unit_test(a_float64_model_is_narrowed_and_a_float64_constant_is_not),
        cmocka_unit_test(the_open_first_dimension_is_the_batch),
        cmocka_unit_test(one_image_stays_fixed_where_the_network_wants_it),
        cmocka_unit_test(an_initialiser_listed_as_an_input_is_no_input),
        cmocka_unit_test(what_the_file_says_of_itself_is_kept),
        cmocka_unit_test(nodes_may_stand_in_any_order),
        cmocka_unit_test(constant_nodes_of_every_form_become_constants),
        cmocka_unit_test(a_constant_sub_graph_around_the_batch_is_folded),
        cmocka_unit_test(a_pooled_constant_is_folded),
        cmocka_unit_test(older_forms_mean_what_they_meant),
        cmocka_unit_test(squeeze_took_its_axes_as_an_attribute),
        cmocka_unit_test(softmax_normalised_over_several_axes),
        cmocka_unit_test(softmax_over_the_last_axis_alone_is_todays_form),
        cmocka_unit_test(a_function_is_inlined_with_its_callers_attributes),
        cmocka_unit_test(nested_functions_hand_attributes_on),
        cmocka_unit_test(names_in_a_body_are_the_calls_own),
        cmocka_unit_test(a_function_may_hand_an_input_through),
        cmocka_unit_test(a_case_with_integer_inputs_is_run_and_compared),
        cmocka_unit_test(a_wrong_value_is_named_with_its_place),
        cmocka_unit_test(a_wrong_shape_or_type_fails_the_check),
        cmocka_unit_test(a_half_precision_expectation_is_met_by_the_rounded_result),
        cmocka_unit_test(cases_in_numbered_folders_are_all_run),
        cmocka_unit_test(data_that_does_not_fit_the_model_is_a_mismatch),
        cmocka_unit_test(a_case_that_needs_every_input_is_computed_by_folding),
        cmocka_unit_test(a_folder_without_cases_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
