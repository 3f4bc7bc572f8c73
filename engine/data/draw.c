/*
 * draw.c - draws one of ten kinds of shapes into a small colour picture.
 *
 * Learnable in a few epochs, yet a network has to look: place, size, slight rotation, colours, the
 * slope of the background, specks and noise all vary, and neither colour nor size tells the class.
 * Every shape stays what it is when mirrored, so flip augmentation is sound.
 *
 * A shape is a set of points (u, v) in the square |u|, |v| <= 1, v pointing down. A pixel is
 * covered by the share of its 2 x 2 sample points that fall inside:
 *
 *     pixel = (1 - cover) background(x, y) + cover ink + noise
 *
 * Only + - * / and sqrt are used, which IEEE 754 rounds correctly: the same seed gives the same
 * pixels everywhere.
 */
#include "data/draw.h"
#include "core/rng.h"

#include <math.h>

enum { SAMPLES = 2, SPECKS = 2 };

/* ---- the shapes ------------------------------------------------------------------------------ */

static double chebyshev(double u, double v)
{
    return fmax(fabs(u), fabs(v));
}

static bool in_disc(double u, double v)
{
    return u * u + v * v <= 1.0;
}

static bool in_ring(double u, double v)
{
    return u * u + v * v <= 1.0 && u * u + v * v >= 0.35;
}

static bool in_square(double u, double v)
{
    return chebyshev(u, v) <= 0.85;
}

static bool in_frame(double u, double v)
{
    return chebyshev(u, v) <= 0.85 && chebyshev(u, v) >= 0.5;
}

static bool in_triangle(double u, double v)
{
    return v <= 0.8 && fabs(u) <= 0.55 * (v + 0.95);
}

static bool in_plus(double u, double v)
{
    return chebyshev(u, v) <= 1.0 && fmin(fabs(u), fabs(v)) <= 0.27;
}

static bool in_cross(double u, double v)
{
    return in_plus((u + v) * sqrt(0.5), (u - v) * sqrt(0.5));
}

/* Whether t in [-0.9, 0.9] falls on an odd one of five stripes. */
static bool on_gap(double t)
{
    return (int)floor((t + 0.9) / 0.36) % 2 == 1;
}

static bool in_horizontal_bars(double u, double v)
{
    return chebyshev(u, v) <= 0.9 && !on_gap(v);
}

static bool in_vertical_bars(double u, double v)
{
    return chebyshev(u, v) <= 0.9 && !on_gap(u);
}

static bool in_checker(double u, double v)
{
    return chebyshev(u, v) <= 0.9 && on_gap(u) == on_gap(v);
}

static const struct {
    const char *name;
    bool (*covers)(double u, double v);
} shapes[FSN__DRAW_CLASSES] = {
    {"disc", in_disc},
    {"ring", in_ring},
    {"square", in_square},
    {"frame", in_frame},
    {"triangle", in_triangle},
    {"plus", in_plus},
    {"cross", in_cross},
    {"horizontal bars", in_horizontal_bars},
    {"vertical bars", in_vertical_bars},
    {"checker", in_checker},
};

enum fsn_status fsn__drawing_check(const struct fsn__drawing *drawing, int least, int most,
                                   struct fsn_error *err)
{
    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        if (drawing->count[s] < least || drawing->count[s] > most)
            return FSN__FAIL(err, FSN_INVALID, "%s images must be %d..%d, got %lld",
                             s == FSN_SPLIT_TRAIN ? "train" : "test", least, most,
                             (long long)drawing->count[s]);
    return FSN_OK;
}

const char *fsn__draw_class_name(int label)
{
    return shapes[label].name;
}

bool fsn__draw_covers(int label, double u, double v)
{
    return shapes[label].covers(u, v);
}

/* ---- the picture ----------------------------------------------------------------------------- */

struct figure {
    double x, y, radius; /* in pixels */
    double cosine, sine; /* of its rotation */
    double ink[FSN__DRAW_CHANNELS];
    bool (*covers)(double u, double v);
};

struct picture {
    double paper[FSN__DRAW_CHANNELS], slope_x[FSN__DRAW_CHANNELS], slope_y[FSN__DRAW_CHANNELS];
    struct figure specks[SPECKS];
    struct figure shape;
    double noise; /* standard deviation, in grey levels */
};

static double between(struct fsn__rng *rng, double low, double high)
{
    return low + (high - low) * fsn__rng_uniform(rng);
}

