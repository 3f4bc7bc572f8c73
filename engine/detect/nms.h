/* nms.h - what a detector found in an image: the scores of default boxes made into detections. */
#ifndef FSN_DETECT_NMS_H
#define FSN_DETECT_NMS_H

#include "core/error.h"
#include "data/boxes.h"

struct fsn__detection {
    struct fsn__box box;
    int32_t label; /* 0..classes-1, without background */
    float score;
};

struct fsn__nms_options {
    float score;   /* a box must exceed this to be looked at */
    float overlap; /* one that shares more than this (IoU) with a better one of its class goes */
    int64_t candidates; /* of each class the best so many are looked at; 0: all */
    int64_t keep;       /* of an image the best so many are kept, all classes together; 0: all */
    bool (*go_on)(void *user); /* asked before each class: false ends it; may be NULL */
    void *user;
};
/* 0.01, 0.45, 200, 200: those of the paper (arXiv 1512.02325, section 2.2 and "Inference time"),
 * where the number of candidates is that of the known PyTorch port. */
extern const struct fsn__nms_options fsn__ssd_nms;

/* Detections of an image of so many boxes that the options may leave, at most: a class has no more
 * than its candidates, and of a box no more than 1 / score classes exceed the score, since they sum
 * to one. */
int64_t fsn__nms_most(const struct fsn__nms_options *options, int64_t boxes, int32_t classes);

/* Greedy suppression for each class by itself. boxes: [boxes]; scores: [boxes][classes + 1],
 * background first and not looked at. *out: new, freed by free(), *count of them, best first; of
 * equal scores the lower class first, then the lower box. A score that is not a number is never
 * looked at. Errors: NOMEM, CANCELLED. */
FSN_NODISCARD enum fsn_status fsn__nms(const struct fsn__box *boxes, const float *scores, int64_t n,
                                       int32_t classes, const struct fsn__nms_options *options,
                                       struct fsn__detection **out, int64_t *count,
                                       struct fsn_error *err);

/* The same from the raw outputs of a network for one image: offsets locations [n][4] from the
 * default boxes standard [n][4], logits confidences [n][classes + 1]. Boxes are clipped to the
 * image. */
FSN_NODISCARD enum fsn_status fsn__detect(const float *locations, const float *confidences,
                                          const float *standard, const float variance[4], int64_t n,
                                          int32_t classes, const struct fsn__nms_options *options,
                                          struct fsn__detection **out, int64_t *count,
                                          struct fsn_error *err);

#endif
