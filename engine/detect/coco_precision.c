/* coco_precision.c - average precision as COCO has it (all areas); see average_precision.h. */
#include "core/mem.h"
#include "detect/ranking.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

/* Bit t: at threshold t. */
struct verdict {
    uint16_t right, wrong;
};

/* What the detections of one class go through. */
struct judging {
    const struct fsn__detection_test *test;
    uint16_t *taken;            /* [objects] bit t: at threshold t */
    double *overlap;            /* [most objects of an image]: -1 with one of another class */
    int64_t *listed;            /* [images]: detections of the class so far */
    struct verdict *verdict;    /* [detections] */
    double *recall, *precision; /* [detections] */
};

/* numpy's linspace(0.5, 0.95, 10), bit for bit. */
static double threshold(int t)
{
    return t == FSN__COCO_THRESHOLDS - 1 ? 0.95 : t * ((0.95 - 0.5) / 9) + 0.5;
}

static void measure(const struct judging *j, const struct fsn__ranked *at)
{
    const struct fsn__detection_test *test = j->test;
    const int64_t first = test->first_object[at->image];
    const int64_t count = test->first_object[at->image + 1] - first;

    for (int64_t i = 0; i < count; i++) {
        const struct fsn__object *object = &test->objects[first + i];

        j->overlap[i] =
            object->label == at->label
                ? fsn__pixel_overlap(test, at->image, test->detections[at->detection].box,
                                     object->box, object->difficult)
                : -1;
    }
}

/* The object that a detection of the image takes at threshold t; -1: none. Crowds come only when
 * no other does. Of equal overlaps the last one is taken, as in the tool. */
static int64_t choose(const struct judging *j, int64_t image, int t)
{
    const int64_t first = j->test->first_object[image], end = j->test->first_object[image + 1];
    double least = threshold(t);
    int64_t best = -1;

    for (int crowd = 0; crowd < 2 && best < 0; crowd++)
        for (int64_t i = first; i < end; i++) {
            if (j->overlap[i - first] < least || j->test->objects[i].difficult != (crowd != 0) ||
                (!crowd && (j->taken[i] >> t & 1) != 0))
                continue;
            least = j->overlap[i - first];
            best = i;
        }
    return best;
}

/* What becomes of a detection, at every threshold. */
static struct verdict judge(const struct judging *j, const struct fsn__ranked *at)
{
    struct verdict v = {0, 0};

    measure(j, at);
    for (int t = 0; t < FSN__COCO_THRESHOLDS; t++) {
        const int64_t best = choose(j, at->image, t);
        const uint16_t bit = (uint16_t)(1U << t);

        if (best < 0) {
            v.wrong |= bit;
        } else if (!j->test->objects[best].difficult) {
            j->taken[best] |= bit;
            v.right |= bit;
        }
    }
    return v;
}

/* Precision from each of the 101 recalls on, of n points. */
static void sample(const struct judging *j, int64_t n, double *out)
{
    int64_t at = 0;

    for (int64_t i = n - 1; i > 0; i--)
        j->precision[i - 1] = fmax(j->precision[i - 1], j->precision[i]);
    for (int r = 0; r < FSN__COCO_RECALLS; r++) {
        while (at < n && j->recall[at] < r * 0.01)
            at++;
        out[r] = at < n ? j->precision[at] : 0;
    }
}

static void draw_curve(const struct judging *j, int64_t n, int t, struct fsn__coco_class *of)
{
    int64_t right = 0, wrong = 0;

    for (int64_t i = 0; i < n; i++) {
        right += j->verdict[i].right >> t & 1;
        wrong += j->verdict[i].wrong >> t & 1;
        j->recall[i] = (double)right / (double)of->objects;
        j->precision[i] = (double)right / ((double)(right + wrong) + DBL_EPSILON);
    }
    of->recall[t] = n > 0 ? j->recall[n - 1] : 0;
    sample(j, n, of->precision[t]);
}

/* Moves the first FSN__COCO_MOST of each image to the front; how many. */
static int64_t limit(const struct judging *j, struct fsn__ranked *ranked, int64_t n)
{
    int64_t kept = 0;

    for (int64_t i = 0; i < j->test->images; i++)
        j->listed[i] = 0;
    for (int64_t i = 0; i < n; i++)
        if (j->listed[ranked[i].image]++ < FSN__COCO_MOST)
            ranked[kept++] = ranked[i];
    return kept;
}

