/* Writing ONNX files: what comes back is what went in, the three forms of a Filter Summary agree
 * with the operator bit for bit, and nothing superfluous is written. */
#include "core/rng.h"
#include "fsnet.h"
#include "graph/exec.h"
#include "net_builder.h"
#include "onnx/onnx.h"
#include "onnx_maker.h"
#include "ops/fs_geometry.h"
#include "temp_dir.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define INTS(...) ((const int64_t[]){__VA_ARGS__})
#define ATTR(type) FSN_ONNX__ATTRIBUTE_PROTO__ATTRIBUTE_TYPE__##type

static const enum fsn_export_form forms[] = {FSN_EXPORT_SMALL, FSN_EXPORT_WRITTEN,
                                             FSN_EXPORT_DENSE};
enum { FORMS = 3 };

struct bytes {
    unsigned char *data;
    size_t size;
};

static struct bytes export_graph(struct fsn__graph *graph, enum fsn_export_form form)
{
    struct fsn_model model = {.graph = graph};
    struct fsn_error err = {0};
    struct bytes bytes = {NULL, 0};

    if (fsn__onnx_export(&model, form, &bytes.data, &bytes.size, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return bytes;
}

static struct fsn_model *import_bytes(struct bytes bytes)
{
    struct fsn_model *model = NULL;
    struct fsn_error err = {0};

    if (fsn_model_load_memory(bytes.data, bytes.size, NULL, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

/* Exports and imports again. */
static struct fsn_model *round_trip(struct fsn__graph *graph, enum fsn_export_form form)
{
    struct bytes bytes = export_graph(graph, form);
    struct fsn_model *model = import_bytes(bytes);

    free(bytes.data);
    return model;
}

static FsnOnnx__ModelProto *unpack(struct bytes bytes)
{
    FsnOnnx__ModelProto *proto = NULL;

    assert_int_equal(fsn__proto_unpack_model(bytes.data, bytes.size, "test", &proto, NULL), FSN_OK);
    return proto;
}

/* The first output for two images of random numbers; new, freed by free(). */
static float *run(struct fsn__graph *graph, int64_t *count)
{
    struct fsn__exec_options options = {.batch = 2};
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};
    struct fsn__tensor *t;
    float *y;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    t = fsn__exec_input(exec, 0);
    net_draw(fsn__f32(t), fsn__numel(t), 1, 99, 0);
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    t = fsn__exec_output(exec, 0);
    *count = fsn__numel(t);
    y = malloc(fsn__tensor_bytes(t));
    assert_non_null(y);
    memcpy(y, t->data, fsn__tensor_bytes(t));
    fsn__exec_destroy(exec);
    return y;
}

static void assert_same_result(struct fsn__graph *a, struct fsn__graph *b)
{
    int64_t n_a, n_b;
    float *y_a = run(a, &n_a), *y_b = run(b, &n_b);

    assert_int_equal(n_a, n_b);
    assert_memory_equal(y_a, y_b, (size_t)n_a * sizeof *y_a);
    free(y_a);
    free(y_b);
}

/* Two convolutions with batch norm and a residual, one from a Filter Summary, and a classifier. */
static struct fsn__graph *small_net(void)
{
    struct net net = net_create(5);
    int x = net_input(&net, 3, 6, 6), a, b;

    a = net_relu(&net, net_batch_norm(&net, "bn1", net_conv(&net, "first", x, 3, 8, 3, 2), 8));
    b = net_batch_norm(&net, "bn2", net_conv_summary(&net, "second", a, 8, 8, 3, 100), 8);
    a = net_relu(&net, net_add(&net, a, b));
    a = net_flatten(&net, net_global_pool(&net, a));
    return net_finish(&net, net_gemm(&net, "classifier", a, 8, 5));
}

/* ---- whole networks -------------------------------------------------------------------------- */

static void every_form_computes_the_same_bits_as_the_graph(void **state)
{
    struct fsn__graph *graph = small_net();

    (void)state;
    for (int i = 0; i < FORMS; i++) {
        struct fsn_model *back = round_trip(graph, forms[i]);

        assert_same_result(graph, back->graph);
        fsn_model_destroy(back);
    }
    fsn__graph_destroy(graph);
}

static void the_same_model_gives_the_same_bytes(void **state)
{
    struct fsn__graph *graph = small_net(), *copy = NULL;

    (void)state;
    assert_int_equal(fsn__graph_clone(graph, &copy, NULL), FSN_OK);
    for (int i = 0; i < FORMS; i++) {
        struct bytes a = export_graph(graph, forms[i]), b = export_graph(copy, forms[i]);

        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        free(a.data);
        free(b.data);
    }
    fsn__graph_destroy(graph);
    fsn__graph_destroy(copy);
}

static void a_second_round_trip_changes_nothing(void **state)
{
    struct fsn__graph *graph = small_net();
    struct fsn_model *once = round_trip(graph, FSN_EXPORT_DENSE);
    struct bytes a = export_graph(once->graph, FSN_EXPORT_DENSE), b;
    struct fsn_model *twice = import_bytes(a);

    (void)state;
    b = export_graph(twice->graph, FSN_EXPORT_DENSE);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    free(a.data);
    free(b.data);
    fsn_model_destroy(once);
    fsn_model_destroy(twice);
    fsn__graph_destroy(graph);
}

static void the_header_says_what_the_file_is(void **state)
{
    struct fsn__graph *graph = small_net();

    (void)state;
    for (int i = 0; i < FORMS; i++) {
        struct bytes bytes = export_graph(graph, forms[i]);
        FsnOnnx__ModelProto *proto = unpack(bytes);
        bool functions = forms[i] == FSN_EXPORT_SMALL;

        assert_int_equal(proto->ir_version, 8);
        assert_string_equal(proto->producer_name, "fsnet");
        assert_string_equal(proto->producer_version, FSN_VERSION);
        assert_int_equal(proto->n_opset_import, functions ? 2 : 1);
        assert_int_equal(proto->opset_import[0]->version, 13);
        assert_int_equal(proto->n_functions, functions ? 1 : 0);
        assert_string_equal(proto->graph->input[0]->name, "x");
        assert_string_equal(proto->graph->input[0]->type->tensor_type->shape->dim[0]->dim_param,
                            "N");
        assert_string_equal(proto->graph->output[0]->name, graph->values[graph->outputs[0]].name);
        fsn__proto_free(proto);
        free(bytes.data);
    }
    fsn__graph_destroy(graph);
}

static bool is_read(const FsnOnnx__GraphProto *graph, const char *name)
{
    for (size_t i = 0; i < graph->n_node; i++)
        for (size_t j = 0; j < graph->node[i]->n_input; j++)
            if (strcmp(graph->node[i]->input[j], name) == 0)
                return true;
    return false;
}

static void every_initialiser_is_read_and_larger_forms_keep_the_names_of_layers(void **state)
{
    struct fsn__graph *graph = small_net();

    (void)state;
    for (int i = 0; i < FORMS; i++) {
        struct bytes bytes = export_graph(graph, forms[i]);
        FsnOnnx__ModelProto *proto = unpack(bytes);
        int layers = 0;

        for (size_t j = 0; j < proto->graph->n_initializer; j++)
            if (!is_read(proto->graph, proto->graph->initializer[j]->name))
                fail_msg("initialiser '%s' is not read", proto->graph->initializer[j]->name);
        for (size_t j = 0; j < proto->graph->n_node; j++)
            if (proto->graph->node[j]->name)
                layers += strcmp(proto->graph->node[j]->name, "first") == 0 ||
                          strcmp(proto->graph->node[j]->name, "second") == 0 ||
                          strcmp(proto->graph->node[j]->name, "classifier") == 0;
        assert_int_equal(layers, forms[i] == FSN_EXPORT_SMALL ? 0 : 3);
        fsn__proto_free(proto);
        free(bytes.data);
    }
    fsn__graph_destroy(graph);
}

/* Two batch norms start with equal scales; sharing them would tie them in training. */
static void trained_constants_are_never_shared(void **state)
{
    struct fsn__graph *graph = small_net();

    (void)state;
    for (int i = 0; i < FORMS; i++) {
        struct fsn_model *back = round_trip(graph, forms[i]);
        int norms = 0, scales[2] = {0};

        for (int j = 0; j < back->graph->node_count; j++)
            if (back->graph->nodes[j].op == &fsn__op_batch_normalization)
                scales[norms++] = back->graph->nodes[j].in[1];
        assert_int_equal(norms, 2);
        assert_int_not_equal(scales[0], scales[1]);
        fsn_model_destroy(back);
    }
    fsn__graph_destroy(graph);
}

static void a_saved_file_loads(void **state)
{
    struct fsn__graph *graph = small_net();
    struct fsn_model model = {.graph = graph}, *back = NULL;
    struct fsn_error err = {0};
    struct temp_dir dir;

    (void)state;
    temp_dir_create(&dir);
    assert_int_equal(fsn_model_save(&model, temp_dir_path(&dir, "m.onnx"), FSN_EXPORT_SMALL, NULL),
                     FSN_OK);
    assert_int_equal(fsn_model_load(temp_dir_path(&dir, "m.onnx"), NULL, &back, NULL), FSN_OK);
    assert_int_equal(temp_dir_count(&dir), 1);
    assert_string_equal(back->producer, "fsnet");
    assert_int_equal(
        fsn_model_save(&model, temp_dir_path(&dir, "no/m.onnx"), FSN_EXPORT_SMALL, &err), FSN_IO);
    fsn_model_destroy(back);
    fsn__graph_destroy(graph);
    temp_dir_remove(&dir);
}

/* ---- Filter Summaries -------------------------------------------------------------------------
 */

struct layer {
    struct fsn__fs_geometry g;
    bool levels;        /* F is uint8, with a zero */
    int64_t scale_size; /* 0: no scale */
    int bits;           /* of a level; 0: 8 */
    int64_t segment;    /* F's elements that share a step; 0: no steps */
};

#define PLACED_1D(k, c, r, s, spacing, l, slots)                                                 \
    {                                                                                            \
        FSN_LAYOUT_1D, k, c, r, s, FSN_SPACING_##spacing, {l, 1, 1}, {1, 1, 1}, {1, 1, 1}, slots \
    }
#define PLACED_3D(k, c, r, s, gc, gy, gx, tc, ty, tx, slots)                                    \
    {                                                                                           \
        FSN_LAYOUT_3D, k, c, r, s, FSN_SPACING_EVEN, {gc * tc, gy * ty, gx * tx}, {gc, gy, gx}, \
            {tc, ty, tx}, slots                                                                 \
    }
#define LAYER_1D(...) PLACED_1D(__VA_ARGS__, NULL)
#define LAYER_3D(...) PLACED_3D(__VA_ARGS__, NULL)

static const int64_t seven_slots[] = {3, 6, 0, 5, 1, 4, 2};
static int64_t many_slots[300]; /* backwards; more than a byte can count */

static const struct layer layers[] = {
    {LAYER_1D(8, 3, 3, 3, EVEN, 54), false, 0, 0, 0},
    {LAYER_1D(8, 3, 3, 3, REFERENCE, 54), true, 1, 0, 0},
    {LAYER_1D(7, 2, 1, 1, EVEN, 3), true, 7, 0, 0},        /* n and L odd, K prime */
    {LAYER_1D(5, 4, 3, 3, EVEN, 7), false, 5, 0, 0},       /* filters wrap round several times */
    {LAYER_1D(1, 2, 3, 3, REFERENCE, 18), false, 1, 0, 0}, /* one filter: K - 1 = 0 */
    {LAYER_1D(2, 1, 1, 5, REFERENCE, 1), true, 2, 0, 0},   /* L = 1 */
    {LAYER_3D(16, 4, 3, 3, 2, 2, 4, 2, 2, 2), false, 0, 0, 0},
    {LAYER_3D(16, 4, 3, 3, 2, 2, 4, 2, 2, 2), true, 16, 0, 0},
    {LAYER_3D(7, 3, 5, 3, 1, 2, 4, 1, 1, 2), true, 1, 0,
     0}, /* K prime: the grid has a spare place */
    {LAYER_3D(6, 8, 1, 1, 6, 1, 1, 2, 1, 1), false, 6, 0, 0},
    {LAYER_3D(4, 5, 3, 2, 2, 2, 1, 1, 1, 1), false, 0, 0, 0}, /* all axes wrap */
    {LAYER_1D(8, 3, 3, 3, EVEN, 54), true, 8, 6, 0},
    {LAYER_1D(8, 3, 3, 3, REFERENCE, 55), true, 1, 4, 0},
    {LAYER_1D(7, 2, 1, 1, EVEN, 3), true, 7, 3, 0}, /* less than one word */
    {LAYER_1D(7, 2, 3, 3, EVEN, 57), true, 7, 1, 0},
    {LAYER_1D(7, 2, 3, 3, EVEN, 63), true, 7, 7, 0},
    {LAYER_1D(7, 2, 3, 3, EVEN, 56), true, 7, 1, 0}, /* fills its bytes */
    {LAYER_1D(8, 3, 3, 3, REFERENCE, 64), true, 1, 4, 0},
    {LAYER_3D(16, 4, 3, 3, 2, 2, 4, 2, 2, 2), true, 16, 2, 0},
    {LAYER_3D(7, 3, 5, 3, 1, 2, 4, 1, 1, 2), true, 1, 5, 0},
    {LAYER_1D(8, 3, 3, 3, EVEN, 54), true, 8, 0, 16},
    {LAYER_1D(8, 3, 3, 3, EVEN, 49), true, 1, 4, 16}, /* the last segment has one element */
    {LAYER_3D(16, 4, 3, 3, 2, 2, 4, 2, 2, 2), true, 16, 0, 24},
    {LAYER_3D(16, 4, 3, 3, 2, 2, 4, 2, 2, 2), true, 16, 3, 24},
    {PLACED_1D(7, 2, 1, 1, EVEN, 3, seven_slots), true, 7, 0, 0},
    {PLACED_3D(7, 3, 5, 3, 1, 2, 4, 1, 1, 2, seven_slots), false, 1, 0, 0},
    {PLACED_1D(300, 1, 1, 1, EVEN, 100, many_slots), false, 0, 0, 0},
    {PLACED_1D(7, 2, 3, 3, EVEN, 57, seven_slots), true, 7, 3, 0},
    {PLACED_1D(7, 2, 3, 3, EVEN, 57, seven_slots), true, 1, 4, 16},
    {PLACED_3D(7, 3, 5, 3, 1, 2, 4, 1, 1, 2, seven_slots), true, 7, 2, 24},
    {PLACED_1D(7, 2, 3, 3, FREE, 57, seven_slots), false, 0, 0, 0}, /* starts in bytes */
    {PLACED_1D(7, 2, 3, 3, FREE, 57, seven_slots), true, 7, 3, 0},
    {PLACED_1D(7, 2, 3, 3, FREE, 57, seven_slots), true, 1, 0, 16},
    {PLACED_1D(7, 2, 3, 3, FREE, 57, seven_slots), true, 1, 4, 16},
    {PLACED_1D(7, 2, 3, 3, FREE, 64, seven_slots), true, 1, 2, 0},
    {PLACED_1D(7, 2, 3, 3, EVEN, 64, seven_slots), true, 1, 3, 16},
    {PLACED_1D(300, 1, 1, 1, FREE, 300, many_slots), false, 0, 0, 0}, /* in two bytes */
};
enum { LAYERS = sizeof layers / sizeof layers[0] };

static int add_const(struct fsn__graph *graph, const char *name, enum fsn__dtype dtype, int ndim,
                     const int64_t *dim, const void *data)
{
    struct fsn__tensor t = {0};
    int value = -1;

    fsn__shape_set(&t, dtype, ndim, dim);
    t.data = (void *)(uintptr_t)data;
    assert_int_equal(fsn__graph_add_const(graph, name, FSN__VALUE_CONST, &t, &value, NULL), FSN_OK);
    return value;
}

/* F's element j is 3 j + 1 (mod 251), but for the first; that in few bits. */
static uint8_t level(const struct layer *layer, int64_t j, int first)
{
    const uint8_t value = (uint8_t)(j == 0 ? first : (3 * j + 1) % 251);

    return layer->bits > 0 ? value & (uint8_t)((1 << layer->bits) - 1) : value;
}

/* Of segment j. */
static uint8_t step(int64_t j)
{
    return (uint8_t)(255 - 70 * j % 251);
}

/* A graph whose output is the layer's filters; zero is 7. */
static struct fsn__graph *filters_graph(const struct layer *layer, int copies)
{
    const struct fsn__fs_geometry *g = &layer->g;
    const int64_t shape[4] = {g->k, g->c, g->r, g->s};
    struct fsn__attr items[6] = {
        {.name = "shape", .type = FSN__ATTR_INTS, .count = 4, .ints = shape},
        {.name = "layout", .type = FSN__ATTR_STRING, .s = g->layout == FSN_LAYOUT_1D ? "1d" : "3d"},
    };
    struct fsn__attrs attrs = {4, items};
    struct fsn__graph *graph = NULL;
    uint8_t u8[512], steps[32];
    float f32[512], scale[16], zero = 7;
    int in[FSN__FS_INPUTS] = {-1, -1, -1, -1, -1, -1, -1}, out = -1;

    if (g->layout == FSN_LAYOUT_1D) {
        attrs.count = 3;
        static const char *const spacings[] = {"even", "reference", "free"};

        items[2] = (struct fsn__attr){
            .name = "spacing", .type = FSN__ATTR_STRING, .s = spacings[g->spacing]};
    } else {
        items[2] =
            (struct fsn__attr){.name = "grid", .type = FSN__ATTR_INTS, .count = 3, .ints = g->grid};
        items[3] = (struct fsn__attr){
            .name = "strides", .type = FSN__ATTR_INTS, .count = 3, .ints = g->stride};
    }
    for (int64_t k = 0; k < 300; k++)
        many_slots[k] = 299 - k;
    if (g->slot)
        items[attrs.count++] = (struct fsn__attr){
            .name = "slots", .type = FSN__ATTR_INTS, .count = (size_t)g->k, .ints = g->slot};
    if (layer->segment > 0)
        items[attrs.count++] =
            (struct fsn__attr){.name = "segment", .type = FSN__ATTR_INT, .i = layer->segment};
    for (int j = 0; j < 512; j++)
        f32[j] = u8[j] = level(layer, j, 0);
    for (int j = 0; j < 32; j++)
        steps[j] = step(j);
    for (int j = 0; j < 16; j++)
        scale[j] = 0.125F * (float)(j + 1);
    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    for (int i = 0; i < copies; i++) {
        struct fsn_error err = {0};

        f32[0] = u8[0] = level(layer, 0, i); /* F differs from copy to copy */
        in[0] = add_const(graph, NULL, layer->levels ? FSN__U8 : FSN__F32,
                          g->layout == FSN_LAYOUT_1D ? 1 : 3, g->fs_dim,
                          layer->levels ? (const void *)u8 : f32);
        if (layer->scale_size > 0)
            in[1] = add_const(graph, NULL, FSN__F32, 1, &layer->scale_size, scale);
        if (layer->levels)
            in[2] = add_const(graph, NULL, FSN__F32, 0, NULL, &zero);
        if (layer->segment > 0) {
            const int64_t count = (fsn__fs_size(g) - 1) / layer->segment + 1;

            in[FSN__FS_STEPS] = add_const(graph, NULL, FSN__U8, 1, &count, steps);
        }
        if (fsn__graph_apply(graph, "FilterSummary", NULL, &attrs,
                             layer->segment > 0      ? FSN__FS_INPUTS
                             : layer->levels         ? 3
                             : layer->scale_size > 0 ? 2
                                                     : 1,
                             in, &out, &err) != FSN_OK)
            fail_msg("%s", err.text);
        assert_int_equal(fsn__graph_add_output(graph, out, NULL), FSN_OK);
    }
    return graph;
}

/* What the header essay of fs_geometry.h says, element by element. */
static float expected_weight(const struct layer *layer, int64_t k, int64_t c, int64_t r, int64_t s)
{
    const struct fsn__fs_geometry *g = &layer->g;
    const int64_t filter = k;
    int64_t j;
    float value;

    if (g->slot)
        k = g->slot[k];

    if (g->layout == FSN_LAYOUT_1D) {
        int64_t d = g->spacing == FSN_SPACING_REFERENCE ? g->k - 1 : g->k;
        int64_t start = d > 0 ? k * g->fs_dim[0] / d : 0;

        if (g->spacing == FSN_SPACING_FREE)
            start = k;
        j = (start + (c * g->r + r) * g->s + s) % g->fs_dim[0];
    } else {
        int64_t ix = k % g->grid[2], iy = k / g->grid[2] % g->grid[1];
        int64_t ic = k / (g->grid[2] * g->grid[1]);

        j = (ic * g->stride[0] + c) % g->fs_dim[0];
        j = j * g->fs_dim[1] + (iy * g->stride[1] + r) % g->fs_dim[1];
        j = j * g->fs_dim[2] + (ix * g->stride[2] + s) % g->fs_dim[2];
    }
    value = level(layer, j, 0);
    if (layer->levels)
        value -= 7;
    if (layer->segment > 0)
        value *= step(j / layer->segment);
    if (layer->scale_size > 0)
        value *= 0.125F * (float)(layer->scale_size > 1 ? filter + 1 : 1);
    return value;
}

static void every_form_gives_the_filters_of_the_formula(void **state)
{
    (void)state;
    for (int i = 0; i < LAYERS; i++) {
        const struct fsn__fs_geometry *g = &layers[i].g;

        for (int form = 0; form < FORMS; form++) {
            struct fsn__graph *graph = filters_graph(&layers[i], 1);
            struct fsn_model *back = round_trip(graph, forms[form]);
            const struct fsn__tensor *w = &back->graph->values[back->graph->outputs[0]].tensor;
            int64_t at = 0;

            assert_non_null(w->data); /* folded to a constant */
            assert_int_equal(back->graph->node_count, 0);
            assert_int_equal(w->ndim, 4);
            for (int64_t k = 0; k < g->k; k++)
                for (int64_t c = 0; c < g->c; c++)
                    for (int64_t r = 0; r < g->r; r++)
                        for (int64_t s = 0; s < g->s; s++) {
                            float want = expected_weight(&layers[i], k, c, r, s);

                            if (fsn__f32(w)[at++] != want)
                                fail_msg("layer %d form %d: w[%d,%d,%d,%d] is %g, expected %g", i,
                                         form, (int)k, (int)c, (int)r, (int)s,
                                         (double)fsn__f32(w)[at - 1], (double)want);
                        }
            fsn_model_destroy(back);
            fsn__graph_destroy(graph);
        }
    }
}

/* How many bytes one more layer adds to its F, without the convolution that reads it. */
static void a_layer_costs_less_than_200_bytes_besides_its_summary(void **state)
{
    static const int picked[] = {1, 7, 12, 16, 21};

    (void)state;
    for (size_t i = 0; i < sizeof picked / sizeof *picked; i++) {
        const struct layer *layer = &layers[picked[i]];
        struct fsn__graph *some = filters_graph(layer, 30), *more = filters_graph(layer, 31);
        struct bytes a = export_graph(some, FSN_EXPORT_SMALL);
        struct bytes b = export_graph(more, FSN_EXPORT_SMALL);
        int64_t added = (int64_t)(b.size - a.size);

        /* the graph output of each copy is part of the test, not of a layer */
        assert_true(added - fsn__fs_size(&layer->g) < 200);
        free(a.data);
        free(b.data);
        fsn__graph_destroy(some);
        fsn__graph_destroy(more);
    }
}

/* Eight levels of 3 bits in three bytes, by hand: levels 1 to 7 and 0 as an octal number. */
static void levels_of_few_bits_are_packed_densely(void **state)
{
    const struct layer layer = {LAYER_1D(2, 4, 1, 2, EVEN, 8), true, 1, 3, 0};
    struct fsn__graph *graph = filters_graph(&layer, 1);
    uint8_t *f = graph->values[graph->nodes[0].in[0]].tensor.data;
    FsnOnnx__ModelProto *proto;
    struct bytes bytes;
    bool found = false;

    (void)state;
    for (int j = 0; j < 8; j++)
        f[j] = (uint8_t)(7 - j);
    bytes = export_graph(graph, FSN_EXPORT_SMALL);
    proto = unpack(bytes);
    for (size_t i = 0; i < proto->graph->n_initializer; i++) {
        const FsnOnnx__TensorProto *t = proto->graph->initializer[i];

        if (t->data_type != FSN__ONNX_UINT8)
            continue;
        found = true;
        assert_int_equal(t->n_dims, 2);
        assert_int_equal(t->dims[0], 3);
        assert_int_equal(t->dims[1], 1);
        assert_int_equal(t->raw_data.len, 3);
        assert_int_equal(t->raw_data.data[0] | t->raw_data.data[1] << 8 | t->raw_data.data[2] << 16,
                         001234567);
    }
    assert_true(found);
    assert_int_equal(proto->n_functions, 2);
    assert_string_equal(proto->functions[0]->name, "FilterSummary1d");
    assert_string_equal(proto->functions[1]->name, "UnpackLevels");
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
}

/* One more layer like `one`, the node's only one; its filters. */
static int add_layer(struct fsn__graph *graph, const struct fsn__graph *one)
{
    const struct fsn__node *node = &one->nodes[0];
    int in[FSN__FS_INPUTS], out = -1;

    for (int i = 0; i < node->n_in; i++) {
        const struct fsn__tensor *t = &one->values[node->in[i]].tensor;

        in[i] = add_const(graph, NULL, t->dtype, t->ndim, t->dim, t->data);
    }
    assert_int_equal(
        fsn__graph_apply(graph, "FilterSummary", NULL, &node->attrs, node->n_in, in, &out, NULL),
        FSN_OK);
    return out;
}

/* 70 layers of 3 bits: two tensors, the first as wide as Split can be; one of 8 bits has its own.
 */
static void levels_of_one_width_stand_in_one_tensor(void **state)
{
    static const struct layer narrow = {LAYER_1D(8, 1, 1, 3, EVEN, 30), true, 1, 3, 0};
    static const struct layer wide = {LAYER_1D(8, 1, 1, 3, EVEN, 100), true, 1, 0, 0};
    const int64_t places[] = {(63 * 30 + 7) / 8, (7 * 30 + 7) / 8};
    struct fsn__graph *graph = filters_graph(&narrow, 1);
    struct fsn__graph *one = filters_graph(&narrow, 1), *other = filters_graph(&wide, 1);
    FsnOnnx__ModelProto *proto;
    struct fsn_model *back;
    struct bytes bytes;
    int tensors = 0, last = -1;

    (void)state;
    add_layer(graph, other);
    for (int i = 1; i < 70; i++)
        last = add_layer(graph, one);
    graph->outputs[0] = last;
    bytes = export_graph(graph, FSN_EXPORT_SMALL);
    proto = unpack(bytes);
    for (size_t i = 0; i < proto->graph->n_initializer; i++) {
        const FsnOnnx__TensorProto *t = proto->graph->initializer[i];

        if (t->data_type != FSN__ONNX_UINT8)
            continue;
        if (t->n_dims == 1) {
            assert_int_equal(t->dims[0], 100);
            continue;
        }
        assert_true(tensors < 2);
        assert_int_equal(t->dims[0], 3);
        assert_int_equal(t->dims[1], places[tensors++]);
    }
    assert_int_equal(tensors, 2);
    back = import_bytes(bytes);
    assert_int_equal(back->graph->output_count, 1);
    for (int form = 0; form < FORMS; form++) {
        struct fsn_model *again = round_trip(graph, forms[form]);
        const struct fsn__value *a = &again->graph->values[again->graph->outputs[0]];
        const struct fsn__value *b = &back->graph->values[back->graph->outputs[0]];

        assert_non_null(a->tensor.data);
        assert_memory_equal(a->tensor.data, b->tensor.data, 24 * sizeof(float));
        fsn_model_destroy(again);
    }
    fsn_model_destroy(back);
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(other);
    fsn__graph_destroy(one);
}

/* Eight levels of 7 bits make a word of 56, which ONNX Runtime rounds. */
static void seven_bits_are_stored_in_eight(void **state)
{
    static const struct layer layer = {LAYER_1D(8, 1, 1, 3, EVEN, 100), true, 1, 7, 0};
    struct fsn__graph *graph = filters_graph(&layer, 1);
    struct bytes bytes = export_graph(graph, FSN_EXPORT_SMALL);
    FsnOnnx__ModelProto *proto = unpack(bytes);

    (void)state;
    assert_int_equal(proto->n_functions, 1);
    for (size_t i = 0; i < proto->graph->n_initializer; i++)
        if (proto->graph->initializer[i]->data_type == FSN__ONNX_UINT8)
            assert_int_equal(proto->graph->initializer[i]->n_dims, 1);
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
}

/* Two layers, of 3 bits and of 8: one tensor, since what unpacks would take more than it saves. */
static void few_levels_are_stored_with_others(void **state)
{
    static const struct layer narrow = {LAYER_1D(8, 1, 1, 3, EVEN, 30), true, 1, 3, 0};
    static const struct layer wide = {LAYER_1D(8, 1, 1, 3, EVEN, 100), true, 1, 0, 0};
    struct fsn__graph *graph = filters_graph(&narrow, 1), *other = filters_graph(&wide, 1);
    FsnOnnx__ModelProto *proto;
    struct fsn_model *back;
    struct bytes bytes;

    (void)state;
    add_layer(graph, other);
    bytes = export_graph(graph, FSN_EXPORT_SMALL);
    proto = unpack(bytes);
    assert_int_equal(proto->n_functions, 1);
    assert_string_equal(proto->functions[0]->name, "FilterSummary1d");
    for (size_t i = 0; i < proto->graph->n_initializer; i++)
        if (proto->graph->initializer[i]->data_type == FSN__ONNX_UINT8)
            assert_int_equal(proto->graph->initializer[i]->dims[0], 30 + 100);
    back = import_bytes(bytes);
    fsn_model_destroy(back);
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(other);
}

/* Layers of filters side by side, 8, 8 and 300 of them, and two in an order of their own. */
static void slots_in_order_are_written_once(void **state)
{
    static const int64_t other[] = {1, 0, 2, 3, 4, 5, 6, 7};
    static int64_t in_order[300];
    const struct {
        int64_t k;
        const int64_t *slots;
    } rows[] = {{8, in_order}, {8, in_order}, {300, in_order}, {8, other}, {8, other}};
    struct fsn__graph *graph = NULL;
    FsnOnnx__ModelProto *proto;
    struct bytes bytes;
    size_t count = 0;

    (void)state;
    for (int64_t k = 0; k < 300; k++)
        in_order[k] = k;
    assert_int_equal(fsn__graph_create(&graph, NULL), FSN_OK);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct layer layer = {{FSN_LAYOUT_1D,
                                     rows[i].k,
                                     1,
                                     1,
                                     1,
                                     FSN_SPACING_EVEN,
                                     {rows[i].k, 1, 1},
                                     {1, 1, 1},
                                     {1, 1, 1},
                                     rows[i].slots},
                                    false,
                                    0,
                                    0,
                                    0};
        struct fsn__graph *one = filters_graph(&layer, 1);
        const struct fsn__node *node = &one->nodes[0];
        int f = add_const(graph, NULL, FSN__F32, 1, &rows[i].k,
                          one->values[node->in[0]].tensor.data),
            out;

        assert_int_equal(
            fsn__graph_apply(graph, "FilterSummary", NULL, &node->attrs, 1, &f, &out, NULL),
            FSN_OK);
        assert_int_equal(fsn__graph_add_output(graph, out, NULL), FSN_OK);
        fsn__graph_destroy(one);
    }
    bytes = export_graph(graph, FSN_EXPORT_SMALL);
    proto = unpack(bytes);
    for (size_t i = 0; i < proto->graph->n_initializer; i++)
        count += proto->graph->initializer[i]->data_type == FSN__ONNX_UINT8 ||
                 proto->graph->initializer[i]->data_type == FSN__ONNX_UINT16;
    assert_int_equal(count, 4); /* 8 and 300 in order, the others one by one */
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
}

static void both_layouts_in_one_file_bring_one_function_each(void **state)
{
    struct fsn__graph *graph = filters_graph(&layers[0], 3), *other = filters_graph(&layers[6], 1);
    const struct fsn__node *node = &other->nodes[0];
    struct fsn_model *back;
    FsnOnnx__ModelProto *proto;
    struct bytes bytes;
    int f, out;

    (void)state;
    f = add_const(graph, "f3", FSN__F32, 3, other->values[node->in[0]].tensor.dim,
                  other->values[node->in[0]].tensor.data);
    assert_int_equal(
        fsn__graph_apply(graph, "FilterSummary", NULL, &node->attrs, 1, &f, &out, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_output(graph, out, NULL), FSN_OK);
    bytes = export_graph(graph, FSN_EXPORT_SMALL);
    proto = unpack(bytes);
    assert_int_equal(proto->n_functions, 2);
    assert_string_equal(proto->functions[0]->name, "FilterSummary1d");
    assert_string_equal(proto->functions[1]->name, "FilterSummary3d");
    back = import_bytes(bytes);
    assert_int_equal(back->graph->output_count, 4);
    fsn_model_destroy(back);
    fsn__proto_free(proto);
    free(bytes.data);
    fsn__graph_destroy(graph);
    fsn__graph_destroy(other);
}

/* ---- older forms ----------------------------------------------------------------------------- */

static struct fsn_model *load(struct onnx_maker *m)
{
    struct bytes bytes;
    struct fsn_model *model;

    bytes.data = (unsigned char *)(uintptr_t)onnx_bytes(m, &bytes.size);
    model = import_bytes(bytes);
    onnx_end(m);
    return model;
}

static void softmax_over_several_axes_is_written_in_version_13s_terms(void **state)
{
    struct fsn_model *model, *back;
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 11);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 3, 2, 2));
    onnx_node(&m, "Softmax", "x", "y");
    onnx_output(&m, "y");
    model = load(&m);
    back = round_trip(model->graph, FSN_EXPORT_DENSE);
    assert_int_equal(back->graph->node_count, 3);
    assert_same_result(model->graph, back->graph);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

static void assert_not_written(struct onnx_maker *m, const char *reason)
{
    struct fsn_error err = {0};
    struct fsn_model *model = load(m);
    unsigned char *bytes = NULL;
    size_t size;

    assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_DENSE, &bytes, &size, &err),
                     FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, reason));
    assert_null(bytes);
    fsn_model_destroy(model);
}

