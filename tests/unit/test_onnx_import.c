/* Reading ONNX files: element types, inputs and the batch axis, constants. Expected values are
 * worked out by hand from the ONNX operator specification. */
#include "graph/exec.h"
#include "model_runner.h"

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
        model = onnx_load(&m);
        t = model_output(model, 0);
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
        model = onnx_load(&m);
        t = model_output(model, 0);
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

static void float_narrows_to_bfloat_with_ties_to_even(void **state)
{
    assert_int_equal(fsn__float_to_bfloat(1.0f), 0x3f80);
    assert_int_equal(fsn__float_to_bfloat(1.0f + 0x1p-8f), 0x3f80); /* tie: even is 1 */
    assert_int_equal(fsn__float_to_bfloat(1.0f + 0x3p-8f), 0x3f82); /* tie: even is up */
    assert_int_equal(fsn__float_to_bfloat(-1.0f - 0x1p-8f - 0x1p-20f), 0xbf81); /* past the tie */
    assert_int_equal(fsn__float_to_bfloat(0x1.ffp127f), 0x7f80); /* rounds to infinity */
    assert_true(isnan(fsn__bfloat_to_float(fsn__float_to_bfloat(NAN))));
    assert_float_equal(fsn__bfloat_to_float(0x3f52), 0.8203125f,
                       0); /* ONNX's cast_FLOAT_to_BFLOAT16 */
    assert_int_equal(fsn__float_to_bfloat(0.819105446f), 0x3f52);
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
    model = onnx_load(&m);
    assert_int_equal(model_output(model, 0)->dtype, FSN__F32);
    assert_computes(model, FLOATS(2, 4), 1, FLOATS(2));
    fsn_model_destroy(model);

    onnx_begin(&m, 13); /* a constant of its own stays what it is */
    onnx_initialiser(&m, "w", FSN__ONNX_DOUBLE, 1, INTS(2), w, sizeof w);
    onnx_node(&m, "Identity", "w", "y");
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_int_equal(model_output(model, 0)->dtype, FSN__F64);
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
    return onnx_load(&m);
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
        {4, {2, 3, 2, 2}, "[N,3,2,2]"}, /* two */
        {3, {1, 3, 2}, "[1,3,2]"},
        {0, {0}, "[]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_relu(cases[i].ndim, cases[i].dim);

        assert_shape(&model->graph->values[model->graph->inputs[0]].tensor, cases[i].shape);
        assert_shape(model_output(model, 0), cases[i].shape);
        fsn_model_destroy(model);
    }
}

/* x [batch,2,2,2] -> Reshape to the ints given -> Relu y. */
static struct fsn_model *load_reshape(int64_t batch, int64_t count, const int64_t *target)
{
    struct onnx_maker m;

    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, (int64_t[]){batch, 2, 2, 2});
    onnx_ints(&m, "shape", count, target);
    onnx_node(&m, "Reshape", "x,shape", "z");
    onnx_node(&m, "Relu", "z", "y");
    onnx_output(&m, "y");
    return onnx_load(&m);
}

