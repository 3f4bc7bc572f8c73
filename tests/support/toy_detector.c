/* toy_detector.c - see toy_detector.h. */
#include "toy_detector.h"

#include "net_builder.h"
#include "temp_dir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

struct fsn_dataset *toy_boxes(int64_t train_images, int64_t test_images, uint64_t seed)
{
    struct fsn_dataset *data = NULL;
    struct fsn_error err = {.status = FSN_OK};
    struct temp_dir dir;
    const char *path;

    temp_dir_create(&dir);
    path = temp_dir_path(&dir, "boxes.tar.gz");
    if (fsn_dataset_draw_boxes(path, train_images, test_images, seed, &err) != FSN_OK ||
        fsn_dataset_open(path, NULL, NULL, &data, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(data->classes, TOY_SHAPES);
    temp_dir_remove(&dir);
    return data;
}

/* "<name>" [N, TOY_BOXES, width] of a map. */
static int head(struct net *net, const char *name, int x, int width)
{
    struct fsn__attr perm = {
        .name = "perm", .type = FSN__ATTR_INTS, .count = 4, .ints = (int64_t[]){0, 2, 3, 1}};
    const struct fsn__attrs attrs = {.count = 1, .item = &perm};
    struct fsn__tensor shape = {.data = (int64_t[]){0, TOY_BOXES, width}};
    int in[2], out;

    x = net_conv_bias(net, name, x, 16, width, 3, 1);
    in[0] = net_apply(net, "Transpose", &attrs, x, -1);
    fsn__shape_set(&shape, FSN__I64, 1, (int64_t[]){3});
    assert_int_equal(fsn__graph_add_const(net->graph, NULL, FSN__VALUE_CONST, &shape, &in[1], NULL),
                     FSN_OK);
    assert_int_equal(fsn__graph_apply(net->graph, "Reshape", NULL, NULL, 2, in, &out, NULL),
                     FSN_OK);
    return out;
}

struct fsn__graph *toy_detector(uint64_t seed, int classes)
{
    struct net net = net_create(seed);
    int x = net_input(&net, 3, 8 * TOY_MAP, 8 * TOY_MAP);

    x = net_relu(&net, net_conv_bias(&net, "a", x, 3, 8, 3, 2));
    x = net_relu(&net, net_conv_bias(&net, "b", x, 8, 12, 3, 2));
    x = net_relu(&net, net_conv_bias(&net, "c", x, 12, 16, 3, 2));
    assert_int_equal(fsn__graph_add_output(net.graph, head(&net, "locations", x, 4), NULL), FSN_OK);
    return net_finish(&net, head(&net, "confidences", x, classes + 1));
}

void toy_box_rule(struct fsn_spec *spec)
{
    spec->detection.default_boxes = (struct fsn_default_boxes){
        .kind = FSN_BOXES_RULE,
        .map_count = 1,
        .maps = {{.width = TOY_MAP, .height = TOY_MAP, .step = 8, .min_size = 10}},
        .variance = {0.1, 0.1, 0.2, 0.2},
    };
}

struct fsn__graph *toy_ssd_lite(uint64_t seed)
{
    const struct fsn_arch_options options = {.input_size = 64, .classes = TOY_SHAPES, .seed = seed};
    struct fsn_model *model = NULL;
    struct fsn__graph *graph;

    assert_int_equal(fsn_arch_build("ssd-lite", &options, &model, NULL), FSN_OK);
    graph = model->graph;
    model->graph = NULL;
    fsn_model_destroy(model);
    fsn__graph_mark_trainable(graph);
    return graph;
}
