/*
 * image.c - which codec a file is for, and the number of channels that is wanted of it.
 *
 * A file is known by its first bytes, not by its name. What comes out is what PIL's convert("RGB")
 * and convert("L") give, so that a network sees what it saw in training under torchvision: alpha is
 * dropped, grey is repeated, and colour becomes grey by ITU-R 601-2,
 *
 *     L = (19595 R + 38470 G + 7471 B + 2^15) / 2^16        weights 0.299, 0.587, 0.114
 *
 * The orientation that a camera writes into EXIF is not applied, as torchvision does not.
 */
#include "data/image.h"
#include "core/mem.h"

#include <stdlib.h>

static const struct fsn__codec *const codecs[] = {&fsn__codec_jpeg, &fsn__codec_png};

static enum fsn_status find_codec(const struct fsn__image_file *file, const struct fsn__codec **out,
                                  struct fsn_error *err)
{
    for (size_t i = 0; i < sizeof codecs / sizeof *codecs; i++) {
        if (codecs[i]->is_mine(file)) {
            *out = codecs[i];
            return FSN_OK;
        }
    }
    if (file->size < 4)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes are no image", file->name, file->size);
    return FSN__FAIL(err, FSN_UNSUPPORTED,
                     "%s: neither JPEG nor PNG (begins with bytes %02x %02x %02x %02x)", file->name,
                     file->bytes[0], file->bytes[1], file->bytes[2], file->bytes[3]);
}

enum fsn_status fsn__image_check_size(const struct fsn__image_file *file, uint32_t width,
                                      uint32_t height, struct fsn_error *err)
{
    if (width < 1 || height < 1)
        return FSN__FAIL(err, FSN_FORMAT, "%s: an image of %u x %u pixels", file->name, width,
                         height);
    if (width > FSN__IMAGE_MAX_SIDE || height > FSN__IMAGE_MAX_SIDE ||
        (uint64_t)width * height > FSN__IMAGE_MAX_PIXELS)
        return FSN__FAIL(err, FSN_LIMIT,
                         "%s: %u x %u pixels, at most %d a side and %d in all are taken",
                         file->name, width, height, FSN__IMAGE_MAX_SIDE, FSN__IMAGE_MAX_PIXELS);
    if (width > height * FSN__IMAGE_MAX_RATIO || height > width * FSN__IMAGE_MAX_RATIO)
        return FSN__FAIL(err, FSN_LIMIT,
                         "%s: %u x %u pixels, one side may be %d times the other at most",
                         file->name, width, height, FSN__IMAGE_MAX_RATIO);
    return FSN_OK;
}

enum fsn_status fsn__image_probe(const struct fsn__image_file *file, struct fsn__image_info *out,
                                 struct fsn_error *err)
{
    const struct fsn__codec *codec = NULL;
    enum fsn_status status = find_codec(file, &codec, err);

    return status == FSN_OK ? codec->read(file, out, NULL, err) : status;
}

/* pixels of n: from one channel to three, in place, from the end on. */
static void repeat_grey(uint8_t *pixels, size_t n)
{
    for (size_t i = n; i-- > 0;)
        pixels[3 * i] = pixels[3 * i + 1] = pixels[3 * i + 2] = pixels[i];
}

static void make_grey(uint8_t *pixels, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = pixels + 3 * i;

        pixels[i] = (uint8_t)((19595u * p[0] + 38470u * p[1] + 7471u * p[2] + 0x8000u) >> 16);
    }
}

enum fsn_status fsn__image_decode(const struct fsn__image_file *file, int channels,
                                  struct fsn__image *out, struct fsn_error *err)
{
    const struct fsn__codec *codec = NULL;
    struct fsn__image_info info = {0};
    enum fsn_status status = find_codec(file, &codec, err);
    uint8_t *pixels;
    size_t area;

    if (status == FSN_OK)
        status = codec->read(file, &info, NULL, err);
    if (status != FSN_OK)
        return status;
    area = (size_t)info.width * (size_t)info.height; /* within FSN__IMAGE_MAX_PIXELS */
    pixels = malloc(area * (size_t)(channels > info.channels ? channels : info.channels));
    if (!pixels)
        return FSN__NOMEM(err);
    status = codec->read(file, &info, pixels, err);
    if (status != FSN_OK) {
        free(pixels);
        return status;
    }
    if (channels > info.channels)
        repeat_grey(pixels, area);
    else if (channels < info.channels)
        make_grey(pixels, area);
    *out = (struct fsn__image){info.width, info.height, channels, pixels};
    return FSN_OK;
}
