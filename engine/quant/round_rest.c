/*
 * round_rest.c - what no Filter Summary holds, in a half or a quarter of the bytes.
 *
 * Scales of filters, biases and the weights of layers that stay as they are: at few bits they are a
 * fair part of the file.
 *
 * 16 bits: float16 has 11 significant bits from 2^-14 on, steps of 2^-24 below, and ends at 65504.
 *
 * 8 bits: a whole number c from -127 to 127 that stands for c^3 step, or from 0 to 255 where none
 * is negative, as scales hardly ever are. Such numbers lie over several orders of magnitude, and
 * each has to be right in proportion to itself: cubes are 2.4 % apart at the largest value, 5 % at
 * an eighth of it and 10 % at a sixty-fourth, where even steps would be half of it; half as much
 * without negative ones. Scales share a step, biases do, and every tensor of weights has its own.
 * Which constants are stored how follows from shapes alone, so that a plan has the bytes of its
 * file.
 */
#include "quant/quant.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Fewer numbers than this are not worth the nodes that make them of their cube roots. */
enum { LEAST_CUBES = 256 };
enum { SCALES = 1, BIASES, WEIGHTS, GROUPS };

static double rounded(double x)
{
    int exponent;
    double step;

    (void)frexp(x, &exponent); /* |x| in [2^(e-1), 2^e) */
    step = ldexp(1, exponent - 11 > -24 ? exponent - 11 : -24);
    return rint(x / step) * step;
}

static double largest_of(const float *x, int64_t n)
{
    double largest = 0;

    for (int64_t i = 0; i < n; i++)
        largest = fmax(largest, fabs((double)x[i]));
    return largest;
}

/* False, with some of the values rounded, where one would change too much. */
static bool round_all(float *x, int64_t n)
{
    const double largest = largest_of(x, n);

    for (int64_t i = 0; i < n; i++) {
        const double half = rounded(x[i]);

        if (!(fabs(half) <= 65504) || !(fabs(half - x[i]) <= ldexp(largest, -11)))
            return false;
        x[i] = (float)half;
    }
    return true;
}

int fsn__cube_root(float x, const struct fsn__cubes *cubes)
{
    const int least = cubes->positive ? 0 : -127, most = cubes->positive ? 255 : 127;
    const int middle = (int)fmax(least, fmin(most, rint(cbrt((double)x / (double)cubes->step))));
    int best = middle;

    for (int root = middle - 1; root <= middle + 1; root++)
        if (root >= least && root <= most &&
            fabs((double)fsn__cube(root, cubes->step) - (double)x) <
                fabs((double)fsn__cube(best, cubes->step) - (double)x))
            best = root;
    return best;
}

/* The inputs of a node that may be rounded, as bits: numbers that training arrived at. */
static unsigned roundable(const struct fsn__graph *graph, const struct fsn__node *node)
{
    if (node->op == &fsn__op_filter_summary)
        return graph->values[node->in[0]].tensor.dtype == FSN__U8 ? 1U << 1 : 0;
    if (node->op == &fsn__op_conv || node->op == &fsn__op_conv_transpose ||
        node->op == &fsn__op_gemm || node->op == &fsn__op_mat_mul)
        return 1U << 1 | 1U << 2;
    return 0;
}

/* round[value]: every node that reads it may have it rounded, and there is one. */
static void find_values(const struct fsn__graph *graph, bool *round)
{
    for (int pass = 0; pass < 2; pass++) /* who may; then who must not */
        for (int i = 0; i < graph->node_count; i++) {
            const struct fsn__node *node = &graph->nodes[i];
            const unsigned may = roundable(graph, node);

            for (int j = 0; j < node->n_in; j++)
                if (node->in[j] >= 0 && (j < 3 && may >> j & 1) == (pass == 0))
                    round[node->in[j]] = pass == 0;
        }
    for (int i = 0; i < graph->output_count; i++)
        round[graph->outputs[i]] = false;
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__tensor *t = &graph->values[i].tensor;

        round[i] = round[i] && t->data && t->dtype == FSN__F32 && fsn__numel(t) > 1;
    }
}

/* What each value is stored with in 8 bits. */
static void find_groups(const struct fsn__graph *graph, struct fsn__cubes *cubes)
{
    for (int i = 0; i < graph->value_count; i++)
        cubes[i].group = graph->values[i].tensor.ndim > 1 ? WEIGHTS : BIASES;
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        if (node->op == &fsn__op_filter_summary && node->n_in > 1 && node->in[1] >= 0 &&
            cubes[node->in[1]].group == BIASES)
            cubes[node->in[1]].group = SCALES;
    }
}

