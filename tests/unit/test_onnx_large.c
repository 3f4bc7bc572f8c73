/* test_onnx_large.c - how much memory the import of a large file holds, and what is said of a file
 * that no import could take.
 *
 * Each import runs in a process of its own, whose largest resident size is its own too. The file
 * and its messages, then the messages and the graph are in memory together: 2 times the size and
 * what is small. A third copy, of one initialiser or of all, is past the bound of 2.2.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fsnet.h"
#include "onnx_maker.h"
#include "temp_dir.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a run of the library takes beside the model: stacks, tables, the allocator's slack. */
static const int64_t fixed_bytes = 8 << 20;

/* What the process that loads tells the one that waits. */
struct outcome {
    enum fsn_status status;
    int64_t peak; /* bytes past what was resident before the import */
    char text[sizeof((struct fsn_error *)0)->text];
};

static int64_t largest_resident(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (int64_t)usage.ru_maxrss * 1024;
}

static void load(const char *path, struct outcome *outcome)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;
    const int64_t before = largest_resident();

    outcome->status = fsn_model_load(path, NULL, &model, &err);
    outcome->peak = largest_resident() - before;
    memcpy(outcome->text, err.text, sizeof outcome->text);
    fsn_model_destroy(model);
}

static struct outcome load_in_own_process(const char *path)
{
    struct outcome outcome = {0};
    int ends[2], state = 0;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        load(path, &outcome);
        _exit(write(ends[1], &outcome, sizeof outcome) == (ssize_t)sizeof outcome ? 0 : 1);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &outcome, sizeof outcome), sizeof outcome);
    close(ends[0]);
    assert_int_equal(waitpid(child, &state, 0), child);
    assert_true(WIFEXITED(state) && WEXITSTATUS(state) == 0);
    return outcome;
}

/* ---- the files -------------------------------------------------------------------------------
 */

struct stream {
    ProtobufCBuffer base;
    FILE *file;
};

static void append(ProtobufCBuffer *buffer, size_t size, const uint8_t *bytes)
{
    struct stream *stream = (struct stream *)(void *)buffer;

    assert_int_equal(fwrite(bytes, 1, size, stream->file), size);
}

/* A chain of `count` MatMuls with weights of [side,side] zeros, written without being in memory:
 * the pages of a large calloc are one until something is written there. */
static int64_t write_chain(const char *path, int count, int64_t side, bool typed)
{
    const size_t elements = (size_t)(side * side);
    float *zeros = calloc(elements, sizeof *zeros);
    struct stream stream = {.base = {.append = append}, .file = fopen(path, "wb")};
    struct onnx_maker m;
    int64_t size;

    assert_non_null(zeros);
    assert_non_null(stream.file);
    onnx_begin(&m, 13);
    onnx_input(&m, "x0", FSN__ONNX_FLOAT, 2, (const int64_t[]){ONNX_OPEN, side});
    for (int i = 0; i < count; i++) {
        char name[16], in[40], out[16];
        FsnOnnx__TensorProto *weight;

        snprintf(name, sizeof name, "w%d", i);
        snprintf(in, sizeof in, "x%d,%s", i, name);
        snprintf(out, sizeof out, "x%d", i + 1);
        weight =
            onnx_initialiser(&m, name, FSN__ONNX_FLOAT, 2, (const int64_t[]){side, side}, NULL, 0);
        if (typed) {
            weight->n_float_data = elements;
            weight->float_data = zeros;
        } else {
            weight->has_raw_data = true;
            weight->raw_data.len = elements * sizeof *zeros;
            weight->raw_data.data = (uint8_t *)zeros;
        }
        onnx_node(&m, "MatMul", in, out);
        if (i == count - 1)
            onnx_output(&m, out);
    }
    protobuf_c_message_pack_to_buffer(&m.model.base, &stream.base);
    size = ftell(stream.file);
    assert_int_equal(fclose(stream.file), 0);
    onnx_end(&m);
    free(zeros);
    return size;
}

/* ---- tests -----------------------------------------------------------------------------------
 */

static void expect_two_copies(int count, int64_t side, bool typed)
{
    struct temp_dir dir;
    struct outcome outcome;
    const char *path;
    int64_t size;

#ifdef __SANITIZE_ADDRESS__
    print_message("skipped: ASan keeps freed memory\n");
    skip();
#endif
    temp_dir_create(&dir);
    path = temp_dir_path(&dir, "large.onnx");
    size = write_chain(path, count, side, typed);
    outcome = load_in_own_process(path);
    temp_dir_remove(&dir);
    assert_int_equal(outcome.status, FSN_OK);
    assert_true(size >= count * side * side * 4);
    /* less than the graph itself would mean that nothing was measured */
    assert_in_range(outcome.peak, size, size * 22 / 10 + fixed_bytes);
}

static void one_huge_initialiser_is_in_memory_twice(void **state)
{
    (void)state;
    expect_two_copies(1, 4096, false);
}

static void many_large_initialisers_are_in_memory_twice(void **state)
{
    (void)state;
    expect_two_copies(16, 1024, false);
}

static void a_list_of_floats_is_in_memory_twice(void **state)
{
    (void)state;
    expect_two_copies(1, 4096, true);
}

/* A sparse file takes no place on the disk; read, it would take 2 GiB of memory. */
static void a_file_past_2_gib_is_refused_unread(void **state)
{
    struct temp_dir dir;
    struct outcome outcome;
    const char *path;

    (void)state;
    temp_dir_create(&dir);
    temp_dir_write(&dir, "sparse.onnx", "", 0);
    path = temp_dir_path(&dir, "sparse.onnx");
    assert_int_equal(truncate(path, ((off_t)2 << 30) + 1), 0);
    outcome = load_in_own_process(path);
    temp_dir_remove(&dir);
    assert_int_equal(outcome.status, FSN_LIMIT);
    assert_non_null(strstr(outcome.text, "sparse.onnx: 2147483649 bytes, the limit is 2147483647: "
                                         "an ONNX file is one protobuf message, which holds less "
                                         "than 2 GiB"));
    assert_true(outcome.peak < fixed_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_huge_initialiser_is_in_memory_twice),
        cmocka_unit_test(many_large_initialisers_are_in_memory_twice),
        cmocka_unit_test(a_list_of_floats_is_in_memory_twice),
        cmocka_unit_test(a_file_past_2_gib_is_refused_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
