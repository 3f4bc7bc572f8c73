/* test_spec_distill.c - the task in the job spec, and the outputs of a network that is distilled:
 * every fault at its place. */
#include "fsnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OUTPUTS "/distill_outputs"

static enum fsn_status read_text(const char *text, struct fsn_spec *spec, struct fsn_faults *faults)
{
    memset(faults, 0, sizeof *faults);
    return fsn_spec_from_json(text, strlen(text), NULL, spec, faults, NULL);
}

static void assert_read(const char *text, struct fsn_spec *spec)
{
    struct fsn_faults faults;

    if (read_text(text, spec, &faults) != FSN_OK)
        fail_msg("%s: %s %s", text, faults.item[0].pointer, faults.item[0].text);
}

/* The text is refused with exactly one fault, at this pointer, whose words hold `part`. */
static void assert_fault(const char *text, const char *pointer, const char *part)
{
    struct fsn_faults faults;
    struct fsn_spec spec;

    assert_int_equal(read_text(text, &spec, &faults), FSN_INVALID);
    assert_string_equal(faults.item[0].pointer, pointer);
    assert_int_equal(faults.count, 1);
    if (!strstr(faults.item[0].text, part))
        fail_msg("'%s' is not in '%s'", part, faults.item[0].text);
}

static void the_data_set_says_the_task_by_default(void **state)
{
    struct fsn_spec spec;

    (void)state;
    assert_read("{}", &spec);
    assert_int_equal(spec.task, FSN_TASK_AUTO);
    assert_int_equal(spec.distill_outputs.count, 0);
}

static void every_task_is_read_by_its_name(void **state)
{
    static const char *const names[] = {"auto", "classify", "detect", "distill"};
    char text[64];

    (void)state;
    for (int i = 0; i < 4; i++) {
        struct fsn_spec spec;

        snprintf(text, sizeof text, "{\"task\": \"%s\"}", names[i]);
        assert_read(text, &spec);
        assert_int_equal(spec.task, i);
        assert_string_equal(fsn_task_name(spec.task), names[i]);
    }
}

static void outputs_are_read_as_objects_and_as_names(void **state)
{
    struct fsn_spec spec;
    const struct fsn_distill_output *item = spec.distill_outputs.item;

    (void)state;
    assert_read(
        "{\"task\": \"distill\", \"distill_outputs\":"
        " [{\"name\": \"scores\", \"loss\": \"kl\", \"weight\": 0.25}, \"boxes\","
        " {\"name\": \"code\", \"loss\": \"cosine\"}, {\"name\": \"d\", \"loss\": \"mse\"}]}",
        &spec);
    assert_int_equal(spec.distill_outputs.count, 4);
    assert_string_equal(item[0].name, "scores");
    assert_int_equal(item[0].loss, FSN_OUTPUT_KL);
    assert_true(item[0].weight == 0.25);
    assert_string_equal(item[1].name, "boxes");
    assert_int_equal(item[1].loss, FSN_OUTPUT_AUTO);
    assert_true(item[1].weight == 1);
    assert_int_equal(item[2].loss, FSN_OUTPUT_COSINE);
    assert_int_equal(item[3].loss, FSN_OUTPUT_MSE);
    fsn_spec_clear(&spec);
    assert_int_equal(spec.distill_outputs.count, 0);
}

static void what_is_written_reads_back_as_the_same(void **state)
{
    struct fsn_spec first, second;
    char *json = NULL, *again = NULL;

    (void)state;
    assert_read("{\"task\": \"distill\", \"distill_outputs\":"
                " [\"a/b~c\", {\"name\": \"d\", \"loss\": \"cosine\", \"weight\": 0.1}]}",
                &first);
    assert_int_equal(fsn_spec_to_json(&first, &json, NULL), FSN_OK);
    assert_non_null(strstr(json, "\"task\": \"distill\""));
    assert_non_null(strstr(json, "\"loss\": \"auto\""));
    assert_read(json, &second);
    assert_int_equal(fsn_spec_to_json(&second, &again, NULL), FSN_OK);
    assert_string_equal(json, again);
    assert_int_equal(second.distill_outputs.count, 2);
    assert_string_equal(second.distill_outputs.item[0].name, "a/b~c");
    assert_true(second.distill_outputs.item[1].weight == 0.1);
    free(json);
    free(again);
    fsn_spec_clear(&first);
    fsn_spec_clear(&second);
}

