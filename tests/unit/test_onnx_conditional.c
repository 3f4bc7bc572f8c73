/* Reading ONNX files: an If is followed where its condition is known without the images. Expected
 * values are by hand from the ONNX specification of If. */
#include "model_runner.h"

#include "fsnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define FLOATS(...) ((const float[]){__VA_ARGS__})

/* A branch of one node, whose output the branch's own is. */
static void add_branch(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name,
                       const char *op, const char *in)
{
    struct onnx_maker branch;

    onnx_begin(&branch, 13);
    onnx_node(&branch, op, in, "b");
    onnx_output(&branch, "b");
    onnx_attr_graph(m, node, name, &branch);
}

/* x [2,3]; y = -x where the condition holds, |x| where it does not. */
static FsnOnnx__NodeProto *begin(struct onnx_maker *m, const char *condition)
{
    FsnOnnx__NodeProto *node;

    onnx_begin(m, 13);
    onnx_input(m, "x", FSN__ONNX_FLOAT, 2, INTS(2, 3));
    onnx_ints(m, "two", 1, INTS(2));
    onnx_ints(m, "three", 1, INTS(3));
    onnx_initialiser(m, "yes", FSN__ONNX_BOOL, 0, NULL, "\1", 1);
    onnx_initialiser(m, "no", FSN__ONNX_BOOL, 1, INTS(1), "\0", 1);
    /* whether the last dimension is 3, is 2 */
    onnx_node(m, "Shape", "x", "shape");
    onnx_ints(m, "last", 1, INTS(1));
    onnx_node(m, "Gather", "shape,last", "size");
    onnx_node(m, "Equal", "size,three", "is_three");
    onnx_node(m, "Equal", "size,two", "is_two");
    node = onnx_node(m, "If", condition, "y");
    onnx_output(m, "y");
    return node;
}

static void the_branch_that_the_condition_names_is_taken(void **state)
{
    static const float x[6] = {1, -2, 3, -4, 5, -6};
    static const struct {
        const char *condition;
        float y[6];
    } cases[] = {
        {"yes", {-1, 2, -3, 4, -5, 6}},
        {"no", {1, 2, 3, 4, 5, 6}},
        {"is_three", {-1, 2, -3, 4, -5, 6}},
        {"is_two", {1, 2, 3, 4, 5, 6}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct onnx_maker m;
        FsnOnnx__NodeProto *node = begin(&m, cases[i].condition);
        struct fsn_model *model;

        add_branch(&m, node, "then_branch", "Neg", "x");
        add_branch(&m, node, "else_branch", "Abs", "x");
        model = onnx_load(&m);
        assert_int_equal(model->graph->node_count, 1);
        assert_computes(model, x, 6, cases[i].y);
        fsn_model_destroy(model);
    }
}

/* What the other branch holds need not even be possible: that is what conditions are for. */
static void the_other_branch_is_not_looked_at(void **state)
{
    struct onnx_maker m;
    FsnOnnx__NodeProto *node = begin(&m, "is_three");
    struct fsn_model *model;

    (void)state;
    add_branch(&m, node, "then_branch", "Neg", "x");
    add_branch(&m, node, "else_branch", "Frobnicate", "nothing");
    model = onnx_load(&m);
    assert_computes(model, FLOATS(1, -2, 3, -4, 5, -6), 6, FLOATS(-1, 2, -3, 4, -5, 6));
    fsn_model_destroy(model);
}

/* An output may be an initialiser of the branch or a value from around it, and a branch may hold a
 * conditional of its own. */
static void branches_nest_and_hand_values_through(void **state)
{
    struct onnx_maker m, outer, inner;
    FsnOnnx__NodeProto *node = begin(&m, "is_two"), *nested;
    struct fsn_model *model;

    (void)state;
    onnx_begin(&inner, 13);
    onnx_floats(&inner, "w", 1, INTS(3), FLOATS(10, 20, 30));
    onnx_output(&inner, "w");
    onnx_begin(&outer, 13);
    nested = onnx_node(&outer, "If", "yes", "added");
    onnx_attr_graph(&outer, nested, "then_branch", &inner);
    add_branch(&outer, nested, "else_branch", "Abs", "x");
    onnx_node(&outer, "Add", "x,added", "sum");
    onnx_output(&outer, "sum");
    add_branch(&m, node, "then_branch", "Abs", "x");
    onnx_attr_graph(&m, node, "else_branch", &outer);
    model = onnx_load(&m);
    assert_computes(model, FLOATS(1, -2, 3, -4, 5, -6), 6, FLOATS(11, 18, 33, 6, 25, 24));
    fsn_model_destroy(model);

    node = begin(&m, "yes");
    onnx_begin(&inner, 13);
    onnx_output(&inner, "x");
    onnx_attr_graph(&m, node, "then_branch", &inner);
    model = onnx_load(&m);
    assert_computes(model, FLOATS(1, -2, 3, -4, 5, -6), 6, FLOATS(1, -2, 3, -4, 5, -6));
    fsn_model_destroy(model);
}

/* ---- refusals ---------------------------------------------------------------------------------
 */

static void refuse(struct onnx_maker *m, enum fsn_status status, const char *part)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);
    enum fsn_status got = fsn_model_load_memory(bytes, size, NULL, &model, &err);

    if (got != status || !strstr(err.text, part))
        fail_msg("%s \"%s\", expected %s \"%s\"", fsn_status_name(got), err.text,
                 fsn_status_name(status), part);
    onnx_end(m);
}

