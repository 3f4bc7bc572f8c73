/* detections.h - what two detectors find in the same test images, for the report. */
#ifndef FSN_COMPRESS_DETECTIONS_H
#define FSN_COMPRESS_DETECTIONS_H

#include "data/dataset.h"
#include "train/findings.h"

#include <jansson.h>

enum {
    FSN__DRAWN_IMAGES = 8, /* that are shown */
    FSN__DRAWN_SIDE = 320  /* pixels of their longer side, at most */
};

/* Test images and what both networks find in them; all borrowed. */
struct fsn__finds {
    const struct fsn_dataset *data;
    const struct fsn__findings *baseline, *compressed; /* of the whole split */
};

/* The member "detection" of the report: {classes, drawn, drawn_score}. classes: for each class what
 * there is, both networks' figures and curves of precision over recall. drawn: some images with
 * what there is and what was found with at least drawn_score, those first where the networks differ
 * most. An image that cannot be read again has no picture. New; NULL when out of memory. */
json_t *fsn__detections_json(const struct fsn__finds *finds);

#endif
