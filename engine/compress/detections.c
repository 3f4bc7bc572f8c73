/* detections.c - the member "detection" of the report: figures of each class, curves of precision
 * over recall, and some images as both networks see them. */
#include "compress/detections.h"

#include "compress/compress.h"
#include "compress/spec_reader.h"
#include "data/resize.h"
#include "detect/box_codec.h"

#include <math.h>
#include <nettle/base64.h>
#include <stdlib.h>

/* What is drawn has at least this score, and is the object that it shares more than half with. */
static const float DRAWN_SCORE = 0.4F, SAME = 0.5F;
enum { JPEG_QUALITY = 75, SIDES = 2 };

/* ---- classes --------------------------------------------------------------------------------- */

static json_t *class_side_json(const struct fsn_detection_class *c)
{
    return json_pack("{s:I, s:o, s:o, s:o, s:o, s:o}", "detections", (json_int_t)c->detections,
                     "ap50", fsn__json_real(c->ap50), "ap07", fsn__json_real(c->ap07), "coco_ap",
                     fsn__json_real(c->coco_ap), "coco_ap50", fsn__json_real(c->coco_ap50),
                     "coco_ap75", fsn__json_real(c->coco_ap75));
}

/* Four digits are more than a plot shows. */
static json_t *curve_json(const struct fsn__precision_curve *curve, int64_t objects)
{
    double rounded[FSN__COCO_RECALLS];

    if (objects == 0)
        return json_null();
    for (int r = 0; r < FSN__COCO_RECALLS; r++)
        rounded[r] = round(1e4 * curve->precision[r]) / 1e4;
    return fsn__numbers_json(rounded, FSN__COCO_RECALLS, false);
}

struct judged {
    struct fsn_detection_eval eval[SIDES];
    struct fsn__precision_curve *curves[SIDES]; /* [classes] */
};

static bool judge(const struct fsn__finds *finds, struct judged *out)
{
    const struct fsn__findings *found[SIDES] = {finds->baseline, finds->compressed};
    const int classes = finds->data->classes;
    bool judged = true;

    for (int side = 0; side < SIDES && judged; side++) {
        out->curves[side] = calloc((size_t)classes, sizeof *out->curves[side]);
        judged = out->curves[side] &&
                 fsn__findings_judge(found[side], classes, NULL, found[side]->images,
                                     &out->eval[side], out->curves[side], NULL) == FSN_OK;
    }
    return judged;
}

static json_t *classes_json(const struct fsn__finds *finds)
{
    char *const *names = finds->data->class_names;
    struct judged j = {.curves = {NULL, NULL}};
    json_t *array = judge(finds, &j) ? json_array() : NULL;
    bool made = array != NULL;

    for (int c = 0; made && c < finds->data->classes; c++) {
        const struct fsn_detection_class *before = &j.eval[0].classes[c];

        made = json_array_append_new(
                   array, json_pack("{s:s?, s:I, s:I, s:o, s:o, s:{s:o, s:o}}", "name",
                                    names ? names[c] : NULL, "objects", (json_int_t)before->objects,
                                    "difficult", (json_int_t)before->difficult, "baseline",
                                    class_side_json(before), "compressed",
                                    class_side_json(&j.eval[1].classes[c]), "curves", "baseline",
                                    curve_json(&j.curves[0][c], before->objects), "compressed",
                                    curve_json(&j.curves[1][c], before->objects))) == 0;
    }
    for (int side = 0; side < SIDES; side++) {
        fsn_detection_eval_clear(&j.eval[side]);
        free(j.curves[side]);
    }
    if (made)
        return array;
    json_decref(array);
    return NULL;
}

/* ---- which images are drawn ------------------------------------------------------------------ */

static bool finds_object(const struct fsn__findings *found, int64_t image,
                         const struct fsn__object *object)
{
    for (int64_t d = found->first_detection[image]; d < found->first_detection[image + 1]; d++) {
        const struct fsn__detection *one = &found->detections[d];

        if (one->score >= DRAWN_SCORE && one->label == object->label &&
            fsn__box_iou(one->box, object->box) > SAME)
            return true;
    }
    return false;
}

struct place {
    int64_t image, differs; /* objects that one of the networks finds alone */
};

static int by_difference(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    if (x->differs != y->differs)
        return x->differs > y->differs ? -1 : 1;
    return (x->image > y->image) - (x->image < y->image);
}

/* All images, those to draw first; new, NULL when out of memory. */
static struct place *rank_images(const struct fsn__finds *finds)
{
    const struct fsn__findings *before = finds->baseline, *after = finds->compressed;
    struct place *place = calloc((size_t)before->images + 1, sizeof *place);

