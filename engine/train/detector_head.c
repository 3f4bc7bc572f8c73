/*
 * detector_head.c - finds a detector's raw outputs.
 *
 * Names may be those of values inside the network. Without names the outputs are known by their
 * shapes, [N,P,4] and [N,P,C+1], unless the boxes are decoded (detector_cut.c). Several pairs may
 * have these: with three classes both outputs are as wide. Then the zoo's own names decide.
 *
 * Files that end in a Softmax over the classes (as the known PyTorch port's do for inference) are
 * read in front of it, where the logits are.
 */
#include "train/detector.h"
#include "train/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OFFSETS = 4, MOST_DETECTIONS = 50000000 /* 1.2 GB */ };

static const char *const zoo_names[2] = {"locations", "confidences"};

/* ---- outputs --------------------------------------------------------------------------------- */

/* Whether it holds P rows of `width` numbers an image; width 0: of any number. */
static bool is_rows(const struct fsn__tensor *t, int64_t width)
{
    return t->dtype == FSN__F32 && t->ndim == 3 && t->dim[1] > 0 && t->dim[2] > 0 &&
           (width == 0 || t->dim[2] == width);
}

/* Which values may be taken: [0] as locations, [1] as confidences. */
struct search {
    const struct fsn__graph *graph;
    const char *who;
    const char *name[2]; /* NULL: any output */
    int64_t width[2];
};

static const struct fsn__value *value_of(const struct search *search, int i)
{
    return &search->graph->values[i];
}

static bool may_be(const struct search *search, int i, int64_t width)
{
    const struct fsn__value *value = value_of(search, i);

    return !value->late && !value->tensor.data && is_rows(&value->tensor, width);
}

/* The one that is named, wherever it lies in the network, or all outputs; how many. */
static int list_choices(const struct search *search, int which, int choice[FSN__MAX_IO])
{
    const struct fsn__graph *graph = search->graph;

    if (search->name[which]) {
        choice[0] = fsn__graph_find_computed(graph, search->name[which]);
        return choice[0] >= 0;
    }
    memcpy(choice, graph->outputs, (size_t)graph->output_count * sizeof *choice);
    return graph->output_count;
}

static bool are_pair(const struct search *search, int i, int j, int64_t confidences)
{
    const struct fsn__tensor *a = &value_of(search, i)->tensor, *b = &value_of(search, j)->tensor;

    return i != j && may_be(search, i, search->width[0]) && may_be(search, j, confidences) &&
           a->dim[0] == b->dim[0] && a->dim[1] == b->dim[1];
}

bool fsn__detector_has_outputs(const struct fsn__graph *graph)
{
    const struct search search = {.graph = graph, .width = {OFFSETS}};

    for (int i = 0; i < graph->output_count; i++)
        for (int j = 0; j < graph->output_count; j++)
            if (are_pair(&search, graph->outputs[i], graph->outputs[j], 0) &&
                value_of(&search, graph->outputs[j])->tensor.dim[2] > 1)
                return true;
    return false;
}

/* How many pairs there are; the last of them, or the one of the zoo's names, goes into pair. */
static int find_pairs(const struct search *search, int64_t confidences, int pair[2])
{
    int choice[2][FSN__MAX_IO], count = 0;
    const int first = list_choices(search, 0, choice[0]);
    const int second = list_choices(search, 1, choice[1]);

    for (int i = 0; i < first; i++)
        for (int j = 0; j < second; j++) {
            if (!are_pair(search, choice[0][i], choice[1][j], confidences))
                continue;
            count++;
            pair[0] = choice[0][i];
            pair[1] = choice[1][j];
            if (strcmp(value_of(search, pair[0])->name, zoo_names[0]) == 0 &&
                strcmp(value_of(search, pair[1])->name, zoo_names[1]) == 0)
                return 1;
        }
    return count;
}

static enum fsn_status check_named(const struct search *search, int which, struct fsn_error *err)
{
    static const char *const rows[2] = {"[N,boxes,4]", "[N,boxes,classes + 1]"};
    const char *name = search->name[which];
    const struct fsn__tensor *t;
    int i;

