/* augment_boxes.h - the augmentations of SSD: an image and its objects, changed together. */
#ifndef FSN_DATA_AUGMENT_BOXES_H
#define FSN_DATA_AUGMENT_BOXES_H

#include "core/rng.h"
#include "data/boxes.h"

/* Where the window that becomes the network's input lies, in fractions of the image: beyond 0 .. 1
 * where the image was expanded. Both steps of SSD (expand, then crop) come to one window. */
struct fsn__window {
    double x0, y0, x1, y1;
    bool flip; /* mirrored left-right, after all */
};

/* Changes of colour; those that are not drawn have the value that changes nothing. */
struct fsn__photometric {
    double brightness;  /* added, in grey levels: -32 .. 32, or 0 */
    double contrast;    /* factor 0.5 .. 1.5, or 1 */
    bool contrast_last; /* after hue and saturation, not before */
    double saturation;  /* factor 0.5 .. 1.5, or 1 */
    double hue;         /* added, in degrees: -18 .. 18, or 0 */
    int order[3];       /* channel c shows what was channel order[c] */
};

/* Draws, in the order in which the fields stand. */
struct fsn__photometric fsn__photometric_draw(struct fsn__rng *rng);
/* A pixel in place: red, green, blue, in grey levels 0 .. 255. */
void fsn__photometric_apply(const struct fsn__photometric *change, float rgb[3]);

/* Draws the window of an image of width x height pixels with these objects (of which there may be
 * none: then the whole image, perhaps expanded). */
struct fsn__window fsn__window_draw(struct fsn__rng *rng, int width, int height,
                                    const struct fsn__object *objects, int64_t count);

/* The objects as the window shows them: those with their centre in it, cut at its edges. Writes
 * at most count to out, which may be objects; returns how many. */
int64_t fsn__window_objects(const struct fsn__window *window, const struct fsn__object *objects,
                            int64_t count, struct fsn__object *out);

#endif