/* Reshape to a size of 0 would mean: as before. */
static void what_needs_a_reshape_of_nothing_is_not_written(void **state)
{
    const float ones[4] = {1, 1, 1, 1};
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 9);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 3, INTS(0, 4, 0));
    onnx_node(&m, "Hardmax", "x", "y");
    onnx_output(&m, "y");
    assert_not_written(&m, "Hardmax 'Hardmax_y' of an empty tensor");
    onnx_begin(&m, 21);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 4, 2, 0));
    onnx_floats(&m, "s", 1, INTS(4), ones);
    onnx_floats(&m, "b", 1, INTS(4), ones);
    onnx_attr_int(&m, onnx_node(&m, "GroupNormalization", "x,s,b", "y"), "num_groups", 2);
    onnx_output(&m, "y");
    assert_not_written(&m, "GroupNormalization 'GroupNormalization_y' of an empty tensor");
}

/* The type is told, so the other input, which may be a constant that nothing else reads, goes. */
static void cast_like_is_written_as_cast(void **state)
{
    const int64_t like = 0;
    struct fsn_model *model, *back;
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 15);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 3, 2, 2));
    onnx_ints(&m, "like", 1, &like);
    onnx_node(&m, "CastLike", "x,like", "whole");
    onnx_node(&m, "CastLike", "whole,x", "y");
    onnx_output(&m, "y");
    model = load(&m);
    back = round_trip(model->graph, FSN_EXPORT_DENSE);
    assert_int_equal(back->graph->node_count, 2);
    assert_string_equal(back->graph->nodes[0].op->name, "Cast");
    assert_same_result(model->graph, back->graph);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

