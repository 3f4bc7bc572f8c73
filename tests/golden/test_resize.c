/* test_resize.c - resized images are those of Pillow, byte for byte. */
#include "data/resize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "resize_table.h"

enum { CASES = sizeof resize_table / sizeof *resize_table };

/* The pattern of resize_table.py; new pixels. */
static struct fsn__image pattern(int width, int height)
{
    const size_t size = (size_t)width * (size_t)height * 3;
    struct fsn__image image = {width, height, 3, malloc(size)};

    assert_non_null(image.pixels);
    for (size_t i = 0; i < size; i++)
        image.pixels[i] = (uint8_t)(i * i * 31 + i * 7);
    return image;
}

static void images_are_resized_as_pillow_does(void **state)
{
    (void)state;
    for (int c = 0; c < CASES; c++) {
        struct fsn__image image = pattern(resize_table[c].width, resize_table[c].height), out;
        const int width = resize_table[c].out_width, height = resize_table[c].out_height;

        assert_int_equal(fsn__image_resize(&image, width, height, &out, NULL), FSN_OK);
        assert_int_equal(out.width, width);
        assert_int_equal(out.height, height);
        assert_int_equal(out.channels, 3);
        assert_memory_equal(out.pixels, resize_table[c].out, (size_t)width * (size_t)height * 3);
        free(out.pixels);
        free(image.pixels);
    }
}

static void grey_is_resized_as_each_channel_is(void **state)
{
    struct fsn__image image = pattern(13, 9), grey = {13, 9, 1, NULL}, out;

    (void)state;
    for (size_t i = 0; i < 13 * 9; i++) /* the green one */
        image.pixels[i] = image.pixels[3 * i + 1];
    grey.pixels = image.pixels;
    assert_int_equal(fsn__image_resize(&grey, 5, 4, &out, NULL), FSN_OK);
    for (int i = 0; i < 5 * 4; i++)
        assert_int_equal(out.pixels[i], resize_table[0].out[3 * i + 1]);
    free(out.pixels);
    free(image.pixels);
}

static void one_colour_stays_that_colour(void **state)
{
    uint8_t pixels[40 * 30];
    const struct fsn__image image = {40, 30, 1, pixels};

    (void)state;
    memset(pixels, 255, sizeof pixels); /* sums must not run over */
    for (int side = 1; side < 100; side += 7) {
        struct fsn__image out;

        assert_int_equal(fsn__image_resize(&image, side, 100 - side, &out, NULL), FSN_OK);
        for (int i = 0; i < side * (100 - side); i++)
            assert_int_equal(out.pixels[i], 255);
        free(out.pixels);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(images_are_resized_as_pillow_does),
        cmocka_unit_test(grey_is_resized_as_each_channel_is),
        cmocka_unit_test(one_colour_stays_that_colour),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
