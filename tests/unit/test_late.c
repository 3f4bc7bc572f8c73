/* Nodes whose output is as large as the data say: read, carried along, written again; never run. */
#include "fsnet.h"
#include "graph/exec.h"
#include "graph/transposes.h"
#include "onnx/onnx.h"
#include "onnx_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { FLOAT = 1, INT64 = 7 };

/* Boxes and scores of images go in; out come the chosen rows, turned over twice, and the scores of
 * both classes added. declared: the first output has its type in the file. */
static void begin(struct onnx_maker *m, bool declared)
{
    const int64_t turn[2] = {1, 0};

    onnx_begin(m, 13);
    onnx_input(m, "boxes", FLOAT, 3, (const int64_t[]){ONNX_OPEN, 3, 4});
    onnx_input(m, "scores", FLOAT, 3, (const int64_t[]){ONNX_OPEN, 2, 3});
    onnx_ints(m, "most", 1, (const int64_t[]){3});
    onnx_floats(m, "overlap", 1, (const int64_t[]){1}, (const float[]){0.5F});
    onnx_node(m, "NonMaxSuppression", "boxes,scores,most,overlap", "chosen");
    onnx_attr_ints(m, onnx_node(m, "Transpose", "chosen", "turned"), "perm", 2, turn);
    onnx_attr_ints(m, onnx_node(m, "Transpose", "turned", "rows"), "perm", 2, turn);
    onnx_node(m, "Add", "scores,scores", "sum");
    onnx_output(m, "rows");
    onnx_output(m, "sum");
    /* an output's type is written like an input's */
    onnx_input(m, "rows", INT64, 2, (const int64_t[]){ONNX_OPEN, 3});
    m->graph.output[0]->type = declared ? m->graph.input[2]->type : NULL;
    m->graph.n_input = 2;
}

static struct fsn_model *load(struct onnx_maker *m)
{
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    if (fsn_model_load_memory(bytes, size, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

static const struct fsn__value *output(const struct fsn_model *model, int i)
{
    return &model->graph->values[model->graph->outputs[i]];
}

static void assert_as_made(const struct fsn_model *model)
{
    static const char *const ops[] = {"NonMaxSuppression", "Transpose", "Transpose", "Add"};
    const struct fsn__graph *graph = model->graph;
    const struct fsn__value *rows = output(model, 0);

    assert_int_equal(graph->node_count, 4);
    for (int i = 0; i < 4; i++)
        assert_string_equal(graph->nodes[i].op->name, ops[i]);
    assert_true(fsn__graph_is_late(graph, 0) && fsn__graph_is_late(graph, 2));
    assert_false(fsn__graph_is_late(graph, 3));
    assert_string_equal(rows->name, "rows");
    assert_true(rows->late);
    assert_int_equal(rows->tensor.dtype, FSN__I64);
    assert_string_equal(FSN__SHAPE(&rows->tensor), "[N,3]");
    assert_false(output(model, 1)->late);
}

static void what_is_late_is_read_and_written_as_it_is(void **state)
{
    static const enum fsn_export_form forms[] = {FSN_EXPORT_SMALL, FSN_EXPORT_DENSE};
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    begin(&m, true);
    model = load(&m);
    assert_as_made(model);
    assert_int_equal(fsn__graph_merge_transposes(model->graph, NULL), FSN_OK);
    for (int i = 0; i < 2; i++) {
        struct fsn_model *back = NULL;
        unsigned char *bytes = NULL;
        size_t size;

        assert_int_equal(fsn__onnx_export(model, forms[i], &bytes, &size, NULL), FSN_OK);
        assert_int_equal(fsn_model_load_memory(bytes, size, NULL, &back, NULL), FSN_OK);
        assert_as_made(back);
        fsn_model_destroy(back);
        free(bytes);
    }
    fsn_model_destroy(model);
    onnx_end(&m);
}

static void it_is_not_run(void **state)
{
    const struct fsn__exec_options options = {.batch = 2};
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};
    struct onnx_maker m;
    struct fsn_model *model;

    (void)state;
    begin(&m, true);
    model = load(&m);
    assert_int_equal(fsn__exec_create(model->graph, &options, &exec, &err), FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "NonMaxSuppression 'NonMaxSuppression_chosen': how much it "
                                     "writes is known only when an image has been seen"));
    model->graph->outputs[0] = model->graph->outputs[1]; /* without what is late */
    model->graph->output_count = 1;
    assert_int_equal(fsn__graph_prune(model->graph, NULL), FSN_OK);
    assert_int_equal(fsn__exec_create(model->graph, &options, &exec, NULL), FSN_OK);
    fsn__exec_destroy(exec);
    fsn_model_destroy(model);
    onnx_end(&m);
}

/* The boxes of an image: the second overlaps the first, which has the better score. */
static void nothing_is_late_of_constants(void **state)
{
    float corner[12] = {0, 0, 2, 2, 0, 0, 2, 1.9F, 5, 5, 6, 6};
    float score[6] = {0.9F, 0.8F, 0.7F, 0.2F, 0.3F, 0.1F};
    const struct fsn__tensor boxes = {FSN__F32, 3, {1, 3, 4}, corner};
    const struct fsn__tensor scores = {FSN__F32, 3, {1, 2, 3}, score};
    const struct fsn__binding bound[2] = {{"boxes", &boxes}, {"scores", &scores}};
    static const int64_t want[] = {0, 0, 0, 0, 0, 2, 0, 1, 1, 0, 1, 2};
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    struct onnx_maker m;
    const unsigned char *bytes;
    size_t size;

    (void)state;
    begin(&m, true);
    bytes = onnx_bytes(&m, &size);
    if (fsn__onnx_import(bytes, size, NULL, bound, 2, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_string_equal(FSN__SHAPE(&output(model, 0)->tensor), "[4,3]");
    assert_memory_equal(output(model, 0)->tensor.data, want, sizeof want);
    fsn_model_destroy(model);
    onnx_end(&m);
}

static void a_late_output_without_a_type_is_refused(void **state)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    struct onnx_maker m;
    const unsigned char *bytes;
    size_t size;

    (void)state;
    begin(&m, false);
    bytes = onnx_bytes(&m, &size);
    assert_int_equal(fsn_model_load_memory(bytes, size, NULL, &model, &err), FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "graph output 'rows' depends on what is found in an image"));
    onnx_end(&m);
}

/* Its target was folded, and says how many images there are in a way of the engine's own. */
static void what_reads_the_batch_behind_it_is_not_written(void **state)
{
    struct fsn_model *model;
    struct fsn_error err = {0};
    unsigned char *bytes = NULL;
    struct onnx_maker m;
    size_t size;

    (void)state;
    begin(&m, true);
    onnx_node(&m, "Shape", "boxes", "shape");
    onnx_node(&m, "Reshape", "rows,shape", "shaped");
    m.graph.output[0]->name = (char *)(uintptr_t) "shaped";
    model = load(&m);
    assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_SMALL, &bytes, &size, &err),
                     FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "Reshape 'Reshape_shaped': reads how many images there are"));
    fsn_model_destroy(model);
    onnx_end(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_late_is_read_and_written_as_it_is),
        cmocka_unit_test(it_is_not_run),
        cmocka_unit_test(nothing_is_late_of_constants),
        cmocka_unit_test(what_reads_the_batch_behind_it_is_not_written),
        cmocka_unit_test(a_late_output_without_a_type_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