/* y = op(x) of a model of the newest operator set; its export computes the same in version 13. */
static void assert_written_in_terms(const char *op, const char *attr, const char *text,
                                    float number, int nodes)
{
    struct fsn_model *model, *back;
    struct onnx_maker m;
    float *y, *y_back;
    int64_t n, n_back;
    FsnOnnx__NodeProto *node;

    onnx_begin(&m, 24);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 3, 5, 7));
    node = onnx_node(&m, op, "x", "y");
    if (text) {
        FsnOnnx__AttributeProto *string = onnx_attr(&m, node, attr, ATTR(STRING));

        string->has_s = true;
        string->s.data = (uint8_t *)(uintptr_t)text;
        string->s.len = strlen(text);
    } else if (attr) {
        onnx_attr_float(&m, node, attr, number);
    }
    onnx_output(&m, "y");
    model = load(&m);
    back = round_trip(model->graph, FSN_EXPORT_DENSE);
    assert_int_equal(back->graph->node_count, nodes);
    y = run(model->graph, &n);
    y_back = run(back->graph, &n_back);
    assert_int_equal(n, n_back);
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(y[i] - y_back[i]) <= 1e-6f))
            fail_msg("%s: %.9g became %.9g", op, (double)y[i], (double)y_back[i]);
    free(y);
    free(y_back);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

