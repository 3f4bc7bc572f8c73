/* test_spec.c - the job spec: defaults, reading with all faults at once, writing. */
#include "fsnet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum fsn_status read_text(const char *text, struct fsn_spec *spec, struct fsn_faults *faults,
                                 struct fsn_error *err)
{
    memset(faults, 0, sizeof *faults);
    memset(err, 0, sizeof *err);
    return fsn_spec_from_json(text, strlen(text), NULL, spec, faults, err);
}

/* The text is refused with exactly one fault, at this pointer, whose words hold `part`. */
static void assert_fault(const char *text, const char *pointer, const char *part)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;

    assert_int_equal(read_text(text, &spec, &faults, &err), FSN_INVALID);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.item[0].pointer, pointer);
    if (!strstr(faults.item[0].text, part))
        fail_msg("'%s' is not in '%s'", part, faults.item[0].text);
    assert_non_null(strstr(err.text, part));
}

static void assert_status(const char *text, enum fsn_status want, const char *part)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;

    assert_int_equal(read_text(text, &spec, &faults, &err), want);
    assert_int_equal(faults.count, 0);
    if (!strstr(err.text, part))
        fail_msg("'%s' is not in '%s'", part, err.text);
}

static void the_empty_object_gives_the_defaults(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(read_text("{}", &spec, &faults, &err), FSN_OK);
    assert_int_equal(spec.preprocess.channels, 0);
    assert_true(spec.preprocess.mean[0] == 0 && spec.preprocess.std[3] == 1);
    assert_int_equal(spec.filter_summary.layout, FSN_LAYOUT_1D);
    assert_true(spec.filter_summary.ratio == 4 && spec.filter_summary.ratio_1x1 == 0);
    assert_int_equal(spec.filter_summary.spacing, FSN_SPACING_EVEN);
    assert_int_equal(spec.filter_summary.start, FSN_START_ASSIGNED);
    assert_int_equal(spec.filter_summary.exclude_count, 0);
    assert_int_equal(spec.finetune.epochs, 8);
    assert_int_equal(spec.finetune.batch_size, 128);
    assert_true(spec.finetune.lr == 0.01 && spec.finetune.momentum == 0.9);
    assert_true(spec.finetune.sharing == 0.25);
    assert_true(spec.finetune.weight_decay == 1e-4);
    assert_int_equal(spec.finetune.precision, FSN_PRECISION_MIXED);
    assert_int_equal(spec.finetune.schedule, FSN_SCHEDULE_COSINE);
    assert_int_equal(spec.finetune.warmup_steps, 200);
    assert_int_equal(spec.finetune.milestone_count, 2);
    assert_true(spec.finetune.milestones[0] == 0.5 && spec.finetune.milestones[1] == 0.75);
    assert_true(spec.finetune.gamma == 0.1);
    assert_true(spec.finetune.distill.alpha == 0.9 && spec.finetune.distill.temperature == 4);
    assert_true(spec.finetune.crop_padding == 4 && spec.finetune.flip);
    assert_true(!spec.finetune.cutout && spec.finetune.cutout_size == 0);
    assert_true(spec.finetune.weight_decay_bn == 0 && spec.finetune.clip_norm == 0);
    assert_true(spec.finetune.ema == 0 && spec.finetune.label_smoothing == 0);
    assert_true(spec.finetune.mixup == 0 && spec.finetune.distill.feature == 0);
    assert_true(spec.finetune.holdout == 0 && spec.finetune.patience == 0);
    assert_int_equal(spec.finetune.recalibrate_bn, 50);
    assert_true(spec.budget.max_accuracy_drop == 0);
    assert_int_equal(spec.budget.search_seconds, 10800);
    assert_int_equal(spec.budget.search_candidates, 6);
    assert_int_equal(spec.sweep.size_bytes.count + spec.sweep.ratio.count + spec.sweep.bits.count,
                     0);
    assert_int_equal(spec.quantize.bits, 8);
    assert_int_equal(spec.seed, 1);
    assert_int_equal(spec.threads, 0);
}

