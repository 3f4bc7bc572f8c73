/* test_exported.c - whole jobs on networks as exporters leave them: channels last, batch norm
 * written as factors and terms or folded, a Softmax at the end, another output beside. */
#include "compress/prepare.h"
#include "core/file.h"
#include "graph_run.h"
#include "net_builder.h"
#include "temp_dir.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { CLASSES = 10, SIZE = 32 };

static struct temp_dir folder;

static char *path(const char *name)
{
    return strdup(temp_dir_path(&folder, name));
}

static int setup(void **state)
{
    struct fsn_error err = {0};

    (void)state;
    temp_dir_create(&folder);
    return fsn_dataset_draw(temp_dir_path(&folder, "set.tar.gz"), 200, 50, 3, &err) == FSN_OK ? 0
                                                                                              : 1;
}

static int teardown(void **state)
{
    (void)state;
    temp_dir_remove(&folder);
    return 0;
}

static int transpose(struct net *net, int x, const int64_t perm[4])
{
    struct fsn__attr item = {.name = "perm", .type = FSN__ATTR_INTS, .count = 4, .ints = perm};

    return net_apply(net, "Transpose", &(struct fsn__attrs){1, &item}, x, -1);
}

/* Channels last; the first layer's batch norm is a Mul and an Add, the second's is folded; features
 * are an output too; the scores are probabilities. */
static struct fsn__graph *exported_for(int64_t batch)
{
    static const int64_t to_nchw[4] = {0, 3, 1, 2}, to_nhwc[4] = {0, 2, 3, 1};
    struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = -1};
    struct fsn__tensor shape = {.dtype = FSN__F32, .ndim = 4};
    struct net net = net_create(8);
    struct fsn__graph *graph;
    int x, features;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){batch, SIZE, SIZE, 3});
    assert_int_equal(fsn__graph_add_input(net.graph, "images", &shape, &x, NULL), FSN_OK);
    x = net_conv(&net, "one", transpose(&net, x, to_nchw), 3, 8, 3, 2);
    x = transpose(&net, x, to_nhwc);
    x = net_apply(&net, "Mul", NULL, x, net_constant(&net, "factor", 1, (int64_t[]){8}, 2));
    x = net_apply(&net, "Add", NULL, x, net_constant(&net, "term", 1, (int64_t[]){8}, 1));
    x = transpose(&net, net_relu(&net, x), to_nchw);
    x = net_relu(&net, net_conv_bias(&net, "two", x, 8, 8, 3, 2));
    features = net_flatten(&net, net_global_pool(&net, x));
    x = net_gemm(&net, "fc", features, 8, CLASSES);
    graph = net_finish(&net, features);
    x = net_apply(&net, "Softmax", &(struct fsn__attrs){1, &axis}, x, -1);
    assert_int_equal(fsn__graph_add_output(graph, x, NULL), FSN_OK);
    return graph;
}

static struct fsn__graph *exported(void)
{
    return exported_for(FSN_BATCH);
}

static struct fsn_spec short_spec(void)
{
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.ratio = 2;
    spec.finetune.epochs = 1;
    spec.finetune.batch_size = 32;
    spec.threads = 1;
    return spec;
}

static void preparing_keeps_the_function_and_finds_what_to_normalise(void **state)
{
    struct fsn__graph *graph = exported();
    struct fsn__prepared prepared = {0};
    const struct fsn__ends none = {.count = 0};
    const struct fsn_spec spec = short_spec();

    (void)state;
    assert_int_equal(fsn__prepare(graph, &spec, CLASSES, &none, &prepared, NULL), FSN_OK);
    assert_true(graph_difference(graph, prepared.graph, 3) < 1e-5);
    assert_int_equal(graph_count(prepared.graph, "Mul"), 0);
    assert_int_equal(graph_count(prepared.graph, "Transpose"), 1); /* the input's */
    assert_int_equal(prepared.head.output, 1);
    assert_int_equal(prepared.bare.count, 2);
    assert_int_equal(fsn__graph_restore_bn(prepared.graph, &prepared.bare, NULL), FSN_OK);
    assert_true(graph_difference(graph, prepared.graph, 3) < 1e-4);
    fsn__prepared_clear(&prepared);
    fsn__graph_destroy(graph);
}