/* An ink that differs from the paper in every channel, all lighter or all darker. */
static void mix_ink(struct fsn__rng *rng, const struct picture *picture, double *ink)
{
    double sign = fsn__rng_below(rng, 2) == 1 ? 1.0 : -1.0;

    for (int c = 0; c < FSN__DRAW_CHANNELS; c++)
        ink[c] = picture->paper[c] + sign * between(rng, 30.0, 90.0);
}

static struct picture compose(struct fsn__rng *rng, int label)
{
    struct picture picture;
    struct figure *shape = &picture.shape;
    double margin, t;

    for (int c = 0; c < FSN__DRAW_CHANNELS; c++) {
        picture.paper[c] = between(rng, 60.0, 195.0);
        picture.slope_x[c] = between(rng, -1.5, 1.5);
        picture.slope_y[c] = between(rng, -1.5, 1.5);
    }
    for (int i = 0; i < SPECKS; i++) {
        struct figure *speck = &picture.specks[i];

        *speck = (struct figure){.cosine = 1.0, .covers = in_disc};
        speck->radius = between(rng, 1.0, 3.0);
        speck->x = between(rng, 0.0, FSN__DRAW_SIDE);
        speck->y = between(rng, 0.0, FSN__DRAW_SIDE);
        mix_ink(rng, &picture, speck->ink);
    }
    *shape = (struct figure){.covers = shapes[label].covers};
    shape->radius = between(rng, 7.0, 13.0);
    margin = 0.9 * shape->radius;
    shape->x = between(rng, margin, FSN__DRAW_SIDE - margin);
    shape->y = between(rng, margin, FSN__DRAW_SIDE - margin);
    t = between(rng, -0.1, 0.1); /* tangent of half the angle: up to 11 degrees */
    shape->cosine = (1.0 - t * t) / (1.0 + t * t);
    shape->sine = 2.0 * t / (1.0 + t * t);
    mix_ink(rng, &picture, shape->ink);
    picture.noise = between(rng, 4.0, 24.0);
    return picture;
}

/* Share of the pixel's sample points that lie inside. */
static double cover(const struct figure *figure, int row, int col)
{
    int inside = 0;

    for (int i = 0; i < SAMPLES * SAMPLES; i++) {
        double dx = col + (i % SAMPLES + 0.5) / SAMPLES - figure->x;
        double dy = row + (i / SAMPLES + 0.5) / SAMPLES - figure->y;
        double u = (figure->cosine * dx + figure->sine * dy) / figure->radius;
        double v = (figure->cosine * dy - figure->sine * dx) / figure->radius;

        inside += figure->covers(u, v);
    }
    return (double)inside / (SAMPLES * SAMPLES);
}

/* Mean 0, standard deviation 1: the sum of three uniforms of 21 bits, close to normal. */
static double draw_noise(struct fsn__rng *rng)
{
    const uint64_t bits = fsn__rng_next(rng), mask = (UINT64_C(1) << 21) - 1;
    const uint64_t sum = (bits & mask) + (bits >> 21 & mask) + (bits >> 42 & mask);

    return 2.0 * ((double)sum / (double)mask - 1.5);
}

static uint8_t to_byte(double value)
{
    return value <= 0.0 ? 0 : value >= 255.0 ? 255 : (uint8_t)(value + 0.5);
}

int fsn__draw_image(uint64_t seed, enum fsn_split split, int64_t index,
                    uint8_t pixels[FSN__DRAW_PIXELS])
{
    struct fsn__rng rng = fsn__rng_open(seed, FSN__RNG_DRAW, (uint64_t)split, (uint64_t)index);
    const int label = (int)(index % FSN__DRAW_CLASSES), side = FSN__DRAW_SIDE;
    const struct picture picture = compose(&rng, label);

    for (int i = 0; i < side * side; i++) {
        const int row = i / side, col = i % side;
        const double shape = cover(&picture.shape, row, col);

        for (int c = 0; c < FSN__DRAW_CHANNELS; c++) {
            double value = picture.paper[c] + picture.slope_x[c] * (col - side / 2) +
                           picture.slope_y[c] * (row - side / 2);

            for (int s = 0; s < SPECKS; s++) {
                double speck = cover(&picture.specks[s], row, col);

                value = (1.0 - speck) * value + speck * picture.specks[s].ink[c];
            }
            value = (1.0 - shape) * value + shape * picture.shape.ink[c];
            pixels[c * side * side + i] = to_byte(value + picture.noise * draw_noise(&rng));
        }
    }
    return label;
}
