/* Wrong ONNX files: each is refused with a status and a message that names place and reason, and
 * none crashes (the same program runs under ASan and UBSan). */
#include "fsnet.h"
#include "onnx_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define ATTR(type) FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##type

/* x [N,1,4,4] -> Conv (2 filters) -> Relu -> y; every wrong file is this one, spoilt in one place.
 */
static void base(struct onnx_maker *m)
{
    static const float w[2 * 9] = {1, 2, 3};

    onnx_begin(m, 13);
    onnx_input(m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 1, 4, 4));
    onnx_floats(m, "w", 4, INTS(2, 1, 3, 3), w);
    onnx_node(m, "Conv", "x,w", "c");
    onnx_node(m, "Relu", "c", "y");
    onnx_output(m, "y");
}

static enum fsn_status load(struct onnx_maker *m, const struct fsn_import_limits *limits,
                            struct fsn_error *err)
{
    struct fsn_model *model = NULL;
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);
    enum fsn_status status = fsn_model_load_memory(bytes, size, limits, &model, err);

    fsn_model_destroy(model);
    return status;
}

/* ---- the table ----------------------------------------------------------------------------- */

static void no_graph(struct onnx_maker *m)
{
    m->model.graph = NULL;
}

static void no_outputs(struct onnx_maker *m)
{
    m->graph.n_output = 0;
}

static void no_opset(struct onnx_maker *m)
{
    m->model.n_opset_import = 0;
}

static void old_opset(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 6;
    onnx_node(m, "PRelu", "y,y", "z");
}

static void broadcast_from_an_axis_on(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 6;
    onnx_attr_int(m, onnx_node(m, "Add", "y,w", "z"), "broadcast", 1);
    onnx_attr_int(m, m->graph.node[2], "axis", 0);
}

static void batch_norm_in_the_training_form_of_old(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 6;
    onnx_node(m, "BatchNormalization", "c,w,w,w,w", "z");
}

static void new_opset(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 99;
}

static void two_unknown_operators(struct onnx_maker *m)
{
    onnx_node(m, "Foo", "y", "z");
    onnx_node(m, "Bar", "z", "u")->domain = (char *)"com.example";
    onnx_node(m, "Foo", "z", "v");
}

/* Of each operator the first nodes are named, and the others counted. */
static void one_unknown_operator_often(struct onnx_maker *m)
{
    char name[2] = "0";

    for (; name[0] < '6'; name[0]++)
        onnx_node(m, "Foo", "y", name);
}

/* More than a message can name. */
static void many_unknown_operators(struct onnx_maker *m)
{
    static char names[50][16];

    for (int i = 0; i < 50; i++) {
        snprintf(names[i], sizeof names[i], "Unheard%02d", i);
        onnx_node(m, names[i], "y", names[i]);
    }
}

static void input_defined_nowhere(struct onnx_maker *m)
{
    onnx_node(m, "Add", "y,nobody", "z");
}

static void output_defined_twice(struct onnx_maker *m)
{
    onnx_node(m, "Relu", "c", "y");
}

static void output_like_an_input(struct onnx_maker *m)
{
    onnx_node(m, "Relu", "c", "x");
}

static void initialiser_twice(struct onnx_maker *m)
{
    onnx_ints(m, "w", 1, INTS(1));
}

static void graph_output_of_no_node(struct onnx_maker *m)
{
    onnx_output(m, "nobody");
}

static void graph_output_twice(struct onnx_maker *m)
{
    onnx_output(m, "y");
}

static void cycle(struct onnx_maker *m)
{
    onnx_node(m, "Add", "c,q", "p");
    onnx_node(m, "Relu", "p", "q");
    onnx_output(m, "q");
}

static void channels_do_not_fit(struct onnx_maker *m)
{
    m->graph.input[0]->type->tensor_type->shape->dim[1]->dim_value = 4;
}

static void too_few_inputs(struct onnx_maker *m)
{
    onnx_node(m, "Conv", "y", "z");
    m->graph.output[0]->name = (char *)"z";
}

static void first_input_absent(struct onnx_maker *m)
{
    onnx_node(m, "Add", ",y", "z");
    m->graph.output[0]->name = (char *)"z";
}

