/* findings.h - what a detector has found in each of some images, beside what there is.
 *
 * Average precision ranks the detections of all images together, so nothing can be judged before
 * the last image, and for another choice of images all of it is ranked anew. */
#ifndef FSN_TRAIN_FINDINGS_H
#define FSN_TRAIN_FINDINGS_H

#include "core/error.h"
#include "detect/average_precision.h"

/* Of image i: objects[first_object[i] .. first_object[i + 1]), and the detections likewise, best
 * first. Boxes are fractions of the image. */
struct fsn__findings {
    int64_t images;        /* so far */
    int64_t *first_object; /* [images + 1] */
    int64_t *first_detection;
    int32_t *size; /* [images][2] width, height in pixels */
    struct fsn__object *objects;
    struct fsn__detection *detections;
    int64_t object_capacity, detection_capacity;
};

/* Room for so many images, none of which is there yet; fsn__findings_clear frees, which also takes
 * a zeroed one. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__findings_create(int64_t images, struct fsn__findings *out,
                                                   struct fsn_error *err);
void fsn__findings_clear(struct fsn__findings *findings);

/* The next image; all is copied. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status
fsn__findings_add(struct fsn__findings *findings, const struct fsn__object *objects,
                  int64_t object_count, const struct fsn__detection *detections,
                  int64_t detection_count, int32_t width, int32_t height, struct fsn_error *err);

/* The best precision from recall r / 100 on, at an overlap of a half; of classes without an object
 * that counts all 0. */
struct fsn__precision_curve {
    double precision[FSN__COCO_RECALLS];
};

/* Judges the listed images (NULL: all). curves: [classes], may be NULL. *out has no seconds;
 * fsn_detection_eval_clear. Errors: those of average_precision.h. */
FSN_NODISCARD enum fsn_status fsn__findings_judge(const struct fsn__findings *findings,
                                                  int32_t classes, const int64_t *list,
                                                  int64_t count, struct fsn_detection_eval *out,
                                                  struct fsn__precision_curve *curves,
                                                  struct fsn_error *err);

#endif
