/* model_runner.c - see model_runner.h. */
#include "model_runner.h"

#include "graph/exec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

struct fsn_model *onnx_load(struct onnx_maker *m)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};
    size_t size;
    const unsigned char *bytes = onnx_bytes(m, &size);

    if (fsn_model_load_memory(bytes, size, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    onnx_end(m);
    return model;
}

const struct fsn__tensor *model_output(const struct fsn_model *model, int i)
{
    return &model->graph->values[model->graph->outputs[i]].tensor;
}

void assert_shape(const struct fsn__tensor *t, const char *shape)
{
    assert_string_equal(FSN__SHAPE(t), shape);
}

void assert_computes(struct fsn_model *model, const float *x, int64_t n, const float *want)
{
    struct fsn__exec_options options = {.batch = 1};
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};

    if (fsn__exec_create(model->graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    memcpy(fsn__exec_input(exec, 0)->data, x, fsn__tensor_bytes(fsn__exec_input(exec, 0)));
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(fsn__numel(fsn__exec_output(exec, 0)), n);
    for (int64_t i = 0; i < n; i++)
        assert_float_equal(fsn__f32(fsn__exec_output(exec, 0))[i], want[i], 1e-6);
    fsn__exec_destroy(exec);
}