static const char full[] =
    "{\"preprocess\": {\"mean\": [0.485, 0.456, 0.406], \"std\": [0.229, 0.224, 0.225]},"
    " \"filter_summary\": {\"layout\": \"3d\", \"ratio\": 4.5, \"ratio_1x1\": 8,"
    "   \"spacing\": \"reference\", \"exclude\": [\"conv1\", \"/layer1/Conv\"]},"
    " \"finetune\": {\"epochs\": 0, \"batch_size\": 64, \"lr\": 0.05, \"momentum\": 0.85,"
    "   \"weight_decay\": 5e-4, \"schedule\": \"step\", \"warmup_steps\": 0,"
    "   \"precision\": \"float32\","
    "   \"milestones\": [0.1, 0.3, 0.9], \"gamma\": 0.2,"
    "   \"distill\": {\"alpha\": 0.5, \"temperature\": 2, \"feature\": 0.25},"
    "   \"augment\": [\"crop\", \"cutout\"], \"crop_padding\": 2, \"cutout_size\": 9,"
    "   \"weight_decay_bn\": 1e-5, \"clip_norm\": 3, \"ema\": 0.999, \"label_smoothing\": 0.2,"
    "   \"mixup\": 0.75, \"holdout\": 0.125, \"patience\": 6, \"recalibrate_bn\": 0},"
    " \"quantize\": {\"bits\": 32}, \"seed\": 9007199254740991, \"threads\": 3}";

static void every_field_is_read(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(read_text(full, &spec, &faults, &err), FSN_OK);
    assert_int_equal(spec.preprocess.channels, 3);
    assert_true(spec.preprocess.mean[1] == 0.456f && spec.preprocess.std[2] == 0.225f);
    assert_int_equal(spec.filter_summary.layout, FSN_LAYOUT_3D);
    assert_true(spec.filter_summary.ratio == 4.5 && spec.filter_summary.ratio_1x1 == 8);
    assert_int_equal(spec.filter_summary.spacing, FSN_SPACING_REFERENCE);
    assert_int_equal(spec.filter_summary.exclude_count, 2);
    assert_string_equal(spec.filter_summary.exclude[1], "/layer1/Conv");
    assert_int_equal(spec.finetune.epochs, 0);
    assert_int_equal(spec.finetune.batch_size, 64);
    assert_true(spec.finetune.lr == 0.05 && spec.finetune.momentum == 0.85);
    assert_true(spec.finetune.weight_decay == 5e-4);
    assert_int_equal(spec.finetune.precision, FSN_PRECISION_FLOAT32);
    assert_int_equal(spec.finetune.schedule, FSN_SCHEDULE_STEP);
    assert_int_equal(spec.finetune.warmup_steps, 0);
    assert_int_equal(spec.finetune.milestone_count, 3);
    assert_true(spec.finetune.milestones[2] == 0.9 && spec.finetune.gamma == 0.2);
    assert_true(spec.finetune.distill.alpha == 0.5 && spec.finetune.distill.temperature == 2);
    assert_true(spec.finetune.crop_padding == 2 && !spec.finetune.flip);
    assert_true(spec.finetune.cutout && spec.finetune.cutout_size == 9);
    assert_true(spec.finetune.weight_decay_bn == 1e-5 && spec.finetune.clip_norm == 3);
    assert_true(spec.finetune.ema == 0.999 && spec.finetune.label_smoothing == 0.2);
    assert_true(spec.finetune.mixup == 0.75 && spec.finetune.distill.feature == 0.25);
    assert_true(spec.finetune.holdout == 0.125 && spec.finetune.patience == 6);
    assert_int_equal(spec.finetune.recalibrate_bn, 0);
    assert_int_equal(spec.quantize.bits, 32);
    assert_true(spec.seed == UINT64_C(9007199254740991));
    assert_int_equal(spec.threads, 3);
    fsn_spec_clear(&spec);
    assert_int_equal(spec.filter_summary.exclude_count, 0);
}

static void what_is_written_reads_back_as_the_same(void **state)
{
    const char *const texts[] = {"{}",
                                 full,
                                 "{\"finetune\": {\"augment\": [], \"lr\": 0.10000000000000002}}",
                                 "{\"finetune\": {\"augment\": [\"flip\"], \"milestones\": []}}",
                                 "{\"sweep\": {\"size_bytes\": [256, 2147483647]}}",
                                 "{\"sweep\": {\"ratio\": [1.1, 1.1000000000000003]}}",
                                 "{\"sweep\": {\"bits\": [1, 2, 3, 4, 6, 8, 32]}}"};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct fsn_faults faults;
        struct fsn_error err;
        struct fsn_spec first, second;
        char *json = NULL, *again = NULL;

        assert_int_equal(read_text(texts[i], &first, &faults, &err), FSN_OK);
        assert_int_equal(fsn_spec_to_json(&first, &json, &err), FSN_OK);
        assert_int_equal(read_text(json, &second, &faults, &err), FSN_OK);
        assert_int_equal(fsn_spec_to_json(&second, &again, &err), FSN_OK);
        assert_string_equal(json, again);
        assert_true(first.finetune.lr == second.finetune.lr);
        assert_memory_equal(&first.preprocess, &second.preprocess, sizeof first.preprocess);
        assert_memory_equal(&first.finetune, &second.finetune, sizeof first.finetune);
        assert_int_equal(first.filter_summary.exclude_count, second.filter_summary.exclude_count);
        free(json);
        free(again);
        fsn_spec_clear(&first);
        fsn_spec_clear(&second);
    }
}

