/* photo_maker.c - photo_maker OUT.zip TRAIN TEST: the ten kinds of shapes that `fsnet draw` draws,
 * as an ImageFolder of JPEG files (and every fifth a PNG) of many sizes. TEST 0: one split alone.
 * photo_maker OUT.jpg: one of them, 40 x 40. */
#include "archive_maker.h"
#include "core/file.h"
#include "data/draw.h"
#include "data/resize.h"
#include "image_maker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_IMAGES = 4000 };

struct entries {
    size_t count;
    struct made_entry item[MAX_IMAGES];
    char names[MAX_IMAGES][64];
};

/* Drawn image i, of its own size and shape, encoded. */
static struct made_bytes make_image(enum fsn_split split, int i, int *label)
{
    uint8_t planes[FSN__DRAW_PIXELS], pixels[FSN__DRAW_PIXELS];
    struct fsn__image drawn = {FSN__DRAW_SIDE, FSN__DRAW_SIDE, FSN__DRAW_CHANNELS, pixels}, sized;
    struct made_bytes made;

    *label = fsn__draw_image(1, split, i, planes);
    for (int p = 0; p < FSN__DRAW_SIDE * FSN__DRAW_SIDE; p++)
        for (int c = 0; c < FSN__DRAW_CHANNELS; c++)
            pixels[p * FSN__DRAW_CHANNELS + c] = planes[c * FSN__DRAW_SIDE * FSN__DRAW_SIDE + p];
    if (fsn__image_resize(&drawn, 40 + i % 7 * 5, 40 + i % 5 * 4, &sized, NULL) != FSN_OK)
        exit(1);
    made = i % 5 == 4 ? make_png(sized.pixels, sized.width, sized.height, MADE_RGB, 8, 0)
                      : make_jpeg(sized.pixels, sized.width, sized.height, 3);
    free(sized.pixels);
    return made;
}

static void add_images(struct entries *entries, enum fsn_split split, const char *folder, int count)
{
    for (int i = 0; i < count; i++) {
        struct made_entry *entry = &entries->item[entries->count];
        char *name = entries->names[entries->count++];
        int label;
        struct made_bytes made = make_image(split, i, &label);

        snprintf(name, sizeof entries->names[0], "shapes/%s%s/%04d.%s", folder,
                 fsn__draw_class_name(label), i, i % 5 == 4 ? "png" : "jpg");
        *entry = (struct made_entry){.name = name, .bytes = made.data, .size = made.size};
    }
}

/* Frees what was made. */
static int write_file(const char *path, struct made_bytes made)
{
    struct fsn_error err = {0};
    const enum fsn_status status = fsn__file_write(path, made.data, made.size, &err);

    free(made.data);
    if (status == FSN_OK)
        return 0;
    fprintf(stderr, "%s\n", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    static struct entries entries;
    const int train = argc > 2 ? atoi(argv[2]) : 0, test = argc > 3 ? atoi(argv[3]) : 0;
    int label;

    if (argc == 2)
        return write_file(argv[1], make_image(FSN_SPLIT_TRAIN, 0, &label));
    if (argc != 4 || train < 1 || test < 0 || train > MAX_IMAGES - test) {
        fprintf(stderr, "usage: photo_maker OUT.zip TRAIN TEST | photo_maker OUT.jpg\n");
        return 2;
    }
    add_images(&entries, FSN_SPLIT_TRAIN, test > 0 ? "train/" : "", train);
    add_images(&entries, FSN_SPLIT_TEST, "val/", test);
    return write_file(argv[1], make_archive(MADE_ZIP, entries.item, entries.count));
}
