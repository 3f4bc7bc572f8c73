/* resize.h - images brought to another size. */
#ifndef FSN_DATA_RESIZE_H
#define FSN_DATA_RESIZE_H

#include "data/image.h"

/* Bilinear with antialiasing, as PIL's and torchvision's Resize, to the byte. *out: new pixels. */
FSN_NODISCARD enum fsn_status fsn__image_resize(const struct fsn__image *image, int width,
                                                int height, struct fsn__image *out,
                                                struct fsn_error *err);

#endif
