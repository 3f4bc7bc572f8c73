/* judge.c - the mistakes that a job shows by its figures, in words for the person who ordered it.
 *
 * A job that is fed wrong data does not fail, it ends with poor figures. Each trap has a sign of
 * its own, and thresholds are set so that a sound job, be it short or of a high ratio, shows none:
 *
 *   wrong preprocessing   the baseline guesses on the test images; mean and std are of pixels in
 *                         another range than theirs
 *   wrong split           the test images are of one class, or of less than half of those that are
 *                         trained; classes that are tested are not trained, and will be forgotten
 *   wrong labels          the baseline is right on the test images and not on the training images,
 *                         which it was made from
 *   other augmentation    it is right on these, and not as they are augmented
 *   training went wrong   the student ends far below the baseline on the images that it learns; of
 *                         detectors and class maps, the file does on the test images; outputs that
 *                         are distilled end worse than they began, or say nothing
 *   boxes left out        some have no area, lie outside their image, or are of no known class
 *   nothing to measure    no object of the test images counts, no pixel has a class
 *   another population    held-back training images and test images disagree on the result
 *   no size holds         a search has found no file that loses as little as it may, or one that
 *                         does on the images that chose it alone
 */
#include "compress/compress.h"
#include "data/entry_name.h"
#include "train/holdout.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void fsn__report_warn(struct fsn__report *report, const char *format, ...)
{
    char *text = report->warnings[report->warning_count];
    va_list args;

    if (report->warning_count == FSN__MAX_WARNINGS)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof report->warnings[0], format, args);
    va_end(args);
    if (!fsn__name_is_utf8(text)) /* a name was cut inside a character */
        for (; *text; text++)
            *text = *text < 0 ? '?' : *text;
    report->warning_count++;
}

static const double LEAST_MAP = 5;

static double chance_of(const struct fsn__report *report)
{
    return 100.0 / report->data.classes;
}

double fsn__figure_of(const struct fsn__report *report, const struct fsn__report_side *side)
{
    return report->figures == FSN__TASK_DETECT    ? side->detection.map50
           : report->figures == FSN__TASK_SEGMENT ? side->segmentation.miou
                                                  : side->eval.top1;
}

/* Guessing: less than a tenth of the way from chance to perfection, which of pixels is the mean IoU
 * of a network that takes all of them for one class; of a detector, next to nothing is found where
 * it is. */
bool fsn__baseline_guesses(const struct fsn__report *report)
{
    if (report->figures == FSN__TASK_DISTILL)
        return false; /* there is no telling */
    if (report->figures == FSN__TASK_DETECT)
        return !(report->baseline.detection.map50 >= LEAST_MAP);
    const double chance = chance_of(report);

    return fsn__figure_of(report, &report->baseline) < chance + (100 - chance) / 10;
}

/* Pixels in 0..1 have no mean or deviation of 2; a deviation below 1 and a mean of at most 1 are
 * not of pixels in 0..255. */
static bool range_is_wrong(const struct fsn_preprocess *p)
{
    bool large = false, small = p->channels > 0;

    for (int i = 0; i < p->channels; i++) {
        large |= p->mean[i] > 2 || p->std[i] > 2;
        small &= fabs(p->mean[i]) <= 1 && p->std[i] < 1;
    }
    return p->scale == FSN_SCALE_UNIT ? large : small;
}

static void judge_classes(struct fsn__report *report)
{
    const struct fsn_dataset_info *data = &report->data;
    const int64_t *train = data->per_class[FSN_SPLIT_TRAIN];
    const int64_t *test = data->per_class[FSN_SPLIT_TEST];
    int trained = 0, tested = 0, forgotten = 0;

    for (int i = 0; i < data->classes; i++) {
        trained += train[i] > 0;
        tested += test[i] > 0;
        forgotten += test[i] > 0 && train[i] == 0;
    }
    if (data->classes > 1 && (tested == 1 || 2 * tested < trained))
        fsn__report_warn(report,
                         "the test images are of %d of %d classes, and the training images of %d: "
                         "the figures say little of the others",
                         tested, data->classes, trained);
    if (forgotten > 0 && report->spec->finetune.epochs > 0)
        fsn__report_warn(report,
                         "%d of the %d classes that the test images are of have no training "
                         "images: fine-tuning lets the network forget them",
                         forgotten, tested);
}

