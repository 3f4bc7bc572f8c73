/* average_precision.h - how well detections find objects, as Pascal VOC and COCO judge it.
 *
 * Sources: Everingham et al., "The Pascal Visual Object Classes Challenge", IJCV 2010, section 4.2
 * (11 points) and the development kit of 2010 and later (area); Lin et al., "Microsoft COCO"
 * (arXiv 1405.0312) and its evaluation tool. Tests hold every figure to the published tools.
 *
 * Both sort all detections of a class by falling score, equal ones as they stand (image by image),
 * and let each take an object of its class and image:
 *
 *   VOC   the object that it shares most with (IoU), if more than the threshold. Is that difficult,
 *         the detection counts for nothing; is it taken already, the detection is false.
 *   COCO  of the objects that are not taken the one that it shares most with (the last of equal
 *         ones), if at least the threshold; else a crowd, which any number may take, with the
 *         intersection over the detection's own area, and which count for nothing. The best 100
 *         detections of an image and class.
 *
 * VOC measures on whole pixels from 1, both ends inclusive. Corners of (xmin - 1) / width and
 * xmax / width have the same areas without a correction. With the images' sizes, coordinates that
 * are a whole pixel but for the rounding of a float are taken for that pixel, so that overlaps of
 * exactly the threshold are decided as the tools do. */
#ifndef FSN_DETECT_AVERAGE_PRECISION_H
#define FSN_DETECT_AVERAGE_PRECISION_H

#include "detect/nms.h"

enum { FSN__COCO_THRESHOLDS = 10, FSN__COCO_RECALLS = 101, FSN__COCO_MOST = 100 };

/* What there is and what was found; all borrowed. That of image i: first[i] <= j < first[i + 1]. */
struct fsn__detection_test {
    int64_t images;
    int32_t classes;
    const int32_t *size;         /* [images][2] width, height in pixels; NULL: not known */
    const int64_t *first_object; /* [images + 1] */
    const struct fsn__object *objects;
    const int64_t *first_detection; /* [images + 1] */
    const struct fsn__detection *detections;
};

/* A point for each detection, by falling score. Precision is 0 where nothing counted yet. */
struct fsn__curve_point {
    float score;
    double recall, precision;
};

/* Of one class. ap and ap07 are NaN, and the recall of the points 0, where no object counts. */
struct fsn__voc_class {
    int64_t objects, difficult; /* that count, and that do not */
    int64_t detections;         /* points */
    double ap07;                /* mean of the best precision from recalls 0, 0.1 .. 1 on */
    double ap;                  /* area under the precision envelope (2010 on) */
    struct fsn__curve_point *curve;
};

/* Means are over the classes that have objects that count; NaN of none. */
struct fsn__voc_result {
    double mean_ap07, mean_ap;
    struct fsn__voc_class *classes;  /* [classes] */
    struct fsn__curve_point *points; /* what the curves point into */
};

struct fsn__coco_class {
    int64_t objects, crowds;
    double ap, ap50, ap75; /* NaN where no object counts */
    /* Best precision from recall r / 100 on, at the threshold 0.5 + t / 20. */
    double precision[FSN__COCO_THRESHOLDS][FSN__COCO_RECALLS];
    double recall[FSN__COCO_THRESHOLDS]; /* of all detections */
};

struct fsn__coco_result {
    double ap, ap50, ap75; /* means, as above */
    struct fsn__coco_class *classes;
};

/* overlap: the IoU to exceed, 0.5 in VOC. Errors: INVALID (a label or score or box out of its
 * range, by its place), NOMEM. What *out holds is freed by the clear functions, which also take
 * zeroed results. */
FSN_NODISCARD enum fsn_status fsn__voc_precision(const struct fsn__detection_test *test,
                                                 double overlap, struct fsn__voc_result *out,
                                                 struct fsn_error *err);
void fsn__voc_result_clear(struct fsn__voc_result *result);
FSN_NODISCARD enum fsn_status fsn__coco_precision(const struct fsn__detection_test *test,
                                                  struct fsn__coco_result *out,
                                                  struct fsn_error *err);
void fsn__coco_result_clear(struct fsn__coco_result *result);

#endif
