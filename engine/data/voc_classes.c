/* voc_classes.c - see voc_classes.h. */
#include "data/voc_classes.h"
#include "data/boxes.h"
#include "data/class_names.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

/* What goes through the objects of all images in a split. */
struct visit {
    const struct fsn__part *names;
    struct fsn__voc_table *classes;
    struct fsn_error *err;
};

typedef enum fsn_status visitor(const struct visit *visit, const struct fsn__voc_named *annotation,
                                const char *class);

static enum fsn_status visit_objects(const struct fsn__voc_named *const *of_image,
                                     const struct fsn_dataset *dataset, visitor *each,
                                     const struct visit *visit)
{
    enum fsn_status status = FSN_OK;

    for (int s = 0; s < FSN_SPLIT_COUNT; s++) {
        const struct fsn__images *images = &dataset->split[s];

        for (int64_t i = 0; i < images->count; i++) {
            const struct fsn__voc_named *named = of_image[images->file[i]];

            for (int o = 0; o < named->annotation.count && status == FSN_OK; o++)
                status = each(visit, named, named->annotation.objects[o].name);
        }
    }
    return status;
}

static enum fsn_status collect_one(const struct visit *visit,
                                   const struct fsn__voc_named *annotation, const char *class)
{
    struct fsn__voc_table *classes = visit->classes;

    (void)annotation;
    if (fsn__voc_table_find(classes, class))
        return FSN_OK;
    if (classes->count == FSN__MAX_BOX_CLASSES)
        return FSN__FAIL(visit->err, FSN_LIMIT, "the voc data set has more than %d classes",
                         FSN__MAX_BOX_CLASSES);
    if (!fsn__voc_table_add(classes, class, strlen(class)))
        return FSN__NOMEM(visit->err);
    return fsn__voc_table_sort(classes, "classes", visit->err);
}

static enum fsn_status check_one(const struct visit *visit, const struct fsn__voc_named *annotation,
                                 const char *class)
{
    if (fsn__voc_table_find(visit->classes, class))
        return FSN_OK;
    return FSN__FAIL(visit->err, FSN_FORMAT, "%s: an object is a '%.100s', which %s does not list",
                     annotation->path, class, visit->names->name);
}

/* The names of the table in its order, which gives them their labels. */
static enum fsn_status keep_collected(struct fsn__voc_table *classes, struct fsn_dataset *dataset,
                                      struct fsn_error *err)
{
    dataset->classes = (int)classes->count;
    dataset->class_names = calloc(classes->count + 1, sizeof *dataset->class_names);
    if (!dataset->class_names)
        return FSN__NOMEM(err);
    for (int c = 0; c < dataset->classes; c++) {
        classes->item[c].label = c;
        dataset->class_names[c] = strdup(classes->item[c].name);
        if (!dataset->class_names[c])
            return FSN__NOMEM(err);
    }
    return FSN_OK;
}

static enum fsn_status read_declared(const struct fsn__part *names, struct fsn__voc_table *classes,
                                     struct fsn_dataset *dataset, struct fsn_error *err)
{
    const int count = fsn__class_names_count(names);
    enum fsn_status status;

    if (count < 1 || count > FSN__MAX_BOX_CLASSES)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %d class names, expected 1 to %d", names->name,
                         count, FSN__MAX_BOX_CLASSES);
    dataset->classes = count;
    status = fsn__class_names_read(names, count, dataset, err);
    for (int c = 0; c < count && status == FSN_OK; c++) {
        const char *name = dataset->class_names[c];
        struct fsn__voc_named *class = fsn__voc_table_add(classes, name, strlen(name));

        if (!class)
            return FSN__NOMEM(err);
        class->label = c;
    }
    return status == FSN_OK ? fsn__voc_table_sort(classes, "classes", err) : status;
}

enum fsn_status fsn__voc_classes(const struct fsn__voc_named *const *of_image,
                                 const struct fsn__part *names, struct fsn_dataset *dataset,
                                 struct fsn__voc_table *classes, struct fsn_error *err)
{
    const struct visit visit = {names, classes, err};
    enum fsn_status status;

    if (names->name[0]) {
        status = read_declared(names, classes, dataset, err);
        return status == FSN_OK ? visit_objects(of_image, dataset, check_one, &visit) : status;
    }
    status = visit_objects(of_image, dataset, collect_one, &visit);
    if (status != FSN_OK)
        return status;
    if (classes->count == 0)
        return FSN__FAIL(err, FSN_FORMAT,
                         "the voc data set has no object in any annotation of an image that is in "
                         "a split");
    return keep_collected(classes, dataset, err);
}
