/* image_maker.h - JPEG and PNG files made on the spot. */
#ifndef TESTS_SUPPORT_IMAGE_MAKER_H
#define TESTS_SUPPORT_IMAGE_MAKER_H

#include "archive_maker.h"

#include <stdint.h>

/* pixels: [height][width][components]. 1 component: grey, 3: RGB, 4: CMYK (inverted, as Adobe's
 * programs write it). */
struct made_bytes make_jpeg(const uint8_t *pixels, int width, int height, int components);

enum made_png { MADE_GREY = 0, MADE_RGB = 2, MADE_PALETTE = 3, MADE_GREY_ALPHA = 4, MADE_RGBA = 6 };

/* pixels: rows as PNG stores them, `depth` bits a sample, 16-bit samples with the high byte first.
 * A palette has entry i = (i, 2 i, 255 - i). */
struct made_bytes make_png(const uint8_t *pixels, int width, int height, enum made_png type,
                           int depth, int interlaced);

/* An RGB image of one colour. */
struct made_bytes make_jpeg_of(int width, int height, uint8_t r, uint8_t g, uint8_t b);
struct made_bytes make_png_of(int width, int height, uint8_t r, uint8_t g, uint8_t b);

#endif
