/* check.c - runs a model on ONNX test cases and compares (the `test_data_set_N` convention of the
 * ONNX backend tests: input_K.pb and output_K.pb are serialized TensorProtos, K counts the graph's
 * inputs that have no initialiser, and its outputs).
 *
 * Float inputs are what the network runs on. All others (a Slice's starts, a Reshape's shape) must
 * be known before shapes can be, so they are bound as constants; when the network cannot be
 * imported that way, every input is bound and the import's constant folding does the computing.
 *
 * Element types: the engine computes in float32. A float32 result answers for an expected float64
 * as it is, and for a float16 or bfloat16 after rounding to it.
 */
#include "onnx/onnx.h"

#include "core/file.h"
#include "graph/exec.h"
#include "onnx/proto.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- reading a case ------------------------------------------------------------------------ */

static enum fsn_status read_tensor(const char *path, bool narrow, struct fsn__tensor *tensor,
                                   int32_t *onnx_type, struct fsn_error *err)
{
    struct fsn__proto_tensor_limits limits = {.max_elements = (size_t)1 << 30, .narrow = narrow};
    FsnOnnx__TensorProto *proto = NULL;
    unsigned char *bytes = NULL;
    size_t size = 0;
    enum fsn_status status = fsn__file_read(path, INT32_MAX, &bytes, &size, err);

    if (status == FSN_OK)
        status = fsn__proto_unpack_tensor(bytes, size, path, &proto, err);
    if (status == FSN_OK)
        status = fsn__proto_tensor(proto, &limits, path, tensor, err);
    if (status == FSN_OK)
        *onnx_type = proto->data_type;
    fsn__proto_free(proto);
    free(bytes);
    return status;
}

enum fsn_status fsn__onnx_read_tensor(const char *path, struct fsn__tensor *tensor,
                                      struct fsn_error *err)
{
    int32_t onnx_type;

    return read_tensor(path, false, tensor, &onnx_type, err);
}

struct test_case {
    int n_in, n_out;
    struct fsn__tensor in[FSN__MAX_IO], out[FSN__MAX_IO];
    int32_t out_type[FSN__MAX_IO]; /* as the file has it */
};

static void free_case(struct test_case *c)
{
    for (int i = 0; i < c->n_in; i++)
        free(c->in[i].data);
    for (int i = 0; i < c->n_out; i++)
        free(c->out[i].data);
    c->n_in = c->n_out = 0;
}

static bool exists(const char *path)
{
    struct stat info;

    return stat(path, &info) == 0;
}

/* Reads dir/<stem>_0.pb, _1.pb, ... up to the first that is missing. */
static enum fsn_status read_list(const char *dir, const char *stem, bool narrow, int *count,
                                 struct fsn__tensor *tensors, int32_t *types, struct fsn_error *err)
{
    char path[4096];