static void nothing_is_put_back_where_nothing_is_trained(void **state)
{
    struct fsn__graph *graph = exported();
    struct fsn__prepared prepared = {0};
    const struct fsn__ends none = {.count = 0};
    struct fsn_spec spec = short_spec();

    (void)state;
    spec.finetune.epochs = 0;
    assert_int_equal(fsn__prepare(graph, &spec, CLASSES, &none, &prepared, NULL), FSN_OK);
    assert_int_equal(prepared.bare.count, 0);
    fsn__prepared_clear(&prepared);
    fsn__graph_destroy(graph);
}

static double top1_of(const char *file, const struct fsn_dataset *data, const struct fsn_spec *spec)
{
    struct fsn_model *model = NULL;
    struct fsn_eval eval = {0};
    struct fsn_error err = {0};

    if (fsn_model_load(file, NULL, &model, &err) != FSN_OK ||
        fsn_evaluate(model, data, FSN_SPLIT_TEST, spec, NULL, NULL, &eval, &err) != FSN_OK)
        fail_msg("%s", err.text);
    fsn_model_destroy(model);
    return eval.top1;
}

/* report.html is what its report.json makes, at any time and anywhere. */
static void check_page(void)
{
    char *json = path("out/report.json"), *html = path("out/report.html"), *made = NULL;
    unsigned char *text = NULL, *page = NULL;
    size_t text_size = 0, page_size = 0;

    assert_int_equal(fsn__file_read(json, 1 << 20, &text, &text_size, NULL), FSN_OK);
    assert_int_equal(fsn__file_read(html, 1 << 20, &page, &page_size, NULL), FSN_OK);
    assert_int_equal(fsn_report_html((const char *)text, text_size, &made, NULL), FSN_OK);
    assert_string_equal(made, (const char *)page);
    free(made);
    free(page);
    free(text);
    free(html);
    free(json);
}

/* The results have the inputs and outputs of the upload, batch norm is folded, and they measure as
 * the report says. */
