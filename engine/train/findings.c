/* findings.c - see findings.h. */
#include "train/findings.h"

#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

enum fsn_status fsn__findings_create(int64_t images, struct fsn__findings *out,
                                     struct fsn_error *err)
{
    *out = (struct fsn__findings){
        .first_object = calloc((size_t)images + 1, sizeof *out->first_object),
        .first_detection = calloc((size_t)images + 1, sizeof *out->first_detection),
        .size = calloc((size_t)images + 1, 2 * sizeof *out->size),
    };
    return out->first_object && out->first_detection && out->size ? FSN_OK : FSN__NOMEM(err);
}

void fsn__findings_clear(struct fsn__findings *f)
{
    free(f->first_object);
    free(f->first_detection);
    free(f->size);
    free(f->objects);
    free(f->detections);
    *f = (struct fsn__findings){0};
}

/* Room for `count` items of `size` bytes in *items; false when out of memory. */
static bool grow(void **items, size_t size, int64_t count, int64_t *capacity)
{
    int64_t wanted = *capacity > 0 ? *capacity : 256;
    size_t bytes;
    void *grown;

    while (wanted < count)
        wanted *= 2;
    if (wanted == *capacity)
        return true;
    if (!fsn__mul_size((size_t)wanted, size, &bytes))
        return false;
    grown = realloc(*items, bytes);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

enum fsn_status fsn__findings_add(struct fsn__findings *f, const struct fsn__object *objects,
                                  int64_t object_count, const struct fsn__detection *detections,
                                  int64_t detection_count, int32_t width, int32_t height,
                                  struct fsn_error *err)
{
    const int64_t o = f->first_object[f->images], d = f->first_detection[f->images];
    void *grown_objects = f->objects, *grown_detections = f->detections;
    bool there = grow(&grown_objects, sizeof *f->objects, o + object_count, &f->object_capacity);

    f->objects = grown_objects;
    there = grow(&grown_detections, sizeof *f->detections, d + detection_count,
                 &f->detection_capacity) &&
            there;
    f->detections = grown_detections;
    if (!there)
        return FSN__NOMEM(err);
    if (object_count > 0)
        memcpy(f->objects + o, objects, (size_t)object_count * sizeof *objects);
    if (detection_count > 0)
        memcpy(f->detections + d, detections, (size_t)detection_count * sizeof *detections);
    f->size[2 * f->images] = width;
    f->size[2 * f->images + 1] = height;
    f->images++;
    f->first_object[f->images] = o + object_count;
    f->first_detection[f->images] = d + detection_count;
    return FSN_OK;
}

/* The listed images, one after the other. */
static enum fsn_status choose(const struct fsn__findings *f, const int64_t *list, int64_t count,
                              struct fsn__findings *out, struct fsn_error *err)
{
    enum fsn_status status = fsn__findings_create(count, out, err);

    for (int64_t i = 0; i < count && status == FSN_OK; i++) {
        const int64_t at = list[i], o = f->first_object[at], d = f->first_detection[at];

        status = fsn__findings_add(out, f->objects + o, f->first_object[at + 1] - o,
                                   f->detections + d, f->first_detection[at + 1] - d,
                                   f->size[2 * at], f->size[2 * at + 1], err);
    }
    return status;
}

static enum fsn_status judge(const struct fsn__findings *f, int32_t classes,
                             struct fsn_detection_eval *out, struct fsn__precision_curve *curves,
                             struct fsn_error *err)
{
    const struct fsn__detection_test test = {
        .images = f->images,
        .classes = classes,
        .size = f->size,
        .first_object = f->first_object,
        .objects = f->objects,
        .first_detection = f->first_detection,
        .detections = f->detections,
    };
    struct fsn_detection_eval eval = {.images = f->images, .class_count = classes};
    struct fsn__voc_result voc = {.classes = NULL};
    struct fsn__coco_result coco = {.classes = NULL};
    enum fsn_status status = fsn__voc_precision(&test, 0.5, &voc, err);

    if (status == FSN_OK)
        status = fsn__coco_precision(&test, &coco, err);
    if (status == FSN_OK) {
        eval.classes = calloc((size_t)test.classes, sizeof *eval.classes);
        status = eval.classes ? FSN_OK : FSN__NOMEM(err);
    }
    if (status != FSN_OK)
        goto out;
    for (int c = 0; c < test.classes; c++) {
        eval.classes[c] = (struct fsn_detection_class){
            .objects = voc.classes[c].objects,
            .difficult = voc.classes[c].difficult,
            .detections = voc.classes[c].detections,
            .ap50 = 100 * voc.classes[c].ap,
            .ap07 = 100 * voc.classes[c].ap07,
            .coco_ap = 100 * coco.classes[c].ap,
            .coco_ap50 = 100 * coco.classes[c].ap50,
            .coco_ap75 = 100 * coco.classes[c].ap75,
        };
        if (curves)
            memcpy(curves[c].precision, coco.classes[c].precision[0], sizeof curves[c].precision);
        eval.objects += voc.classes[c].objects;
        eval.difficult += voc.classes[c].difficult;
        eval.detections += voc.classes[c].detections;
    }
    eval.map50 = 100 * voc.mean_ap;
    eval.map07 = 100 * voc.mean_ap07;
    eval.coco_ap = 100 * coco.ap;
    eval.coco_ap50 = 100 * coco.ap50;
    eval.coco_ap75 = 100 * coco.ap75;
    *out = eval;
out:
    fsn__voc_result_clear(&voc);
    fsn__coco_result_clear(&coco);
    return status;
}

enum fsn_status fsn__findings_judge(const struct fsn__findings *f, int32_t classes,
                                    const int64_t *list, int64_t count,
                                    struct fsn_detection_eval *out,
                                    struct fsn__precision_curve *curves, struct fsn_error *err)
{
    struct fsn__findings chosen = {0};
    enum fsn_status status;

    if (!list)
        return judge(f, classes, out, curves, err);
    status = choose(f, list, count, &chosen, err);
    if (status == FSN_OK)
        status = judge(&chosen, classes, out, curves, err);
    fsn__findings_clear(&chosen);
    return status;
}

void fsn_detection_eval_clear(struct fsn_detection_eval *eval)
{
    free(eval->classes);
    eval->classes = NULL;
    eval->class_count = 0;
}
