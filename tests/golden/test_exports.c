/* Whole networks as people have them, in the handwriting of several exporters (tests/fixtures;
 * make.py there says how they came to be): read, run against what PyTorch computes, described,
 * planned, compressed and written back. Each is a case of every test below. FSNET_FIXTURES names
 * another folder of the same make, for make.py's --sweep. */
#include "fsnet.h"
#include "graph_run.h"
#include "temp_dir.h"

#include <jansson.h>
#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_FIXTURES = 1024, MAX_LAYERS = 64, TRAIN_IMAGES = 64, TEST_IMAGES = 32 };

struct layer {
    char kind[32], output[32]; /* "16x8x8": of one image */
    long long weights, macs;
};

/* One fixture, with what its expected.txt says. */
struct fixture {
    char name[128], folder[512], model[640];
    bool classifies; /* one score for each of the drawn set's classes */
    bool bytes;      /* takes pixels of 0..255 */
    int layer_count;
    struct layer layer[MAX_LAYERS];
};

static struct fixture *fixtures;
static size_t fixture_count;
static struct temp_dir work;

static void read_expected(struct fixture *f)
{
    char path[640], line[200];
    int yes;
    FILE *file;

    snprintf(path, sizeof path, "%s/expected.txt", f->folder);
    file = fopen(path, "r");
    if (!file)
        fail_msg("%s is missing", path);
    while (fgets(line, sizeof line, file)) {
        struct layer *l = &f->layer[f->layer_count];

        if (sscanf(line, "classifies %d", &yes) == 1)
            f->classifies = yes;
        else if (sscanf(line, "bytes %d", &yes) == 1)
            f->bytes = yes;
        else if (f->layer_count < MAX_LAYERS && sscanf(line, "layer %31s %lld %31s %lld", l->kind,
                                                       &l->weights, l->output, &l->macs) == 4)
            f->layer_count++;
        else
            fail_msg("%s: cannot read '%s'", path, line);
    }
    fclose(file);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fixture *)a)->name, ((const struct fixture *)b)->name);
}

static int setup(void **state)
{
    const char *root = getenv("FSNET_FIXTURES");
    const struct dirent *entry;
    struct fsn_error err = {0};
    DIR *dir;

    (void)state;
    if (!root)
        root = "tests/fixtures";
    fixtures = calloc(MAX_FIXTURES, sizeof *fixtures);
    dir = opendir(root);
    if (!fixtures || !dir)
        return 1;
    while ((entry = readdir(dir)) && fixture_count < MAX_FIXTURES) {
        struct fixture *f = &fixtures[fixture_count];
        FILE *model;

        snprintf(f->name, sizeof f->name, "%.120s", entry->d_name);
        snprintf(f->folder, sizeof f->folder, "%.300s/%s", root, f->name);
        snprintf(f->model, sizeof f->model, "%s/model.onnx", f->folder);
        model = fopen(f->model, "rb");
        if (!model)
            continue;
        fclose(model);
        fixture_count++;
    }
    closedir(dir);
    qsort(fixtures, fixture_count, sizeof *fixtures, by_name);
    temp_dir_create(&work);
    return fsn_dataset_draw(temp_dir_path(&work, "set.tar.gz"), TRAIN_IMAGES, TEST_IMAGES, 3,
                            &err) == FSN_OK
               ? 0
               : 1;
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(&work);
    free(fixtures);
    return 0;
}

static struct fsn_model *load(const struct fixture *f, const char *path)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    if (fsn_model_load(path, NULL, &model, &err) != FSN_OK)
        fail_msg("%s: %s: %s", f->name, path, err.text);
    return model;
}

/* The file at `path` gives PyTorch's outputs for the fixture. Sums run in another order: 1e-4. */
static void assert_computes(const struct fixture *f, const char *path)
{
    struct fsn_check check = {0};
    struct fsn_error err = {0};

    if (fsn_model_check(path, f->folder, 1e-4, 1e-5, &check, &err) != FSN_OK)
        fail_msg("%s: %s", f->name, err.text);
    if (!check.passed)
        fail_msg("%s: %s", f->name, check.worst);
    assert_int_equal(check.cases, 1);
    assert_true(check.elements >= 10);
}

static void the_fixtures_are_there(void **state)
{
    (void)state;
    assert_true(fixture_count > 0 && fixture_count < MAX_FIXTURES);
    for (size_t i = 0; i < fixture_count; i++)
        read_expected(&fixtures[i]);
}

static void all_compute_what_pytorch_computes(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++)
        assert_computes(&fixtures[i], fixtures[i].model);
}

