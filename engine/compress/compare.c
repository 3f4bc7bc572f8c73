/* compare.c - what a job's networks have on listed test images, by whatever they are judged: those
 * that choose among files, and those that have no part in the choice (candidates.c).
 *
 * Classifiers by top-1 and detectors by mAP, from what was kept of each image; networks that tell
 * the class of every pixel by mean IoU; any other by how much of the baseline's outputs is there,
 * 100 (1 - e), e the error of outputs.c. All in per cent, and more is better.
 */
#include "compress/candidates.h"
#include "compress/outputs.h"

#include <math.h>
#include <stdlib.h>

/* A candidate is judged when its report is written; the chosen one is read back once more. */
static struct fsn__meter meter_of(struct fsn__candidates *c)
{
    return (struct fsn__meter){
        fsn__candidates_relay, c, c->ended ? FSN_STAGE_VERIFY : FSN_STAGE_REPORT, 1, 1, 0, 0};
}

/* What a classifier sees in the listed images, as images of the whole split. */
static enum fsn_status see_classes(struct fsn__candidates *c, struct fsn_model *model,
                                   const int64_t *list, int64_t count, struct fsn_error *err)
{
    struct fsn__job *job = c->job;
    const struct fsn__meter meter = meter_of(c);
    int32_t *choice = calloc((size_t)count, sizeof *choice);
    struct fsn_eval eval;
    enum fsn_status status =
        choice ? fsn__evaluate_images(model->graph, job->data, FSN_SPLIT_TEST, list, count, c->spec,
                                      job->pool, &meter, choice, &eval, err)
               : FSN__NOMEM(err);

    for (int64_t i = 0; status == FSN_OK && i < count; i++)
        job->small_seen.choice[list[i]] = choice[i];
    free(choice);
    return status;
}

/* The same of a detector: all images, since findings are kept in the order of the split. */
static enum fsn_status see_objects(struct fsn__candidates *c, struct fsn_model *model,
                                   struct fsn_error *err)
{
    struct fsn__job *job = c->job;
    const struct fsn__meter meter = meter_of(c);
    struct fsn_detection_eval eval;
    const enum fsn_status status = fsn__evaluate_detector_images(
        model->graph, job->data, FSN_SPLIT_TEST, NULL, job->data->split[FSN_SPLIT_TEST].count,
        c->spec, job->pool, &meter, &job->small_seen.found, &eval, err);

    if (status == FSN_OK)
        fsn_detection_eval_clear(&eval);
    return status;
}

enum fsn_status fsn__candidates_see(struct fsn__candidates *c, struct fsn_model *model,
                                    const int64_t *list, int64_t count, struct fsn_error *err)
{
    switch (c->report.figures) {
    case FSN__TASK_CLASSIFY:
        return see_classes(c, model, list, count, err);
    case FSN__TASK_DETECT:
        return see_objects(c, model, err);
    case FSN__TASK_DISTILL:
    case FSN__TASK_SEGMENT:
    default:
        return FSN_OK; /* looked at when they are compared */
    }
}

/* mAP of the listed images. */
static enum fsn_status judge_found(const struct fsn__job *job, const struct fsn__findings *found,
                                   const int64_t *list, int64_t count, double *map50,
                                   struct fsn_error *err)
{
    struct fsn_detection_eval eval;
    enum fsn_status status =
        fsn__findings_judge(found, job->data->classes, list, count, &eval, NULL, err);

    if (status != FSN_OK)
        return status;
    *map50 = eval.map50;
    fsn_detection_eval_clear(&eval);
    return FSN_OK;
}

/* Mean IoU of the listed images. */
static enum fsn_status judge_pixels(struct fsn__candidates *c, struct fsn_model *model,
                                    const int64_t *list, int64_t count, double *miou,
                                    struct fsn_error *err)
{
    const struct fsn__meter meter = meter_of(c);
    struct fsn_segmentation_eval eval;
    const enum fsn_status status =
        fsn__evaluate_segmenter_images(model->graph, c->job->data, FSN_SPLIT_TEST, list, count,
                                       c->spec, c->job->pool, &meter, &eval, err);

    if (status != FSN_OK)
        return status;
    *miou = eval.miou;
    fsn_segmentation_eval_clear(&eval);
    return FSN_OK;
}

