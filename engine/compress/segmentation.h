/* segmentation.h - what a report says of networks that tell the class of every pixel. */
#ifndef FSN_COMPRESS_SEGMENTATION_H
#define FSN_COMPRESS_SEGMENTATION_H

#include "compress/compress.h"

/* {pixels, void, classes: [{class, name, pixels, baseline, compressed, change}]}: a row for each
 * class of the networks, of each side {iou, predicted}; change: of the IoU, in points. A name may
 * be null, and so is an IoU of no pixels. Null where the report has other figures. New; NULL when
 * out of memory. */
json_t *fsn__segmentation_json(const struct fsn__report *report);

#endif
