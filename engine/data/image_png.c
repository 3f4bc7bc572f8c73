/*
 * image_png.c - PNG through libpng.
 *
 * Every kind becomes 8 bits a channel, grey or colour: palettes are looked up, 16-bit samples lose
 * their low byte, alpha (also that of a palette's transparent entries) is dropped. libpng reports a
 * fault by a function that must not return, so it jumps back into read(). Chunks that hold no
 * pixels (texts, profiles) are bounded by libpng's own limits on their size and number.
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

static void decode(struct reader *reader, const struct fsn__image_info *info, uint8_t *pixels)
{
    const size_t stride = (size_t)info->width * (size_t)info->channels;

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

static enum fsn_status read_png(const struct fsn__image_file *file, struct fsn__image_info *info,
                                uint8_t *pixels, struct fsn_error *err)
{
    struct reader reader = {.file = file};
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
    if (status == FSN_OK) {
        const int type = png_get_color_type(reader.png, reader.info);

        info->width = (int)png_get_image_width(reader.png, reader.info);
        info->height = (int)png_get_image_height(reader.png, reader.info);
        info->channels = type & PNG_COLOR_MASK_COLOR ? 3 : 1;
        if (pixels)
            decode(&reader, info, pixels);
    }
out:
    free(reader.rows);
    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    return status;
}

const struct fsn__codec fsn__codec_png = {is_png, read_png};