static void newer_activations_are_written_in_version_13s_terms(void **state)
{
    (void)state;
    assert_written_in_terms("HardSwish", NULL, NULL, 0, 2);
    assert_written_in_terms("Mish", NULL, NULL, 0, 3);
    assert_written_in_terms("Swish", NULL, NULL, 0, 2);
    assert_written_in_terms("Swish", "alpha", NULL, 1.5f, 3);
    assert_written_in_terms("Gelu", NULL, NULL, 0, 5);
    assert_written_in_terms("Gelu", "approximate", "tanh", 0, 8);
}

/* What the maker holds and its export compute the same, up to rounding. */
static void assert_exported(struct onnx_maker *m, const char *first)
{
    struct fsn_model *model = load(m), *back = round_trip(model->graph, FSN_EXPORT_DENSE);
    int64_t n, n_back;
    float *y = run(model->graph, &n), *y_back = run(back->graph, &n_back);

    assert_string_equal(back->graph->nodes[0].op->name, first);
    assert_int_equal(n, n_back);
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(y[i] - y_back[i]) <= 2e-6f))
            fail_msg("%.9g became %.9g", (double)y[i], (double)y_back[i]);
    free(y);
    free(y_back);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

static void newer_normalisations_are_written_in_version_13s_terms(void **state)
{
    const float scale[6] = {1, 2, -1, 0.5f, 3, -2}, bias[6] = {0.5f, 0, 1, -1, 2, 3};
    struct onnx_maker m;

    (void)state;
    for (int has_bias = 0; has_bias < 2; has_bias++) {
        onnx_begin(&m, 17);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 3, INTS(ONNX_OPEN, 2, 3));
        onnx_floats(&m, "s", 2, INTS(2, 3), scale);
        onnx_floats(&m, "b", 2, INTS(2, 3), bias);
        onnx_attr_int(&m, onnx_node(&m, "LayerNormalization", has_bias ? "x,s,b" : "x,s", "y"),
                      "axis", 1);
        onnx_output(&m, "y");
        assert_exported(&m, "ReduceMean");
    }
    for (int64_t count = 2; count <= 6; count += 4) { /* a scale for each group, each channel */
        onnx_begin(&m, count == 2 ? 18 : 21);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 6, 2, 3));
        onnx_floats(&m, "s", 1, &count, scale);
        onnx_floats(&m, "b", 1, &count, bias);
        onnx_attr_int(&m, onnx_node(&m, "GroupNormalization", "x,s,b", "y"), "num_groups", 2);
        onnx_output(&m, "y");
        assert_exported(&m, "Reshape");
    }
}

