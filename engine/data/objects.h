/* objects.h - the objects of a detection set on their way from a reader into the data set. */
#ifndef FSN_DATA_OBJECTS_H
#define FSN_DATA_OBJECTS_H

#include "data/dataset.h"

/* A box as a reader found it. */
struct fsn__found_object {
    double x0, y0, x1, y1;  /* in pixels, 0 and the width being the edges of the image */
    double given[4];        /* as the file has them, for whoever looks for a bad one there */
    const char *class_name; /* borrowed */
    int32_t label;          /* -1: there is no such class */
    bool difficult, truncated;
};

/* Fills the objects of one split, image after image. */
struct fsn__object_list {
    struct fsn_dataset *dataset;
    enum fsn_split split;
    int64_t known; /* first_object[0 .. known) are set */
    int64_t capacity;
};

/* The split has its images, the data set its classes; per_class is made here. */
FSN_NODISCARD enum fsn_status fsn__objects_begin(struct fsn__object_list *list,
                                                 struct fsn_dataset *dataset, enum fsn_split split,
                                                 struct fsn_error *err);
/* Whether an image has the size that its annotation says, 0 being no word on it: if not, its boxes
 * are of another one. what: the annotation in the message. Error: FORMAT, with both sizes. */
FSN_NODISCARD enum fsn_status fsn__objects_check_size(const struct fsn__stored_image *image,
                                                      const char *what, double width, double height,
                                                      struct fsn_error *err);
/* An object of image i of the split, whose size the store knows; i never goes back. A bad box is
 * noted in the data set and left out. Error: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__objects_add(struct fsn__object_list *list, int64_t i,
                                               const struct fsn__found_object *found,
                                               struct fsn_error *err);
void fsn__objects_end(struct fsn__object_list *list);
/* After both splits. Error: FORMAT when no box of the set is good; names the first bad one. */
FSN_NODISCARD enum fsn_status fsn__objects_check(const struct fsn_dataset *dataset,
                                                 struct fsn_error *err);
void fsn__objects_clear(struct fsn_dataset *dataset);

#endif