static void a_job_keeps_what_the_file_has_around_the_network(void **state)
{
    char *source = path("exported.onnx"), *set = path("set.tar.gz"), *out = path("out");
    char *small = path("out/model.onnx"), *dense = path("out/model-dense.onnx");
    struct fsn_model model = {.graph = exported()}, *back = NULL;
    const struct fsn_job job = {.model_path = source, .data_path = set, .out_dir = out};
    struct fsn_spec spec = short_spec();
    struct fsn_dataset *data = NULL;
    struct fsn_error err = {0};
    const struct fsn__graph *graph;
    json_t *report;

    (void)state;
    assert_int_equal(fsn_model_save(&model, source, FSN_EXPORT_DENSE, NULL), FSN_OK);
    if (fsn_compress(&job, &spec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    report = json_load_file(temp_dir_path(&folder, "out/report.json"), 0, NULL);
    assert_int_equal(json_array_size(json_object_get(report, "layers")), 2);
    assert_int_equal(fsn_dataset_open(set, NULL, NULL, &data, NULL), FSN_OK);
    assert_float_equal(
        top1_of(source, data, &spec),
        json_number_value(json_object_get(json_object_get(report, "baseline"), "top1")), 1e-5);
    assert_float_equal(
        top1_of(small, data, &spec),
        json_number_value(json_object_get(json_object_get(report, "compressed"), "top1")), 1e-5);
    assert_int_equal(fsn_model_load(dense, NULL, &back, NULL), FSN_OK);
    graph = back->graph;
    assert_string_equal(FSN__SHAPE(&graph->values[graph->inputs[0]].tensor), "[N,32,32,3]");
    assert_int_equal(graph->output_count, 2);
    for (int i = 0; i < 2; i++)
        assert_string_equal(graph->values[graph->outputs[i]].name,
                            model.graph->values[model.graph->outputs[i]].name);
    assert_true(graph->nodes[graph->values[graph->outputs[1]].producer].op == &fsn__op_softmax);
    assert_int_equal(graph_count(graph, "BatchNormalization"), 0);
    check_page();
    json_decref(report);
    fsn_dataset_destroy(data);
    fsn_model_destroy(back);
    fsn__graph_destroy(model.graph);
    free(source);
    free(set);
    free(out);
    free(small);
    free(dense);
}

/* (pixel - 127.5) / 63.75 is (pixel / 255 - 0.5) / 0.25. */
static void a_network_that_takes_bytes_is_given_bytes(void **state)
{
    char *set = path("set.tar.gz");
    struct fsn_model model = {.graph = exported()};
    struct fsn_spec unit = short_spec(), bytes = short_spec();
    struct fsn_dataset *data = NULL;
    struct fsn_eval a = {0}, b = {0};

    (void)state;
    unit.preprocess.channels = bytes.preprocess.channels = 3;
    for (int c = 0; c < 3; c++) {
        unit.preprocess.mean[c] = 0.5F;
        unit.preprocess.std[c] = 0.25F;
        bytes.preprocess.mean[c] = 127.5F;
        bytes.preprocess.std[c] = 63.75F;
    }
    bytes.preprocess.scale = FSN_SCALE_BYTE;
    assert_int_equal(fsn_dataset_open(set, NULL, NULL, &data, NULL), FSN_OK);
    assert_int_equal(fsn_evaluate(&model, data, FSN_SPLIT_TEST, &unit, NULL, NULL, &a, NULL),
                     FSN_OK);
    assert_int_equal(fsn_evaluate(&model, data, FSN_SPLIT_TEST, &bytes, NULL, NULL, &b, NULL),
                     FSN_OK);
    assert_float_equal(a.loss, b.loss, 1e-5);
    bytes.preprocess.scale = FSN_SCALE_UNIT;
    assert_int_equal(fsn_evaluate(&model, data, FSN_SPLIT_TEST, &bytes, NULL, NULL, &b, NULL),
                     FSN_OK);
    assert_true(fabs(a.loss - b.loss) > 1e-3);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(model.graph);
    free(set);
}

/* Said when the job is ordered, with the reason that import found, not when training begins. */
static void a_network_for_one_batch_size_is_refused_where_another_is_asked_for(void **state)
{
    struct fsn_model model = {.graph = exported_for(4), .fixed_batch = "Reshape 'r' mixes images"};
    struct fsn_spec spec = short_spec();
    struct fsn_dataset *data = NULL;
    struct fsn_dataset_info info;
    struct fsn_faults faults = {0};

    (void)state;
    assert_int_equal(
        fsn_dataset_open(temp_dir_path(&folder, "set.tar.gz"), NULL, NULL, &data, NULL), FSN_OK);
    fsn_dataset_info(data, &info);
    fsn_data_fits(&model, &info, &spec, &faults);
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.item[0].pointer, "/finetune/batch_size");
    assert_string_equal(faults.item[0].text,
                        "the model's input 'images' takes 4 images at once and no other number "
                        "(Reshape 'r' mixes images): 32 cannot be trained; export it with a free "
                        "batch axis, or set this to 4");
    faults.count = 0;
    spec.finetune.batch_size = 4;
    fsn_data_fits(&model, &info, &spec, &faults);
    spec.finetune.batch_size = 32;
    spec.finetune.epochs = 0; /* measuring takes what there is */
    fsn_data_fits(&model, &info, &spec, &faults);
    assert_int_equal(faults.count, 0);
    fsn_dataset_destroy(data);
    fsn__graph_destroy(model.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preparing_keeps_the_function_and_finds_what_to_normalise),
        cmocka_unit_test(nothing_is_put_back_where_nothing_is_trained),
        cmocka_unit_test(a_job_keeps_what_the_file_has_around_the_network),
        cmocka_unit_test(a_network_that_takes_bytes_is_given_bytes),
        cmocka_unit_test(a_network_for_one_batch_size_is_refused_where_another_is_asked_for),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
