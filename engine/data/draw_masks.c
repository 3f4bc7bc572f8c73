/*
 * draw_masks.c - draws a segmentation set: pictures of shapes (draw_picture.h) and a mask for each,
 *
 *     shapes/images/train/NAME.png    shapes/masks/train/NAME.png    shapes/names.txt
 *
 * A pixel is of its shape's kind (1 .. 4), or of the background (0). On a shape's rim, where half a
 * pixel aside is the other side, it is of neither, as people's masks have it. Three of the kinds
 * are tinted, red, green and blue, so that a few epochs are enough to tell them apart.
 */
#include "data/draw_picture.h"
#include "data/tar_writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { SIDE = FSN__PICTURE_SIDE, MAX_IMAGES = 100000, COLOURS = 256 };

static void make_mask(const struct fsn__drawn_picture *picture, uint8_t mask[SIDE * SIDE])
{
    static const double aside[4][2] = {{-0.5, 0}, {0.5, 0}, {0, -0.5}, {0, 0.5}};

    memset(mask, 0, SIDE * SIDE);
    for (int s = 0; s < picture->count; s++) {
        const struct fsn__drawn_shape *shape = &picture->shapes[s];

        for (int i = 0; i < SIDE * SIDE; i++) {
            const int row = i / SIDE, col = i % SIDE;
            int around = 0;

            for (int a = 0; a < 4; a++)
                around += fsn__drawn_shape_has(shape, row, col, aside[a][0], aside[a][1]);
            if (around > 0)
                mask[i] = around == 4 ? (uint8_t)(1 + shape->kind) : FSN_MASK_VOID;
        }
    }
}

static void tint(struct fsn__drawn_picture *picture)
{
    static const int tints[FSN__PICTURE_KINDS][3] = {
        {220, 50, 50}, {50, 220, 50}, {50, 50, 220}, {220, 220, 50}};

    for (int s = 0; s < picture->count; s++) {
        const struct fsn__drawn_shape *shape = &picture->shapes[s];

        for (int i = 0; i < 3 * SIDE * SIDE; i++) {
            uint8_t *level = &picture->pixels[i];

            if (fsn__drawn_shape_has(shape, i / 3 / SIDE, i / 3 % SIDE, 0, 0))
                *level = (uint8_t)((*level + tints[shape->kind][i % 3]) / 2);
        }
    }
}

/* Classes have colours in the file, so that a viewer shows them. */
static enum fsn_status write_mask(struct archive *archive, const char *name,
                                  const uint8_t mask[SIDE * SIDE], struct fsn_error *err)
{
    static const uint8_t paints[1 + FSN__PICTURE_KINDS][3] = {
        {0, 0, 0}, {128, 0, 0}, {0, 128, 0}, {128, 128, 0}, {0, 0, 128}};
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = SIDE,
                       .height = SIDE,
                       .format = PNG_FORMAT_RGB_COLORMAP,
                       .colormap_entries = COLOURS};
    png_alloc_size_t size = 4 * SIDE * SIDE;
    uint8_t colours[COLOURS][3];
    unsigned char *bytes = malloc(size);
    enum fsn_status status;

    if (!bytes)
        return FSN__NOMEM(err);
    memset(colours, 224, sizeof colours);
    memcpy(colours, paints, sizeof paints);
    if (png_image_write_to_memory(&image, bytes, &size, 0, mask, 0, colours))
        status = fsn__tar_add(archive, name, bytes, size, err);
    else
        status = FSN__FAIL(err, FSN_INTERNAL, "writing a mask: %s", image.message);
    free(bytes);
    return status;
}

static enum fsn_status write_split(struct archive *archive, enum fsn_split split, int64_t count,
                                   uint64_t seed, struct fsn_error *err)
{
    const char *split_name = split == FSN_SPLIT_TRAIN ? "train" : "test";
    enum fsn_status status = FSN_OK;
    struct fsn__drawn_picture picture;
    uint8_t mask[SIDE * SIDE];
    char name[64];

    for (int64_t i = 0; i < count && status == FSN_OK; i++) {
        fsn__draw_picture(seed, split, i, &picture);
        make_mask(&picture, mask);
        tint(&picture);
        snprintf(name, sizeof name, "shapes/images/%s/%06lld.png", split_name, (long long)i);
        status = fsn__picture_write(archive, name, &picture, err);
        snprintf(name, sizeof name, "shapes/masks/%s/%06lld.png", split_name, (long long)i);
        if (status == FSN_OK)
            status = write_mask(archive, name, mask, err);
    }
    return status;
}

static enum fsn_status write_all(struct archive *archive, const void *user, struct fsn_error *err)
{
    const struct fsn__drawing *drawing = user;
    char text[256];
    int length = snprintf(text, sizeof text, "background\n");
    enum fsn_status status;

    for (int k = 0; k < FSN__PICTURE_KINDS; k++)
        length += snprintf(text + length, sizeof text - (size_t)length, "%s\n",
                           fsn__picture_kind_name(k));
    status = fsn__tar_add(archive, "shapes/names.txt", text, (size_t)length, err);
    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = write_split(archive, (enum fsn_split)s, drawing->count[s], drawing->seed, err);
    return status;
}

enum fsn_status fsn_dataset_draw_masks(const char *path, int64_t train_images, int64_t test_images,
                                       uint64_t seed, struct fsn_error *err)
{
    const struct fsn__drawing drawing = {{train_images, test_images}, seed};
    enum fsn_status status = fsn__drawing_check(&drawing, 1, MAX_IMAGES, err);

    return status == FSN_OK ? fsn__tar_write(path, write_all, &drawing, err) : status;
}