    if (!name)
        return FSN_OK;
    i = fsn__graph_find_computed(search->graph, name);
    if (i < 0)
        return FSN__FAIL(err, FSN_INVALID,
                         "%s: detection.%s: the network has no output '%.100s'; it has %s%s",
                         search->who, zoo_names[which], name, FSN__LIST_OUTPUTS(search->graph),
                         FSN__LIST_INNER(search->graph, -1));
    t = &value_of(search, i)->tensor;
    if (!may_be(search, i, which == 0 ? OFFSETS : 0))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: detection.%s: output '%.100s' is %s %s, expected float32 %s%s",
                         search->who, zoo_names[which], name, fsn__dtype_name(t->dtype),
                         FSN__SHAPE(t), rows[which], FSN__LIST_INNER(search->graph, -1));
    return FSN_OK;
}

/* ", and 'a' is named, which no other goes with": of the one that is, where only one is. */
static void describe_named(const struct search *search, char text[120])
{
    const char *name = search->name[0] ? search->name[0] : search->name[1];

    text[0] = 0;
    if (!search->name[0] != !search->name[1])
        snprintf(text, 120, ", and '%.60s' is named, which no other output goes with", name);
}

/* No pair: what there would have to be; classes -1: of any number. */
static enum fsn_status refuse(const struct search *search, int classes, struct fsn_error *err)
{
    char named[120];

    describe_named(search, named);
    if (classes < 0)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: a detector has outputs float32 [N,boxes,4] and [N,boxes,classes + "
                         "1], the background first%s; the network has %s%s",
                         search->who, named, FSN__LIST_OUTPUTS(search->graph),
                         FSN__LIST_INNER(search->graph, classes));
    return FSN__FAIL(err, FSN_MISMATCH,
                     "%s: a detector has outputs float32 [N,boxes,4] and [N,boxes,%d] for the data "
                     "set's %d classes and the background%s; the network has %s%s",
                     search->who, classes + 1, classes, named, FSN__LIST_OUTPUTS(search->graph),
                     FSN__LIST_INNER(search->graph, classes));
}

static enum fsn_status find_among(const struct search *search, int classes, int pair[2],
                                  struct fsn_error *err)
{
    const int count = find_pairs(search, search->width[1], pair);

    if (count == 1)
        return FSN_OK;
    if (count > 1)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: several outputs have the shapes of a detector's: name them by "
                         "detection.locations and detection.confidences; there are %s",
                         search->who, FSN__LIST_OUTPUTS(search->graph));
    if (find_pairs(search, 0, pair) > 0)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: output '%.60s' is %s: %lld classes and the background, the data set "
                         "has %d classes",
                         search->who, value_of(search, pair[1])->name,
                         FSN__SHAPE(&value_of(search, pair[1])->tensor),
                         (long long)value_of(search, pair[1])->tensor.dim[2] - 1, classes);
    return refuse(search, classes, err);
}

/* Whether the pair has the values that are named. */
static bool has_named(const struct search *search, const int pair[2])
{
    for (int i = 0; i < 2; i++)
        if (search->name[i] && fsn__graph_find_computed(search->graph, search->name[i]) != pair[i])
            return false;
    return true;
}

static enum fsn_status find_outputs(const struct search *search, int classes, int pair[2],
                                    struct fsn_error *err)
{
    const bool one = search->name[0] || search->name[1], both = search->name[0] && search->name[1];
    enum fsn_status status = check_named(search, 0, err);
    int inside = 0;

    if (status == FSN_OK)
        status = check_named(search, 1, err);
    if (status != FSN_OK)
        return status;
    if (!both)
        inside = fsn__detector_cut_find(search->graph, classes, pair);
    if (inside > 1 && !one)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the network decodes its boxes, and which values are the raw ones is "
                         "not clear: name them by detection.locations and detection.confidences; "
                         "it has %s%s",
                         search->who, FSN__LIST_OUTPUTS(search->graph),
                         FSN__LIST_INNER(search->graph, classes));
    if (inside == 1 && (!one || has_named(search, pair)))
        return FSN_OK;
    return find_among(search, classes, pair, err);
}

/* Whether a Sigmoid writes the value, or reads it inside the network. */
static bool meets_sigmoid(const struct fsn__graph *graph, int value)
{
    const struct fsn__op *sigmoid = fsn__op_find("", "Sigmoid");
    const int producer = graph->values[value].producer;

    if (producer >= 0 && graph->nodes[producer].op == sigmoid)
        return true;
    for (int i = 0; i < graph->node_count; i++)
        if (graph->nodes[i].op == sigmoid && graph->nodes[i].in[0] == value)
            return true;
    return false;
}

