/* fuzz_image.c - any bytes as a JPEG or PNG file: never a crash or a leak; what is decoded is what
 * the header said, or was refused by it. */
#include "data/image.h"
#include "fuzz_main.h"

#include <string.h>

/* Larger ones are decoded the same way, only longer: a few bytes may ask for 32 million pixels. */
static const int64_t max_pixels = 1 << 20;

static void decode(const struct fsn__image_file *file, const struct fsn__image_info *info,
                   int channels)
{
    struct fsn__image image = {0};
    struct fsn_error err = {0};
    volatile uint8_t sink = 0;

    if (fsn__image_decode(file, channels, &image, &err) != FSN_OK) {
        if (err.status == FSN_OK || !strstr(err.text, file->name) || image.pixels)
            abort();
        return;
    }
    if (image.width != info->width || image.height != info->height || image.channels != channels)
        abort();
    for (size_t i = 0; i < (size_t)image.width * (size_t)image.height * (size_t)channels; i++)
        sink ^= image.pixels[i];
    (void)sink;
    free(image.pixels);
}

/* As a mask, which a file may be as well. */
static void decode_mask(const struct fsn__image_file *file, const struct fsn__image_info *info)
{
    struct fsn__image image = {0};
    struct fsn_error err = {0};

    if (fsn__mask_decode(file, &image, &err) != FSN_OK) {
        if (err.status == FSN_OK || !strstr(err.text, file->name) || image.pixels)
            abort();
        return;
    }
    if (image.width != info->width || image.height != info->height || image.channels != 1)
        abort();
    free(image.pixels);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct fsn__image_file file = {.name = "photo", .bytes = data, .size = size};
    struct fsn__image_info info = {0};
    struct fsn_error err = {0};

    if (fsn__image_probe(&file, &info, &err) != FSN_OK) {
        if (err.status == FSN_OK || !strstr(err.text, file.name))
            abort();
        return 0;
    }
    if (info.width < 1 || info.width > FSN__IMAGE_MAX_SIDE || info.height < 1 ||
        info.height > FSN__IMAGE_MAX_SIDE || (info.channels != 1 && info.channels != 3))
        abort();
    if ((int64_t)info.width * info.height > max_pixels)
        return 0;
    decode(&file, &info, 1);
    decode(&file, &info, 3);
    decode_mask(&file, &info);
    return 0;
}

FUZZ_MAIN("tests/fuzz/corpus/image");