/* Values that become cubes of one step. */
struct group {
    int64_t numbers;
    double largest;
    bool negative; /* some are */
};

static void add_to(struct group *group, const struct fsn__tensor *t)
{
    const int64_t n = fsn__numel(t);

    group->numbers += n;
    group->largest = fmax(group->largest, largest_of(fsn__f32(t), n));
    for (int64_t i = 0; i < n; i++)
        group->negative |= fsn__f32(t)[i] < 0;
}

/* step 0: they are too few. */
static void choose_cubes(const struct group *group, struct fsn__cubes *cubes)
{
    const double most = group->negative ? 127 : 255;

    cubes->positive = !group->negative;
    cubes->step = group->numbers < LEAST_CUBES ? 0
                  : group->largest > 0         ? (float)(group->largest / (most * most * most))
                                               : 1;
}

/* cubes[value]: what it becomes. */
static void find_cubes(const struct fsn__graph *graph, const bool *round, struct fsn__cubes *cubes)
{
    struct group groups[GROUPS] = {{0}};

    find_groups(graph, cubes);
    for (int i = 0; i < graph->value_count; i++)
        if (round[i])
            add_to(&groups[cubes[i].group], &graph->values[i].tensor);
    for (int i = 0; i < graph->value_count; i++)
        if (round[i] && cubes[i].group == WEIGHTS) {
            struct group own = {0};

            add_to(&own, &graph->values[i].tensor);
            choose_cubes(&own, &cubes[i]);
        } else if (round[i]) {
            choose_cubes(&groups[cubes[i].group], &cubes[i]);
        }
}

static void round_to_cubes(float *x, int64_t n, const struct fsn__cubes *cubes)
{
    for (int64_t i = 0; i < n; i++)
        x[i] = fsn__cube(fsn__cube_root(x[i], cubes), cubes->step);
}

/* *out: the constant that takes the value's place; the value itself where it cannot be rounded. */
static enum fsn_status round_value(struct fsn__graph *graph, int value,
                                   const struct fsn__cubes *cubes, int *out, struct fsn_error *err)
{
    /* Steps of what has diverged are no numbers, or infinite. */
    const bool to_cubes = cubes->step > 0 && cubes->step <= FLT_MAX;
    struct fsn__tensor copy = {0};
    enum fsn_status status = fsn__tensor_clone(&copy, &graph->values[value].tensor, err);

    *out = value;
    if (status == FSN_OK && to_cubes)
        round_to_cubes(fsn__f32(&copy), fsn__numel(&copy), cubes);
    if (status == FSN_OK && (to_cubes || round_all(fsn__f32(&copy), fsn__numel(&copy))))
        status = fsn__graph_add_const(graph, graph->values[value].name, FSN__VALUE_CONST, &copy,
                                      out, err);
    if (status == FSN_OK && to_cubes)
        graph->values[*out].cubes = *cubes;
    free(copy.data);
    return status;
}

enum fsn_status fsn__round_rest(struct fsn__graph *graph, int bits, struct fsn_error *err)
{
    const int values = graph->value_count;
    bool *round = calloc((size_t)values + 1, sizeof *round);
    int *instead = calloc((size_t)values + 1, sizeof *instead);
    struct fsn__cubes *cubes = calloc((size_t)values + 1, sizeof *cubes);
    enum fsn_status status = round && instead && cubes ? FSN_OK : FSN__NOMEM(err);

    if (status == FSN_OK)
        find_values(graph, round);
    if (status == FSN_OK && bits == 8)
        find_cubes(graph, round, cubes);
    for (int i = 0; i < values && status == FSN_OK; i++)
        if (round[i])
            status = round_value(graph, i, &cubes[i], &instead[i], err);
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++)
        for (int j = 0; j < graph->nodes[i].n_in && status == FSN_OK; j++) {
            const int value = graph->nodes[i].in[j];

            if (value >= 0 && value < values && round[value] && instead[value] != value)
                status = fsn__graph_set_input(graph, i, j, instead[value], err);
        }
    free(round);
    free(instead);
    free(cubes);
    return status == FSN_OK ? fsn__graph_prune(graph, err) : status;
}