static void a_number_of_parts_is_written_as_their_sizes(void **state)
{
    struct onnx_maker m;
    FsnOnnx__NodeProto *node;

    (void)state;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 7));
    node = onnx_node(&m, "Split", "x", "a,b,c");
    onnx_attr_int(&m, node, "axis", 1);
    onnx_attr_int(&m, node, "num_outputs", 3);
    onnx_node(&m, "Mul", "c,c", "y"); /* the part that is smaller */
    onnx_output(&m, "y");
    assert_exported(&m, "Split");
}

/* A file whose sizes and outputs differ in number is none to ONNX Runtime. */
static void parts_that_nothing_reads_are_written_too(void **state)
{
    struct fsn_model *model, *back;
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 13);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 2, INTS(ONNX_OPEN, 7));
    onnx_ints(&m, "sizes", 3, INTS(2, 4, 1));
    onnx_attr_int(&m, onnx_node(&m, "Split", "x,sizes", "a,b,c"), "axis", 1);
    onnx_node(&m, "Neg", "b", "y");
    onnx_output(&m, "y");
    model = load(&m);
    back = round_trip(model->graph, FSN_EXPORT_DENSE);
    assert_int_equal(back->graph->nodes[0].n_out, 3);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

/* Attributes that say the default are left out; what version 13 cannot say is refused. */
static void resize_is_written_where_version_13_has_its_modes(void **state)
{
    static const struct {
        const char *attr, *text, *refusal;
        int64_t number;
    } cases[] = {
        {"antialias", NULL, NULL, 0},
        {"keep_aspect_ratio_policy", "stretch", NULL, 0},
        {"coordinate_transformation_mode", "asymmetric", NULL, 0},
        {"antialias", NULL, "its attribute 'antialias' cannot be written", 1},
        {"coordinate_transformation_mode", "half_pixel_symmetric",
         "its coordinate_transformation_mode 'half_pixel_symmetric' cannot be written", 0},
    };
    const float scales[4] = {1, 1, 2, 2};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_error err = {0};
        struct fsn_model *model;
        struct onnx_maker m;
        FsnOnnx__NodeProto *node;
        unsigned char *bytes = NULL;
        size_t size;

        onnx_begin(&m, 19);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 2, 2, 3));
        onnx_floats(&m, "s", 1, INTS(4), scales);
        node = onnx_node(&m, "Resize", "x,,s", "y");
        if (cases[i].text) {
            FsnOnnx__AttributeProto *string = onnx_attr(&m, node, cases[i].attr, ATTR(STRING));

            string->has_s = true;
            string->s.data = (uint8_t *)(uintptr_t)cases[i].text;
            string->s.len = strlen(cases[i].text);
        } else {
            onnx_attr_int(&m, node, cases[i].attr, cases[i].number);
        }
        onnx_output(&m, "y");
        if (!cases[i].refusal) {
            assert_exported(&m, "Resize");
            continue;
        }
        model = load(&m);
        assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_DENSE, &bytes, &size, &err),
                         FSN_UNSUPPORTED);
        assert_non_null(strstr(err.text, cases[i].refusal));
        fsn_model_destroy(model);
    }
}

