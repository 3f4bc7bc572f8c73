/*
 * default_boxes.c - default boxes by the rule of SSD (Liu et al., arXiv 1512.02325, section 2.2).
 *
 * Pixel (i, j) of a map, row i, has its boxes at ((j + 1/2) step, (i + 1/2) step). With s =
 * min_size and s' = sqrt(min_size max_size) they are s x s, s' x s', and for each ratio a s sqrt(a)
 * x s / sqrt(a) and the same turned. This order, and the clipping of centre, width and height
 * rather than of corners, are those of the PyTorch port (amdegroot/ssd.pytorch, PriorBox), whose
 * weights then fit.
 */
#include "detect/default_boxes.h"

#include <math.h>
#include <stdlib.h>

enum { MAX_BOXES = 1 << 24 };

/* ---- rules -------------------------------------------------------------------------------------
 */

/* Sizes are 0.1, then 0.2 to 0.9 of 300 pixels in equal steps, rounded as the authors did. */
struct fsn__box_rule fsn__ssd300_box_rule(void)
{
    return (struct fsn__box_rule){
        .image_width = 300,
        .image_height = 300,
        .map_count = 6,
        .maps = {{38, 38, 8, 30, 60, 1, {2}},
                 {19, 19, 16, 60, 111, 2, {2, 3}},
                 {10, 10, 32, 111, 162, 2, {2, 3}},
                 {5, 5, 64, 162, 213, 2, {2, 3}},
                 {3, 3, 100, 213, 264, 1, {2}},
                 {1, 1, 300, 264, 315, 1, {2}}},
        .clip = true,
    };
}

/* Maps halve, rounding up, from stride 8 on; sizes double from a tenth of the image. A pixel's step
 * is its stride, which a size that does not divide leaves. */
struct fsn__box_rule fsn__ssd_lite_box_rule(int size)
{
    static const int ratio_counts[] = {1, 2, 2, 1};
    struct fsn__box_rule rule = {
        .image_width = size, .image_height = size, .map_count = 4, .clip = true};
    int stride = 8, cells = size / 8 + (size % 8 != 0);
    double fraction = 0.1;

    for (int i = 0; i < rule.map_count; i++) {
        rule.maps[i] = (struct fsn_box_map){.width = cells,
                                            .height = cells,
                                            .step = stride,
                                            .min_size = fraction * size,
                                            .max_size = (i == 3 ? 1.05 : 2 * fraction) * size,
                                            .ratio_count = ratio_counts[i],
                                            .ratios = {2, 3}};
        cells = (cells + 1) / 2;
        stride *= 2;
        fraction *= 2;
    }
    return rule;
}

/* ---- boxes -------------------------------------------------------------------------------------
 */

static bool positive(double x)
{
    return isfinite(x) && x > 0;
}

static int boxes_of_pixel(const struct fsn_box_map *map)
{
    return 1 + (map->max_size != 0) + 2 * map->ratio_count;
}

/* Adds the map's boxes to *count. */
static enum fsn_status check_map(const struct fsn_box_map *map, int i, int64_t *count,
                                 struct fsn_error *err)
{
    if (map->width < 1 || map->height < 1 || map->width > 65535 || map->height > 65535)
        return FSN__FAIL(err, FSN_INVALID,
                         "default boxes, map %d: size must be 1 to 65535, is %d x %d", i,
                         map->width, map->height);
    if (!positive(map->step) || !positive(map->min_size))
        return FSN__FAIL(err, FSN_INVALID,
                         "default boxes, map %d: step and min_size must be above 0, are %g and %g",
                         i, map->step, map->min_size);
    if (map->max_size != 0 && !(isfinite(map->max_size) && map->max_size >= map->min_size))
        return FSN__FAIL(err, FSN_INVALID,
                         "default boxes, map %d: max_size must be 0 or at least %g, is %g", i,
                         map->min_size, map->max_size);
    if (map->ratio_count < 0 || map->ratio_count > FSN_MAX_BOX_RATIOS)
        return FSN__FAIL(err, FSN_INVALID, "default boxes, map %d: 0 to %d ratios, not %d", i,
                         FSN_MAX_BOX_RATIOS, map->ratio_count);
    for (int j = 0; j < map->ratio_count; j++)
        if (!positive(map->ratios[j]))
            return FSN__FAIL(err, FSN_INVALID,
                             "default boxes, map %d: ratio %d must be above 0, is %g", i, j,
                             map->ratios[j]);
    *count += (int64_t)map->width * map->height * boxes_of_pixel(map);
    if (*count > MAX_BOXES)
        return FSN__FAIL(err, FSN_LIMIT, "default boxes: more than %d with map %d", MAX_BOXES, i);
    return FSN_OK;
}

enum fsn_status fsn__count_default_boxes(const struct fsn__box_rule *rule, int64_t *count,
                                         struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    int64_t boxes = 0;

    if (rule->image_width < 1 || rule->image_height < 1)
        return FSN__FAIL(err, FSN_INVALID, "default boxes: the image is %d x %d", rule->image_width,
                         rule->image_height);
    if (rule->map_count < 1 || rule->map_count > FSN_MAX_BOX_MAPS)
        return FSN__FAIL(err, FSN_INVALID, "default boxes: 1 to %d maps, not %d", FSN_MAX_BOX_MAPS,
                         rule->map_count);
    for (int i = 0; i < rule->map_count && status == FSN_OK; i++)
        status = check_map(&rule->maps[i], i, &boxes, err);
    if (status == FSN_OK)
        *count = boxes;
    return status;
}

/* Where the next box goes, and the centre of its pixel in pixels of the image. */
struct place {
    const struct fsn__box_rule *rule;
    float *out;
    double cx, cy;
};

static void put(struct place *place, double w, double h)
{
    const double size[2] = {place->rule->image_width, place->rule->image_height};
    const double box[4] = {place->cx, place->cy, w, h};

    for (int i = 0; i < 4; i++) {
        double x = box[i] / size[i % 2];

        if (place->rule->clip)
            x = fmin(fmax(x, 0), 1);
        *place->out++ = (float)x;
    }
}

static void put_pixel(struct place *place, const struct fsn_box_map *map)
{
    const double s = map->min_size;

    put(place, s, s);
    if (map->max_size != 0)
        put(place, sqrt(s * map->max_size), sqrt(s * map->max_size));
    for (int i = 0; i < map->ratio_count; i++) {
        const double root = sqrt(map->ratios[i]);

        put(place, s * root, s / root);
        put(place, s / root, s * root);
    }
}

enum fsn_status fsn__default_boxes(const struct fsn__box_rule *rule, float **out, int64_t *count,
                                   struct fsn_error *err)
{
    struct place place = {.rule = rule};
    int64_t n = 0;
    float *boxes;
    enum fsn_status status = fsn__count_default_boxes(rule, &n, err);

    if (status != FSN_OK)
        return status;
    boxes = malloc((size_t)n * 4 * sizeof *boxes);
    if (!boxes)
        return FSN__NOMEM(err);
    place.out = boxes;
    for (int m = 0; m < rule->map_count; m++) {
        const struct fsn_box_map *map = &rule->maps[m];

        for (int i = 0; i < map->height; i++)
            for (int j = 0; j < map->width; j++) {
                place.cx = (j + 0.5) * map->step;
                place.cy = (i + 0.5) * map->step;
                put_pixel(&place, map);
            }
    }
    *out = boxes;
    *count = n;
    return FSN_OK;
}