/* In front of a Softmax over the last axis. A Sigmoid's scores are of another kind of detector. */
static enum fsn_status find_logits(const struct search *search, int *value, struct fsn_error *err)
{
    const struct fsn__graph *graph = search->graph;
    const int producer = graph->values[*value].producer;
    const struct fsn__node *node = producer >= 0 ? &graph->nodes[producer] : NULL;
    int64_t axis;

    if (meets_sigmoid(graph, *value))
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: output '%.100s' ends in a Sigmoid; detectors are read whose classes "
                         "and background are one Softmax",
                         search->who, graph->values[*value].name);
    if (!node ||
        (node->op != fsn__op_find("", "Softmax") && node->op != fsn__op_find("", "LogSoftmax")))
        return FSN_OK;
    axis = fsn__attr_int(&node->attrs, "axis", fsn__attr_int(&node->attrs, "flatten", 0) ? 1 : -1);
    if (axis == 2 || axis == -1)
        *value = node->in[0];
    return FSN_OK;
}

/* ---- the head ---------------------------------------------------------------------------------
 */

static struct search search_for(const struct fsn__graph *graph, const char *who, int classes,
                                const struct fsn_spec *spec)
{
    return (struct search){
        .graph = graph,
        .who = who,
        .name = {spec->detection.locations, spec->detection.confidences},
        .width = {OFFSETS, classes < 0 ? 0 : classes + 1},
    };
}

enum fsn_status fsn__detector_outputs_find(const struct fsn__graph *graph, const char *who,
                                           int classes, const struct fsn_spec *spec,
                                           struct fsn__detector_head *out, struct fsn_error *err)
{
    const struct search search = search_for(graph, who, classes, spec);
    struct fsn__detector_head head = {0};
    enum fsn_status status;
    int pair[2] = {0, 0};

    if (graph->input_count != 1)
        return FSN__FAIL(err, FSN_MISMATCH, "%s: one input (images) is needed, the network has %d",
                         who, graph->input_count);
    status = find_outputs(&search, classes, pair, err);
    if (status != FSN_OK)
        return status;
    head.locations = head.ends[0] = pair[0];
    head.confidences = head.ends[1] = pair[1];
    head.boxes = graph->values[head.locations].tensor.dim[1];
    head.classes = (int32_t)graph->values[head.confidences].tensor.dim[2] - 1;
    status = find_logits(&search, &head.confidences, err);
    if (status == FSN_OK)
        *out = head;
    return status;
}

enum fsn_status fsn__detector_head_find(const struct fsn__graph *graph, const char *who,
                                        int classes, const struct fsn_spec *spec,
                                        struct fsn__detector_head *out, struct fsn_error *err)
{
    struct fsn__detector_head head;
    enum fsn_status status = fsn__detector_outputs_find(graph, who, classes, spec, &head, err);

    if (status == FSN_OK)
        status = fsn__detector_boxes(graph, who, &spec->detection.default_boxes, &head, err);
    if (status == FSN_OK)
        *out = head;
    return status;
}

void fsn__detector_head_clear(struct fsn__detector_head *head)
{
    free(head->standard);
    head->standard = NULL;
}

struct fsn__nms_options fsn__detector_nms(const struct fsn_spec *spec)
{
    return (struct fsn__nms_options){
        .score = (float)spec->detection.score,
        .overlap = (float)spec->detection.iou,
        .candidates = spec->detection.candidates,
        .keep = spec->detection.keep,
    };
}

enum fsn_status fsn__detections_fit(const struct fsn_spec *spec,
                                    const struct fsn__detector_head *head, int64_t images,
                                    struct fsn_error *err)
{
    const struct fsn__nms_options nms = fsn__detector_nms(spec);
    const int64_t most = fsn__nms_most(&nms, head->boxes, head->classes);

    if (images <= 0 || most <= MOST_DETECTIONS / images)
        return FSN_OK;
    return FSN__FAIL(err, FSN_LIMIT,
                     "%lld default boxes of %d classes may leave %lld detections in each of %lld "
                     "images, and %d are kept of all at most: detection.keep must be at most %lld "
                     "(or score higher, or candidates fewer)",
                     (long long)head->boxes, head->classes, (long long)most, (long long)images,
                     MOST_DETECTIONS, (long long)(MOST_DETECTIONS / images));
}
