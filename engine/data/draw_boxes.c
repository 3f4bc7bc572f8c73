/*
 * draw_boxes.c - draws a detection set: pictures with one to four shapes that do not overlap, and
 * an annotation for each, as a Pascal VOC archive.
 *
 * Shapes are four kinds of draw.c's. Centres, radii and colours vary; a shape that finds no free
 * place is left out, the first always finds one. A box holds the pixels whose centre its shape
 * covers, counted from 1 as VOC does. Picture i of a split depends on (seed, split, i) alone.
 */
#include "core/mem.h"
#include "core/rng.h"
#include "data/draw.h"
#include "data/tar_writer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { SIDE = 96, MAX_SHAPES = 4, TRIES = 20, MAX_IMAGES = 100000, MAX_XML = 4096 };

/* Those of ten that look the least alike. */
static const int kinds[] = {0, 2, 4, 5}; /* disc, square, triangle, plus */

struct shape {
    int label;
    double x, y, radius;
    int left, top, right, bottom; /* of its pixels, the last ones included */
};

struct picture {
    uint8_t pixels[SIDE * SIDE * 3];
    struct shape shapes[MAX_SHAPES];
    int count;
};

static double between(struct fsn__rng *rng, double low, double high)
{
    return low + (high - low) * fsn__rng_uniform(rng);
}

/* Finds a free place; false when there is none. */
static bool place(struct fsn__rng *rng, const struct picture *picture, struct shape *shape)
{
    for (int i = 0; i < TRIES; i++) {
        bool is_free = true;

        shape->radius = between(rng, 8, 22);
        shape->x = between(rng, shape->radius, SIDE - shape->radius);
        shape->y = between(rng, shape->radius, SIDE - shape->radius);
        for (int s = 0; s < picture->count; s++) {
            const struct shape *other = &picture->shapes[s];
            const double apart = shape->radius + other->radius;

            is_free =
                is_free && (fabs(shape->x - other->x) > apart || fabs(shape->y - other->y) > apart);
        }
        if (is_free)
            return true;
    }
    return false;
}

static void paint(struct picture *picture, struct shape *shape, const uint8_t ink[3])
{
    shape->left = shape->top = SIDE;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int row = i / SIDE, col = i % SIDE;

        if (!fsn__draw_covers(shape->label, (col + 0.5 - shape->x) / shape->radius,
                              (row + 0.5 - shape->y) / shape->radius))
            continue;
        memcpy(picture->pixels + 3 * i, ink, 3);
        shape->left = col < shape->left ? col : shape->left;
        shape->right = col > shape->right ? col : shape->right;
        shape->top = row < shape->top ? row : shape->top;
        shape->bottom = row > shape->bottom ? row : shape->bottom;
    }
}

static void draw_picture(uint64_t seed, enum fsn_split split, int64_t index,
                         struct picture *picture)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_DRAW, 2 + (uint64_t)split, (uint64_t)index);
    const int wanted = 1 + (int)fsn__rng_below(&rng, MAX_SHAPES);
    uint8_t paper[3];

    memset(picture, 0, sizeof *picture);
    for (int c = 0; c < 3; c++)
        paper[c] = (uint8_t)(70 + fsn__rng_below(&rng, 110));
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        picture->pixels[i] = (uint8_t)(paper[i % 3] + fsn__rng_below(&rng, 17) - 8);
    for (int s = 0; s < wanted; s++) {
        const uint64_t kind = fsn__rng_below(&rng, sizeof kinds / sizeof *kinds);
        const int shift = fsn__rng_below(&rng, 2) == 1 ? 1 : -1;
        struct shape shape = {.label = kinds[kind]};
        uint8_t ink[3];

        for (int c = 0; c < 3; c++)
            ink[c] = (uint8_t)(paper[c] + shift * (30 + (int)fsn__rng_below(&rng, 40)));
        if (!place(&rng, picture, &shape))
            continue;
        paint(picture, &shape, ink);
        picture->shapes[picture->count++] = shape;
    }
}

