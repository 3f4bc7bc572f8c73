/* test_detector_student.c - a network of several outputs that are no class scores is planned,
 * converted, exported and read back whole. */
#include "fsnet.h"
#include "graph_run.h"
#include "onnx/onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void check(enum fsn_layout layout)
{
    const struct fsn_arch_options options = {.input_size = 64, .classes = 3, .seed = 2};
    struct fsn_model *model = NULL, *student = NULL, *back = NULL;
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_faults faults = {.count = 0};
    unsigned char *bytes = NULL;
    size_t size = 0;
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = layout;
    if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK ||
        fsn_student_create(model, &spec, &student, &faults, &err) != FSN_OK ||
        fsn__onnx_export(student, FSN_EXPORT_SMALL, &bytes, &size, &err) != FSN_OK ||
        fsn_model_load_memory(bytes, size, NULL, &back, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(faults.count, 0);
    assert_true(graph_count(student->graph, "FilterSummary") > 10);
    assert_int_equal(back->graph->output_count, 2);
    assert_string_equal(back->graph->values[back->graph->outputs[0]].name, "locations");
    assert_string_equal(back->graph->values[back->graph->outputs[1]].name, "confidences");
    assert_true(graph_difference(student->graph, back->graph, 2) < 1e-4);
    free(bytes);
    fsn_spec_clear(&spec);
    fsn_model_destroy(back);
    fsn_model_destroy(student);
    fsn_model_destroy(model);
}

static void both_layouts_come_back_with_both_outputs(void **state)
{
    (void)state;
    check(FSN_LAYOUT_1D);
    check(FSN_LAYOUT_3D);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_layouts_come_back_with_both_outputs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
