/*
 * draw_picture.c - pictures with one to four shapes that do not overlap.
 *
 * Shapes are four kinds of draw.c's. Centres, radii and colours vary; a shape that finds no free
 * place is left out, the first always finds one. Picture i of a split depends on (seed, split, i)
 * alone.
 */
#include "data/draw_picture.h"
#include "core/rng.h"
#include "data/tar_writer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

enum { SIDE = FSN__PICTURE_SIDE, TRIES = 20 };

/* Those of ten that look the least alike. */
static const int kinds[FSN__PICTURE_KINDS] = {0, 2, 4, 5}; /* disc, square, triangle, plus */

const char *fsn__picture_kind_name(int kind)
{
    return fsn__draw_class_name(kinds[kind]);
}

static double between(struct fsn__rng *rng, double low, double high)
{
    return low + (high - low) * fsn__rng_uniform(rng);
}

/* Finds a free place; false when there is none. */
static bool place(struct fsn__rng *rng, const struct fsn__drawn_picture *picture,
                  struct fsn__drawn_shape *shape)
{
    for (int i = 0; i < TRIES; i++) {
        bool is_free = true;

        shape->radius = between(rng, 8, 22);
        shape->x = between(rng, shape->radius, SIDE - shape->radius);
        shape->y = between(rng, shape->radius, SIDE - shape->radius);
        for (int s = 0; s < picture->count; s++) {
            const struct fsn__drawn_shape *other = &picture->shapes[s];
            const double apart = shape->radius + other->radius;

            is_free =
                is_free && (fabs(shape->x - other->x) > apart || fabs(shape->y - other->y) > apart);
        }
        if (is_free)
            return true;
    }
    return false;
}

bool fsn__drawn_shape_has(const struct fsn__drawn_shape *shape, int row, int col, double across,
                          double down)
{
    return fsn__draw_covers(shape->label, (col + 0.5 + across - shape->x) / shape->radius,
                            (row + 0.5 + down - shape->y) / shape->radius);
}

static void paint(struct fsn__drawn_picture *picture, struct fsn__drawn_shape *shape,
                  const uint8_t ink[3])
{
    shape->left = shape->top = SIDE;
    for (int i = 0; i < SIDE * SIDE; i++) {
        const int row = i / SIDE, col = i % SIDE;

        if (!fsn__drawn_shape_has(shape, row, col, 0, 0))
            continue;
        memcpy(picture->pixels + 3 * i, ink, 3);
        shape->left = col < shape->left ? col : shape->left;
        shape->right = col > shape->right ? col : shape->right;
        shape->top = row < shape->top ? row : shape->top;
        shape->bottom = row > shape->bottom ? row : shape->bottom;
    }
}

void fsn__draw_picture(uint64_t seed, enum fsn_split split, int64_t index,
                       struct fsn__drawn_picture *picture)
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_DRAW, 2 + (uint64_t)split, (uint64_t)index);
    const int wanted = 1 + (int)fsn__rng_below(&rng, FSN__PICTURE_SHAPES);
    uint8_t paper[3];

    memset(picture, 0, sizeof *picture);
    for (int c = 0; c < 3; c++)
        paper[c] = (uint8_t)(70 + fsn__rng_below(&rng, 110));
    for (int i = 0; i < SIDE * SIDE * 3; i++)
        picture->pixels[i] = (uint8_t)(paper[i % 3] + fsn__rng_below(&rng, 17) - 8);
    for (int s = 0; s < wanted; s++) {
        const uint64_t kind = fsn__rng_below(&rng, sizeof kinds / sizeof *kinds);
        const int shift = fsn__rng_below(&rng, 2) == 1 ? 1 : -1;
        struct fsn__drawn_shape shape = {.label = kinds[kind], .kind = (int)kind};
        uint8_t ink[3];

        for (int c = 0; c < 3; c++)
            ink[c] = (uint8_t)(paper[c] + shift * (30 + (int)fsn__rng_below(&rng, 40)));
        if (!place(&rng, picture, &shape))
            continue;
        paint(picture, &shape, ink);
        picture->shapes[picture->count++] = shape;
    }
}

enum fsn_status fsn__picture_write(struct archive *archive, const char *name,
                                   const struct fsn__drawn_picture *picture, struct fsn_error *err)
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
