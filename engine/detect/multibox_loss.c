/* multibox_loss.c - see multibox_loss.h.
 *
 * Sources: Liu et al., "SSD: Single Shot MultiBox Detector" (arXiv 1512.02325), section 2.2, with
 * the mining of the known PyTorch port; Hinton et al. (arXiv 1503.02531) for the teacher. Symbols:
 * l, c a network's offsets and logits, g the offset of the matched object, y its class + 1 (0 in a
 * hard box), M the matched boxes of the whole batch, H the hard ones, n = |M|, a the teacher's
 * share, T its temperature, s(x) = x^2/2 if |x| < 1, else |x| - 1/2.
 *
 *   location           = 1/n sum_M sum_4 s(l - g)
 *   confidence         = 1/n sum_{M,H} -log softmax(c)[y]
 *   teacher_location   = 1/n sum_{M,H} sum_4 s(l - l_t)
 *   teacher_confidence = 1/n sum_{M,H} T^2 KL(softmax(c_t / T) || softmax(c / T))
 *
 * Hard boxes: those of an image are ranked by -log softmax(c)[0], matched ones as 0, of equal ones
 * the lower first; the unmatched of the first min(3 |matched|, P - 1) are hard. So confident
 * background, which nearly all boxes are, does not drown the objects.
 *
 * First all images are matched, which gives n; then each has its part of the sums, which are added
 * in the order of images. Everything is summed in double. */
#include "detect/multibox_loss.h"

#include "core/mem.h"
#include "core/softmax.h"
#include "detect/box_codec.h"
#include "detect/match.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct fsn__multibox_options fsn__ssd_multibox = {0.5F, 3, false,
                                                        0.9,  4, {0.1F, 0.1F, 0.2F, 0.2F}};

enum { HARD = -2 }; /* beside places of objects and FSN__UNMATCHED */

struct ranked {
    double loss; /* as background */
    int32_t box;
};

/* What one slice works with; [P] each. */
struct scratch {
    float *overlap;
    int32_t *best;
    struct ranked *ranked;
};

struct fsn__multibox {
    int64_t boxes, most_images;
    int32_t classes;
    struct fsn__multibox_options options;
    struct fsn__pool *pool;
    float *standard;          /* [P][4] */
    struct fsn__box *corners; /* [P] of the same */
    int32_t *match; /* [images][P] place among the image's objects, HARD or FSN__UNMATCHED */
    struct fsn__multibox_terms *part; /* [images] */
    int slices;
    struct scratch *scratch; /* [slices] */
};

/* A batch under way. */
struct task {
    struct fsn__multibox *m;
    const struct fsn__multibox_batch *batch;
    float *dlocations, *dconfidences;
    double own, taught; /* what a matched box weighs: (1 - a) / n, a / n */
};

/* ---- matching and mining --------------------------------------------------------------------- */

/* A total order: what is not a number is the hardest, and then makes the loss so. */
static bool is_harder(const struct ranked *a, const struct ranked *b)
{
    return a->loss != b->loss ? a->loss > b->loss : a->box < b->box;
}