static void decimal_numbers_are_written_as_they_were_typed(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;
    char *json = NULL;

    (void)state;
    assert_int_equal(read_text(full, &spec, &faults, &err), FSN_OK);
    assert_int_equal(fsn_spec_to_json(&spec, &json, &err), FSN_OK);
    assert_non_null(strstr(json, "0.485,"));
    assert_non_null(strstr(json, "\"lr\": 0.05,"));
    assert_non_null(strstr(json, "\"layout\": \"3d\""));
    assert_non_null(strstr(json, "\"bits\": 32"));
    free(json);
    fsn_spec_clear(&spec);
}

static void unknown_fields_are_answered_with_the_nearest_known_one(void **state)
{
    (void)state;
    assert_fault("{\"filter_summery\": {}}", "/filter_summery", "is /filter_summary");
    assert_fault("{\"finetune\": {\"epoch\": 3}}", "/finetune/epoch", "is /finetune/epochs");
    assert_fault("{\"ratio\": 4}", "/ratio", "is /filter_summary/ratio");
    assert_fault("{\"zzzzzzzzzz\": 4}", "/zzzzzzzzzz", "unknown field");
    assert_fault("{\"finetune\": {\"a/b~c\": 1}}", "/finetune/a~1b~0c", "unknown field");
    assert_fault("{\"filter_summary/ratio\": 4}", "/filter_summary~1ratio", "unknown field");
    assert_fault("{\"\": 4}", "/", "unknown field");
}

static void keys_of_the_caller_are_left_to_it_at_the_top_only(void **state)
{
    const char *const ignore[] = {"model_id", "dataset_id", NULL};
    const char ours[] = "{\"model_id\": 5, \"dataset_id\": {}, \"seed\": 3}";
    const char inner[] = "{\"quantize\": {\"model_id\": 5}}";
    struct fsn_faults faults = {0};
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(fsn_spec_from_json(ours, strlen(ours), ignore, &spec, &faults, NULL), FSN_OK);
    assert_int_equal(spec.seed, 3);
    assert_int_equal(fsn_spec_from_json(inner, strlen(inner), ignore, &spec, &faults, NULL),
                     FSN_INVALID);
    assert_string_equal(faults.item[0].pointer, "/quantize/model_id");
}

static void wrong_types_are_named(void **state)
{
    (void)state;
    assert_fault("[]", "", "must be an object, got an array");
    assert_fault("7", "", "must be an object, got 7");
    assert_fault("{\"finetune\": 3}", "/finetune", "must be an object, got 3");
    assert_fault("{\"filter_summary\": {\"ratio\": \"4\"}}", "/filter_summary/ratio",
                 "must be a number, got the string \"4\"");
    assert_fault("{\"finetune\": {\"epochs\": 1.5}}", "/finetune/epochs",
                 "must be a whole number, got 1.5");
    assert_fault("{\"seed\": null}", "/seed", "must be a whole number, got null");
    assert_fault("{\"filter_summary\": {\"layout\": 1}}", "/filter_summary/layout",
                 "must be one of 1d|3d|learned, got 1");
    assert_fault("{\"filter_summary\": {\"layout\": \"2d\"}}", "/filter_summary/layout",
                 "got the string \"2d\"");
    assert_fault("{\"filter_summary\": {\"exclude\": \"conv1\"}}", "/filter_summary/exclude",
                 "must be an array, got the string");
    assert_fault("{\"filter_summary\": {\"exclude\": [\"a\", 5]}}", "/filter_summary/exclude/1",
                 "must be the name of a node, got 5");
    assert_fault("{\"finetune\": {\"augment\": [\"crop\", \"rotate\"]}}", "/finetune/augment/1",
                 "must be one of crop|flip|cutout, got the string \"rotate\"");
    assert_fault("{\"quantize\": {\"bits\": true}}", "/quantize/bits", "got true");
}