static enum fsn_status judge_outputs(struct fsn__candidates *c, struct fsn_model *model,
                                     const int64_t *list, int64_t count,
                                     struct fsn__comparison *out, struct fsn_error *err)
{
    const struct fsn__meter meter = meter_of(c);
    double error = NAN;
    const enum fsn_status status =
        fsn__outputs_mean_error(c->job, model->graph, list, count, &meter, &error, err);

    out->before = 100;
    out->after = isfinite(error) ? 100 * (1 - error) : NAN;
    return status;
}

/* Of the images that judge, the baseline's is asked for again and again. */
static enum fsn_status judge_baseline_pixels(struct fsn__candidates *c, const int64_t *list,
                                             int64_t count, double *miou, struct fsn_error *err)
{
    const bool judging = list == c->halves.selection;
    enum fsn_status status = FSN_OK;

    *miou = c->baseline_miou;
    if (!judging || isnan(c->baseline_miou))
        status = judge_pixels(c, c->job->baseline, list, count, miou, err);
    if (status != FSN_OK || !judging)
        return status;
    c->baseline_miou = *miou;
    return isnan(*miou) ? FSN__FAIL(err, FSN_MISMATCH,
                                    "no pixel of the %lld test images that judge the files of a "
                                    "search or a sweep has a class",
                                    (long long)count)
                        : FSN_OK;
}

enum fsn_status fsn__candidates_compare(struct fsn__candidates *c, struct fsn_model *model,
                                        const int64_t *list, int64_t count,
                                        struct fsn__comparison *out, struct fsn_error *err)
{
    const struct fsn__job *job = c->job;
    enum fsn_status status;

    *out = (struct fsn__comparison){NAN, NAN, NAN, NAN};
    switch (c->report.figures) {
    case FSN__TASK_CLASSIFY:
        *out = fsn__compare_choices(job->data->split[FSN_SPLIT_TEST].labels, job->seen.choice,
                                    job->small_seen.choice, list, count);
        return FSN_OK;
    case FSN__TASK_DETECT:
        status = judge_found(job, &job->seen.found, list, count, &out->before, err);
        if (status == FSN_OK)
            status = judge_found(job, &job->small_seen.found, list, count, &out->after, err);
        break;
    case FSN__TASK_SEGMENT:
        status = judge_baseline_pixels(c, list, count, &out->before, err);
        if (status == FSN_OK)
            status = judge_pixels(c, model, list, count, &out->after, err);
        break;
    case FSN__TASK_DISTILL:
    default:
        status = judge_outputs(c, model, list, count, out, err);
    }
    out->drop = out->before - out->after;
    return status;
}

/* ---- under which names ----------------------------------------------------------------------- */

static const struct {
    enum fsn__task figures;
    const char *key, *baseline;
    size_t offset; /* in struct fsn_candidate */
} names[] = {
    {FSN__TASK_CLASSIFY, "top1", "baseline_top1", offsetof(struct fsn_candidate, top1)},
    {FSN__TASK_DETECT, "map50", "baseline_map50", offsetof(struct fsn_candidate, map50)},
    {FSN__TASK_SEGMENT, "miou", "baseline_miou", offsetof(struct fsn_candidate, miou)},
    {FSN__TASK_DISTILL, "agreement", "baseline_agreement",
     offsetof(struct fsn_candidate, agreement)},
};
enum { NAMES = sizeof names / sizeof *names };

void fsn__candidate_set(struct fsn_candidate *candidate, enum fsn__task figures, double value)
{
    for (int i = 0; i < NAMES; i++)
        *(double *)(void *)((char *)candidate + names[i].offset) =
            names[i].figures == figures ? value : NAN;
}

double fsn__candidate_figure(const struct fsn_candidate *candidate)
{
    for (int i = 0; i < NAMES; i++) {
        const double value =
            *(const double *)(const void *)((const char *)candidate + names[i].offset);

        if (!isnan(value))
            return value;
    }
    return NAN;
}

bool fsn__figure_put(json_t *object, enum fsn__task figures, bool baseline, double value)
{
    bool done = true;

    for (int i = 0; i < NAMES; i++)
        done &= json_object_set_new(object, baseline ? names[i].baseline : names[i].key,
                                    names[i].figures == figures ? fsn__json_real(value)
                                                                : json_null()) == 0;
    return done;
}