static void axes_of_reductions_are_written_as_an_attribute(void **state)
{
    static const struct {
        const char *op;
        size_t inputs;
    } cases[] = {{"ReduceMean", 1}, {"ReduceL2", 1}, {"ReduceMax", 1}, {"ReduceSum", 2}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fsn_model *model, *back;
        FsnOnnx__ModelProto *proto;
        struct onnx_maker m;
        struct bytes bytes;

        onnx_begin(&m, 18);
        onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 3, 2, 2));
        onnx_ints(&m, "axes", 2, INTS(-1, 2));
        onnx_attr_int(&m, onnx_node(&m, cases[i].op, "x,axes", "y"), "keepdims", 0);
        onnx_output(&m, "y");
        model = load(&m);
        bytes = export_graph(model->graph, FSN_EXPORT_DENSE);
        proto = unpack(bytes);
        assert_int_equal(proto->graph->node[0]->n_input, cases[i].inputs);
        fsn__proto_free(proto);
        back = import_bytes(bytes);
        assert_same_result(model->graph, back->graph);
        free(bytes.data);
        fsn_model_destroy(model);
        fsn_model_destroy(back);
    }
}

static void pad_of_some_axes_is_written_as_pad_of_all(void **state)
{
    struct fsn_model *model, *back;
    struct onnx_maker m;

    (void)state;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 1, 2, 2));
    onnx_ints(&m, "pads", 4, INTS(1, 2, 3, 4));
    onnx_ints(&m, "axes", 2, INTS(-1, 1));
    onnx_node(&m, "Pad", "x,pads,,axes", "y");
    onnx_output(&m, "y");
    model = load(&m);
    back = round_trip(model->graph, FSN_EXPORT_DENSE);
    assert_int_equal(back->graph->nodes[0].n_in, 2);
    assert_same_result(model->graph, back->graph);
    fsn_model_destroy(model);
    fsn_model_destroy(back);
}