static void values_out_of_range_are_named_with_the_range(void **state)
{
    (void)state;
    assert_fault("{\"filter_summary\": {\"ratio\": 1}}", "/filter_summary/ratio",
                 "must be 1.01 to 10000, got 1");
    assert_fault("{\"filter_summary\": {\"ratio_1x1\": 0.5}}", "/filter_summary/ratio_1x1",
                 "must be 0 or 1.01 to 10000, got 0.5");
    assert_fault("{\"quantize\": {\"bits\": 9}}", "/quantize/bits",
                 "must be one of 1|2|3|4|6|8|32, got 9");
    assert_fault("{\"finetune\": {\"epochs\": -1}}", "/finetune/epochs", "must be 0 to 10000");
    assert_fault("{\"threads\": 1e300}", "/threads", "must be 0 to 64, got 1e+300");
    assert_fault("{\"seed\": 9007199254740992}", "/seed", "must be 0 to 9007199254740991");
    assert_fault("{\"finetune\": {\"milestones\": [0.5, 0.5]}}", "/finetune/milestones/1",
                 "must be larger than the one before, 0.5");
    assert_fault("{\"preprocess\": {\"mean\": [0,0,0,0,0], \"std\": [1]}}", "/preprocess/mean",
                 "at most 4 values, got 5");
    assert_fault("{\"preprocess\": {\"mean\": [0], \"std\": [0]}}", "/preprocess/std/0",
                 "must be 1e-06 to 1000, got 0");
}

static void fields_that_need_each_other_are_judged_together(void **state)
{
    (void)state;
    assert_fault("{\"preprocess\": {\"mean\": [0.5]}}", "/preprocess/std", "std has 0");
    assert_fault("{\"preprocess\": {\"std\": [0.5]}}", "/preprocess/mean", "mean has 0");
    assert_fault("{\"preprocess\": {\"mean\": [0, 0], \"std\": [1, 1, 1]}}", "/preprocess/std",
                 "mean has 2, std has 3");
    assert_fault("{\"finetune\": {\"crop_padding\": 0}}", "/finetune/crop_padding",
                 "must be 1 to 64 with crop");
    assert_fault("{\"finetune\": {\"cutout_size\": 3}}", "/finetune/cutout_size", "has no effect");
    assert_fault("{\"finetune\": {\"patience\": 3}}", "/finetune/patience", "finetune.holdout");
    assert_fault("{\"finetune\": {\"crop_padding\": 3, \"augment\": [\"flip\"]}}",
                 "/finetune/crop_padding", "has no effect");
}

static void budgets_are_stated_in_one_way(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;

    (void)state;
    assert_fault("{\"budget\": {\"size_bytes\": 9000, \"parameters\": 9000}}", "/budget/parameters",
                 "not both");
    assert_fault("{\"budget\": {\"max_accuracy_drop\": 0.5, \"size_bytes\": 9000}}",
                 "/budget/max_accuracy_drop", "budget.size_bytes cannot be given too");
    assert_fault("{\"budget\": {\"max_accuracy_drop\": 0.5, \"parameters\": 9000}}",
                 "/budget/max_accuracy_drop", "budget.parameters cannot be given too");
    assert_fault("{\"budget\": {\"max_accuracy_drop\": 0.001}}", "/budget/max_accuracy_drop",
                 "must be 0 or 0.01 to 100, got 0.001");
    assert_fault("{\"budget\": {\"search_seconds\": 0}}", "/budget/search_seconds",
                 "must be 1 to 31536000");
    assert_fault("{\"budget\": {\"search_candidates\": 33}}", "/budget/search_candidates",
                 "must be 1 to 32");
    assert_fault("{\"sweep\": {\"size_bytes\": [30000]}}", "/sweep/size_bytes", "at least two");
    assert_fault("{\"sweep\": {\"size_bytes\": [30000, 40000.5]}}", "/sweep/size_bytes/1",
                 "must be a whole number, got 40000.5");
    assert_fault("{\"sweep\": {\"ratio\": [4, 2]}}", "/sweep/ratio/1",
                 "must be larger than the one before, 4, got 2");
    assert_fault("{\"sweep\": {\"ratio\": [2,3,4,5,6,7,8,9,10,11,12,13,14]}}", "/sweep/ratio",
                 "must hold at most 12 values, got 13");
    assert_fault("{\"sweep\": {\"ratio\": [2, 4], \"size_bytes\": [30000, 40000]}}", "/sweep/ratio",
                 "not both");
    assert_fault("{\"sweep\": {\"ratio\": [2, 4]}, \"budget\": {\"parameters\": 9000}}",
                 "/sweep/ratio", "budget.parameters cannot be given too");
    assert_fault("{\"sweep\": {\"bits\": [3, 5]}}", "/sweep/bits/1",
                 "must be one of 1|2|3|4|6|8|32, got 5");
    assert_fault("{\"sweep\": {\"bits\": [8, 4]}}", "/sweep/bits/1",
                 "must be larger than the one before, 8, got 4");
    assert_fault("{\"sweep\": {\"bits\": [8]}}", "/sweep/bits", "at least two");
    assert_fault("{\"sweep\": {\"bits\": [4, 8], \"ratio\": [2, 4]}}", "/sweep/bits",
                 "either /sweep/ratio or this");
    assert_fault("{\"sweep\": {\"bits\": [4, 8]}, \"quantize\": {\"least_bits\": 2}}",
                 "/quantize/least_bits", "in a sweep over bits");
    assert_fault("{\"sweep\": {\"bits\": [4, 32]}, \"finetune\": {\"ema\": 0.9}}", "/finetune/ema",
                 "must be 0");
    assert_int_equal(read_text("{\"sweep\": {\"bits\": [4, 8]},"
                               " \"budget\": {\"size_bytes\": 30000}}",
                               &spec, &faults, &err),
                     FSN_OK); /* which width is best at this size */
    fsn_spec_clear(&spec);
    assert_int_equal(read_text("{\"sweep\": {\"size_bytes\": [30000, 40000]},"
                               " \"budget\": {\"max_accuracy_drop\": 0.5}}",
                               &spec, &faults, &err),
                     FSN_OK);
    assert_int_equal(spec.sweep.size_bytes.count, 2);
    assert_true(spec.sweep.size_bytes.item[1] == 40000 && spec.budget.max_accuracy_drop == 0.5);
    fsn_spec_clear(&spec);
}