static void data_shorter_than_dims(struct onnx_maker *m)
{
    m->graph.initializer[0]->raw_data.len -= 4;
}

static void data_missing(struct onnx_maker *m)
{
    m->graph.initializer[0]->has_raw_data = false;
    m->graph.initializer[0]->raw_data.len = 0;
}

static void dims_overflow(struct onnx_maker *m)
{
    m->graph.initializer[0]->dims[0] = INT64_C(1) << 62;
    m->graph.initializer[0]->dims[1] = INT64_C(1) << 62;
}

static void dims_huge(struct onnx_maker *m)
{
    m->graph.initializer[0]->dims[0] = INT64_C(1) << 40;
}

static void dims_negative(struct onnx_maker *m)
{
    m->graph.initializer[0]->dims[0] = -2;
    m->graph.initializer[0]->dims[2] = -3;
}

static void nine_dims(struct onnx_maker *m)
{
    onnx_initialiser(m, "nine", FSN__ONNX_FLOAT, 9, INTS(1, 1, 1, 1, 1, 1, 1, 1, 1), "0123", 4);
}

static void strings(struct onnx_maker *m)
{
    onnx_initialiser(m, "words", FSN__ONNX_STRING, 1, INTS(1), NULL, 0);
}

static void external_data(struct onnx_maker *m)
{
    m->graph.initializer[0]->has_data_location = true;
    m->graph.initializer[0]->data_location = FSN_ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL;
}

static void value_does_not_fit_its_type(struct onnx_maker *m)
{
    FsnOnnx__TensorProto *t = onnx_initialiser(m, "small", FSN__ONNX_INT8, 1, INTS(2), NULL, 0);
    static int32_t values[2] = {127, 128};

    t->n_int32_data = 2;
    t->int32_data = values;
}

static void open_height(struct onnx_maker *m)
{
    onnx_input(m, "image", FSN__ONNX_FLOAT, 4, INTS(1, 3, ONNX_OPEN, 8));
}

static void negative_height(struct onnx_maker *m)
{
    onnx_input(m, "image", FSN__ONNX_FLOAT, 4, INTS(1, 3, -7, 8));
}

static void input_overflows(struct onnx_maker *m)
{
    onnx_input(m, "image", FSN__ONNX_FLOAT, 3, INTS(0, INT64_C(1) << 62, INT64_C(1) << 62));
}

static void output_overflows(struct onnx_maker *m)
{
    onnx_ints(m, "pads", 8, INTS(0, 0, 0, 0, 0, INT64_C(1) << 40, INT64_C(1) << 40, 0));
    onnx_node(m, "Pad", "y,pads", "z");
    onnx_output(m, "z");
}

static void input_without_shape(struct onnx_maker *m)
{
    m->graph.input[0]->type->tensor_type->shape = NULL;
}

static void input_without_type(struct onnx_maker *m)
{
    m->graph.input[0]->type = NULL;
}

static void input_of_strings(struct onnx_maker *m)
{
    m->graph.input[0]->type->tensor_type->elem_type = FSN__ONNX_STRING;
}

static void input_without_name(struct onnx_maker *m)
{
    m->graph.input[0]->name = NULL;
}

static void name_not_text(struct onnx_maker *m)
{
    m->graph.node[0]->name = (char *)"\xff\xfe";
}

static void name_with_control_character(struct onnx_maker *m)
{
    m->graph.output[0]->name = (char *)"a\nb";
}

static void name_overlong(struct onnx_maker *m)
{
    m->graph.node[1]->name = (char *)"\xc0\xaf"; /* '/' in two bytes */
}

static void name_too_long(struct onnx_maker *m)
{
    static char name[600];

    memset(name, 'a', sizeof name - 1);
    m->graph.node[0]->name = name;
}

static void sub_graph(struct onnx_maker *m)
{
    onnx_attr(m, m->graph.node[1], "body", ATTR(GRAPH));
}

static void attribute_twice(struct onnx_maker *m)
{
    onnx_attr_int(m, m->graph.node[0], "group", 1);
    onnx_attr_int(m, m->graph.node[0], "group", 1);
}

static void reference_outside_a_function(struct onnx_maker *m)
{
    onnx_attr_ref(m, m->graph.node[0], "group", ATTR(INT), "g");
}

