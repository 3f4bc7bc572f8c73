/*
 * augment_boxes.c - what SSD does to a training image (Liu et al., "SSD: Single Shot MultiBox
 * Detector", arXiv 1512.02325, section 2.2 and, for expansion, 3.6; the constants are those of the
 * authors' Caffe code and its ports):
 *
 *   photometric  each with probability 1/2: brightness + U(-32, 32); contrast * U(0.5, 1.5), before
 *                or after the next two; saturation * U(0.5, 1.5) and hue + U(-18, 18) degrees in
 *                HSV; a random order of the channels
 *   expand       with probability 1/2: the image lies at a random place of a canvas that is
 *                U(1, 4) times as wide and high, filled with the mean
 *   crop         one of: none; a patch whose least IoU with an object is 0.1, 0.3, 0.5, 0.7 or 0.9;
 *                any patch. Sides are U(0.3, 1) of the canvas, their ratio is 0.5 .. 2; up to 50
 *                draws for each choice, then another choice
 *   flip         left-right with probability 1/2
 *
 * As in the ports of the code, "least IoU" means that the patch's IoU with at least one object is
 * that; and any patch has to hold the centre of an object, or there would be nothing to learn.
 *
 * Expansion and crop only say where a window lies in the plane of the image, so the image itself is
 * resampled once. A choice of crop is tried MAX_CHOICES times at most: an image whose objects admit
 * no patch is shown as it is.
 */
#include "data/augment_boxes.h"

#include <math.h>

enum { TRIES = 50, MAX_CHOICES = 20 };

static const double max_brightness = 32, max_hue = 18, max_expansion = 4, least_side = 0.3;

static double between(struct fsn__rng *rng, double low, double high)
{
    return low + (high - low) * fsn__rng_uniform(rng);
}

static bool toss(struct fsn__rng *rng)
{
    return fsn__rng_below(rng, 2) == 1;
}

/* ---- colours --------------------------------------------------------------------------------- */

struct fsn__photometric fsn__photometric_draw(struct fsn__rng *rng)
{
    struct fsn__photometric change = {.contrast = 1, .saturation = 1, .order = {0, 1, 2}};

    if (toss(rng))
        change.brightness = between(rng, -max_brightness, max_brightness);
    if (toss(rng))
        change.contrast = between(rng, 0.5, 1.5);
    change.contrast_last = toss(rng);
    if (toss(rng))
        change.saturation = between(rng, 0.5, 1.5);
    if (toss(rng))
        change.hue = between(rng, -max_hue, max_hue);
    if (toss(rng)) {
        for (int i = 2; i > 0; i--) { /* Fisher, Yates */
            const int j = (int)fsn__rng_below(rng, (uint64_t)i + 1), swap = change.order[i];

            change.order[i] = change.order[j];
            change.order[j] = swap;
        }
    }
    return change;
}

static float clamp_level(double value)
{
    return value < 0 ? 0.0f : value > 255 ? 255.0f : (float)value;
}

/* Channel n (red 5, green 3, blue 1) of hue h / 60, chroma c below the value v:
 * f(n) = v - c max(0, min(k, 4 - k, 1)), k = (n + h / 60) mod 6. */
static float from_hue(double n, double sixths, double v, double c)
{
    const double k = fmod(n + sixths, 6.0);

    return clamp_level(v - c * fmax(0, fmin(fmin(k, 4 - k), 1)));
}

/* Saturation and hue, by way of HSV. */
static void turn_colour(const struct fsn__photometric *change, float rgb[3])
{
    const double r = rgb[0], g = rgb[1], b = rgb[2];
    const double v = fmax(r, fmax(g, b)), c = v - fmin(r, fmin(g, b));
    double sixths = 0, chroma;

    if (c <= 0)
        return; /* grey has neither */
    if (v == r)
        sixths = (g - b) / c;
    else if (v == g)
        sixths = 2 + (b - r) / c;
    else
        sixths = 4 + (r - g) / c;
    sixths = fmod(sixths + change->hue / 60 + 6, 6);
    chroma = fmin(c * change->saturation, v); /* saturation c / v is at most 1 */
    rgb[0] = from_hue(5, sixths, v, chroma);
    rgb[1] = from_hue(3, sixths, v, chroma);
    rgb[2] = from_hue(1, sixths, v, chroma);
}

static void scale_levels(double factor, float rgb[3])
{
    for (int c = 0; c < 3; c++)
        rgb[c] = clamp_level(rgb[c] * factor);
}

void fsn__photometric_apply(const struct fsn__photometric *change, float rgb[3])
{
    float seen[3];

    for (int c = 0; c < 3; c++)
        rgb[c] = clamp_level(rgb[c] + change->brightness);
    if (!change->contrast_last)
        scale_levels(change->contrast, rgb);
    if (change->saturation != 1 || change->hue != 0)
        turn_colour(change, rgb);
    if (change->contrast_last)
        scale_levels(change->contrast, rgb);
    for (int c = 0; c < 3; c++)
        seen[c] = rgb[change->order[c]];
    for (int c = 0; c < 3; c++)
        rgb[c] = seen[c];
}