static void several_values_are_told_to_be_a_sweep(void **state)
{
    (void)state;
    assert_fault("{\"filter_summary\": {\"ratio\": [2, 4, 8]}}", "/filter_summary/ratio",
                 "must be one number, got an array; several are given by /sweep/ratio");
    assert_fault("{\"budget\": {\"size_bytes\": [9000, 18000]}}", "/budget/size_bytes",
                 "several are given by /sweep/size_bytes");
    assert_fault("{\"quantize\": {\"bits\": [4, 8]}}", "/quantize/bits",
                 "several are given by /sweep/bits");
    assert_fault("{\"finetune\": {\"lr\": [0.1, 0.2]}}", "/finetune/lr",
                 "must be a number, got an array");
    assert_fault("{\"ratios\": [2, 4, 8]}", "/ratios", "the nearest known one is /sweep/ratio");
    assert_fault("{\"ratio\": [2, 4, 8]}", "/ratio", "the nearest known one is /sweep/ratio");
    assert_fault("{\"bits\": [4, 8]}", "/bits", "the nearest known one is /sweep/bits");
    assert_fault("{\"filter_summary\": {\"ratios\": [2, 4]}}", "/filter_summary/ratios",
                 "the nearest known one is /sweep/ratio");
    assert_fault("{\"ratios\": 4}", "/ratios", "the nearest known one is /filter_summary/ratio");
}

static void all_faults_are_listed_at_once(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec = {.seed = 77};

    (void)state;
    assert_int_equal(read_text("{\"filter_summary\": {\"ratio\": 0, \"layut\": 1},"
                               " \"finetune\": {\"lr\": -1, \"distill\": {\"alpha\": 2}},"
                               " \"quantize\": {\"bits\": 7}, \"nonsense_key\": 1}",
                               &spec, &faults, &err),
                     FSN_INVALID);
    assert_int_equal(faults.count, 6);
    assert_int_equal(spec.seed, 77); /* written only on success */
    assert_non_null(strstr(err.text, "and 5 more"));
}

static void more_faults_than_the_list_holds_are_still_a_refusal(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;
    char text[4096] = "{\"seed\": 1";

    (void)state;
    for (int i = 0; i < FSN_MAX_FAULTS + 10; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), ", \"unknown_%d\": 1", i);
    strcat(text, "}");
    assert_int_equal(read_text(text, &spec, &faults, &err), FSN_INVALID);
    assert_int_equal(faults.count, FSN_MAX_FAULTS);
    /* and when the caller's list is full already */
    assert_int_equal(fsn_spec_from_json(text, strlen(text), NULL, &spec, &faults, NULL),
                     FSN_INVALID);
}