static void sparse_constant(struct onnx_maker *m)
{
    onnx_attr(m, onnx_node(m, "Constant", "", "z"), "sparse_value", ATTR(SPARSE_TENSOR));
}

static void constant_without_value(struct onnx_maker *m)
{
    onnx_node(m, "Constant", "", "z");
}

static void constant_huge(struct onnx_maker *m)
{
    onnx_ints(m, "shape", 2, INTS(1 << 20, 1 << 20));
    onnx_node(m, "ConstantOfShape", "shape", "z");
    onnx_output(m, "z");
}

static void too_many_inputs(struct onnx_maker *m)
{
    onnx_node(m, "Concat",
              "y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,"
              "y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y,y",
              "z");
}

static void batch_norm_with_its_gradient(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 9;
    onnx_node(m, "BatchNormalization", "c,w,w,w,w", "z,mean,var,saved,saved2");
    onnx_node(m, "Relu", "saved", "r");
    onnx_output(m, "r");
}

static void batch_norm_per_element(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 7;
    onnx_attr_int(m, onnx_node(m, "BatchNormalization", "c,w,w,w,w", "z"), "spatial", 0);
}

static void slice_in_two_forms(struct onnx_maker *m)
{
    m->model.opset_import[0]->version = 9;
    onnx_node(m, "Slice", "y,w", "z");
}

static void function_calls_itself(struct onnx_maker *m)
{
    FsnOnnx__FunctionProto *f = onnx_function(m, "mine", "F", "a", "b");

    onnx_body_node(m, f, "F", "a", "b")->domain = (char *)"mine";
    onnx_node(m, "F", "y", "z")->domain = (char *)"mine";
}

static void functions_call_each_other(struct onnx_maker *m)
{
    onnx_body_node(m, onnx_function(m, "mine", "F", "a", "b"), "G", "a", "b")->domain =
        (char *)"mine";
    onnx_body_node(m, onnx_function(m, "mine", "G", "a", "b"), "F", "a", "b")->domain =
        (char *)"mine";
    onnx_node(m, "F", "y", "z")->domain = (char *)"mine";
}

static void function_twice(struct onnx_maker *m)
{
    onnx_function(m, "mine", "F", "a", "a");
    onnx_function(m, "mine", "F", "a", "a");
}

static void function_without_its_output(struct onnx_maker *m)
{
    onnx_function(m, "mine", "F", "a", "b");
    onnx_node(m, "F", "y", "z")->domain = (char *)"mine";
}

static void function_with_too_many_inputs(struct onnx_maker *m)
{
    onnx_function(m, "mine", "F", "a", "a");
    onnx_node(m, "F", "y,y", "z")->domain = (char *)"mine";
}

static void function_body_reads_the_graph(struct onnx_maker *m)
{
    onnx_body_node(m, onnx_function(m, "mine", "F", "a", "b"), "Add", "a,w", "b");
    onnx_node(m, "F", "y", "z")->domain = (char *)"mine";
}

/* A hundred calls in each of ten functions: 100^10 nodes, were it not for the limit on them. */
static void function_bomb(struct onnx_maker *m)
{
    char name[] = "F0", inner[] = "F1";

    for (int i = 0; i < 10; i++, name[1]++, inner[1]++) {
        FsnOnnx__FunctionProto *f = onnx_function(m, "mine", name, "a", "b");

        for (int j = 0; j < 100; j++) {
            char out[8];

            snprintf(out, sizeof out, j == 99 ? "b" : "t%d", j);
            onnx_body_node(m, f, i < 9 ? inner : "Relu", "a", out)->domain =
                (char *)(i < 9 ? "mine" : "");
        }
    }
    onnx_node(m, "F0", "y", "z")->domain = (char *)"mine";
}

struct wrong_file {
    const char *name;
    void (*spoil)(struct onnx_maker *m);
    enum fsn_status status;
    const char *part; /* of the message */
};