/* Of what is in the test images nothing counts, so that there is no figure. */
static void judge_nothing(struct fsn__report *report)
{
    const int64_t objects = report->data.objects[FSN_SPLIT_TEST].count;

    if (report->figures == FSN__TASK_DETECT && objects == 0)
        fsn__report_warn(report, "the test images have no objects: how well the networks find them "
                                 "is not measured");
    else if (report->figures == FSN__TASK_DETECT)
        fsn__report_warn(report,
                         "no object of the test images counts (there are %lld, all difficult or "
                         "crowds): how well the networks find objects is not measured",
                         (long long)objects);
    else
        fsn__report_warn(report, "no pixel of the test masks has a class: how well the networks "
                                 "tell them is not measured");
}

/* A few of many are no trap; who uploaded them was told. Whoever reads the report was not. */
static void judge_boxes(struct fsn__report *report)
{
    const struct fsn_bad_boxes *bad = &report->data.bad_boxes;

    if (bad->count > 0 && bad->listed)
        fsn__report_warn(report,
                         "%lld boxes of the data set cannot be used and were left out; the "
                         "first, of '%.60s' in %.100s: %s",
                         (long long)bad->count, bad->listed[0].class_name, bad->listed[0].image,
                         fsn_box_fault_name(bad->listed[0].fault));
}

void fsn__judge_baseline(struct fsn__report *report)
{
    const struct fsn_preprocess *preprocess = &report->spec->preprocess;
    const bool unit = preprocess->scale == FSN_SCALE_UNIT,
               detect = report->figures == FSN__TASK_DETECT,
               segment = report->figures == FSN__TASK_SEGMENT;

    judge_boxes(report);
    if (report->task != FSN__TASK_DISTILL)
        judge_classes(report);
    if ((detect || segment) && isnan(fsn__figure_of(report, &report->baseline)))
        judge_nothing(report);
    else if (range_is_wrong(preprocess) && report->figures == FSN__TASK_DISTILL)
        fsn__report_warn(report,
                         "preprocess.mean %g and std %g seem to be of pixels in %s, and "
                         "preprocess.scale says %s",
                         preprocess->mean[0], preprocess->std[0], unit ? "0..255" : "0..1",
                         unit ? "0..1" : "0..255");
    else if (range_is_wrong(preprocess))
        fsn__report_warn(report,
                         "preprocess.mean %g and std %g seem to be of pixels in %s, and "
                         "preprocess.scale says %s (the baseline's %s is %.1f %% on the test "
                         "images)",
                         preprocess->mean[0], preprocess->std[0], unit ? "0..255" : "0..1",
                         unit ? "0..1" : "0..255",
                         detect    ? "mAP"
                         : segment ? "mean IoU"
                                   : "accuracy",
                         fsn__figure_of(report, &report->baseline));
    else if (fsn__baseline_guesses(report) && detect)
        fsn__report_warn(
            report,
            "the baseline's mAP at an overlap of a half is %.1f %% on the test images: "
            "are preprocess.mean, std and scale, the order of the classes, "
            "detection.default_boxes and its variance those that the model was "
            "trained with?",
            report->baseline.detection.map50);
    else if (fsn__baseline_guesses(report) && segment)
        fsn__report_warn(report,
                         "the baseline's mean IoU is %.1f %% on the test images, little more than "
                         "of one class everywhere: are preprocess.mean, std and scale, the order "
                         "of the classes and the output those that the model was trained with?",
                         report->baseline.segmentation.miou);
    else if (fsn__baseline_guesses(report))
        fsn__report_warn(
            report,
            "the baseline is right on %.1f %% of the test images, and chance is "
            "%.1f %%: are preprocess.mean, std and scale, the order of the classes and "
            "the output those that the model was trained with?",
            report->baseline.eval.top1, chance_of(report));
}

/* Less than half of the way from chance to the baseline's figure. Mixed images are recognised by
 * nobody: then nothing is said of what was learnt. */