/* Also of a file that was exported with one batch size, which may stand in its Reshapes. */
static void all_take_any_number_of_images(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        struct fsn_model *model = load(&fixtures[i], fixtures[i].model);
        const struct fsn__graph *graph = model->graph;

        for (int j = 0; j < graph->output_count; j++)
            if (graph->values[graph->outputs[j]].tensor.dim[0] != FSN_BATCH)
                fail_msg("%s: output %d has a batch of its own", fixtures[i].name, j);
        assert_int_equal(graph->input_count, 1);
        assert_true(graph->values[graph->inputs[0]].tensor.dim[0] == FSN_BATCH);
        fsn_model_destroy(model);
    }
}

static void all_are_written_and_read_back_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        const struct fixture *f = &fixtures[i];
        struct fsn_model *model = load(f, f->model), *back;
        const char *path = temp_dir_path(&work, "back.onnx");
        struct fsn_error err = {0};

        if (fsn_model_save(model, path, FSN_EXPORT_DENSE, &err) != FSN_OK)
            fail_msg("%s: %s", f->name, err.text);
        back = load(f, path);
        assert_computes(f, path);
        /* HardSwish and others are written in terms of operator set 13, which round. */
        if (graph_difference(model->graph, back->graph, 3) > 1e-6)
            fail_msg("%s: differs after it was written and read", f->name);
        fsn_model_destroy(back);
        fsn_model_destroy(model);
    }
}

/* ---- the layer table --------------------------------------------------------------------------
 */

static long long number(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* The numbers in "8x16x16" against ["N",8,16,16], or channels last. */
static bool same_shape(const char *want, const json_t *shape)
{
    char text[64] = "";

    for (size_t i = 1; i < json_array_size(shape); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld", i > 1 ? "x" : "",
                 (long long)json_integer_value(json_array_get(shape, i)));
    return strcmp(text, want) == 0;
}

static long long weights_of(const json_t *row)
{
    const json_t *shape = json_object_get(row, "weight_shape");
    long long product = 1;

    for (size_t i = 0; i < json_array_size(shape); i++)
        product *= json_integer_value(json_array_get(shape, i));
    return product;
}

/* A row says what the layer is, and why it stays dense where it does. Biases come and go with batch
 * norm: a layer's parameters are its weights or, with one for each output channel, more. */
static void assert_row(const struct fixture *f, const struct layer *want, const json_t *row)
{
    const char *op = json_string_value(json_object_get(row, "op"));
    const char *reason = json_string_value(json_object_get(row, "reason"));
    const bool conv = strncmp(want->kind, "Conv", 4) == 0;
    const bool transposed = strncmp(want->kind, "ConvT", 5) == 0;
    const json_t *shape = json_object_get(row, "weight_shape");
    const long long more = number(row, "parameters") - want->weights;
    const bool depthwise = conv && json_integer_value(json_array_get(shape, 1)) == 1;

    if (conv != (strncmp(op, "Conv", 4) == 0) || transposed != (strcmp(op, "ConvTranspose") == 0) ||
        weights_of(row) != want->weights || number(row, "macs") != want->macs ||
        !same_shape(want->output, json_object_get(row, "output_shape")) || more < 0 || more > 64)
        fail_msg("%s: expected %s of %lld weights to %s, %lld MACs; the row is %s", f->name,
                 want->kind, want->weights, want->output, want->macs, json_dumps(row, 0));
    assert_true(json_is_true(json_object_get(row, "compressible")) == (reason == NULL));
    if (!conv || transposed)
        assert_non_null(reason);
    if (depthwise)
        assert_string_equal(reason, "depthwise: a filter has one channel");
}

static void the_layer_tables_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        const struct fixture *f = &fixtures[i];
        struct fsn_model *model = load(f, f->model);
        long long macs = 0;
        char *text = NULL;
        json_t *summary, *layers;

        assert_int_equal(fsn_model_summary_json(model, &text, NULL), FSN_OK);
        summary = json_loads(text, 0, NULL);
        layers = json_object_get(summary, "layers");
        if ((int)json_array_size(layers) != f->layer_count)
            fail_msg("%s: %zu layers, expected %d", f->name, json_array_size(layers),
                     f->layer_count);
        for (int j = 0; j < f->layer_count; j++) {
            assert_row(f, &f->layer[j], json_array_get(layers, (size_t)j));
            macs += f->layer[j].macs;
        }
        assert_int_equal(number(summary, "macs"), macs);
        assert_int_equal(json_array_size(json_object_get(summary, "blocks_training")), 0);
        json_decref(summary);
        free(text);
        fsn_model_destroy(model);
    }
}

/* ---- jobs --------------------------------------------------------------------------------------
 */

static struct fsn_spec short_spec(const struct fixture *f)
{
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.ratio = 2;
    spec.finetune.epochs = 1;
    spec.finetune.batch_size = 16;
    spec.finetune.lr = 0.01;
    spec.finetune.warmup_steps = 2;
    spec.preprocess.scale = f->bytes ? FSN_SCALE_BYTE : FSN_SCALE_UNIT;
    spec.threads = 1;
    return spec;
}

