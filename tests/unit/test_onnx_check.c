/* Running ONNX test cases (input_K.pb, output_K.pb) against a model file. */
#include "fsnet.h"
#include "onnx_maker.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define FLOATS(...) ((const float[]){__VA_ARGS__})

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
