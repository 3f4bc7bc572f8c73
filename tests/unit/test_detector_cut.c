/* test_detector_cut.c - detectors that decode and suppress inside: which values are the raw ones,
 * what is said where that is not clear, and what a cut there leaves alone. */
#include "decode_tail.h"
#include "onnx/onnx.h"
#include "train/detector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 64, DECODED_NODES = 15 }; /* nodes of decode_tail.c without suppression */

static struct fsn_model *detector(int classes, bool suppress)
{
    const struct fsn_arch_options options = {.input_size = SIZE, .classes = classes, .seed = 2};
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    if (fsn_arch_build("ssd-lite", &options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    decode_tail(model->graph, SIZE, suppress);
    return model;
}

static int value(const struct fsn__graph *graph, const char *name)
{
    const int found = fsn__graph_find_computed(graph, name);

    assert_true(found >= 0);
    return found;
}

static struct fsn__ends raw(const struct fsn__graph *graph)
{
    return (struct fsn__ends){2, {value(graph, "raw_boxes"), value(graph, "raw_scores")}};
}

/* Finds the outputs; returns what is wrong with them, "" if nothing is. */
static struct fsn_error find(const struct fsn__graph *graph, int classes, const char *locations,
                             const char *confidences, struct fsn__detector_head *head)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.detection.locations = (char *)(uintptr_t)locations;
    spec.detection.confidences = (char *)(uintptr_t)confidences;
    if (fsn__detector_outputs_find(graph, "test", classes, &spec, head, &err) == FSN_OK)
        assert_string_equal(err.text, "");
    return err;
}

static void assert_says(const struct fsn_error *err, enum fsn_status status, const char *part)
{
    assert_int_equal(err->status, status);
    if (!strstr(err->text, part))
        fail_msg("'%s' is not in '%s'", part, err->text);
}

static void raw_outputs_are_found_in_front_of_decoding(void **state)
{
    (void)state;
    for (int suppress = 0; suppress < 2; suppress++)
        for (int classes = 3; classes < 5; classes++) { /* with three, both have four columns */
            struct fsn_model *model = detector(classes, suppress);
            const struct fsn__ends ends = raw(model->graph);
            struct fsn__detector_head head = {.boxes = 0};
            int pair[2] = {-1, -1};

            assert_string_equal(find(model->graph, classes, NULL, NULL, &head).text, "");
            assert_int_equal(head.ends[0], ends.value[0]);
            assert_int_equal(head.ends[1], ends.value[1]);
            assert_int_equal(head.boxes, 380);
            assert_int_equal(fsn__detector_cut_find(model->graph, -1, pair), 1);
            assert_int_equal(pair[1], ends.value[1]);
            fsn_model_destroy(model);
        }
}

static void a_network_that_does_not_decode_is_not_cut(void **state)
{
    const struct fsn_arch_options options = {.input_size = SIZE, .classes = 4, .seed = 2};
    struct fsn_model *model = NULL;
    int pair[2];

    (void)state;
    assert_int_equal(fsn_arch_build("ssd-lite", &options, &model, NULL), FSN_OK);
    assert_int_equal(fsn__detector_cut_find(model->graph, 4, pair), 0);
    fsn_model_destroy(model);
}

/* An output that goes by the raw ones. */
static void where_more_comes_out_names_are_asked_for(void **state)
{
    struct fsn_model *model = detector(4, true);
    struct fsn__graph *graph = model->graph;
    struct fsn__detector_head head = {.boxes = 0};
    struct fsn_error err;
    const int stem = value(graph, "relu1");

    (void)state;
    assert_int_equal(fsn__graph_add_output(graph, stem, NULL), FSN_OK);
    err = find(graph, 4, NULL, NULL, &head);
    assert_says(&err, FSN_MISMATCH,
                "and inside it 'raw_boxes' float32 [N,380,4], 'raw_scores' float32 [N,380,5]");
    assert_string_equal(find(graph, 4, "raw_boxes", "raw_scores", &head).text, "");
    assert_int_equal(head.ends[0], value(graph, "raw_boxes"));
    err = find(graph, 4, "raw_boxes", "raw_score", &head);
    assert_says(&err, FSN_INVALID,
                "detection.confidences: the network has no output 'raw_score'; it has 'chosen'");
    assert_says(&err, FSN_INVALID, "and inside it 'raw_boxes' float32 [N,380,4], 'raw_scores'");
    err = find(graph, 4, "chosen", "raw_scores", &head);
    assert_says(&err, FSN_MISMATCH, "output 'chosen' is int64");
    fsn_model_destroy(model);
}

static void scores_that_a_sigmoid_reads_are_of_another_kind(void **state)
{
    struct fsn_model *model = detector(4, false);
    struct fsn__graph *graph = model->graph;
    struct fsn__detector_head head = {.boxes = 0};
    const int logits = value(graph, "raw_scores");
    struct fsn_error err;

    (void)state;
    assert_int_equal(
        fsn__graph_apply(graph, "Sigmoid", "odds", NULL, 1, &logits, &graph->outputs[1], NULL),
        FSN_OK);
    err = find(graph, 4, NULL, NULL, &head);
    assert_says(&err, FSN_MISMATCH, "ends in a Sigmoid");
    fsn_model_destroy(model);
}

static void what_lies_behind_the_ends_blocks_nothing(void **state)
{
    struct fsn_model *model = detector(4, true);
    struct fsn__graph *graph = model->graph;
    const struct fsn__ends ends = raw(graph), chosen = {1, {value(graph, "chosen")}};
    bool *flags = calloc((size_t)graph->node_count + 1, sizeof *flags);

    (void)state;
    assert_non_null(flags);
    fsn__graph_mark_trainable(graph);
    assert_true(fsn__graph_find_blocked(graph, &chosen, flags) > 0);
    assert_int_equal(fsn__graph_find_blocked(graph, &ends, flags), 0);
    assert_int_equal(fsn__graph_find_needed(graph, &ends, flags), DECODED_NODES + 4);
    assert_true(flags[0]);
    assert_false(flags[graph->node_count - 1]);
    free(flags);
    fsn_model_destroy(model);
}

static void files_keep_the_names_and_the_outputs(void **state)
{
    struct fsn_model *model = detector(4, true);
    const struct fsn__ends ends = raw(model->graph);
    unsigned char *bytes = NULL;
    struct fsn_model *back = NULL;
    size_t size;
    int at[2];

    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(fsn__graph_add_inner(model->graph, ends.value[i], &at[i], NULL), FSN_OK);
    assert_true(at[0] == 3 && at[1] == 4);
    assert_int_equal(fsn__graph_add_inner(model->graph, ends.value[0], &at[0], NULL), FSN_OK);
    assert_int_equal(at[0], 3); /* once is enough */
    assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_SMALL, &bytes, &size, NULL), FSN_OK);
    assert_int_equal(fsn_model_load_memory(bytes, size, NULL, &back, NULL), FSN_OK);
    assert_int_equal(back->graph->output_count, 3);
    assert_string_equal(back->graph->values[back->graph->outputs[0]].name, "chosen");
    assert_int_equal(raw(back->graph).count, 2);
    free(bytes);
    fsn_model_destroy(back);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(raw_outputs_are_found_in_front_of_decoding),
        cmocka_unit_test(a_network_that_does_not_decode_is_not_cut),
        cmocka_unit_test(where_more_comes_out_names_are_asked_for),
        cmocka_unit_test(scores_that_a_sigmoid_reads_are_of_another_kind),
        cmocka_unit_test(what_lies_behind_the_ends_blocks_nothing),
        cmocka_unit_test(files_keep_the_names_and_the_outputs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