static void a_batch_baked_into_a_reshape_is_opened(void **state)
{
    static const struct {
        int64_t batch, count, target[4];
        const char *shape;
    } cases[] = {
        {1, 2, {1, -1}, "[N,8]"},          {1, 2, {1, 8}, "[N,8]"},  {4, 2, {4, 8}, "[N,8]"},
        {4, 4, {4, 1, 8, 1}, "[N,1,8,1]"}, {1, 2, {-1, 8}, "[N,8]"}, {4, 3, {4, -1, 2}, "[N,4,2]"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_reshape(cases[i].batch, cases[i].count, cases[i].target);

        assert_shape(model_output(model, 0), cases[i].shape);
        fsn_model_destroy(model);
    }
}

static void a_batch_that_is_folded_into_another_axis_stays_fixed(void **state)
{
    static const struct {
        int64_t batch, target[2];
        const char *shape;
    } cases[] = {{4, {2, 16}, "[2,16]"}, {4, {16, 2}, "[16,2]"}, {1, {2, 4}, "[2,4]"}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model = load_reshape(cases[i].batch, 2, cases[i].target);

        assert_int_equal(model->graph->values[model->graph->inputs[0]].tensor.dim[0],
                         cases[i].batch);
        assert_shape(model_output(model, 0), cases[i].shape);
        fsn_model_destroy(model);
    }
}

/* A grouped shuffle and a classifier, exported with three images: one at a time it gives what it
 * gives for all of them. */
static void an_opened_network_gives_every_image_its_own_result(void **state)
{
    enum { IMAGES = 3, INPUTS = 8, OUTPUTS = 2 };
    struct fsn__exec_options options = {.batch = IMAGES};
    struct fsn__exec *all = NULL, *one = NULL;
    struct onnx_maker m;
    struct fsn_model *model;
    float w[INPUTS * OUTPUTS];

    (void)state;
    for (int i = 0; i < INPUTS * OUTPUTS; i++)
        w[i] = (float)(i * i % 7) - 3;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(IMAGES, 2, 2, 2));
    onnx_ints(&m, "split", 5, INTS(IMAGES, 2, 1, 2, 2));
    onnx_ints(&m, "join", 2, INTS(IMAGES, INPUTS));
    onnx_floats(&m, "w", 2, INTS(INPUTS, OUTPUTS), w);
    onnx_node(&m, "Reshape", "x,split", "a");
    onnx_attr_ints(&m, onnx_node(&m, "Transpose", "a", "b"), "perm", 5, INTS(0, 2, 1, 3, 4));
    onnx_node(&m, "Reshape", "b,join", "c");
    onnx_node(&m, "MatMul", "c,w", "y");
    onnx_output(&m, "y");
    model = onnx_load(&m);
    assert_int_equal(fsn__exec_create(model->graph, &options, &all, NULL), FSN_OK);
    options.batch = 1;
    assert_int_equal(fsn__exec_create(model->graph, &options, &one, NULL), FSN_OK);
    for (int i = 0; i < IMAGES * INPUTS; i++)
        fsn__f32(fsn__exec_input(all, 0))[i] = (float)(i * 5 % 11);
    assert_int_equal(fsn__exec_forward(all, 0, NULL), FSN_OK);
    for (int n = 0; n < IMAGES; n++) {
        memcpy(fsn__exec_input(one, 0)->data, fsn__f32(fsn__exec_input(all, 0)) + n * INPUTS,
               INPUTS * sizeof(float));
        assert_int_equal(fsn__exec_forward(one, 0, NULL), FSN_OK);
        assert_memory_equal(fsn__exec_output(one, 0)->data,
                            fsn__f32(fsn__exec_output(all, 0)) + n * OUTPUTS,
                            OUTPUTS * sizeof(float));
    }
    fsn__exec_destroy(all);
    fsn__exec_destroy(one);
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
    model = onnx_load(&m);
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
    model = onnx_load(&m);
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
    model = onnx_load(&m);
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
    model = onnx_load(&m);
    assert_int_equal(model->graph->node_count, 0);
    assert_shape(model_output(model, 0), "[]");
    assert_int_equal(fsn__i64(model_output(model, 0))[0], -7);
    assert_shape(model_output(model, 1), "[2]");
    assert_int_equal(fsn__i64(model_output(model, 1))[1], 6);
    assert_float_equal(fsn__f32(model_output(model, 2))[0], 0.5f, 0);
    assert_float_equal(fsn__f32(model_output(model, 3))[1], 2.0f, 0);
    assert_int_equal(model_output(model, 4)->dtype, FSN__I32);
    assert_int_equal(fsn__get_i64(model_output(model, 4), 0), 9);
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
    model = onnx_load(&m);
    assert_int_equal(model->graph->node_count, 1);
    assert_shape(model_output(model, 0), "[N,4]");
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
    model = onnx_load(&m);
    assert_int_equal(model->graph->node_count, 0);
    for (int i = 0; i < 25; i++) {
        int row = i / 5 + 2 < 5 ? i / 5 + 2 : 4, column = i % 5 + 2 < 5 ? i % 5 + 2 : 4;

        assert_float_equal(fsn__f32(model_output(model, 0))[i], x[5 * row + column], 0);
    }
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_data_of_every_element_type_is_read),
        cmocka_unit_test(typed_data_of_every_element_type_is_read),
        cmocka_unit_test(half_precision_widens_exactly),
        cmocka_unit_test(float_narrows_to_half_with_ties_to_even),
        cmocka_unit_test(float_narrows_to_bfloat_with_ties_to_even),
        cmocka_unit_test(a_float64_model_is_narrowed_and_a_float64_constant_is_not),
        cmocka_unit_test(the_open_first_dimension_is_the_batch),
        cmocka_unit_test(a_batch_baked_into_a_reshape_is_opened),
        cmocka_unit_test(a_batch_that_is_folded_into_another_axis_stays_fixed),
        cmocka_unit_test(an_opened_network_gives_every_image_its_own_result),
        cmocka_unit_test(an_initialiser_listed_as_an_input_is_no_input),
        cmocka_unit_test(what_the_file_says_of_itself_is_kept),
        cmocka_unit_test(nodes_may_stand_in_any_order),
        cmocka_unit_test(constant_nodes_of_every_form_become_constants),
        cmocka_unit_test(a_constant_sub_graph_around_the_batch_is_folded),
        cmocka_unit_test(a_pooled_constant_is_folded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