static void what_version_13_cannot_say_is_refused_by_name(void **state)
{
    struct fsn_error err = {0};
    struct fsn_model *model;
    struct onnx_maker m;
    unsigned char *bytes = NULL;
    const float one = 1;
    size_t size;

    (void)state;
    onnx_begin(&m, 18);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 1, 6, 6));
    onnx_attr_ints(&m, onnx_node(&m, "AveragePool", "x", "y"), "kernel_shape", 2, INTS(2, 2));
    onnx_attr_ints(&m, m.graph.node[0], "dilations", 2, INTS(2, 2));
    onnx_output(&m, "y");
    model = load(&m);
    assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_DENSE, &bytes, &size, &err),
                     FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "AveragePool 'AveragePool_y': its attribute 'dilations'"));
    assert_null(bytes);
    fsn_model_destroy(model);

    err = (struct fsn_error){0};
    onnx_begin(&m, 15);
    onnx_input(&m, "x", FSN__ONNX_FLOAT, 4, INTS(ONNX_OPEN, 1, 2, 2));
    onnx_floats(&m, "s", 1, INTS(1), &one);
    onnx_attr_int(&m, onnx_node(&m, "BatchNormalization", "x,s,s,s,s", "y,m,v"), "training_mode",
                  1);
    onnx_output(&m, "y");
    onnx_output(&m, "m");
    model = load(&m);
    assert_int_equal(fsn__onnx_export(model, FSN_EXPORT_DENSE, &bytes, &size, &err),
                     FSN_UNSUPPORTED);
    assert_non_null(strstr(err.text, "BatchNormalization 'BatchNormalization_y': its 2 outputs"));
    fsn_model_destroy(model);
}