/* In a heap of n, the hardest on top: moves entry i down to its place. */
static void sink(struct ranked *heap, int64_t n, int64_t i)
{
    const struct ranked moved = heap[i];

    for (int64_t child = 2 * i + 1; child < n; child = 2 * i + 1) {
        if (child + 1 < n && is_harder(&heap[child + 1], &heap[child]))
            child++;
        if (!is_harder(&heap[child], &moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

/* Marks the hard boxes of an image; how many. */
static int64_t mine(const struct fsn__multibox *m, const float *confidences, int64_t matched,
                    struct ranked *ranked, int32_t *match)
{
    const int64_t row = (int64_t)m->classes + 1;
    int64_t most = matched * m->options.negatives, hard = 0;

    if (most > m->boxes - 1)
        most = m->boxes - 1;
    if (most <= 0)
        return 0;
    for (int64_t p = 0; p < m->boxes; p++) {
        const float *z = confidences + p * row;
        const double loss = match[p] < 0 ? fsn__log_sum_exp(z, row, 1) - z[0] : 0;

        ranked[p] = (struct ranked){isnan(loss) ? INFINITY : loss, (int32_t)p};
    }
    /* A heap: qsort may allocate, and few are wanted. */
    for (int64_t i = m->boxes / 2; i-- > 0;)
        sink(ranked, m->boxes, i);
    for (int64_t left = m->boxes; left > m->boxes - most;) {
        const int32_t box = ranked[0].box;

        if (match[box] < 0) {
            match[box] = HARD;
            hard++;
        }
        ranked[0] = ranked[--left];
        sink(ranked, left, 0);
    }
    return hard;
}

static void match_images(void *arg, int slice, int slices)
{
    const struct task *task = arg;
    const struct fsn__multibox *m = task->m;
    const struct fsn__multibox_batch *b = task->batch;
    const struct scratch *s = &m->scratch[slice];
    int64_t begin, end;

    fsn__share(b->images, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        const float *confidences = b->confidences + i * m->boxes * (m->classes + 1);
        const int64_t first = b->first_object[i];
        int32_t *match = m->match + i * m->boxes;

        m->part[i] = (struct fsn__multibox_terms){0};
        m->part[i].matched =
            fsn__match(m->corners, m->boxes, b->objects + first, b->first_object[i + 1] - first,
                       m->options.threshold, m->options.difficult, s->overlap, s->best, match);
        m->part[i].hard = mine(m, confidences, m->part[i].matched, s->ranked, match);
    }
}

/* ---- the loss -------------------------------------------------------------------------------- */

double fsn__smooth_l1(const float *l, const float *g, double weight, float *dl)
{
    double sum = 0;

    for (int i = 0; i < 4; i++) {
        const double d = (double)l[i] - g[i], size = fabs(d);

        sum += size < 1 ? d * d / 2 : size - 0.5;
        if (dl)
            dl[i] += (float)(weight * (size < 1 ? d : copysign(1, d)));
    }
    return sum;
}

/* -log softmax(z)[y]; adds weight times the gradient to dz (may be NULL). */
static double cross_entropy(const float *z, int64_t n, int32_t y, double weight, float *dz)
{
    const double norm = fsn__log_sum_exp(z, n, 1);

    for (int64_t c = 0; c < n && dz; c++)
        dz[c] += (float)(weight * (exp(z[c] - norm) - (c == y)));
    return norm - z[y];
}

/* Box p of image i, which is matched or hard. */
static void add_box(const struct task *task, int64_t i, int64_t p)
{
    const struct fsn__multibox *m = task->m;
    const struct fsn__multibox_batch *b = task->batch;
    const int64_t at = i * m->boxes + p, row = (int64_t)m->classes + 1;
    const int32_t match = m->match[at];
    const double t = m->options.temperature;
    const struct fsn__object *object = match >= 0 ? &b->objects[b->first_object[i] + match] : NULL;
    float *dz = task->dconfidences ? task->dconfidences + at * row : NULL;
    float *dl = task->dlocations ? task->dlocations + at * 4 : NULL;
    struct fsn__multibox_terms *part = &m->part[i];
    float goal[4];

    part->confidence += cross_entropy(b->confidences + at * row, row,
                                      object ? object->label + 1 : 0, task->own, dz);
    if (task->taught > 0)
        part->teacher_confidence +=
            t * t *
            fsn__softmax_divergence(b->confidences + at * row, b->teacher_confidences + at * row,
                                    row, t, task->taught * t, dz);
    if (task->taught > 0)
        part->teacher_location +=
            fsn__smooth_l1(b->locations + 4 * at, b->teacher_locations + 4 * at, task->taught, dl);
    if (!object)
        return;
    fsn__box_encode(object->box, m->standard + 4 * p, m->options.variance, goal);
    part->location += fsn__smooth_l1(b->locations + 4 * at, goal, task->own, dl);
}

static void add_images(void *arg, int slice, int slices)
{
    const struct task *task = arg;
    const struct fsn__multibox *m = task->m;
    const size_t row = (size_t)m->classes + 1, boxes = (size_t)m->boxes;
    int64_t begin, end;

    fsn__share(task->batch->images, slice, slices, &begin, &end);
    for (int64_t i = begin; i < end; i++) {
        if (task->dlocations)
            memset(task->dlocations + (size_t)i * boxes * 4, 0, boxes * 4 * sizeof(float));
        if (task->dconfidences)
            memset(task->dconfidences + (size_t)i * boxes * row, 0, boxes * row * sizeof(float));
        for (int64_t p = 0; p < m->boxes; p++)
            if (m->match[i * m->boxes + p] != FSN__UNMATCHED)
                add_box(task, i, p);
    }
}

struct fsn__multibox_terms fsn__multibox_loss(struct fsn__multibox *multibox,
                                              const struct fsn__multibox_batch *batch,
                                              float *dlocations, float *dconfidences)
{
    struct task task = {multibox, batch, dlocations, dconfidences, 0, 0};
    struct fsn__multibox_terms sum = {0};
    const double a = batch->teacher_locations ? multibox->options.alpha : 0;
    double n;

    fsn__pool_run(multibox->pool, match_images, &task);
    for (int64_t i = 0; i < batch->images; i++) {
        sum.matched += multibox->part[i].matched;
        sum.hard += multibox->part[i].hard;
    }
    n = sum.matched > 0 ? (double)sum.matched : 1;
    task.own = (1 - a) / n;
    task.taught = a / n;
    fsn__pool_run(multibox->pool, add_images, &task);
    for (int64_t i = 0; i < batch->images; i++) {
        sum.location += multibox->part[i].location / n;
        sum.confidence += multibox->part[i].confidence / n;
        sum.teacher_location += multibox->part[i].teacher_location / n;
        sum.teacher_confidence += multibox->part[i].teacher_confidence / n;
    }
    sum.loss = (1 - a) * (sum.location + sum.confidence) +
               a * (sum.teacher_location + sum.teacher_confidence);
    return sum;
}

/* ---- memory ---------------------------------------------------------------------------------- */

static bool make_room(struct fsn__multibox *m)
{
    const size_t boxes = (size_t)m->boxes, images = (size_t)m->most_images;
    size_t matches;

    m->slices = fsn__pool_slices(m->pool);
    m->scratch = fsn__aligned_calloc((size_t)m->slices, sizeof *m->scratch);
    m->standard = fsn__aligned_calloc(boxes, 4 * sizeof *m->standard);
    m->corners = fsn__aligned_calloc(boxes, sizeof *m->corners);
    m->part = fsn__aligned_calloc(images, sizeof *m->part);
    if (!m->scratch || !m->standard || !m->corners || !m->part ||
        !fsn__mul_size(images, boxes, &matches))
        return false;
    m->match = fsn__aligned_calloc(matches, sizeof *m->match);
    for (int i = 0; i < m->slices; i++) {
        struct scratch *s = &m->scratch[i];

        s->overlap = fsn__aligned_calloc(boxes, sizeof *s->overlap);
        s->best = fsn__aligned_calloc(boxes, sizeof *s->best);
        s->ranked = fsn__aligned_calloc(boxes, sizeof *s->ranked);
        if (!s->overlap || !s->best || !s->ranked)
            return false;
    }
    return m->match != NULL;
}

enum fsn_status fsn__multibox_create(const float *standard, int64_t boxes, int32_t classes,
                                     int64_t most_images,
                                     const struct fsn__multibox_options *options,
                                     struct fsn__pool *pool, struct fsn__multibox **out,
                                     struct fsn_error *err)
{
    struct fsn__multibox *m;

    if (boxes < 1 || boxes > INT32_MAX || classes < 1 || classes == INT32_MAX || most_images < 1)
        return FSN__FAIL(err, FSN_LIMIT, "%lld default boxes of %d classes for %lld images",
                         (long long)boxes, classes, (long long)most_images);
    m = calloc(1, sizeof *m);
    if (!m)
        return FSN__NOMEM(err);
    m->boxes = boxes;
    m->most_images = most_images;
    m->classes = classes;
    m->options = *options;
    m->pool = pool;
    if (!make_room(m)) {
        fsn__multibox_destroy(m);
        return FSN__NOMEM(err);
    }
    memcpy(m->standard, standard, (size_t)boxes * 4 * sizeof *standard);
    for (int64_t p = 0; p < boxes; p++)
        m->corners[p] = fsn__box_corners(standard + 4 * p);
    *out = m;
    return FSN_OK;
}

void fsn__multibox_destroy(struct fsn__multibox *multibox)
{
    if (!multibox)
        return;
    for (int i = 0; i < multibox->slices && multibox->scratch; i++) {
        free(multibox->scratch[i].overlap);
        free(multibox->scratch[i].best);
        free(multibox->scratch[i].ranked);
    }
    free(multibox->scratch);
    free(multibox->standard);
    free(multibox->corners);
    free(multibox->match);
    free(multibox->part);
    free(multibox);
}