static const struct wrong_file wrong_files[] = {
    {"no graph", no_graph, FSN_FORMAT, "no graph"},
    {"no outputs", no_outputs, FSN_FORMAT, "no outputs"},
    {"no opset", no_opset, FSN_FORMAT, "which ONNX operator set"},
    {"old opset", old_opset, FSN_UNSUPPORTED,
     "PRelu 'PRelu_z' is of ONNX operator set version 6; its form of version 7 and later"},
    {"broadcast from an axis on", broadcast_from_an_axis_on, FSN_UNSUPPORTED,
     "Add 'Add_z' is of ONNX operator set version 6, of which its attribute axis cannot be read"},
    {"batch norm in the training form of old", batch_norm_in_the_training_form_of_old,
     FSN_UNSUPPORTED, "BatchNormalization 'BatchNormalization_z' is in its training form"},
    {"new opset", new_opset, FSN_UNSUPPORTED, "version 99"},
    {"two unknown operators", two_unknown_operators, FSN_UNSUPPORTED,
     "operators 'Foo' of nodes 'Foo_z', 'Foo_v', 'Bar' (domain 'com.example') of node 'Bar_u' are "
     "not"},
    {"one unknown operator often", one_unknown_operator_often, FSN_UNSUPPORTED,
     "operator 'Foo' of nodes 'Foo_0', 'Foo_1', 'Foo_2', 'Foo_3' and 2 more is not supported"},
    {"many unknown operators", many_unknown_operators, FSN_UNSUPPORTED,
     " other operators are not supported"},
    {"input defined nowhere", input_defined_nowhere, FSN_FORMAT,
     "Add 'Add_z': input 'nobody' is defined nowhere"},
    {"output defined twice", output_defined_twice, FSN_FORMAT, "output 'y' of node 'Relu_y'"},
    {"output like an input", output_like_an_input, FSN_FORMAT, "output 'x' of node 'Relu_x'"},
    {"initialiser twice", initialiser_twice, FSN_FORMAT, "initialiser 'w' is defined twice"},
    {"graph output of no node", graph_output_of_no_node, FSN_FORMAT, "graph output 'nobody'"},
    {"graph output twice", graph_output_twice, FSN_FORMAT, "'y' is listed twice"},
    {"cycle", cycle, FSN_FORMAT, "cycle"},
    {"channels do not fit", channels_do_not_fit, FSN_SHAPE, "Conv 'Conv_c'"},
    {"too few inputs", too_few_inputs, FSN_FORMAT, "Conv 'Conv_z': 1 inputs"},
    {"first input absent", first_input_absent, FSN_FORMAT, "Add 'Add_z': input 0 is missing"},
    {"data shorter than dims", data_shorter_than_dims, FSN_FORMAT,
     "initialiser 'w': 68 bytes of data, shape [2,1,3,3] of float32 needs 72"},
    {"data missing", data_missing, FSN_FORMAT, "initialiser 'w': 0 elements of data"},
    {"dims overflow", dims_overflow, FSN_LIMIT, "initialiser 'w'"},
    {"dims huge", dims_huge, FSN_LIMIT, "initialiser 'w'"},
    {"dims negative", dims_negative, FSN_FORMAT, "initialiser 'w': dimension 0 is -2"},
    {"nine dims", nine_dims, FSN_LIMIT, "initialiser 'nine': 9 dimensions"},
    {"strings", strings, FSN_UNSUPPORTED, "'words': element type string"},
    {"external data", external_data, FSN_UNSUPPORTED, "initialiser 'w': its data lies in another"},
    {"value does not fit its type", value_does_not_fit_its_type, FSN_FORMAT,
     "'small': element 1, 128, does not fit int8"},
    {"open height", open_height, FSN_UNSUPPORTED, "'image': dimension 2 ('N') is not fixed"},
    {"negative height", negative_height, FSN_FORMAT, "'image': dimension 2 is -7"},
    {"input overflows", input_overflows, FSN_LIMIT, "graph input 'image': shape [0,4611686018"},
    {"output overflows", output_overflows, FSN_LIMIT, "Pad 'Pad_z'"},
    {"input without shape", input_without_shape, FSN_UNSUPPORTED, "'x' has no shape"},
    {"input without type", input_without_type, FSN_UNSUPPORTED, "'x' is not declared as a tensor"},
    {"input of strings", input_of_strings, FSN_UNSUPPORTED, "'x': element type string"},
    {"input without name", input_without_name, FSN_FORMAT, "input has no name"},
    {"name not text", name_not_text, FSN_FORMAT, "node 0: a name is not valid UTF-8"},
    {"name with control character", name_with_control_character, FSN_FORMAT, "graph output 0"},
    {"name overlong", name_overlong, FSN_FORMAT, "node 1: a name is not valid UTF-8"},
    {"name too long", name_too_long, FSN_LIMIT, "node 0: a name of 599 bytes"},
    {"sub-graph", sub_graph, FSN_UNSUPPORTED, "Relu 'Relu_y': attribute 'body' is a sub-graph"},
    {"attribute twice", attribute_twice, FSN_FORMAT, "attribute 'group' is given twice"},
    {"reference outside a function", reference_outside_a_function, FSN_FORMAT, "in no function"},
    {"sparse constant", sparse_constant, FSN_UNSUPPORTED, "'sparse_value'"},
    {"constant without value", constant_without_value, FSN_FORMAT, "Constant 'Constant_z'"},
    {"constant huge", constant_huge, FSN_LIMIT, "ConstantOfShape 'ConstantOfShape_z'"},
    {"too many inputs", too_many_inputs, FSN_LIMIT, "Concat 'Concat_z': 66 inputs"},
    {"batch norm with its gradient", batch_norm_with_its_gradient, FSN_UNSUPPORTED,
     "'saved', which a BatchNormalization saved for its gradient, is read"},
    {"batch norm per element", batch_norm_per_element, FSN_UNSUPPORTED, "spatial = 0"},
    {"slice in two forms", slice_in_two_forms, FSN_FORMAT, "Slice 'Slice_z': 2 inputs"},
    {"function calls itself", function_calls_itself, FSN_FORMAT, "'F' (domain 'mine') calls"},
    {"functions call each other", functions_call_each_other, FSN_FORMAT, "calls itself"},
    {"function twice", function_twice, FSN_FORMAT, "function 'F' (domain 'mine') is defined twice"},
    {"function without its output", function_without_its_output, FSN_FORMAT, "output 'b'"},
    {"function with too many inputs", function_with_too_many_inputs, FSN_FORMAT,
     "F 'F_z': 2 inputs and 1 outputs, its function has 1 and 1"},
    {"function body reads the graph", function_body_reads_the_graph, FSN_FORMAT,
     "input 'w' is defined nowhere"},
    {"function bomb", function_bomb, FSN_LIMIT, "nodes"},
};