/* ---- windows --------------------------------------------------------------------------------- */

static double area(double x0, double y0, double x1, double y1)
{
    return x1 > x0 && y1 > y0 ? (x1 - x0) * (y1 - y0) : 0;
}

/* Intersection over union of a window and a box. */
static double overlap(const struct fsn__window *window, const struct fsn__box *box)
{
    const double both = area(fmax(window->x0, box->x0), fmax(window->y0, box->y0),
                             fmin(window->x1, box->x1), fmin(window->y1, box->y1));

    return both / (area(window->x0, window->y0, window->x1, window->y1) +
                   area(box->x0, box->y0, box->x1, box->y1) - both);
}

static bool holds_centre(const struct fsn__window *window, const struct fsn__box *box)
{
    const double x = 0.5 * ((double)box->x0 + box->x1), y = 0.5 * ((double)box->y0 + box->y1);

    return x > window->x0 && x < window->x1 && y > window->y0 && y < window->y1;
}

/* Whether the window is a patch with this least IoU: it holds a centre, and has it with an object.
 */
static bool is_patch(const struct fsn__window *window, double least,
                     const struct fsn__object *objects, int64_t count)
{
    bool centre = false, met = false;

    for (int64_t i = 0; i < count; i++) {
        centre = centre || holds_centre(window, &objects[i].box);
        met = met || overlap(window, &objects[i].box) >= least;
    }
    return centre && met;
}

/* A patch of the canvas, which is `aspect` times as wide as high; false: none was found. */
static bool draw_patch(struct fsn__rng *rng, const struct fsn__window *canvas, double aspect,
                       double least, const struct fsn__object *objects, int64_t count,
                       struct fsn__window *out)
{
    const double wide = canvas->x1 - canvas->x0, high = canvas->y1 - canvas->y0;

    for (int i = 0; i < TRIES; i++) {
        const double w = between(rng, least_side, 1), h = between(rng, least_side, 1);
        const double ratio = w * aspect / h; /* in pixels */
        const double left = fsn__rng_uniform(rng) * (1 - w), top = fsn__rng_uniform(rng) * (1 - h);
        struct fsn__window patch = {
            .x0 = canvas->x0 + left * wide,
            .y0 = canvas->y0 + top * high,
            .x1 = canvas->x0 + (left + w) * wide,
            .y1 = canvas->y0 + (top + h) * high,
        };

        if (ratio < 0.5 || ratio > 2 || !is_patch(&patch, least, objects, count))
            continue;
        *out = patch;
        return true;
    }
    return false;
}

struct fsn__window fsn__window_draw(struct fsn__rng *rng, int width, int height,
                                    const struct fsn__object *objects, int64_t count)
{
    enum { WHOLE = 0 };
    static const double least[] = {[WHOLE] = 0, 0.1, 0.3, 0.5, 0.7, 0.9, 0};
    struct fsn__window window = {0, 0, 1, 1, false};
    const double aspect = (double)width / height;

    if (toss(rng)) {
        const double ratio = between(rng, 1, max_expansion);
        const double left = fsn__rng_uniform(rng) * (ratio - 1);
        const double top = fsn__rng_uniform(rng) * (ratio - 1);

        window = (struct fsn__window){-left, -top, ratio - left, ratio - top, false};
    }
    for (int i = 0; i < MAX_CHOICES && count > 0; i++) {
        const uint64_t choice = fsn__rng_below(rng, sizeof least / sizeof *least);

        if (choice == WHOLE ||
            draw_patch(rng, &window, aspect, least[choice], objects, count, &window))
            break;
    }
    window.flip = toss(rng);
    return window;
}

static double clamp_unit(double value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

int64_t fsn__window_objects(const struct fsn__window *window, const struct fsn__object *objects,
                            int64_t count, struct fsn__object *out)
{
    const double wide = window->x1 - window->x0, high = window->y1 - window->y0;
    int64_t kept = 0;

    for (int64_t i = 0; i < count; i++) {
        struct fsn__object object = objects[i];
        const double x0 = clamp_unit((object.box.x0 - window->x0) / wide);
        const double x1 = clamp_unit((object.box.x1 - window->x0) / wide);

        if (!holds_centre(window, &object.box))
            continue;
        object.box = (struct fsn__box){
            (float)(window->flip ? 1 - x1 : x0),
            (float)clamp_unit((object.box.y0 - window->y0) / high),
            (float)(window->flip ? 1 - x0 : x1),
            (float)clamp_unit((object.box.y1 - window->y0) / high),
        };
        if (object.box.x0 < object.box.x1 && object.box.y0 < object.box.y1)
            out[kept++] = object;
    }
    return kept;
}
