/* small_net.c - see small_net.h. */
#include "small_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void small_net_open(struct small_net *net, int64_t channels)
{
    memset(net, 0, sizeof *net);
    net->b.err = &net->err;
    assert_int_equal(fsn__graph_create(&net->b.graph, &net->err), FSN_OK);
    net->x = fsn__build_input(&net->b, "input", channels, 8);
}

void small_net_conv(struct small_net *net, const char *name, int64_t filters, int64_t size)
{
    net->x = fsn__build_conv(&net->b, "", name, net->x, filters,
                             (struct fsn__square){size, 1, size / 2}, false);
}

/* A convolution in as many groups as said, over an existing or a new weight [filters, c, 3, 3]. */
void small_net_grouped_conv(struct small_net *net, const char *name, int weight, int64_t groups)
{
    struct fsn__attr item[] = {
        {.name = "group", .type = FSN__ATTR_INT, .i = groups},
        {.name = "kernel_shape", .type = FSN__ATTR_INTS, .count = 2, .ints = (int64_t[]){3, 3}},
        {.name = "strides", .type = FSN__ATTR_INTS, .count = 2, .ints = (int64_t[]){1, 1}},
        {.name = "pads", .type = FSN__ATTR_INTS, .count = 4, .ints = (int64_t[]){1, 1, 1, 1}},
    };
    const struct fsn__attrs attrs = {.count = 4, .item = item};
    int in[] = {net->x, weight};

    assert_int_equal(
        fsn__graph_apply(net->b.graph, "Conv", name, &attrs, 2, in, &net->x, &net->err), FSN_OK);
}

int small_net_weight(struct small_net *net, const char *name, int64_t k, int64_t c)
{
    struct fsn__tensor shape = {.data = NULL};
    int value = -1;

    fsn__shape_set(&shape, FSN__F32, 4, (int64_t[]){k, c, 3, 3});
    assert_int_equal(
        fsn__graph_add_const(net->b.graph, name, FSN__VALUE_CONST, &shape, &value, &net->err),
        FSN_OK);
    return value;
}

void small_net_finish(struct small_net *net)
{
    fsn__build_output(&net->b, net->x);
    if (net->b.status != FSN_OK)
        fail_msg("%s", net->err.text);
    fsn__graph_mark_trainable(net->b.graph);
}