static void faults_are_named_where_they_stand(void **state)
{
    (void)state;
    assert_fault("{\"task\": \"segment\"}", "/task", "must be one of auto|classify|detect|distill");
    assert_fault("{\"distill_outputs\": \"a\"}", OUTPUTS, "must be an array");
    assert_fault("{\"distill_outputs\": [3]}", OUTPUTS "/0",
                 "must be the name of an output, got 3");
    assert_fault("{\"distill_outputs\": [\"\"]}", OUTPUTS "/0", "must be the name of an output");
    assert_fault("{\"distill_outputs\": [{}]}", OUTPUTS "/0/name", "is missing");
    assert_fault("{\"distill_outputs\": [{\"name\": 1}]}", OUTPUTS "/0/name", "got 1");
    assert_fault("{\"distill_outputs\": [\"a\", {\"name\": \"b\", \"loss\": \"l1\"}]}",
                 OUTPUTS "/1/loss", "must be one of auto|mse|cosine|kl, got the string \"l1\"");
    assert_fault("{\"distill_outputs\": [{\"name\": \"b\", \"weight\": 0}]}", OUTPUTS "/0/weight",
                 "must be 1e-06 to 1000000, got 0");
    assert_fault("{\"distill_outputs\": [{\"name\": \"b\", \"wieght\": 1}]}", OUTPUTS "/0/wieght",
                 "the nearest known one is " OUTPUTS "/0/weight");
    assert_fault("{\"distill_outputs\": [\"a\", \"b\", {\"name\": \"a\"}]}", OUTPUTS "/2",
                 "names output 'a' again");
    assert_fault("{\"distill_outputs\": [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\","
                 "\"9\",\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]}",
                 OUTPUTS, "must hold at most 16 values, got 17");
}

static void what_a_task_has_no_use_for_is_refused(void **state)
{
    (void)state;
    assert_fault("{\"task\": \"classify\", \"distill_outputs\": [\"a\"]}", OUTPUTS,
                 "is for task distill, the task is classify");
    assert_fault("{\"task\": \"detect\", \"distill_outputs\": [\"a\"]}", OUTPUTS,
                 "the task is detect");
    assert_fault("{\"task\": \"distill\", \"finetune\": {\"label_smoothing\": 0.1}}",
                 "/finetune/label_smoothing", "no labels");
    assert_fault("{\"task\": \"distill\", \"finetune\": {\"mixup\": 0.2}}", "/finetune/mixup",
                 "no labels");
    assert_fault("{\"task\": \"distill\", \"finetune\": {\"distill\": {\"feature\": 1}}}",
                 "/finetune/distill/feature", "not maps");
}

static void all_faults_come_at_once(void **state)
{
    struct fsn_faults faults;
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(read_text("{\"task\": \"distill\","
                               " \"finetune\": {\"label_smoothing\": 0.1, \"mixup\": 0.2},"
                               " \"distill_outputs\":"
                               " [1, {\"loss\": 2, \"weight\": \"x\"}]}",
                               &spec, &faults),
                     FSN_INVALID);
    assert_int_equal(faults.count, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_data_set_says_the_task_by_default),
        cmocka_unit_test(every_task_is_read_by_its_name),
        cmocka_unit_test(outputs_are_read_as_objects_and_as_names),
        cmocka_unit_test(what_is_written_reads_back_as_the_same),
        cmocka_unit_test(faults_are_named_where_they_stand),
        cmocka_unit_test(what_a_task_has_no_use_for_is_refused),
        cmocka_unit_test(all_faults_come_at_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