static void every_wrong_file_is_refused_with_place_and_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
        const struct wrong_file *wrong = &wrong_files[i];
        struct fsn_error err = {0};
        struct onnx_maker m;
        enum fsn_status status;

        base(&m);
        wrong->spoil(&m);
        status = load(&m, NULL, &err);
        if (status != wrong->status || !strstr(err.text, wrong->part))
            fail_msg("%s: %s \"%s\", expected %s \"%s\"", wrong->name, fsn_status_name(status),
                     err.text, fsn_status_name(wrong->status), wrong->part);
        onnx_end(&m);
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

static void the_unspoilt_file_loads(void **state)
{
    struct onnx_maker m;

    (void)state;
    base(&m);
    assert_int_equal(load(&m, NULL, NULL), FSN_OK);
    onnx_end(&m);
}

static void a_file_cut_anywhere_never_crashes(void **state)
{
    struct onnx_maker m;
    const unsigned char *bytes;
    size_t size, refused = 0;

    (void)state;
    base(&m);
    bytes = onnx_bytes(&m, &size);
    for (size_t cut = 0; cut < size; cut++) {
        struct fsn_model *model = NULL;
        struct fsn_error err = {0};
        unsigned char *copy = malloc(cut + 1); /* its own block: reading past it is caught */

        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        if (fsn_model_load_memory(copy, cut, NULL, &model, &err) != FSN_OK) {
            assert_null(model);
            assert_true(err.text[0] != 0);
            refused++;
        }
        fsn_model_destroy(model);
        free(copy);
    }
    assert_true(refused >
                size - 20); /* nothing is lost by cutting the trailing opset import only */
    onnx_end(&m);
}