    for (int64_t i = 0; place && i < before->images; i++) {
        place[i].image = i;
        for (int64_t o = before->first_object[i]; o < before->first_object[i + 1]; o++)
            place[i].differs += finds_object(before, i, &before->objects[o]) !=
                                finds_object(after, i, &before->objects[o]);
    }
    if (place)
        qsort(place, (size_t)before->images, sizeof *place, by_difference);
    return place;
}

/* ---- how they are drawn ---------------------------------------------------------------------- */

static json_t *base64_json(const uint8_t *bytes, size_t size)
{
    const size_t length = BASE64_ENCODE_RAW_LENGTH(size);
    char *text = malloc(length + 1);
    json_t *json = NULL;

    if (text) {
        base64_encode_raw(text, size, bytes);
        json = json_stringn(text, length);
    }
    free(text);
    return json;
}

static struct fsn__image_info drawn_size(const struct fsn__image_info *info)
{
    const int longer = info->width > info->height ? info->width : info->height;
    struct fsn__image_info size = *info;

    if (longer > FSN__DRAWN_SIDE) {
        size.width = (int)fmax(1, round((double)info->width * FSN__DRAWN_SIDE / longer));
        size.height = (int)fmax(1, round((double)info->height * FSN__DRAWN_SIDE / longer));
    }
    return size;
}

/* A small JPEG; null where the image cannot be read. */
static json_t *picture_json(const struct fsn_dataset *data, int64_t image)
{
    const int64_t file = data->split[FSN_SPLIT_TEST].file[image];
    const struct fsn__image_info *info = &data->store->images[file].info;
    const struct fsn__image_info size = drawn_size(info);
    struct fsn__image whole = {0}, small = {0};
    uint8_t *bytes = NULL;
    size_t count = 0;
    json_t *json = NULL;

    if (fsn__image_store_decode(data->store, file, info->channels, &whole, NULL) == FSN_OK &&
        fsn__image_resize(&whole, size.width, size.height, &small, NULL) == FSN_OK &&
        fsn__jpeg_encode(&small, JPEG_QUALITY, &bytes, &count, NULL) == FSN_OK)
        json = base64_json(bytes, count);
    free(whole.pixels);
    free(small.pixels);
    free(bytes);
    return json ? json : json_null();
}

static json_t *box_json(struct fsn__box box)
{
    const double corner[4] = {box.x0, box.y0, box.x1, box.y1};
    double rounded[4];

    for (int i = 0; i < 4; i++)
        rounded[i] = round(1e5 * corner[i]) / 1e5;
    return fsn__numbers_json(rounded, 4, false);
}

static json_t *objects_json(const struct fsn__findings *found, int64_t image)
{
    json_t *array = json_array();

    for (int64_t o = found->first_object[image]; o < found->first_object[image + 1]; o++) {
        const struct fsn__object *object = &found->objects[o];

        json_array_append_new(array,
                              json_pack("{s:i, s:o, s:b}", "class", (int)object->label, "box",
                                        box_json(object->box), "difficult", object->difficult));
    }
    return array;
}

/* Best first, as they were found. */
static json_t *drawn_detections_json(const struct fsn__findings *found, int64_t image)
{
    json_t *array = json_array();

    for (int64_t d = found->first_detection[image]; d < found->first_detection[image + 1]; d++) {
        const struct fsn__detection *one = &found->detections[d];

        if (one->score >= DRAWN_SCORE)
            json_array_append_new(array, json_pack("{s:i, s:f, s:o}", "class", (int)one->label,
                                                   "score", round(1e4 * (double)one->score) / 1e4,
                                                   "box", box_json(one->box)));
    }
    return array;
}

static json_t *drawn_json(const struct fsn__finds *finds)
{
    const struct fsn__images *images = &finds->data->split[FSN_SPLIT_TEST];
    struct place *place = rank_images(finds);
    json_t *array = place ? json_array() : NULL;
    bool made = array != NULL;

    for (int64_t i = 0; made && i < finds->baseline->images && i < FSN__DRAWN_IMAGES; i++) {
        const int64_t at = place[i].image;
        const struct fsn__stored_image *stored = &finds->data->store->images[images->file[at]];

        made = json_array_append_new(
                   array,
                   json_pack("{s:I, s:s, s:i, s:i, s:o, s:o, s:o, s:o}", "image", (json_int_t)at,
                             "name", stored->name, "width", stored->info.width, "height",
                             stored->info.height, "jpeg", picture_json(finds->data, at), "objects",
                             objects_json(finds->baseline, at), "baseline",
                             drawn_detections_json(finds->baseline, at), "compressed",
                             drawn_detections_json(finds->compressed, at))) == 0;
    }
    free(place);
    if (made)
        return array;
    json_decref(array);
    return NULL;
}

json_t *fsn__detections_json(const struct fsn__finds *finds)
{
    return json_pack("{s:o, s:o, s:f}", "classes", classes_json(finds), "drawn", drawn_json(finds),
                     "drawn_score", round(1e4 * (double)DRAWN_SCORE) / 1e4);
}
