/* image_maker.c - see image_maker.h. */
#include "image_maker.h"
#include "core/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>

struct made_bytes make_jpeg(const uint8_t *pixels, int width, int height, int components)
{
    struct jpeg_compress_struct jpeg;
    struct jpeg_error_mgr errors;
    struct made_bytes made = {0};
    unsigned long size = 0;

    jpeg.err = jpeg_std_error(&errors); /* which ends the program: fine for a test */
    jpeg_create_compress(&jpeg);
    jpeg_mem_dest(&jpeg, &made.data, &size);
    jpeg.image_width = (JDIMENSION)width;
    jpeg.image_height = (JDIMENSION)height;
    jpeg.input_components = components;
    jpeg.in_color_space = components == 1 ? JCS_GRAYSCALE : components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&jpeg);
    jpeg_set_quality(&jpeg, 95, TRUE);
    jpeg_start_compress(&jpeg, TRUE);
    while (jpeg.next_scanline < jpeg.image_height) {
        JSAMPROW row = (JSAMPROW)(uintptr_t)(pixels + (size_t)jpeg.next_scanline * (size_t)width *
                                                          (size_t)components);

        jpeg_write_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_compress(&jpeg);
    jpeg_destroy_compress(&jpeg);
    made.size = size;
    return made;
}

static void append(png_structp png, png_bytep bytes, size_t size)
{
    assert_true(fsn__buf_append(png_get_io_ptr(png), bytes, size));
}

static void set_palette(png_structp png, png_infop info, int entries)
{
    png_color palette[256];

    for (int i = 0; i < entries; i++)
        palette[i] = (png_color){(png_byte)i, (png_byte)(2 * i), (png_byte)(255 - i)};
    png_set_PLTE(png, info, palette, entries);
}

struct made_bytes make_png(const uint8_t *pixels, int width, int height, enum made_png type,
                           int depth, int interlaced)
{
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    struct fsn__buf buf = {.max = SIZE_MAX / 2};
    png_bytep *rows = calloc((size_t)height, sizeof *rows);

    assert_non_null(info);
    assert_non_null(rows);
    png_set_write_fn(png, &buf, append, NULL);
    png_set_IHDR(png, info, (png_uint_32)width, (png_uint_32)height, depth, (int)type,
                 interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_BASE,
                 PNG_FILTER_TYPE_BASE);
    if (type == MADE_PALETTE)
        set_palette(png, info, 1 << depth);
    png_write_info(png, info);
    for (int y = 0; y < height; y++)
        rows[y] = (png_bytep)(uintptr_t)(pixels + (size_t)y * png_get_rowbytes(png, info));
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    free(rows);
    return (struct made_bytes){buf.data, buf.size};
}

static uint8_t *one_colour(int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    uint8_t *pixels = malloc((size_t)width * (size_t)height * 3);

    assert_non_null(pixels);
    for (size_t i = 0; i < (size_t)width * (size_t)height; i++) {
        pixels[3 * i] = r;
        pixels[3 * i + 1] = g;
        pixels[3 * i + 2] = b;
    }
    return pixels;
}

struct made_bytes make_jpeg_of(int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    uint8_t *pixels = one_colour(width, height, r, g, b);
    struct made_bytes made = make_jpeg(pixels, width, height, 3);

    free(pixels);
    return made;
}

struct made_bytes make_png_of(int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    uint8_t *pixels = one_colour(width, height, r, g, b);
    struct made_bytes made = make_png(pixels, width, height, MADE_RGB, 8, 0);

    free(pixels);
    return made;
}