static void judge_training_images(struct fsn__report *report, const struct fsn_epoch *last)
{
    const double chance = chance_of(report), baseline = report->baseline.eval.top1;
    const double half = chance + (baseline - chance) / 2;

    if (report->task != FSN__TASK_CLASSIFY || fsn__baseline_guesses(report))
        return; /* no figure of training says how well a detector finds: judge_result() */
    if (report->baseline_train_top1 < half)
        fsn__report_warn(
            report,
            "the baseline is right on %.1f %% of the test images and on %.1f %% of the "
            "training images: are the labels of the training images right, and the "
            "classes of both numbered alike?",
            baseline, report->baseline_train_top1);
    else if (report->spec->finetune.mixup > 0)
        return;
    else if (last->teacher_top1 < half)
        fsn__report_warn(
            report,
            "the baseline is right on %.1f %% of the test images and on %.1f %% of the "
            "training images as they are augmented: is finetune.augment what the "
            "model was trained with?",
            baseline, last->teacher_top1);
    else if (last->train_top1 < half)
        fsn__report_warn(report,
                         "training ended with %.1f %% on the training images, and the baseline has "
                         "%.1f %% on the test images: more finetune.epochs, another finetune.lr or "
                         "a lower filter_summary.ratio may help",
                         last->train_top1, baseline);
}

/* Further apart than three standard errors of the two shares and two points. */
static void judge_held_images(struct fsn__report *report, const struct fsn_epoch *best)
{
    const double held = best->held_top1, test = report->compressed.eval.top1;
    const double both = (held + test) / 2;
    const double parts =
        1.0 / (double)report->curve->held_images + 1.0 / (double)report->compressed.eval.images;

    if (fabs(held - test) > 2 + 3 * sqrt(both * (100 - both) * parts))
        fsn__report_warn(report,
                         "the compressed network has %.1f %% on the training images that were held "
                         "back and %.1f %% on the test images: training and test images seem to be "
                         "of different kinds",
                         held, test);
}

static const char cures[] = "another finetune.lr, more finetune.epochs or a lower "
                            "filter_summary.ratio may help";

/* Less than half of the baseline's figure; of the file, as training knows none. */
static void judge_result(struct fsn__report *report)
{
    const double before = fsn__figure_of(report, &report->baseline);
    const double after = fsn__figure_of(report, &report->compressed);

    if (report->figures != FSN__TASK_DETECT && report->figures != FSN__TASK_SEGMENT)
        return;
    if (!fsn__baseline_guesses(report) && after < before / 2)
        fsn__report_warn(report,
                         "the compressed network has %s of %.1f %%, less than half of the "
                         "baseline's %.1f %%: %s",
                         report->figures == FSN__TASK_DETECT ? "an mAP" : "a mean IoU", after,
                         before, cures);
}

/* Outputs that are worse than the same answer for all images, which has an error of 1, or than
 * before training by more than rounding and few bits make of them. One warning: of the worst. */
static void judge_outputs(struct fsn__report *report)
{
    const struct fsn__report_output *worst = NULL;
    int bad = 0;

    for (int i = 0; i < report->outputs.count; i++) {
        const struct fsn__report_output *o = &report->outputs.item[i];

        if (!(o->error > 1) && !(o->error > 0.05 && o->error > 1.1 * o->start_error))
            continue; /* or there is none, as of one that the baseline says of all images */
        bad++;
        if (!worst || o->error > worst->error)
            worst = o;
    }
    if (worst)
        fsn__report_warn(report,
                         "%d of %d outputs have an error above that before training, or above 1, "
                         "which the same answer for all images has: '%.60s' has %.3g and had %.3g: "
                         "%s",
                         bad, report->outputs.count, worst->name, worst->error, worst->start_error,
                         cures);
}

void fsn__judge_training(struct fsn__report *report)
{
    const struct fsn__curve *curve = report->curve;
    const int best = fsn__best_epoch(curve);

    judge_result(report);
    if (report->spec->finetune.epochs > 0)
        judge_outputs(report);

    if (curve->count > 0)
        judge_training_images(report, &curve->rows[curve->count - 1]);
    if (best >= 0 && report->task == FSN__TASK_CLASSIFY)
        judge_held_images(report, &curve->rows[best]);
}

void fsn__judge_search(struct fsn__report *report, double drop, double unseen_drop, double most)
{
    if (drop > most)
        fsn__report_warn(report,
                         "no file that was tried loses at most %.2f points: this one, "
                         "which loses least, loses %.2f; more finetune.epochs, time or candidates, "
                         "or a lower filter_summary.ratio to begin at may help",
                         most, drop);
    else if (unseen_drop > most)
        fsn__report_warn(report,
                         "the file loses %.2f points on the images that chose it and %.2f "
                         "on those that had no part in it, and was to lose at most %.2f",
                         drop, unseen_drop, most);
}