static enum fsn_status write_png(struct archive *archive, const char *name,
                                 const struct picture *picture, struct fsn_error *err)
{
    static const size_t room = 2 * sizeof picture->pixels; /* noise may grow when packed */
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = SIDE, .height = SIDE, .format = PNG_FORMAT_RGB};
    png_alloc_size_t size = room;
    unsigned char *bytes = malloc(room);
    enum fsn_status status;

    if (!bytes)
        return FSN__NOMEM(err);
    if (png_image_write_to_memory(&image, bytes, &size, 0, picture->pixels, 0, NULL))
        status = fsn__tar_add(archive, name, bytes, size, err);
    else
        status = FSN__FAIL(err, FSN_INTERNAL, "writing a picture: %s", image.message);
    free(bytes);
    return status;
}

static enum fsn_status write_xml(struct archive *archive, const char *name,
                                 const struct picture *picture, struct fsn_error *err)
{
    char text[MAX_XML];
    int length = snprintf(text, sizeof text,
                          "<annotation><size><width>%d</width><height>%d</height><depth>3</depth>"
                          "</size>\n",
                          SIDE, SIDE);

    for (int s = 0; s < picture->count; s++) {
        const struct shape *shape = &picture->shapes[s];

        length += snprintf(text + length, sizeof text - (size_t)length,
                           "<object><name>%s</name><difficult>0</difficult><bndbox><xmin>%d</xmin>"
                           "<ymin>%d</ymin><xmax>%d</xmax><ymax>%d</ymax></bndbox></object>\n",
                           fsn__draw_class_name(shape->label), shape->left + 1, shape->top + 1,
                           shape->right + 1, shape->bottom + 1);
    }
    length += snprintf(text + length, sizeof text - (size_t)length, "</annotation>\n");
    return fsn__tar_add(archive, name, text, (size_t)length, err);
}

static enum fsn_status write_split(struct archive *archive, enum fsn_split split, int64_t count,
                                   uint64_t seed, struct fsn_error *err)
{
    const char *split_name = split == FSN_SPLIT_TRAIN ? "train" : "test";
    struct fsn__buf list = {.max = SIZE_MAX / 2};
    enum fsn_status status = FSN_OK;
    struct picture picture;
    char name[64];

    for (int64_t i = 0; i < count && status == FSN_OK; i++) {
        draw_picture(seed, split, i, &picture);
        snprintf(name, sizeof name, "shapes/JPEGImages/%s-%06lld.png", split_name, (long long)i);
        status = write_png(archive, name, &picture, err);
        snprintf(name, sizeof name, "shapes/Annotations/%s-%06lld.xml", split_name, (long long)i);
        if (status == FSN_OK)
            status = write_xml(archive, name, &picture, err);
        snprintf(name, sizeof name, "%s-%06lld\n", split_name, (long long)i);
        if (status == FSN_OK && !fsn__buf_append(&list, name, strlen(name)))
            status = FSN__NOMEM(err);
    }
    snprintf(name, sizeof name, "shapes/ImageSets/Main/%s.txt", split_name);
    if (status == FSN_OK)
        status = fsn__tar_add(archive, name, list.data, list.size, err);
    fsn__buf_free(&list);
    return status;
}

static enum fsn_status write_splits(struct archive *archive, const void *user,
                                    struct fsn_error *err)
{
    const struct fsn__drawing *drawing = user;
    enum fsn_status status = FSN_OK;

    for (int s = 0; s < FSN_SPLIT_COUNT && status == FSN_OK; s++)
        status = write_split(archive, (enum fsn_split)s, drawing->count[s], drawing->seed, err);
    return status;
}

enum fsn_status fsn_dataset_draw_boxes(const char *path, int64_t train_images, int64_t test_images,
                                       uint64_t seed, struct fsn_error *err)
{
    const struct fsn__drawing drawing = {{train_images, test_images}, seed};
    enum fsn_status status = fsn__drawing_check(&drawing, 1, MAX_IMAGES, err);

    return status == FSN_OK ? fsn__tar_write(path, write_splits, &drawing, err) : status;
}
