/* voc_precision.c - average precision as Pascal VOC has it; see average_precision.h. */
#include "core/mem.h"
#include "detect/ranking.h"

#include <math.h>
#include <stdlib.h>

static void count_objects(const struct fsn__detection_test *test, struct fsn__voc_class *classes)
{
    const int64_t n = test->images > 0 ? test->first_object[test->images] : 0;

    for (int64_t i = 0; i < n; i++) {
        struct fsn__voc_class *of = &classes[test->objects[i].label];

        if (test->objects[i].difficult)
            of->difficult++;
        else
            of->objects++;
    }
}

enum verdict { RIGHT, WRONG, NOTHING };

/* What becomes of a detection; taken[] is by object. */
static enum verdict judge(const struct fsn__detection_test *test, const struct fsn__ranked *at,
                          double overlap, bool *taken)
{
    double most = 0;
    int64_t best = -1;

    for (int64_t i = test->first_object[at->image]; i < test->first_object[at->image + 1]; i++) {
        double shared;

        if (test->objects[i].label != at->label)
            continue;
        shared = fsn__pixel_overlap(test, at->image, test->detections[at->detection].box,
                                    test->objects[i].box, false);
        if (best < 0 || shared > most) {
            most = shared;
            best = i;
        }
    }
    if (best < 0 || !(most > overlap))
        return WRONG;
    if (test->objects[best].difficult)
        return NOTHING;
    if (taken[best])
        return WRONG;
    taken[best] = true;
    return RIGHT;
}

static void draw_curve(const struct fsn__detection_test *test, const struct fsn__ranked *ranked,
                       double overlap, bool *taken, struct fsn__voc_class *of)
{
    int64_t right = 0, wrong = 0;

    for (int64_t i = 0; i < of->detections; i++) {
        const enum verdict verdict = judge(test, &ranked[i], overlap, taken);

        right += verdict == RIGHT;
        wrong += verdict == WRONG;
        of->curve[i] = (struct fsn__curve_point){
            .score = ranked[i].score,
            .recall = of->objects > 0 ? (double)right / (double)of->objects : 0,
            .precision = right + wrong > 0 ? (double)right / (double)(right + wrong) : 0};
    }
}

/* Recalls are i * 0.1 in floating point, of which some are not the nearest to their decimal: 3 *
 * 0.1 is more than 0.3. The tool has them so, and a recall of 3/10 does not reach it. */
static double eleven_points(const struct fsn__voc_class *of)
{
    double sum = 0;

    for (int i = 0; i <= 10; i++) {
        double best = 0;

        for (int64_t j = 0; j < of->detections; j++)
            if (of->curve[j].recall >= i * 0.1 && of->curve[j].precision > best)
                best = of->curve[j].precision;
        sum += best / 11;
    }
    return sum;
}

/* From the last point back, so that the best precision from there on is known. */
static double area(const struct fsn__voc_class *of)
{
    double sum = 0, best = 0;

    for (int64_t i = of->detections - 1; i >= 0; i--) {
        const double before = i > 0 ? of->curve[i - 1].recall : 0;

        best = fmax(best, of->curve[i].precision);
        sum += (of->curve[i].recall - before) * best;
    }
    return sum;
}

static void average(struct fsn__voc_result *result, int32_t classes)
{
    int32_t counted = 0;

    for (int32_t c = 0; c < classes; c++) {
        const struct fsn__voc_class *of = &result->classes[c];

        if (of->objects == 0)
            continue;
        counted++;
        result->mean_ap07 += of->ap07;
        result->mean_ap += of->ap;
    }
    result->mean_ap07 = counted > 0 ? result->mean_ap07 / counted : NAN;
    result->mean_ap = counted > 0 ? result->mean_ap / counted : NAN;
}

enum fsn_status fsn__voc_precision(const struct fsn__detection_test *test, double overlap,
                                   struct fsn__voc_result *out, struct fsn_error *err)
{
    struct fsn__ranking ranking = {0};
    struct fsn__voc_result result = {0};
    bool *taken = NULL;
    enum fsn_status status = fsn__rank_detections(test, &ranking, err);

    if (status != FSN_OK)
        return status;
    result.classes = fsn__aligned_calloc((size_t)test->classes, sizeof *result.classes);
    result.points =
        fsn__aligned_calloc((size_t)ranking.first[test->classes], sizeof *result.points);
    taken = fsn__aligned_calloc(test->images > 0 ? (size_t)test->first_object[test->images] : 0,
                                sizeof *taken);
    if (!result.classes || !result.points || !taken) {
        status = FSN__NOMEM(err);
        goto out;
    }
    count_objects(test, result.classes);
    for (int32_t c = 0; c < test->classes; c++) {
        struct fsn__voc_class *of = &result.classes[c];

        of->detections = ranking.first[c + 1] - ranking.first[c];
        of->curve = result.points + ranking.first[c];
        draw_curve(test, ranking.item + ranking.first[c], overlap, taken, of);
        of->ap07 = of->objects > 0 ? eleven_points(of) : NAN;
        of->ap = of->objects > 0 ? area(of) : NAN;
    }
    average(&result, test->classes);
    *out = result;
    result = (struct fsn__voc_result){0};
out:
    fsn__voc_result_clear(&result);
    free(taken);
    fsn__ranking_clear(&ranking);
    return status;
}

void fsn__voc_result_clear(struct fsn__voc_result *result)
{
    free(result->classes);
    free(result->points);
    *result = (struct fsn__voc_result){0};
}
