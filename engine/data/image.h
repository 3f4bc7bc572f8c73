/* image.h - JPEG and PNG files in memory become pixels. */
#ifndef FSN_DATA_IMAGE_H
#define FSN_DATA_IMAGE_H

#include "core/error.h"

/* A file is refused by its header, before anything is allocated, past these. The last, the longer
 * side over the shorter one, bounds what resizing by the shorter side can make of it. */
enum { FSN__IMAGE_MAX_SIDE = 16384, FSN__IMAGE_MAX_PIXELS = 1 << 25, FSN__IMAGE_MAX_RATIO = 20 };

/* An encoded file. name: for messages. */
struct fsn__image_file {
    const char *name;
    const unsigned char *bytes;
    size_t size;
};

struct fsn__image_info {
    int width, height;
    int channels; /* 1: grey, 3: colour */
};

/* Pixels row by row, the channels of a pixel together; freed by free(pixels). */
struct fsn__image {
    int width, height, channels;
    uint8_t *pixels;
};

/* What the header says. Errors: FORMAT, UNSUPPORTED, LIMIT, NOMEM; all name the file. */
FSN_NODISCARD enum fsn_status fsn__image_probe(const struct fsn__image_file *file,
                                               struct fsn__image_info *out, struct fsn_error *err);
/* Decodes the whole file as grey (channels 1) or red, green, blue (3). */
FSN_NODISCARD enum fsn_status fsn__image_decode(const struct fsn__image_file *file, int channels,
                                                struct fsn__image *out, struct fsn_error *err);

/* Decodes a mask: one channel, the number that each pixel has in the file. Errors: as above, FORMAT
 * also where the file is no PNG with a palette or of 8-bit grey. */
FSN_NODISCARD enum fsn_status fsn__mask_decode(const struct fsn__image_file *file,
                                               struct fsn__image *out, struct fsn_error *err);

/* The image as a JPEG file in memory, for people to look at: *bytes is new, freed by free().
 * channels 1 or 3, quality 1..100. Errors: INVALID (other channels, no pixels), NOMEM. */
FSN_NODISCARD enum fsn_status fsn__jpeg_encode(const struct fsn__image *image, int quality,
                                               uint8_t **bytes, size_t *size,
                                               struct fsn_error *err);

/* One codec. With pixels NULL only the header is read; otherwise pixels has room for the image that
 * the header described, in info.channels. */
struct fsn__codec {
    bool (*is_mine)(const struct fsn__image_file *file);
    enum fsn_status (*read)(const struct fsn__image_file *file, struct fsn__image_info *info,
                            uint8_t *pixels, struct fsn_error *err);
};
extern const struct fsn__codec fsn__codec_jpeg, fsn__codec_png;

/* Whether sides and area are within the limits. */
FSN_NODISCARD enum fsn_status fsn__image_check_size(const struct fsn__image_file *file,
                                                    uint32_t width, uint32_t height,
                                                    struct fsn_error *err);

#endif
