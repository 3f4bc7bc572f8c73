/* nms.c - greedy non-maximum suppression, class by class (Liu et al., arXiv 1512.02325, section
 * 2.2): the best box of a class stays, those that overlap it too much go, and so on down the list.
 */
#include "detect/nms.h"

#include "core/mem.h"
#include "core/softmax.h"
#include "detect/box_codec.h"

#include <math.h>
#include <stdlib.h>

const struct fsn__nms_options fsn__ssd_nms = {
    .score = 0.01F, .overlap = 0.45F, .candidates = 200, .keep = 200};

static int64_t lesser(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t fsn__nms_most(const struct fsn__nms_options *options, int64_t boxes, int32_t classes)
{
    const int64_t of_class = options->candidates > 0 ? lesser(options->candidates, boxes) : boxes;
    const int64_t of_box =
        options->score * (float)classes > 1 ? (int64_t)(1 / options->score) : classes;
    const int64_t most = lesser(classes * of_class, boxes * of_box);

    return options->keep > 0 ? lesser(options->keep, most) : most;
}

struct candidate {
    float score;
    int32_t label;
    int64_t box;
};

/* A growing list; what the classes leave is not known before. */
struct list {
    struct candidate *item;
    int64_t count, capacity;
};

/* Best first; a total order, as no box stands twice under one label. */
static int by_score(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    return (a->box > b->box) - (a->box < b->box);
}

static bool push(struct list *list, struct candidate item)
{
    if (list->count == list->capacity) {
        const int64_t capacity = list->capacity > 0 ? 2 * list->capacity : 256;
        struct candidate *bigger = realloc(list->item, (size_t)capacity * sizeof *bigger);

        if (!bigger)
            return false;
        list->item = bigger;
        list->capacity = capacity;
    }
    list->item[list->count++] = item;
    return true;
}

/* Candidates of one class, best first, in line[]; how many. */
static int64_t line_up(const float *scores, int64_t n, int32_t classes, int32_t label,
                       const struct fsn__nms_options *options, struct candidate *line)
{
    int64_t count = 0;

    for (int64_t i = 0; i < n; i++) {
        const float score = scores[i * (classes + 1) + label + 1];

        if (score > options->score) /* NaN never is */
            line[count++] = (struct candidate){score, label, i};
    }
    if (count > 1)
        qsort(line, (size_t)count, sizeof *line, by_score);
    return options->candidates > 0 ? lesser(options->candidates, count) : count;
}

/* Appends to kept what stays of the line, no more of one class than an image keeps of all; false
 * when out of memory. */
static bool suppress(const struct fsn__box *boxes, const struct candidate *line, int64_t count,
                     const struct fsn__nms_options *options, struct list *kept)
{
    const int64_t first = kept->count;
    const int64_t most = options->keep > 0 ? options->keep : count;

    for (int64_t i = 0; i < count && kept->count - first < most; i++) {
        bool apart = true;

        for (int64_t j = first; j < kept->count && apart; j++)
            apart =
                !(fsn__box_iou(boxes[line[i].box], boxes[kept->item[j].box]) > options->overlap);
        if (apart && !push(kept, line[i]))
            return false;
    }
    return true;
}

static enum fsn_status hand_over(const struct fsn__box *boxes, struct list *kept, int64_t keep,
                                 struct fsn__detection **out, int64_t *count, struct fsn_error *err)
{
    struct fsn__detection *found;
    const int64_t most = keep > 0 ? lesser(keep, kept->count) : kept->count;

    if (kept->count > 1)
        qsort(kept->item, (size_t)kept->count, sizeof *kept->item, by_score);
    found = calloc(most > 0 ? (size_t)most : 1, sizeof *found);
    if (!found)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < most; i++) {
        const struct candidate *c = &kept->item[i];

        found[i] = (struct fsn__detection){boxes[c->box], c->label, c->score};
    }
    *out = found;
    *count = most;
    return FSN_OK;
}

enum fsn_status fsn__nms(const struct fsn__box *boxes, const float *scores, int64_t n,
                         int32_t classes, const struct fsn__nms_options *options,
                         struct fsn__detection **out, int64_t *count, struct fsn_error *err)
{
    struct candidate *line = calloc(n > 0 ? (size_t)n : 1, sizeof *line);
    struct list kept = {NULL, 0, 0};
    enum fsn_status status = line ? FSN_OK : FSN__NOMEM(err);

    for (int32_t label = 0; label < classes && status == FSN_OK; label++) {
        int64_t candidates;

        if (options->go_on && !options->go_on(options->user)) {
            status = FSN__FAIL(err, FSN_CANCELLED, "cancelled while suppressing boxes");
            break;
        }
        candidates = line_up(scores, n, classes, label, options, line);
        if (!suppress(boxes, line, candidates, options, &kept))
            status = FSN__NOMEM(err);
    }
    if (status == FSN_OK)
        status = hand_over(boxes, &kept, options->keep, out, count, err);
    free(kept.item);
    free(line);
    return status;
}

static float clip(float v)
{
    return fminf(fmaxf(v, 0.0F), 1.0F);
}

enum fsn_status fsn__detect(const float *locations, const float *confidences, const float *standard,
                            const float variance[4], int64_t n, int32_t classes,
                            const struct fsn__nms_options *options, struct fsn__detection **out,
                            int64_t *count, struct fsn_error *err)
{
    const int64_t row = (int64_t)classes + 1;
    struct fsn__box *boxes = fsn__aligned_calloc((size_t)n, sizeof *boxes);
    float *scores = fsn__aligned_calloc((size_t)n, (size_t)row * sizeof *scores);
    enum fsn_status status = boxes && scores ? FSN_OK : FSN__NOMEM(err);

    for (int64_t i = 0; i < n && status == FSN_OK; i++) {
        const float *z = confidences + i * row;
        const double norm = fsn__log_sum_exp(z, row, 1);
        const struct fsn__box box = fsn__box_decode(locations + 4 * i, standard + 4 * i, variance);

        boxes[i] = (struct fsn__box){clip(box.x0), clip(box.y0), clip(box.x1), clip(box.y1)};
        for (int64_t c = 1; c < row; c++)
            scores[i * row + c] = (float)exp(z[c] - norm);
    }
    if (status == FSN_OK)
        status = fsn__nms(boxes, scores, n, classes, options, out, count, err);
    free(scores);
    free(boxes);
    return status;
}
