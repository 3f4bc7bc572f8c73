/* ranking.c - see ranking.h. */
#include "detect/ranking.h"

#include "core/mem.h"

#include <math.h>
#include <stdlib.h>

static bool valid_box(struct fsn__box b)
{
    return isfinite(b.x0) && isfinite(b.y0) && isfinite(b.x1) && isfinite(b.y1) && b.x0 <= b.x1 &&
           b.y0 <= b.y1;
}

static enum fsn_status check(const struct fsn__detection_test *test, int64_t image,
                             struct fsn_error *err)
{
    for (int64_t i = test->first_object[image]; i < test->first_object[image + 1]; i++) {
        const struct fsn__object *o = &test->objects[i];

        if (o->label < 0 || o->label >= test->classes || !valid_box(o->box))
            return FSN__FAIL(err, FSN_INVALID,
                             "object %lld, of image %lld: label %d, box %g %g %g %g; expected a "
                             "label of 0..%d and corners in order",
                             (long long)i, (long long)image, o->label, (double)o->box.x0,
                             (double)o->box.y0, (double)o->box.x1, (double)o->box.y1,
                             test->classes - 1);
    }
    for (int64_t i = test->first_detection[image]; i < test->first_detection[image + 1]; i++) {
        const struct fsn__detection *d = &test->detections[i];

        if (d->label < 0 || d->label >= test->classes || !valid_box(d->box) || !isfinite(d->score))
            return FSN__FAIL(err, FSN_INVALID,
                             "detection %lld, of image %lld: label %d, score %g, box %g %g %g %g; "
                             "expected a label of 0..%d, a finite score and corners in order",
                             (long long)i, (long long)image, d->label, (double)d->score,
                             (double)d->box.x0, (double)d->box.y0, (double)d->box.x1,
                             (double)d->box.y1, test->classes - 1);
    }
    return FSN_OK;
}

static int by_rank(const void *left, const void *right)
{
    const struct fsn__ranked *a = left, *b = right;

    if (a->label != b->label)
        return a->label < b->label ? -1 : 1;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return (a->detection > b->detection) - (a->detection < b->detection);
}

enum fsn_status fsn__rank_detections(const struct fsn__detection_test *test,
                                     struct fsn__ranking *out, struct fsn_error *err)
{
    const int64_t n = test->images > 0 ? test->first_detection[test->images] : 0;
    struct fsn__ranking r = {fsn__aligned_calloc((size_t)n, sizeof *r.item),
                             fsn__aligned_calloc((size_t)test->classes + 1, sizeof *r.first), 0};
    enum fsn_status status = r.item && r.first ? FSN_OK : FSN__NOMEM(err);

    for (int64_t image = 0; image < test->images && status == FSN_OK; image++) {
        const int64_t objects = test->first_object[image + 1] - test->first_object[image];

        status = check(test, image, err);
        if (status != FSN_OK)
            break;
        if (objects > r.most_objects)
            r.most_objects = objects;
        for (int64_t i = test->first_detection[image]; i < test->first_detection[image + 1]; i++) {
            const struct fsn__detection *d = &test->detections[i];

            r.item[i] = (struct fsn__ranked){i, image, d->score, d->label};
            r.first[d->label + 1]++;
        }
    }
    if (status != FSN_OK) {
        fsn__ranking_clear(&r);
        return status;
    }
    for (int32_t c = 0; c < test->classes; c++)
        r.first[c + 1] += r.first[c];
    if (n > 1)
        qsort(r.item, (size_t)n, sizeof *r.item, by_rank);
    *out = r;
    return FSN_OK;
}

void fsn__ranking_clear(struct fsn__ranking *ranking)
{
    free(ranking->item);
    free(ranking->first);
    *ranking = (struct fsn__ranking){0};
}

/* A fraction of `pixels`, in pixels. A float near 1 is off by 2^-25 at most. */
static double in_pixels(float fraction, int32_t pixels)
{
    const double at = (double)fraction * pixels, whole = round(at);

    return fabs(at - whole) <= 0x1p-24 * pixels ? whole : at;
}

double fsn__pixel_overlap(const struct fsn__detection_test *test, int64_t image,
                          struct fsn__box box, struct fsn__box object, bool of_box_alone)
{
    const int32_t w = test->size ? test->size[2 * image] : 1;
    const int32_t h = test->size ? test->size[2 * image + 1] : 1;
    const double bx0 = in_pixels(box.x0, w), bx1 = in_pixels(box.x1, w);
    const double by0 = in_pixels(box.y0, h), by1 = in_pixels(box.y1, h);
    const double ox0 = in_pixels(object.x0, w), ox1 = in_pixels(object.x1, w);
    const double oy0 = in_pixels(object.y0, h), oy1 = in_pixels(object.y1, h);
    const double width = fmin(bx1, ox1) - fmax(bx0, ox0), height = fmin(by1, oy1) - fmax(by0, oy0);
    const double shared = width * height, own = (bx1 - bx0) * (by1 - by0);

    if (width <= 0 || height <= 0)
        return 0;
    return shared / (of_box_alone ? own : own + (ox1 - ox0) * (oy1 - oy0) - shared);
}
