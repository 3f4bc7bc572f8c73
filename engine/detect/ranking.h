/* ranking.h - what both ways to judge detections begin with: their order, and boxes in pixels. */
#ifndef FSN_DETECT_RANKING_H
#define FSN_DETECT_RANKING_H

#include "detect/average_precision.h"

struct fsn__ranked {
    int64_t detection, image;
    float score;
    int32_t label;
};

/* All detections by class, then by falling score, then as they stand. */
struct fsn__ranking {
    struct fsn__ranked *item;
    int64_t *first;       /* [classes + 1]: those of a class */
    int64_t most_objects; /* in one image */
};

/* Checks the test as well. Errors as fsn__voc_precision. */
FSN_NODISCARD enum fsn_status fsn__rank_detections(const struct fsn__detection_test *test,
                                                   struct fsn__ranking *out, struct fsn_error *err);
void fsn__ranking_clear(struct fsn__ranking *ranking);

/* Intersection over union in pixels of image `image`, or over the area of `box` alone. */
double fsn__pixel_overlap(const struct fsn__detection_test *test, int64_t image,
                          struct fsn__box box, struct fsn__box object, bool of_box_alone);

#endif