/* The engine's mark of an open batch is no size that another runtime knows. */
static void a_target_with_the_batch_in_it_says_as_many_as_before(void **state)
{
    struct net net = net_create(1);
    int64_t target[3] = {FSN_BATCH, 3, 4};
    const struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 1, .dim = {3}, .data = target};
    struct fsn_error err = {0};
    int in[2] = {net_input(&net, 3, 2, 2), -1}, y;
    struct fsn__graph *graph;

    (void)state;
    assert_int_equal(fsn__graph_add_const(net.graph, "target", FSN__VALUE_CONST, &t, &in[1], &err),
                     FSN_OK);
    assert_int_equal(fsn__graph_apply(net.graph, "Reshape", "r", NULL, 2, in, &y, &err), FSN_OK);
    graph = net_finish(&net, y);
    for (int form = 0; form < FORMS; form++) {
        struct bytes bytes = export_graph(graph, forms[form]);
        FsnOnnx__ModelProto *proto = unpack(bytes);
        const int64_t *said = proto->graph->initializer[0]->int64_data;

        assert_int_equal(proto->graph->n_initializer, 1);
        assert_int_equal(proto->graph->initializer[0]->n_int64_data, 3); /* a byte each */
        assert_int_equal(proto->graph->initializer[0]->raw_data.len, 0);
        assert_true(said[0] == 0 && said[1] == 3 && said[2] == 4);
        fsn__proto_free(proto);
        free(bytes.data);
    }
    fsn__graph_destroy(graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_computes_the_same_bits_as_the_graph),
        cmocka_unit_test(the_same_model_gives_the_same_bytes),
        cmocka_unit_test(a_second_round_trip_changes_nothing),
        cmocka_unit_test(the_header_says_what_the_file_is),
        cmocka_unit_test(every_initialiser_is_read_and_larger_forms_keep_the_names_of_layers),
        cmocka_unit_test(trained_constants_are_never_shared),
        cmocka_unit_test(a_saved_file_loads),
        cmocka_unit_test(every_form_gives_the_filters_of_the_formula),
        cmocka_unit_test(a_layer_costs_less_than_200_bytes_besides_its_summary),
        cmocka_unit_test(levels_of_few_bits_are_packed_densely),
        cmocka_unit_test(levels_of_one_width_stand_in_one_tensor),
        cmocka_unit_test(few_levels_are_stored_with_others),
        cmocka_unit_test(seven_bits_are_stored_in_eight),
        cmocka_unit_test(slots_in_order_are_written_once),
        cmocka_unit_test(both_layouts_in_one_file_bring_one_function_each),
        cmocka_unit_test(softmax_over_several_axes_is_written_in_version_13s_terms),
        cmocka_unit_test(what_needs_a_reshape_of_nothing_is_not_written),
        cmocka_unit_test(cast_like_is_written_as_cast),
        cmocka_unit_test(newer_activations_are_written_in_version_13s_terms),
        cmocka_unit_test(newer_normalisations_are_written_in_version_13s_terms),
        cmocka_unit_test(a_number_of_parts_is_written_as_their_sizes),
        cmocka_unit_test(parts_that_nothing_reads_are_written_too),
        cmocka_unit_test(resize_is_written_where_version_13_has_its_modes),
        cmocka_unit_test(axes_of_reductions_are_written_as_an_attribute),
        cmocka_unit_test(pad_of_some_axes_is_written_as_pad_of_all),
        cmocka_unit_test(a_target_with_the_batch_in_it_says_as_many_as_before),
        cmocka_unit_test(what_version_13_cannot_say_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