    for (*count = 0; *count < FSN__MAX_IO; ++*count) {
        enum fsn_status status;

        if (snprintf(path, sizeof path, "%s/%s_%d.pb", dir, stem, *count) >= (int)sizeof path)
            return FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", dir);
        if (!exists(path))
            break;
        status = read_tensor(path, narrow, &tensors[*count], &types[*count], err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

static enum fsn_status read_case(const char *dir, struct test_case *c, struct fsn_error *err)
{
    int32_t in_type[FSN__MAX_IO];
    /* A model with float64 inputs is narrowed by the import, and so are its inputs. */
    enum fsn_status status = read_list(dir, "input", true, &c->n_in, c->in, in_type, err);

    if (status == FSN_OK)
        status = read_list(dir, "output", false, &c->n_out, c->out, c->out_type, err);
    if (status == FSN_OK && c->n_out == 0)
        status = FSN__FAIL(err, FSN_IO, "%s: no test case (no output_0.pb)", dir);
    return status;
}

/* ---- the model ----------------------------------------------------------------------------- */

struct model_file {
    unsigned char *bytes;
    size_t size;
    FsnOnnx__ModelProto *proto; /* for the names of inputs and outputs */
    int n_in;
    const char *in_name[FSN__MAX_IO]; /* graph inputs without an initialiser */
};

static void free_file(struct model_file *file)
{
    fsn__proto_free(file->proto);
    free(file->bytes);
}

static bool has_initialiser(const FsnOnnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_initializer; i++)
        if (strcmp(fsn__proto_text(graph->initializer[i]->name), name) == 0)
            return true;
    return false;
}

static enum fsn_status open_file(const char *path, struct model_file *file, struct fsn_error *err)
{
    const FsnOnnx__GraphProto *graph;
    enum fsn_status status = fsn__file_read(path, INT32_MAX, &file->bytes, &file->size, err);

    if (status == FSN_OK)
        status = fsn__proto_unpack_model(file->bytes, file->size, path, &file->proto, err);
    if (status != FSN_OK || !file->proto->graph)
        return status; /* without a graph the import says so */
    graph = file->proto->graph;
    for (size_t i = 0; i < graph->n_input; i++) {
        const char *name = fsn__proto_text(graph->input[i]->name);

        if (has_initialiser(graph, name))
            continue;
        if (file->n_in == FSN__MAX_IO)
            return FSN__FAIL(err, FSN_LIMIT, "%s: more than %d inputs", path, FSN__MAX_IO);
        file->in_name[file->n_in++] = name;
    }
    return FSN_OK;
}

static enum fsn_status import(const struct model_file *file, const struct test_case *c,
                              bool bind_all, struct fsn_model **model, struct fsn_error *err)
{
    struct fsn__binding bindings[FSN__MAX_IO];
    size_t count = 0;

    for (int i = 0; i < c->n_in && i < file->n_in; i++)
        if (bind_all || c->in[i].dtype != FSN__F32)
            bindings[count++] = (struct fsn__binding){file->in_name[i], &c->in[i]};
    return fsn__onnx_import(file->bytes, file->size, NULL, bindings, count, model, err);
}

static enum fsn_status import_for(const struct model_file *file, const struct test_case *c,
                                  struct fsn_model **model, struct fsn_error *err)
{
    struct fsn_error first = {.status = FSN_OK}, second = {.status = FSN_OK};
    enum fsn_status status = import(file, c, false, model, &first);

    /* What a value's data might cure is tried with all data known. */
    if (status == FSN_UNSUPPORTED || status == FSN_SHAPE || status == FSN_INVALID) {
        enum fsn_status again = import(file, c, true, model, &second);

        if (again == FSN_OK)
            return FSN_OK;
        if (again == FSN_MISMATCH) { /* the data explains it better */
            status = again;
            first = second;
        }
    }
    if (status != FSN_OK && err && err->status == FSN_OK)
        *err = first;
    return status;
}

/* ---- running ------------------------------------------------------------------------------- */

/* The test case's index of graph input i, by name; -1 when the case does not have it. */
static int case_index(const struct model_file *file, const struct test_case *c,
                      const struct fsn__graph *graph, int i)
{
    for (int j = 0; j < file->n_in && j < c->n_in; j++)
        if (strcmp(file->in_name[j], graph->values[graph->inputs[i]].name) == 0)
            return j;
    return -1;
}

/* Whether data of shape `got` fits an input of shape `want`, whose batch may be open. Finds or
 * checks the batch. */
static bool input_fits(const struct fsn__tensor *want, const struct fsn__tensor *got,
                       int64_t *batch)
{
    if (want->dtype != got->dtype || want->ndim != got->ndim)
        return false;
    for (int i = 0; i < want->ndim; i++) {
        int64_t dim = want->dim[i];

        if (dim == FSN_BATCH) {
            if (*batch < 0)
                *batch = got->dim[i];
            dim = *batch;
        }
        if (dim != got->dim[i])
            return false;
    }
    return true;
}

static enum fsn_status find_batch(const struct model_file *file, const struct test_case *c,
                                  const struct fsn__graph *graph, int64_t *batch,
                                  struct fsn_error *err)
{
    *batch = -1;
    for (int i = 0; i < graph->input_count; i++) {
        const struct fsn__value *value = &graph->values[graph->inputs[i]];
        int j = case_index(file, c, graph, i);

        if (j < 0)
            return FSN__FAIL(err, FSN_MISMATCH, "the test case has no data for input '%s'",
                             value->name);
        if (!input_fits(&value->tensor, &c->in[j], batch))
            return FSN__FAIL(
                err, FSN_MISMATCH, "input '%s' is %s %s, the test case's input_%d.pb is %s %s",
                value->name, fsn__dtype_name(value->tensor.dtype), FSN__SHAPE(&value->tensor), j,
                fsn__dtype_name(c->in[j].dtype), FSN__SHAPE(&c->in[j]));
    }
    if (*batch < 1)
        *batch = 1;
    return FSN_OK;
}

static enum fsn_status run(const struct model_file *file, const struct test_case *c,
                           struct fsn__graph *graph, struct fsn__exec **exec, struct fsn_error *err)
{
    struct fsn__exec_options options = {.batch = 1};
    enum fsn_status status = find_batch(file, c, graph, &options.batch, err);

    if (status == FSN_OK)
        status = fsn__exec_create(graph, &options, exec, err);
    for (int i = 0; i < graph->input_count && status == FSN_OK; i++) {
        const struct fsn__tensor *data = &c->in[case_index(file, c, graph, i)];
        size_t bytes = fsn__tensor_bytes(data);

        if (bytes > 0)
            memcpy(fsn__exec_input(*exec, i)->data, data->data, bytes);
    }
    return status == FSN_OK ? fsn__exec_forward(*exec, 0, err) : status;
}

/* ---- comparing ----------------------------------------------------------------------------- */

struct comparison {
    double rtol, atol;
    double worst; /* largest excess over the tolerance so far */
    struct fsn_check *check;
};

static bool is_float(enum fsn__dtype dtype)
{
    return dtype == FSN__F32 || dtype == FSN__F64;
}

/* Everything but the tensors' values; false and a text in check->worst when they differ. */
static bool same_form(const char *name, const struct fsn__tensor *got,
                      const struct fsn__tensor *want, struct fsn_check *check)
{
    bool types = got->dtype == want->dtype || (got->dtype == FSN__F32 && want->dtype == FSN__F64);

    if (types && fsn__same_shape(got, want))
        return true;
    snprintf(check->worst, sizeof check->worst, "output '%.80s' is %s %s, expected %s %s", name,
             fsn__dtype_name(got->dtype), FSN__SHAPE(got), fsn__dtype_name(want->dtype),
             FSN__SHAPE(want));
    check->passed = false;
    return false;
}

static void compare_element(struct comparison *cmp, const char *name, int64_t i, double got,
                            double want, bool exact)
{
    struct fsn_check *check = cmp->check;
    double error, excess;

    check->elements++;
    if (got == want || (isnan(got) && isnan(want)))
        return;
    error = fabs(got - want);
    if (isnan(error)) /* one of them is not a number */
        error = INFINITY;
    if (error > check->max_abs)
        check->max_abs = error;
    if (want != 0 && error / fabs(want) > check->max_rel)
        check->max_rel = error / fabs(want);
    excess = exact ? error : error - (cmp->atol + cmp->rtol * fabs(want));
    if (isnan(excess)) /* an infinity was expected */
        excess = INFINITY;
    if (excess <= 0)
        return;
    check->passed = false;
    if (excess > cmp->worst) {
        cmp->worst = excess;
        snprintf(check->worst, sizeof check->worst, "output '%.80s'[%lld] is %.9g, expected %.9g",
                 name, (long long)i, got, want);
    }
}

static void compare(struct comparison *cmp, const char *name, const struct fsn__tensor *got,
                    const struct fsn__tensor *want, int32_t want_type)
{
    int64_t n = fsn__numel(want);

    if (!same_form(name, got, want, cmp->check))
        return;
    for (int64_t i = 0; i < n; i++) {
        double value = fsn__get_f64(got, i);

        if (want_type == FSN__ONNX_FLOAT16)
            value = (double)fsn__half_to_float(fsn__float_to_half((float)value));
        else if (want_type == FSN__ONNX_BFLOAT16)
            value = (double)fsn__bfloat_to_float(fsn__float_to_bfloat((float)value));
        compare_element(cmp, name, i, value, fsn__get_f64(want, i), !is_float(want->dtype));
    }
}

static enum fsn_status compare_case(struct comparison *cmp, const struct test_case *c,
                                    struct fsn__graph *graph, struct fsn__exec *exec,
                                    struct fsn_error *err)
{
    if (c->n_out > graph->output_count)
        return FSN__FAIL(err, FSN_MISMATCH, "the test case has %d outputs, the model %d", c->n_out,
                         graph->output_count);
    for (int i = 0; i < c->n_out; i++) {
        const struct fsn__value *value = &graph->values[graph->outputs[i]];
        const struct fsn__tensor *got =
            value->tensor.data ? &value->tensor : fsn__exec_output(exec, i);

        compare(cmp, value->name, got, &c->out[i], c->out_type[i]);
    }
    return FSN_OK;
}

static enum fsn_status check_case(const struct model_file *file, const char *dir,
                                  struct comparison *cmp, struct fsn_error *err)
{
    struct test_case *c = calloc(1, sizeof *c);
    struct fsn_model *model = NULL;
    struct fsn__exec *exec = NULL;
    enum fsn_status status = c ? read_case(dir, c, err) : FSN__NOMEM(err);

    if (status == FSN_OK)
        status = import_for(file, c, &model, err);
    if (status == FSN_OK)
        status = run(file, c, model->graph, &exec, err);
    if (status == FSN_OK)
        status = compare_case(cmp, c, model->graph, exec, err);
    if (status == FSN_OK)
        cmp->check->cases++;
    fsn__exec_destroy(exec);
    fsn_model_destroy(model);
    if (c)
        free_case(c);
    free(c);
    return status;
}

/* ---- all cases ------------------------------------------------------------------------------- */

enum fsn_status fsn_model_check(const char *model_path, const char *dir, double rtol, double atol,
                                struct fsn_check *out, struct fsn_error *err)
{
    struct fsn_check check = {.passed = true};
    struct comparison cmp = {.rtol = rtol, .atol = atol, .check = &check};
    struct model_file file = {0};
    char path[4096];
    enum fsn_status status = open_file(model_path, &file, err);
    int sets = 0;

    while (status == FSN_OK) {
        if (snprintf(path, sizeof path, "%s/test_data_set_%d", dir, sets) >= (int)sizeof path) {
            status = FSN__FAIL(err, FSN_INVALID, "path too long: %.200s...", dir);
            break;
        }
        if (!exists(path))
            break;
        status = check_case(&file, path, &cmp, err);
        sets++;
    }
    if (status == FSN_OK && sets == 0)
        status = check_case(&file, dir, &cmp, err);
    free_file(&file);
    if (status == FSN_OK)
        *out = check;
    return status;
}
