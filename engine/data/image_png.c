/*
 * image_png.c - PNG through libpng.
 *
 * Every kind becomes 8 bits a channel, grey or colour: palettes are looked up, 16-bit samples lose
 * their low byte, alpha (also that of a palette's transparent entries) is dropped. libpng reports a
 * fault by a function that must not return, so it jumps back into read(). Chunks that hold no
 * pixels (texts, profiles) are bounded by libpng's own limits on their size and number.
 *
 * A mask is read the other way: a pixel's number in the file is its class. Then palettes are not
 * looked up and grey is not stretched to 0 .. 255.
 */
#include "data/image.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { MAX_CHUNK_BYTES = 1 << 20, MAX_CHUNKS = 100, SIGNATURE = 8 };

struct reader {
    const struct fsn__image_file *file;
    size_t at; /* bytes taken */
    png_structp png;
    png_infop info;
    png_bytep *rows;
    char reason[128];
    bool out_of_memory;
    bool numbers; /* pixels are classes: they are taken as the file has them */
};

static _Noreturn void give_up(png_structp png, png_const_charp reason)
{
    struct reader *reader = png_get_error_ptr(png);

    snprintf(reader->reason, sizeof reader->reason, "%s", reason);
    png_longjmp(png, 1);
}

static void ignore(png_structp png, png_const_charp reason)
{
    (void)png;
    (void)reason;
}

static void take_bytes(png_structp png, png_bytep out, size_t size)
{
    struct reader *reader = png_get_io_ptr(png);

    if (size > reader->file->size - reader->at)
        png_error(png, "the file is cut short");
    memcpy(out, reader->file->bytes + reader->at, size);
    reader->at += size;
}

static bool is_png(const struct fsn__image_file *file)
{
    return file->size >= SIGNATURE && png_sig_cmp(file->bytes, 0, SIGNATURE) == 0;
}

/* libpng's names for what makes 8-bit grey or RGB of any kind of file. */
static void choose_form(png_structp png, png_infop info)
{
    const int type = png_get_color_type(png, info);

    if (type == PNG_COLOR_TYPE_PALETTE)
        png_set_palette_to_rgb(png);
    else if (!(type & PNG_COLOR_MASK_COLOR))
        png_set_expand_gray_1_2_4_to_8(png);
    png_set_strip_16(png);
    png_set_strip_alpha(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

/* A byte for each pixel, with the number that the file has. */
static void keep_numbers(png_structp png, png_infop info)
{
    png_set_packing(png);
    png_set_interlace_handling(png);
    png_read_update_info(png, info);
}

static void decode(struct reader *reader, const struct fsn__image_info *info, uint8_t *pixels)
{
    const size_t stride = (size_t)info->width * (size_t)info->channels;

    if (reader->numbers)
        keep_numbers(reader->png, reader->info);
    else
        choose_form(reader->png, reader->info);
    if (png_get_rowbytes(reader->png, reader->info) != stride)
        png_error(reader->png, "rows have an unexpected length");
    reader->rows = calloc((size_t)info->height, sizeof *reader->rows);
    if (!reader->rows) {
        reader->out_of_memory = true;
        png_longjmp(reader->png, 1);
    }
    for (int y = 0; y < info->height; y++)
        reader->rows[y] = pixels + (size_t)y * stride;
    png_read_image(reader->png, reader->rows);
    png_read_end(reader->png, NULL);
}

/* Whether each pixel of the file is one number of 8 bits at most. */
static enum fsn_status check_numbers(const struct reader *reader, struct fsn_error *err)
{
    const int type = png_get_color_type(reader->png, reader->info);
    const int depth = png_get_bit_depth(reader->png, reader->info);

    if ((type == PNG_COLOR_TYPE_PALETTE || type == PNG_COLOR_TYPE_GRAY) && depth <= 8)
        return FSN_OK;
    return FSN__FAIL(err, FSN_FORMAT,
                     "%s: a mask is a PNG with a palette, or grey of at most 8 bits, whose values "
                     "are the classes; this one is %s%s of %d bits a sample",
                     reader->file->name, type & PNG_COLOR_MASK_COLOR ? "colour" : "grey",
                     type & PNG_COLOR_MASK_ALPHA ? " with alpha" : "", depth);
}

static enum fsn_status read_kind(const struct fsn__image_file *file, struct fsn__image_info *info,
                                 uint8_t *pixels, bool numbers, struct fsn_error *err)
{
    struct reader reader = {.file = file, .numbers = numbers};
    enum fsn_status status = FSN_OK;

    reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, give_up, ignore);
    if (reader.png)
        reader.info = png_create_info_struct(reader.png);
    if (!reader.info) {
        status = FSN__NOMEM(err);
        goto out;
    }
    if (setjmp(png_jmpbuf(reader.png)) != 0) {
        status = reader.out_of_memory
                     ? FSN__NOMEM(err)
                     : FSN__FAIL(err, FSN_FORMAT, "%s: damaged PNG: %s", file->name, reader.reason);
        goto out;
    }
    /* Sizes are checked here, with the file's name; libpng shall not refuse them first. */
    png_set_user_limits(reader.png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_chunk_malloc_max(reader.png, MAX_CHUNK_BYTES);
    png_set_chunk_cache_max(reader.png, MAX_CHUNKS);
    png_set_read_fn(reader.png, &reader, take_bytes);
    png_read_info(reader.png, reader.info);
    status = fsn__image_check_size(file, png_get_image_width(reader.png, reader.info),
                                   png_get_image_height(reader.png, reader.info), err);
    if (status == FSN_OK && numbers)
        status = check_numbers(&reader, err);
    if (status == FSN_OK) {
        const int type = png_get_color_type(reader.png, reader.info);

        info->width = (int)png_get_image_width(reader.png, reader.info);
        info->height = (int)png_get_image_height(reader.png, reader.info);
        info->channels = !numbers && type & PNG_COLOR_MASK_COLOR ? 3 : 1;
        if (pixels)
            decode(&reader, info, pixels);
    }
out:
    free(reader.rows);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return status;
}

static enum fsn_status read_png(const struct fsn__image_file *file, struct fsn__image_info *info,
                                uint8_t *pixels, struct fsn_error *err)
{
    return read_kind(file, info, pixels, false, err);
}

const struct fsn__codec fsn__codec_png = {is_png, read_png};

enum fsn_status fsn__mask_decode(const struct fsn__image_file *file, struct fsn__image *out,
                                 struct fsn_error *err)
{
    struct fsn__image_info info = {0};
    enum fsn_status status;
    uint8_t *pixels;

    if (!is_png(file))
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: a mask is a PNG, whose pixel values are the classes; this file is "
                         "none",
                         file->name);
    status = read_kind(file, &info, NULL, true, err);
    if (status != FSN_OK)
        return status;
    pixels = malloc((size_t)info.width * (size_t)info.height); /* see fsn__image_check_size */
    if (!pixels)
        return FSN__NOMEM(err);
    status = read_kind(file, &info, pixels, true, err);
    if (status != FSN_OK) {
        free(pixels);
        return status;
    }
    *out = (struct fsn__image){info.width, info.height, 1, pixels};
    return FSN_OK;
}
