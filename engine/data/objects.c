/*
 * objects.c - what makes a box good, and where the objects of a split lie.
 *
 * A box is left out, and noted with its image, when its class is not known, when it has no area
 * (x0 >= x1 or y0 >= y1), or when it reaches out of the image by more than half a pixel. By less is
 * the rounding of whoever wrote it down, and it is cut at the edge. Boxes are kept as fractions, so
 * that they are right at any size to which the image is brought:
 *
 *     x0 / width, y0 / height, x1 / width, y1 / height
 *
 * The objects of all images of a split lie in one array, those of image i from first_object[i] to
 * first_object[i + 1].
 */
#include "data/objects.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

static const double overreach = 0.5;

static const char *const fault_names[] = {
    [FSN_BOX_EMPTY] = "empty",
    [FSN_BOX_OUTSIDE] = "outside",
    [FSN_BOX_UNKNOWN_CLASS] = "unknown_class",
};

const char *fsn_box_fault_name(enum fsn_box_fault fault)
{
    return fault_names[fault];
}

enum fsn_status fsn__objects_begin(struct fsn__object_list *list, struct fsn_dataset *dataset,
                                   enum fsn_split split, struct fsn_error *err)
{
    struct fsn__images *images = &dataset->split[split];

    *list = (struct fsn__object_list){.dataset = dataset, .split = split};
    images->first_object = calloc((size_t)images->count + 1, sizeof *images->first_object);
    images->per_class = calloc((size_t)dataset->classes, sizeof *images->per_class);
    return images->first_object && images->per_class ? FSN_OK : FSN__NOMEM(err);
}

enum fsn_status fsn__objects_check_size(const struct fsn__stored_image *image, const char *what,
                                        double width, double height, struct fsn_error *err)
{
    const struct fsn__image_info *info = &image->info;
    char shown[256];

    if ((width == 0 || width == info->width) && (height == 0 || height == info->height))
        return FSN_OK;
    fsn__name_printable(shown, sizeof shown, image->name);
    return FSN__FAIL(err, FSN_FORMAT,
                     "%s: the image is said to have %g x %g pixels, but %s has %d x %d: expected "
                     "the same",
                     what, width, height, shown, info->width, info->height);
}

/* first_object up to that of image i. */
static void reach(struct fsn__object_list *list, int64_t i)
{
    const int64_t count = list->dataset->objects[list->split].count;

    while (list->known <= i)
        list->dataset->split[list->split].first_object[list->known++] = count;
}

/* Whether something is wrong with a box in an image of this size. */
static bool find_fault(const struct fsn__found_object *found, const struct fsn__image_info *info,
                       enum fsn_box_fault *fault)
{
    if (found->label < 0) {
        *fault = FSN_BOX_UNKNOWN_CLASS;
        return true;
    }
    if (!(found->x0 < found->x1 && found->y0 < found->y1)) {
        *fault = FSN_BOX_EMPTY;
        return true;
    }
    *fault = FSN_BOX_OUTSIDE;
    return found->x0 < -overreach || found->x1 > info->width + overreach ||
           found->y0 < -overreach || found->y1 > info->height + overreach;
}

static enum fsn_status note_bad(struct fsn_dataset *dataset, const struct fsn__stored_image *image,
                                const struct fsn__found_object *found, enum fsn_box_fault fault,
                                struct fsn_error *err)
{
    struct fsn_bad_boxes *bad = &dataset->bad_boxes;
    struct fsn_bad_box *box;
    char shown[256];

    if (bad->count++ >= FSN_MAX_BAD_BOXES)
        return FSN_OK;
    if (!bad->listed) {
        bad->listed = calloc(FSN_MAX_BAD_BOXES, sizeof *bad->listed);
        if (!bad->listed)
            return FSN__NOMEM(err);
    }
    box = &bad->listed[bad->count - 1];
    box->fault = fault;
    memcpy(box->given, found->given, sizeof box->given);
    fsn__name_printable(shown, sizeof shown, image->name);
    box->image = strdup(shown);
    box->class_name = strdup(found->class_name);
    return box->image && box->class_name ? FSN_OK : FSN__NOMEM(err);
}

static bool make_room(struct fsn__object_list *list, struct fsn__images *images, int64_t count)
{
    const size_t more = list->capacity ? 2 * (size_t)list->capacity : 64;
    struct fsn__object *objects;

    if (count < list->capacity)
        return true;
    objects = reallocarray(images->objects, more, sizeof *objects);
    if (!objects)
        return false;
    images->objects = objects;
    list->capacity = (int64_t)more;
    return true;
}

/* A share of the side, cut at the edges. */
static float fraction(double at, int side)
{
    return at <= 0 ? 0.0f : at >= side ? 1.0f : (float)(at / side);
}

enum fsn_status fsn__objects_add(struct fsn__object_list *list, int64_t i,
                                 const struct fsn__found_object *found, struct fsn_error *err)
{
    struct fsn_dataset *dataset = list->dataset;
    struct fsn__images *images = &dataset->split[list->split];
    const struct fsn__stored_image *image = &dataset->store->images[images->file[i]];
    const int width = image->info.width, height = image->info.height;
    struct fsn_object_counts *counts = &dataset->objects[list->split];
    struct fsn__object object = {.label = found->label, .difficult = found->difficult};
    enum fsn_box_fault fault;

    reach(list, i);
    object.box = (struct fsn__box){fraction(found->x0, width), fraction(found->y0, height),
                                   fraction(found->x1, width), fraction(found->y1, height)};
    if (!find_fault(found, &image->info, &fault)) {
        /* Of a sliver beyond the edge nothing is left, nor of one that a float cannot tell. */
        fault = FSN_BOX_EMPTY;
        if (object.box.x0 < object.box.x1 && object.box.y0 < object.box.y1) {
            if (!make_room(list, images, counts->count))
                return FSN__NOMEM(err);
            images->objects[counts->count++] = object;
            counts->difficult += object.difficult;
            counts->truncated += found->truncated;
            images->per_class[object.label]++;
            return FSN_OK;
        }
    }
    counts->empty += fault == FSN_BOX_EMPTY;
    return note_bad(dataset, image, found, fault, err);
}

void fsn__objects_end(struct fsn__object_list *list)
{
    reach(list, list->dataset->split[list->split].count);
}

enum fsn_status fsn__objects_check(const struct fsn_dataset *dataset, struct fsn_error *err)
{
    const struct fsn_bad_boxes *bad = &dataset->bad_boxes;
    const struct fsn_bad_box *first = bad->listed;
    int64_t good = 0;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++)
        good += dataset->objects[s].count;
    if (good > 0)
        return FSN_OK;
    if (bad->count == 0)
        return FSN__FAIL(err, FSN_FORMAT, "the %s data set has no object in any listed image",
                         dataset->format);
    return FSN__FAIL(err, FSN_FORMAT,
                     "no box of the %s data set can be used; the first of %lld bad ones: %s: box "
                     "of a '%.60s' (%g, %g, %g, %g): %s",
                     dataset->format, (long long)bad->count, first->image, first->class_name,
                     first->given[0], first->given[1], first->given[2], first->given[3],
                     fault_names[first->fault]);
}

void fsn__objects_clear(struct fsn_dataset *dataset)
{
    struct fsn_bad_boxes *bad = &dataset->bad_boxes;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        free(dataset->split[s].objects);
        free(dataset->split[s].first_object);
    }
    for (int64_t i = 0; bad->listed && i < FSN_MAX_BAD_BOXES; i++) {
        free(bad->listed[i].image);
        free(bad->listed[i].class_name);
    }
    free(bad->listed);
}