static void a_file_with_any_byte_changed_never_crashes(void **state)
{
    static const unsigned char changes[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    struct onnx_maker m;
    const unsigned char *bytes;
    unsigned char *copy;
    size_t size;

    (void)state;
    base(&m);
    bytes = onnx_bytes(&m, &size);
    copy = malloc(size);
    assert_non_null(copy);
    for (size_t at = 0; at < size; at++) {
        for (size_t i = 0; i < sizeof changes; i++) {
            struct fsn_model *model = NULL;
            struct fsn_error err = {0};

            memcpy(copy, bytes, size);
            copy[at] = changes[i];
            if (fsn_model_load_memory(copy, size, NULL, &model, &err) != FSN_OK)
                assert_true(err.text[0] != 0);
            fsn_model_destroy(model);
        }
    }
    free(copy);
    onnx_end(&m);
}

static void garbage_is_no_onnx_file(void **state)
{
    static const char *const garbage[] = {"", "PK\x03\x04 a zip", "{\"json\": true}",
                                          "\x89PNG\r\n\x1a\n", "\xff\xff\xff\xff\xff\xff\xff"};

    (void)state;
    for (size_t i = 0; i < sizeof garbage / sizeof garbage[0]; i++) {
        struct fsn_model *model = NULL;
        struct fsn_error err = {0};

        assert_int_equal(fsn_model_load_memory(garbage[i], strlen(garbage[i]), NULL, &model, &err),
                         FSN_FORMAT);
        assert_non_null(strstr(err.text, "ONNX"));
    }
}

static void a_missing_file_is_named(void **state)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    (void)state;
    assert_int_equal(fsn_model_load("/nowhere/at/all.onnx", NULL, &model, &err), FSN_IO);
    assert_non_null(strstr(err.text, "/nowhere/at/all.onnx"));
}

/* A node may take two bytes in the file and a hundred in memory. */
static void messages_that_unpack_to_far_more_than_the_file_are_refused(void **state)
{
    enum { NODES = 4000000 };
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    unsigned char *bytes = malloc(8 + 2 * NODES);
    size_t size = 0, length = 2 * (size_t)NODES;

    (void)state;
    assert_non_null(bytes);
    bytes[size++] = 7 << 3 | 2; /* ModelProto.graph */
    for (; length > 127; length >>= 7)
        bytes[size++] = (unsigned char)(0x80 | (length & 0x7f));
    bytes[size++] = (unsigned char)length;
    for (int i = 0; i < NODES; i++) {
        bytes[size++] = 1 << 3 | 2; /* GraphProto.node, empty */
        bytes[size++] = 0;
    }
    assert_int_equal(fsn_model_load_memory(bytes, size, NULL, &model, &err), FSN_LIMIT);
    free(bytes);
}

/* ---- limits -------------------------------------------------------------------------------- */

static void every_import_limit_is_held(void **state)
{
    static const struct {
        struct fsn_import_limits limits;
        const char *part;
    } cases[] = {
        {{.max_bytes = 100}, "the limit is 100"},
        {{.max_nodes = 1}, "2 nodes, at most 1"},
        {{.max_values = 2}, "more than 2 values"},
        {{.max_elements = 17}, "more than 17 elements"},
        {{.max_elements = 18}, "graph input 'x': shape [N,1,4,12]"}, /* the weights have 18 */
        {{.max_constants = 71}, "larger than the limit"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_error err = {0};
        struct onnx_maker m;

        base(&m);
        m.graph.input[0]->type->tensor_type->shape->dim[3]->dim_value = 12;
        assert_int_equal(load(&m, &cases[i].limits, &err), FSN_LIMIT);
        if (!strstr(err.text, cases[i].part))
            fail_msg("\"%s\" does not say \"%s\"", err.text, cases[i].part);
        onnx_end(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_unspoilt_file_loads),
        cmocka_unit_test(every_wrong_file_is_refused_with_place_and_reason),
        cmocka_unit_test(a_file_cut_anywhere_never_crashes),
        cmocka_unit_test(a_file_with_any_byte_changed_never_crashes),
        cmocka_unit_test(garbage_is_no_onnx_file),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(messages_that_unpack_to_far_more_than_the_file_are_refused),
        cmocka_unit_test(every_import_limit_is_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
