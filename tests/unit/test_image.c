/* test_image.c - JPEG and PNG files, good and bad. */
#include "data/image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "image_maker.h"

static enum fsn_status decode(struct made_bytes made, int channels, struct fsn__image *out,
                              struct fsn_error *err)
{
    const struct fsn__image_file file = {"some/file", made.data, made.size};

    memset(err, 0, sizeof *err);
    return fsn__image_decode(&file, channels, out, err);
}

/* Decodes, compares with `want`, frees what was made; tolerance for what JPEG loses. */
static void assert_decodes(struct made_bytes made, int width, int height, int channels,
                           const uint8_t *want, int tolerance)
{
    const struct fsn__image_file file = {"some/file", made.data, made.size};
    struct fsn__image_info info;
    struct fsn__image out;
    struct fsn_error err;

    assert_int_equal(fsn__image_probe(&file, &info, NULL), FSN_OK);
    assert_true(info.width == width && info.height == height);
    if (decode(made, channels, &out, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_true(out.width == width && out.height == height && out.channels == channels);
    for (int i = 0; i < width * height * channels; i++)
        if (abs(out.pixels[i] - want[i]) > tolerance)
            fail_msg("byte %d is %d, expected %d", i, out.pixels[i], want[i]);
    free(out.pixels);
    free(made.data);
}

static void assert_refused(const void *bytes, size_t size, enum fsn_status want, const char *part)
{
    /* A block of its own size, so that the sanitizer sees a read past the end. */
    struct made_bytes made = {malloc(size ? size : 1), size};
    struct fsn__image out = {0};
    struct fsn_error err;

    assert_non_null(made.data);
    if (size > 0)
        memcpy(made.data, bytes, size);
    if (decode(made, 3, &out, &err) != want)
        fail_msg("status %s, expected %s: %s", fsn_status_name(err.status), fsn_status_name(want),
                 err.text);
    assert_null(out.pixels);
    if (!strstr(err.text, part) || !strstr(err.text, "some/file"))
        fail_msg("'%s' is not in '%s'", part, err.text);
    free(made.data);
}

/* ---- PNG ------------------------------------------------------------------------------------- */

static void png_pixels_come_out_as_they_went_in(void **state)
{
    uint8_t pixels[7 * 5 * 3];

    (void)state;
    for (size_t i = 0; i < sizeof pixels; i++)
        pixels[i] = (uint8_t)(i * 37);
    assert_decodes(make_png(pixels, 7, 5, MADE_RGB, 8, 0), 7, 5, 3, pixels, 0);
    assert_decodes(make_png(pixels, 7, 5, MADE_RGB, 8, 1), 7, 5, 3, pixels, 0);
    assert_decodes(make_png(pixels, 7, 5, MADE_GREY, 8, 0), 7, 5, 1, pixels, 0);
}

static void png_of_every_kind_becomes_8_bit_rgb(void **state)
{
    static const uint8_t grey_alpha[] = {10, 0, 200, 255}, rgba[] = {1, 2, 3, 0, 4, 5, 6, 128};
    static const uint8_t grey16[] = {0x12, 0xff, 0xfe, 0x01}, bits[] = {0xa0}, index[] = {3, 100};
    static const uint8_t two_bits[] = {0x1b}; /* 0, 1, 2, 3 */
    static const uint8_t rgb16[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

    (void)state;
    assert_decodes(make_png(grey_alpha, 2, 1, MADE_GREY_ALPHA, 8, 0), 2, 1, 3,
                   (uint8_t[]){10, 10, 10, 200, 200, 200}, 0);
    assert_decodes(make_png(rgba, 2, 1, MADE_RGBA, 8, 0), 2, 1, 3, (uint8_t[]){1, 2, 3, 4, 5, 6},
                   0);
    assert_decodes(make_png(grey16, 2, 1, MADE_GREY, 16, 0), 2, 1, 3,
                   (uint8_t[]){0x12, 0x12, 0x12, 0xfe, 0xfe, 0xfe}, 0);
    assert_decodes(make_png(rgb16, 2, 1, MADE_RGB, 16, 0), 2, 1, 3, (uint8_t[]){1, 3, 5, 7, 9, 11},
                   0);
    assert_decodes(make_png(bits, 3, 1, MADE_GREY, 1, 0), 3, 1, 1, (uint8_t[]){255, 0, 255}, 0);
    assert_decodes(make_png(two_bits, 4, 1, MADE_GREY, 2, 0), 4, 1, 1, (uint8_t[]){0, 85, 170, 255},
                   0);
    assert_decodes(make_png(index, 2, 1, MADE_PALETTE, 8, 0), 2, 1, 3,
                   (uint8_t[]){3, 6, 252, 100, 200, 155}, 0);
}

/* Of a mask the numbers count: neither is a palette looked up nor grey stretched. */
static void pixels_of_a_mask_are_the_numbers_of_the_file(void **state)
{
    static const struct {
        uint8_t row[4];
        enum made_png type;
        int depth;
        uint8_t want[4];
    } cases[] = {
        {{0x1b}, MADE_PALETTE, 2, {0, 1, 2, 3}},
        {{0x01, 0xf7}, MADE_PALETTE, 4, {0, 1, 15, 7}},
        {{0, 3, 200, 255}, MADE_PALETTE, 8, {0, 3, 200, 255}},
        {{0x50}, MADE_GREY, 1, {0, 1, 0, 1}},
        {{0x1b}, MADE_GREY, 2, {0, 1, 2, 3}},
        {{0, 3, 200, 255}, MADE_GREY, 8, {0, 3, 200, 255}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int interlaced = 0; interlaced < 2; interlaced++) {
            struct made_bytes made =
                make_png(cases[i].row, 4, 1, cases[i].type, cases[i].depth, interlaced);
            const struct fsn__image_file file = {"mask", made.data, made.size};
            struct fsn__image image = {0};

            assert_int_equal(fsn__mask_decode(&file, &image, NULL), FSN_OK);
            assert_int_equal(image.width * 10 + image.height, 41);
            assert_int_equal(image.channels, 1);
            assert_memory_equal(image.pixels, cases[i].want, 4);
            free(image.pixels);
            free(made.data);
        }
}

static void colour_becomes_grey_by_the_weights_of_601(void **state)
{
    /* Pillow's Image.convert("L") of these four colours. */
    static const uint8_t colours[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 10, 100, 200};

    (void)state;
    assert_decodes(make_png(colours, 4, 1, MADE_RGB, 8, 0), 4, 1, 1, (uint8_t[]){76, 150, 29, 84},
                   0);
}

static void a_png_cut_anywhere_is_refused(void **state)
{
    struct made_bytes made = make_png_of(9, 6, 10, 200, 30);

    (void)state;
    for (size_t cut = 0; cut < made.size; cut++)
        assert_refused(made.data, cut,
                       cut < 4   ? FSN_FORMAT
                       : cut < 8 ? FSN_UNSUPPORTED
                                 : FSN_FORMAT,
                       "");
    free(made.data);
}

static void a_png_with_a_flipped_bit_is_refused(void **state)
{
    struct made_bytes made = make_png_of(9, 6, 10, 200, 30);

    (void)state;
    made.data[made.size - 20] ^= 4; /* in the pixels; their CRC follows */
    assert_refused(made.data, made.size, FSN_FORMAT, "damaged PNG");
    free(made.data);
}

/* An IHDR that says so many pixels, with the right CRC, and nothing behind it. */
static void put_png_size(struct made_bytes *made, uint32_t width, uint32_t height)
{
    static const unsigned sides[2] = {16, 20};
    const uint32_t values[2] = {width, height};
    uint32_t crc = 0xffffffffu;

    for (int i = 0; i < 2; i++)
        for (unsigned b = 0; b < 4; b++)
            made->data[sides[i] + b] = (unsigned char)(values[i] >> (24 - 8 * b));
    for (size_t i = 12; i < 29; i++) { /* type and data of the chunk; CRC-32 of ISO 3309 */
        crc ^= made->data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    for (unsigned b = 0; b < 4; b++)
        made->data[29 + b] = (unsigned char)(~crc >> (24 - 8 * b));
}

static void huge_pngs_are_refused_by_their_header(void **state)
{
    struct made_bytes made = make_png_of(9, 6, 10, 200, 30);

    (void)state;
    put_png_size(&made, 16385, 9000);
    assert_refused(made.data, made.size, FSN_LIMIT, "16385 x 9000 pixels, at most 16384 a side");
    put_png_size(&made, 8192, 4097);
    assert_refused(made.data, made.size, FSN_LIMIT, "and 33554432 in all are taken");
    put_png_size(&made, 0x7fffffff, 0x7fffffff);
    assert_refused(made.data, made.size, FSN_LIMIT, "2147483647 x 2147483647 pixels");
    put_png_size(&made, 2100, 100);
    assert_refused(made.data, made.size, FSN_LIMIT, "one side may be 20 times the other");
    /* A size that the pixels do not fill. */
    put_png_size(&made, 2000, 2000);
    assert_refused(made.data, made.size, FSN_FORMAT, "damaged PNG");
    free(made.data);
}

/* ---- JPEG ------------------------------------------------------------------------------------ */

static void jpeg_pixels_come_out_nearly_as_they_went_in(void **state)
{
    uint8_t pixels[16 * 16 * 3], grey[16 * 16 * 3];

    (void)state;
    for (int i = 0; i < 16 * 16; i++) {
        pixels[3 * i] = (uint8_t)(4 * (i % 16) + 60);
        pixels[3 * i + 1] = (uint8_t)(3 * (i / 16) + 90);
        pixels[3 * i + 2] = 120;
    }
    for (int i = 0; i < 16 * 16 * 3; i++)
        grey[i] = pixels[i - i % 3];
    assert_decodes(make_jpeg(pixels, 16, 16, 3), 16, 16, 3, pixels, 8);
    for (int i = 0; i < 16 * 16; i++)
        pixels[i] = grey[3 * i];
    assert_decodes(make_jpeg(pixels, 16, 16, 1), 16, 16, 3, grey, 4);
    assert_decodes(make_jpeg(pixels, 16, 16, 1), 16, 16, 1, pixels, 4);
}

static void a_cmyk_jpeg_of_adobe_is_shown_as_light(void **state)
{
    uint8_t cmyk[8 * 8 * 4], want[8 * 8 * 3];

    (void)state;
    for (int i = 0; i < 8 * 8; i++) { /* inverted: 255 is no ink */
        memcpy(cmyk + 4 * i, (const uint8_t[]){200, 100, 50, 204}, 4);
        memcpy(want + 3 * i, (const uint8_t[]){160, 80, 40}, 3); /* times 0.8 */
    }
    assert_decodes(make_jpeg(cmyk, 8, 8, 4), 8, 8, 3, want, 2);
}

static void a_jpeg_cut_anywhere_is_refused(void **state)
{
    struct made_bytes made = make_jpeg_of(24, 17, 10, 200, 30);

    (void)state;
    for (size_t cut = 4; cut + 2 < made.size; cut++) /* without its end marker it is whole */
        assert_refused(made.data, cut, FSN_FORMAT, "damaged JPEG");
    free(made.data);
}

static void huge_jpegs_are_refused_by_their_header(void **state)
{
    struct made_bytes made = make_jpeg_of(8, 8, 1, 2, 3);
    unsigned char *frame = made.data;

    (void)state;
    while (memcmp(frame, "\xff\xc0", 2) != 0) /* start of frame: length, precision, height, width */
        frame++;
    memcpy(frame + 5, "\xff\xdc\xff\xdc", 4); /* 65500, libjpeg's own limit */
    assert_refused(made.data, made.size, FSN_LIMIT, "65500 x 65500 pixels");
    memcpy(frame + 5, "\x00\x00\x00\x08", 4);
    assert_refused(made.data, made.size, FSN_FORMAT, "damaged JPEG");
    free(made.data);
}

static void what_is_no_image_is_refused_with_its_first_bytes(void **state)
{
    (void)state;
    assert_refused("GIF89a..", 8, FSN_UNSUPPORTED,
                   "neither JPEG nor PNG (begins with bytes 47 49 46 38)");
    assert_refused("", 0, FSN_FORMAT, "0 bytes are no image");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(png_pixels_come_out_as_they_went_in),
        cmocka_unit_test(png_of_every_kind_becomes_8_bit_rgb),
        cmocka_unit_test(pixels_of_a_mask_are_the_numbers_of_the_file),
        cmocka_unit_test(colour_becomes_grey_by_the_weights_of_601),
        cmocka_unit_test(a_png_cut_anywhere_is_refused),
        cmocka_unit_test(a_png_with_a_flipped_bit_is_refused),
        cmocka_unit_test(huge_pngs_are_refused_by_their_header),
        cmocka_unit_test(jpeg_pixels_come_out_nearly_as_they_went_in),
        cmocka_unit_test(a_cmyk_jpeg_of_adobe_is_shown_as_light),
        cmocka_unit_test(a_jpeg_cut_anywhere_is_refused),
        cmocka_unit_test(huge_jpegs_are_refused_by_their_header),
        cmocka_unit_test(what_is_no_image_is_refused_with_its_first_bytes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