static struct fsn_dataset *open_data(void)
{
    struct fsn_dataset *data = NULL;
    struct fsn_error err = {0};

    if (fsn_dataset_open(temp_dir_path(&work, "set.tar.gz"), NULL, NULL, &data, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return data;
}

/* What an order is checked with: only those that give a score a class pass, and the others hear
 * what their outputs are. */
static void orders_are_taken_or_refused_by_what_the_outputs_are(void **state)
{
    struct fsn_dataset *data = open_data();
    struct fsn_dataset_info info;

    (void)state;
    fsn_dataset_info(data, &info);
    for (size_t i = 0; i < fixture_count; i++) {
        const struct fixture *f = &fixtures[i];
        struct fsn_model *model = load(f, f->model);
        struct fsn_spec spec = short_spec(f);
        struct fsn_faults faults = {0};
        const struct fsn__value *output = &model->graph->values[model->graph->outputs[0]];

        fsn_data_fits(model, &info, &spec, &faults);
        if ((faults.count == 0) != f->classifies)
            fail_msg("%s: %zu faults: %s", f->name, faults.count, faults.item[0].text);
        if (faults.count > 0) {
            assert_string_equal(faults.item[0].pointer, "/model_id");
            assert_non_null(strstr(faults.item[0].text, output->name));
            assert_non_null(strstr(faults.item[0].text, FSN__SHAPE(&output->tensor)));
        }
        fsn_spec_clear(&spec);
        fsn_model_destroy(model);
    }
    fsn_dataset_destroy(data);
}

/* The results take and give what the upload takes and gives. */
static void assert_same_ends(const struct fixture *f, const struct fsn__graph *a,
                             const struct fsn__graph *b)
{
    if (a->input_count != b->input_count || a->output_count != b->output_count)
        fail_msg("%s: the result has %d inputs and %d outputs", f->name, b->input_count,
                 b->output_count);
    for (int i = 0; i < a->output_count; i++) {
        assert_string_equal(a->values[a->outputs[i]].name, b->values[b->outputs[i]].name);
        assert_string_equal(FSN__SHAPE(&a->values[a->outputs[i]].tensor),
                            FSN__SHAPE(&b->values[b->outputs[i]].tensor));
    }
    assert_string_equal(a->values[a->inputs[0]].name, b->values[b->inputs[0]].name);
    assert_string_equal(FSN__SHAPE(&a->values[a->inputs[0]].tensor),
                        FSN__SHAPE(&b->values[b->inputs[0]].tensor));
}

/* Behind a convolution that nothing else reads, batch norm is folded in what comes out, whatever
 * came in. */
static void assert_folded(const struct fixture *f, const struct fsn__graph *graph)
{
    int *uses = fsn__graph_count_uses(graph);

    assert_non_null(uses);
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        const int before = graph->values[node->in[0]].producer;

        if (node->op == &fsn__op_batch_normalization && before >= 0 &&
            graph->nodes[before].op == &fsn__op_conv && uses[node->in[0]] == 1)
            fail_msg("%s: '%s' is not folded into '%s'", f->name, node->name,
                     graph->nodes[before].name);
    }
    free(uses);
}

/* Of every convolution, in the network as it was fitted and in the file. */
static void assert_explained(const struct fixture *f, const json_t *report)
{
    static const char *const keys[] = {"start_output_error", "output_error"};
    const json_t *layers = json_object_get(report, "layers"), *row;
    size_t i;

    assert_true(json_array_size(layers) > 0);
    json_array_foreach(layers, i, row)
    {
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            const json_t *error = json_object_get(row, keys[k]);

            if (!json_is_real(error) || json_real_value(error) < 0 || json_real_value(error) > 1)
                fail_msg("%s: %s of '%s' is not there or no share", f->name, keys[k],
                         json_string_value(json_object_get(row, "name")));
        }
    }
}

