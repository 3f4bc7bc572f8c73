/* graph_run.c - see graph_run.h. */
#include "graph_run.h"

#include "net_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

float *graph_run(struct fsn__graph *graph, int output, int64_t batch, int64_t *count)
{
    struct fsn__exec_options options = {.batch = batch};
    struct fsn__exec *exec = NULL;
    struct fsn_error err = {0};
    float *copy;

    if (fsn__exec_create(graph, &options, &exec, &err) != FSN_OK)
        fail_msg("%s", err.text);
    for (int i = 0; i < graph->input_count; i++) {
        struct fsn__tensor *x = fsn__exec_input(exec, i);

        net_draw(fsn__f32(x), fsn__numel(x), 1, 77, (uint64_t)i);
    }
    if (fsn__exec_forward(exec, 0, &err) != FSN_OK)
        fail_msg("%s", err.text);
    *count = fsn__numel(fsn__exec_output(exec, output));
    copy = calloc((size_t)*count + 1, sizeof *copy);
    assert_non_null(copy);
    memcpy(copy, fsn__exec_output(exec, output)->data, (size_t)*count * sizeof *copy);
    fsn__exec_destroy(exec);
    return copy;
}

double graph_difference(struct fsn__graph *a, struct fsn__graph *b, int64_t batch)
{
    double worst = 0;

    assert_int_equal(a->output_count, b->output_count);
    for (int i = 0; i < a->output_count; i++) {
        int64_t n = 0, m = 0;
        float *x = graph_run(a, i, batch, &n), *y = graph_run(b, i, batch, &m);
        double largest = 0, apart = 0;

        assert_int_equal(n, m);
        for (int64_t j = 0; j < n; j++) {
            largest = fmax(largest, fabs((double)x[j]));
            apart = fmax(apart, fabs((double)x[j] - y[j]));
            assert_true(isfinite(y[j]));
        }
        assert_true(largest > 0);
        worst = fmax(worst, apart / largest);
        free(x);
        free(y);
    }
    return worst;
}

int graph_count(const struct fsn__graph *graph, const char *op)
{
    int count = 0;

    for (int i = 0; i < graph->node_count; i++)
        count += strcmp(graph->nodes[i].op->name, op) == 0;
    return count;
}
