/*
 * detector_cut.c - raw outputs inside a network that decodes its boxes.
 *
 * Exported for use, a detector goes on behind what it was trained to write: offsets become boxes,
 * by
 *
 *     centre = default centre + offset * variance * default size
 *     size = default size * exp(offset * variance)
 *
 * scores become probabilities, and overlapping boxes may be suppressed. Raw outputs are two values,
 * float32 [N,P,4] and [N,P,C+1], neither made of the other, that all outputs of the file depend on
 * and that nothing passes by; and an Exp lies behind the first and not behind the second. Each
 * value along the way of one that is scaled or moved about has its shape, so of pairs that hang on
 * each other the first is meant. If two are left that do not, nobody knows.
 */
#include "train/detector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 32, PAIRS = 256 };

struct search {
    const struct fsn__graph *graph;
    int classes; /* -1: any number */
    int count[2], value[2][MOST];
    bool *behind; /* [2][MOST][value_count]: is the candidate or depends on it */
    bool *flag;   /* [value_count] */
};

static bool is_candidate(const struct fsn__graph *graph, int value, int which, int classes)
{
    const struct fsn__value *v = &graph->values[value];
    const struct fsn__tensor *t = &v->tensor;

    if (v->producer < 0 || v->late || t->dtype != FSN__F32 || t->ndim != 3 ||
        graph->input_count != 1 || t->dim[0] != graph->values[graph->inputs[0]].tensor.dim[0] ||
        t->dim[1] < 1 || t->dim[2] < 1)
        return false;
    if (which == 0)
        return t->dim[2] == 4;
    return classes < 0 ? t->dim[2] > 1 : t->dim[2] == classes + 1;
}

/* Sets on[value_count] at all that depends on what is set, but at the values `a` and `b`. */
static void spread(const struct fsn__graph *graph, bool *on, int a, int b)
{
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        bool depends = false;

        for (int j = 0; j < node->n_in; j++)
            depends |= node->in[j] >= 0 && on[node->in[j]];
        for (int j = 0; depends && j < node->n_out; j++)
            if (node->out[j] >= 0 && node->out[j] != a && node->out[j] != b)
                on[node->out[j]] = true;
    }
}

static bool *behind(const struct search *s, int which, int i)
{
    return s->behind + (size_t)(which * MOST + i) * (size_t)s->graph->value_count;
}

/* False when there are none, or too many to be told apart. */
static bool list_candidates(struct search *s)
{
    for (int which = 0; which < 2; which++)
        for (int i = 0; i < s->graph->value_count; i++) {
            if (!is_candidate(s->graph, i, which, s->classes))
                continue;
            if (s->count[which] == MOST)
                return false;
            s->value[which][s->count[which]++] = i;
        }
    return s->count[0] > 0 && s->count[1] > 0;
}

static bool has_exp(const struct fsn__graph *graph, const bool *on)
{
    const struct fsn__op *op = fsn__op_find("", "Exp");

    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == op && on[graph->nodes[i].in[0]])
            return true;
    return false;
}

/* Whether no output depends on the images but through a and b. */
static bool nothing_passes(const struct search *s, int a, int b)
{
    const struct fsn__graph *graph = s->graph;

    memset(s->flag, 0, (size_t)graph->value_count * sizeof *s->flag);
    s->flag[graph->inputs[0]] = true;
    spread(graph, s->flag, a, b);
    for (int i = 0; i < graph->output_count - graph->inner_count; i++)
        if (s->flag[graph->outputs[i]])
            return false;
    return true;
}

static bool are_pair(const struct search *s, int i, int j)
{
    const int a = s->value[0][i], b = s->value[1][j];
    const bool *of_a = behind(s, 0, i), *of_b = behind(s, 1, j);

    return s->graph->values[a].tensor.dim[1] == s->graph->values[b].tensor.dim[1] && !of_a[b] &&
           !of_b[a] && has_exp(s->graph, of_a) && !has_exp(s->graph, of_b) &&
           nothing_passes(s, a, b);
}

/* How many pairs there are that no other one comes before; the last of them goes into pair. */
static int keep_first(const struct search *s, int (*pairs)[2], int count, int pair[2])
{
    int kept = 0;

    for (int p = 0; p < count; p++) {
        const int a = s->value[0][pairs[p][0]], b = s->value[1][pairs[p][1]];
        bool first = true;

        for (int q = 0; q < count && first; q++)
            first = q == p || !behind(s, 0, pairs[q][0])[a] || !behind(s, 1, pairs[q][1])[b];
        if (!first)
            continue;
        pair[0] = a;
        pair[1] = b;
        kept++;
    }
    return kept;
}

static int find_pairs(struct search *s, int pair[2])
{
    int pairs[PAIRS][2], count = 0;

    for (int which = 0; which < 2; which++)
        for (int i = 0; i < s->count[which]; i++) {
            bool *on = behind(s, which, i);

            on[s->value[which][i]] = true;
            spread(s->graph, on, -1, -1);
        }
    for (int i = 0; i < s->count[0]; i++)
        for (int j = 0; j < s->count[1] && count < PAIRS; j++)
            if (are_pair(s, i, j)) {
                pairs[count][0] = i;
                pairs[count++][1] = j;
            }
    return keep_first(s, pairs, count, pair);
}

int fsn__detector_cut_find(const struct fsn__graph *graph, int classes, int pair[2])
{
    const size_t values = (size_t)graph->value_count + 1;
    struct search s = {.graph = graph, .classes = classes};
    int count = 0;

    if (!list_candidates(&s))
        return 0;
    s.behind = calloc(2 * (size_t)MOST * values, sizeof *s.behind);
    s.flag = calloc(values, sizeof *s.flag);
    if (s.behind && s.flag)
        count = find_pairs(&s, pair);
    free(s.behind);
    free(s.flag);
    return count;
}

/* The first of its shape, inside the network: what its node reads has another. */
static bool is_first(const struct fsn__graph *graph, int value)
{
    const struct fsn__node *node = &graph->nodes[graph->values[value].producer];

    for (int i = 0; i < node->n_in; i++)
        if (node->in[i] >= 0 &&
            fsn__same_shape(&graph->values[node->in[i]].tensor, &graph->values[value].tensor))
            return false;
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return false;
    return true;
}

/* The most boxes that two values have rows for; a detector's heads have fewer, map by map. */
static int64_t most_boxes(const struct fsn__graph *graph, int classes)
{
    int64_t most[2] = {0, 0};

    for (int which = 0; which < 2; which++)
        for (int i = 0; i < graph->value_count; i++)
            if (is_candidate(graph, i, which, classes) &&
                graph->values[i].tensor.dim[1] > most[which])
                most[which] = graph->values[i].tensor.dim[1];
    return most[0] < most[1] ? most[0] : most[1];
}

const char *fsn__detector_list_inner(const struct fsn__graph *graph, int classes, char text[400])
{
    const int64_t boxes = most_boxes(graph, classes);
    size_t used = 0;

    text[0] = 0;
    for (int i = 0; i < graph->value_count && used < 250; i++) {
        const struct fsn__value *value = &graph->values[i];

        if ((is_candidate(graph, i, 0, classes) || is_candidate(graph, i, 1, classes)) &&
            value->tensor.dim[1] == boxes && is_first(graph, i))
            used += (size_t)snprintf(text + used, 400 - used, "%s'%.60s' float32 %.30s",
                                     used > 0 ? ", " : ", and inside it ", value->name,
                                     FSN__SHAPE(&value->tensor));
    }
    return text;
}