static void malformed_json_is_named_with_line_and_column(void **state)
{
    (void)state;
    assert_status("", FSN_FORMAT, "line 1");
    assert_status("{\"seed\": 1,\n \"threads\" 2}", FSN_FORMAT, "line 2, column");
    assert_status("{\"seed\": NaN}", FSN_FORMAT, "line 1");
    assert_status("{\"finetune\": {\"lr\": 1e999}}", FSN_FORMAT, "overflow");
    assert_status("{\"seed\": 1} {}", FSN_FORMAT, "end of file expected");
    assert_status("{\"seed\": 1, \"seed\": 2}", FSN_FORMAT, "duplicate");
    assert_status("{\"seed\": 99999999999999999999}", FSN_FORMAT, "too big integer");
}

static void size_and_nesting_are_limited(void **state)
{
    size_t size = ((size_t)1 << 20) + 1;
    char *text = malloc(size + 1);
    struct fsn_error err = {0};
    struct fsn_spec spec;

    (void)state;
    assert_non_null(text);
    memset(text, ' ', size);
    text[size] = 0;
    assert_int_equal(fsn_spec_from_json(text, size, NULL, &spec, NULL, &err), FSN_LIMIT);
    assert_non_null(strstr(err.text, "the limit is 1048576"));
    memset(text, '[', 100000);
    text[100000] = 0;
    assert_status(text, FSN_LIMIT, "nested more than 32 deep");
    /* brackets inside strings do not nest */
    memset(text, '[', 100);
    memcpy(text, "{\"a\\\"", 5);
    strcpy(text + 100, "\": 1}");
    assert_int_equal(fsn_spec_from_json(text, strlen(text), NULL, &spec, NULL, NULL), FSN_INVALID);
    free(text);
}

static void long_foreign_words_stay_whole_characters_in_messages(void **state)
{
    struct fsn_faults faults;
    struct fsn_error err;
    struct fsn_spec spec;
    char text[1024] = "{\"filter_summary\": {\"layout\": \"";

    (void)state;
    for (int i = 0; i < 100; i++)
        strcat(text, i % 7 ? "\xc3\xa4" : "x");
    strcat(text, "\"}}");
    assert_int_equal(read_text(text, &spec, &faults, &err), FSN_INVALID);
    /* no lone continuation byte, no lead byte without its continuation */
    for (const unsigned char *c = (const unsigned char *)faults.item[0].text; *c; c++) {
        if (*c == 0xc3)
            assert_int_equal(*++c, 0xa4);
        else
            assert_true(*c < 0x80);
    }
}

static void the_table_and_the_defaults_agree(void **state)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);

    (void)state;
    assert_true(count >= 20);
    for (size_t i = 0; i < count; i++) {
        assert_true(fields[i].pointer[0] == '/');
        assert_true(strlen(fields[i].help) > 10);
        assert_true(fields[i].min <= fields[i].max);
        if (fields[i].kind <= FSN_FIELD_CHOICE)
            assert_true(
                (fields[i].fallback >= fields[i].min && fields[i].fallback <= fields[i].max) ||
                (fields[i].or_zero && fields[i].fallback == 0));
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(fields[i].pointer, fields[j].pointer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_empty_object_gives_the_defaults),
        cmocka_unit_test(every_field_is_read),
        cmocka_unit_test(what_is_written_reads_back_as_the_same),
        cmocka_unit_test(decimal_numbers_are_written_as_they_were_typed),
        cmocka_unit_test(unknown_fields_are_answered_with_the_nearest_known_one),
        cmocka_unit_test(keys_of_the_caller_are_left_to_it_at_the_top_only),
        cmocka_unit_test(wrong_types_are_named),
        cmocka_unit_test(values_out_of_range_are_named_with_the_range),
        cmocka_unit_test(fields_that_need_each_other_are_judged_together),
        cmocka_unit_test(budgets_are_stated_in_one_way),
        cmocka_unit_test(several_values_are_told_to_be_a_sweep),
        cmocka_unit_test(all_faults_are_listed_at_once),
        cmocka_unit_test(more_faults_than_the_list_holds_are_still_a_refusal),
        cmocka_unit_test(malformed_json_is_named_with_line_and_column),
        cmocka_unit_test(size_and_nesting_are_limited),
        cmocka_unit_test(long_foreign_words_stay_whole_characters_in_messages),
        cmocka_unit_test(the_table_and_the_defaults_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