static void a_condition_on_the_input_is_refused(void **state)
{
    struct onnx_maker m;
    FsnOnnx__NodeProto *node;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 1, INTS(1));
    onnx_node(&m, "Less", "x,x", "c");
    node = onnx_node(&m, "If", "c", "y");
    add_branch(&m, node, "then_branch", "Neg", "x");
    add_branch(&m, node, "else_branch", "Abs", "x");
    onnx_output(&m, "y");
    refuse(&m, FSN_UNSUPPORTED, "If 'If_y': its condition depends on the input");
}

static void what_is_wrong_with_a_conditional_is_named(void **state)
{
    struct onnx_maker m, branch;
    FsnOnnx__NodeProto *node;

    (void)state;
    node = begin(&m, "yes");
    add_branch(&m, node, "else_branch", "Neg", "x");
    refuse(&m, FSN_FORMAT, "If 'If_y': then_branch is missing");

    node = begin(&m, "yes");
    add_branch(&m, node, "then_branch", "Twist", "x");
    refuse(&m, FSN_UNSUPPORTED, "operator 'Twist' of node 'Twist_b' is not supported");

    node = begin(&m, "yes");
    add_branch(&m, node, "then_branch", "Neg", "nothing");
    refuse(&m, FSN_FORMAT, "input 'nothing' is defined nowhere");

    node = begin(&m, "two");
    add_branch(&m, node, "then_branch", "Neg", "x");
    refuse(&m, FSN_SHAPE, "its condition is int64 [1], expected one bool");

    node = begin(&m, "later");
    add_branch(&m, node, "then_branch", "Neg", "x");
    onnx_node(&m, "Not", "yes", "later");
    refuse(&m, FSN_FORMAT, "depends on nodes that stand behind it");

    node = begin(&m, "yes");
    onnx_begin(&branch, 13);
    onnx_attr_graph(&m, node, "then_branch", &branch);
    refuse(&m, FSN_FORMAT, "1 outputs, the branch that is taken has 0");

    node = begin(&m, "yes");
    onnx_begin(&branch, 13);
    onnx_output(&branch, "nowhere");
    onnx_attr_graph(&m, node, "then_branch", &branch);
    refuse(&m, FSN_FORMAT, "If 'If_y': output 'nowhere' is not made by any node");

    node = begin(&m, "yes");
    add_branch(&m, node, "then_branch", "Neg", "x");
    node->attribute[0]->g.len--;
    refuse(&m, FSN_FORMAT, "If 'If_y': then_branch");
}

/* Each level is one If in the branch of another. */
static void conditionals_are_bounded_in_depth_and_number(void **state)
{
    struct onnx_maker m, level[20];
    FsnOnnx__NodeProto *node;
    char name[16];

    (void)state;
    node = begin(&m, "yes");
    for (int i = 0; i < 20; i++) {
        onnx_begin(&level[i], 13);
        onnx_output(&level[i], "z");
    }
    onnx_node(&level[19], "Neg", "x", "z");
    for (int i = 19; i > 0; i--)
        onnx_attr_graph(&level[i - 1], onnx_node(&level[i - 1], "If", "yes", "z"), "then_branch",
                        &level[i]);
    onnx_attr_graph(&m, node, "then_branch", &level[0]);
    refuse(&m, FSN_LIMIT, "nested deeper than 16");

    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 1, INTS(1));
    onnx_initialiser(&m, "yes", FSN__ONNX_BOOL, 0, NULL, "\1", 1);
    for (int i = 0; i < 65; i++) {
        snprintf(name, sizeof name, "y%d", i);
        add_branch(&m, onnx_node(&m, "If", "yes", name), "then_branch", "Neg", "x");
    }
    onnx_output(&m, "y64");
    refuse(&m, FSN_LIMIT, "more than 64 conditionals");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_branch_that_the_condition_names_is_taken),
        cmocka_unit_test(the_other_branch_is_not_looked_at),
        cmocka_unit_test(branches_nest_and_hand_values_through),
        cmocka_unit_test(a_condition_on_the_input_is_refused),
        cmocka_unit_test(what_is_wrong_with_a_conditional_is_named),
        cmocka_unit_test(conditionals_are_bounded_in_depth_and_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