static double mean_of(const double *values, int64_t n)
{
    double sum = 0;

    for (int64_t i = 0; i < n; i++)
        sum += values[i];
    return sum / (double)n;
}

static void judge_class(const struct judging *j, struct fsn__ranked *ranked, int64_t n,
                        struct fsn__coco_class *of)
{
    if (of->objects == 0) {
        of->ap = of->ap50 = of->ap75 = NAN;
        return;
    }
    n = limit(j, ranked, n);
    for (int64_t i = 0; i < n; i++)
        j->verdict[i] = judge(j, &ranked[i]);
    for (int t = 0; t < FSN__COCO_THRESHOLDS; t++)
        draw_curve(j, n, t, of);
    of->ap = mean_of(of->precision[0], (int64_t)FSN__COCO_THRESHOLDS * FSN__COCO_RECALLS);
    of->ap50 = mean_of(of->precision[0], FSN__COCO_RECALLS);
    of->ap75 = mean_of(of->precision[5], FSN__COCO_RECALLS);
}

static void average(struct fsn__coco_result *result, int32_t classes)
{
    int32_t counted = 0;

    for (int32_t c = 0; c < classes; c++) {
        const struct fsn__coco_class *of = &result->classes[c];

        if (of->objects == 0)
            continue;
        counted++;
        result->ap += of->ap;
        result->ap50 += of->ap50;
        result->ap75 += of->ap75;
    }
    result->ap = counted > 0 ? result->ap / counted : NAN;
    result->ap50 = counted > 0 ? result->ap50 / counted : NAN;
    result->ap75 = counted > 0 ? result->ap75 / counted : NAN;
}

/* Room for the class with the most detections. */
static bool make_room(const struct fsn__ranking *ranking, struct judging *j)
{
    const int64_t images = j->test->images;
    int64_t most = 0;

    for (int32_t c = 0; c < j->test->classes; c++)
        if (ranking->first[c + 1] - ranking->first[c] > most)
            most = ranking->first[c + 1] - ranking->first[c];
    j->taken = fsn__aligned_calloc(images > 0 ? (size_t)j->test->first_object[images] : 0,
                                   sizeof *j->taken);
    j->overlap = fsn__aligned_calloc((size_t)ranking->most_objects, sizeof *j->overlap);
    j->verdict = fsn__aligned_calloc((size_t)most, sizeof *j->verdict);
    j->listed = fsn__aligned_calloc((size_t)images, sizeof *j->listed);
    j->recall = fsn__aligned_calloc((size_t)most, sizeof *j->recall);
    j->precision = fsn__aligned_calloc((size_t)most, sizeof *j->precision);
    return j->taken && j->overlap && j->verdict && j->listed && j->recall && j->precision;
}

enum fsn_status fsn__coco_precision(const struct fsn__detection_test *test,
                                    struct fsn__coco_result *out, struct fsn_error *err)
{
    struct fsn__ranking ranking = {0};
    struct fsn__coco_result result = {0};
    struct judging j = {.test = test};
    const int64_t objects = test->images > 0 ? test->first_object[test->images] : 0;
    enum fsn_status status = fsn__rank_detections(test, &ranking, err);

    if (status != FSN_OK)
        return status;
    result.classes = fsn__aligned_calloc((size_t)test->classes, sizeof *result.classes);
    if (!result.classes || !make_room(&ranking, &j)) {
        status = FSN__NOMEM(err);
        goto out;
    }
    for (int64_t i = 0; i < objects; i++) {
        struct fsn__coco_class *of = &result.classes[test->objects[i].label];

        if (test->objects[i].difficult)
            of->crowds++;
        else
            of->objects++;
    }
    for (int32_t c = 0; c < test->classes; c++)
        judge_class(&j, ranking.item + ranking.first[c], ranking.first[c + 1] - ranking.first[c],
                    &result.classes[c]);
    average(&result, test->classes);
    *out = result;
    result = (struct fsn__coco_result){0};
out:
    fsn__coco_result_clear(&result);
    free(j.taken);
    free(j.overlap);
    free(j.verdict);
    free(j.listed);
    free(j.recall);
    free(j.precision);
    fsn__ranking_clear(&ranking);
    return status;
}

void fsn__coco_result_clear(struct fsn__coco_result *result)
{
    free(result->classes);
    *result = (struct fsn__coco_result){0};
}