static void run_job(const struct fixture *f, const struct fsn_dataset *data)
{
    char set[300], out[300], small[320], dense[320], int8[320], report_path[320];
    struct fsn_spec spec = short_spec(f);
    struct fsn_error err = {0};
    struct fsn_eval eval = {0}, rounded = {0};
    struct fsn_model *upload = load(f, f->model), *a, *b, *c;
    json_t *report, *compressed, *row;

    snprintf(set, sizeof set, "%s", temp_dir_path(&work, "set.tar.gz"));
    snprintf(out, sizeof out, "%s", temp_dir_path(&work, "out"));
    snprintf(small, sizeof small, "%s/model.onnx", out);
    snprintf(dense, sizeof dense, "%s/model-dense.onnx", out);
    snprintf(int8, sizeof int8, "%s/model-int8.onnx", out);
    snprintf(report_path, sizeof report_path, "%s/report.json", out);
    spec.files.int8 = FSN_INT8_ON;
    if (fsn_compress(&(struct fsn_job){.model_path = f->model, .data_path = set, .out_dir = out},
                     &spec, &err) != FSN_OK)
        fail_msg("%s: %s", f->name, err.text);
    a = load(f, small);
    b = load(f, dense);
    c = load(f, int8);
    assert_same_ends(f, upload->graph, a->graph);
    assert_same_ends(f, upload->graph, c->graph);
    assert_same_ends(f, upload->graph, b->graph);
    assert_folded(f, b->graph);
    if (graph_difference(a->graph, b->graph, 3) > 1e-4)
        fail_msg("%s: model.onnx and model-dense.onnx differ", f->name);
    if (graph_difference(upload->graph, b->graph, 3) == 0)
        fail_msg("%s: nothing has changed", f->name);
    if (graph_count(c->graph, "QuantizeLinear") < 2)
        fail_msg("%s: model-int8.onnx has no integers", f->name);
    report = json_load_file(report_path, 0, NULL);
    assert_non_null(report);
    assert_explained(f, report);
    row = json_array_get(json_object_get(report, "training"), 0);
    assert_true(isfinite(json_real_value(json_object_get(row, "train_loss"))));
    assert_true(json_real_value(json_object_get(row, "train_loss")) > 0);
    compressed = json_object_get(report, "compressed");
    if (fsn_evaluate(a, data, FSN_SPLIT_TEST, &spec, NULL, NULL, &eval, &err) != FSN_OK)
        fail_msg("%s: %s", f->name, err.text);
    assert_float_equal(eval.loss, json_real_value(json_object_get(compressed, "loss")), 1e-6);
    assert_float_equal(eval.top1, json_real_value(json_object_get(compressed, "top1")), 1e-6);
    if (fsn_evaluate(c, data, FSN_SPLIT_TEST, &spec, NULL, NULL, &rounded, &err) != FSN_OK)
        fail_msg("%s: %s", f->name, err.text);
    assert_float_equal(rounded.loss,
                       json_real_value(json_object_get(json_object_get(report, "int8"), "loss")),
                       1e-6);
    if (fabs(rounded.loss - eval.loss) > 0.02) /* of about 2.3 */
        fail_msg("%s: model-int8.onnx has loss %g, model.onnx %g", f->name, rounded.loss,
                 eval.loss);
    json_decref(report);
    fsn_model_destroy(upload);
    fsn_model_destroy(a);
    fsn_model_destroy(b);
    fsn_model_destroy(c);
    fsn_spec_clear(&spec);
}

static void classifiers_are_compressed_from_end_to_end(void **state)
{
    struct fsn_dataset *data = open_data();

    (void)state;
    for (size_t i = 0; i < fixture_count; i++)
        if (fixtures[i].classifies)
            run_job(&fixtures[i], data);
    fsn_dataset_destroy(data);
}

/* Others are not for training; their compressed form, fitted alone, is written and read as well. */
static void other_networks_are_fitted_and_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < fixture_count; i++) {
        const struct fixture *f = &fixtures[i];
        struct fsn_spec spec = short_spec(f);
        struct fsn_model *model, *student = NULL, *back;
        struct fsn_faults faults = {0};
        struct fsn_error err = {0};
        const char *path = temp_dir_path(&work, "student.onnx");

        if (f->classifies)
            continue;
        model = load(f, f->model);
        spec.finetune.epochs = 0;
        if (fsn_student_create(model, &spec, &student, &faults, &err) != FSN_OK ||
            fsn_model_save(student, path, FSN_EXPORT_SMALL, &err) != FSN_OK)
            fail_msg("%s: %s", f->name, err.text);
        back = load(f, path);
        assert_same_ends(f, model->graph, back->graph);
        assert_true(graph_difference(student->graph, back->graph, 2) < 1e-5);
        assert_true(back->file_bytes < model->file_bytes);
        fsn_model_destroy(back);
        fsn_model_destroy(student);
        fsn_model_destroy(model);
        fsn_spec_clear(&spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fixtures_are_there),
        cmocka_unit_test(all_compute_what_pytorch_computes),
        cmocka_unit_test(all_take_any_number_of_images),
        cmocka_unit_test(all_are_written_and_read_back_the_same),
        cmocka_unit_test(the_layer_tables_are_right),
        cmocka_unit_test(orders_are_taken_or_refused_by_what_the_outputs_are),
        cmocka_unit_test(classifiers_are_compressed_from_end_to_end),
        cmocka_unit_test(other_networks_are_fitted_and_written),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
