/* box_codec.h - boxes, default boxes, and the offsets between them that a detector learns.
 *
 * Source: Liu et al., "SSD: Single Shot MultiBox Detector" (arXiv 1512.02325), section 2.2; the
 * variances are those of its implementation. A default box is (cx, cy, w, h), fractions of the
 * image; an offset of box b from default box d is, with variances v,
 *
 *   tx = (b.cx - d.cx) / (v[0] d.w)    tw = log(b.w / d.w) / v[2]
 *   ty = (b.cy - d.cy) / (v[1] d.h)    th = log(b.h / d.h) / v[3]
 */
#ifndef FSN_DETECT_BOX_CODEC_H
#define FSN_DETECT_BOX_CODEC_H

#include "data/boxes.h"

extern const float fsn__ssd_variance[4]; /* 0.1, 0.1, 0.2, 0.2 */

/* Corners of a default box, which may lie outside the image, and back. */
struct fsn__box fsn__box_corners(const float centred[4]);
void fsn__box_centred(struct fsn__box box, float centred[4]);

/* The box must have an area; the default box too. */
void fsn__box_encode(struct fsn__box box, const float standard[4], const float variance[4],
                     float offset[4]);
/* Not clipped to the image. Any offset gives x0 <= x1 and y0 <= y1, or values that are not finite.
 */
struct fsn__box fsn__box_decode(const float offset[4], const float standard[4],
                                const float variance[4]);

/* 0 where a side is empty or turned over. */
float fsn__box_area(struct fsn__box box);
/* Intersection over union, 0..1; 0 where nothing is shared. */
float fsn__box_iou(struct fsn__box a, struct fsn__box b);

#endif
