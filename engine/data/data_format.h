/* data_format.h - what a data set format tells the reader: which files of an archive it is made of,
 * and how they become labelled images. To add one: a file with its row, and the row's name in
 * dataset.c. */
#ifndef FSN_DATA_DATA_FORMAT_H
#define FSN_DATA_DATA_FORMAT_H

#include "data/dataset.h"

struct fsn__part;

struct fsn__data_format {
    const char *name;
    const char *expects; /* one line for "this is no data set" messages */
    /* Recognised only where no other format is: any folder of images could be one. */
    bool fallback;
    /* The formats whose images this one takes in, NULL after the last; `join` moves them out of a
     * store that one of them has, before this one is assembled. */
    const struct fsn__data_format *images[2];
    enum fsn_status (*join)(void **state, struct fsn__image_store *images, struct fsn_error *err);
    bool images_suffice; /* it is there when these images are, without a file of its own */
    /* Or when their names say so; NULL: they do not. */
    bool (*recognises)(const struct fsn__image_store *images);
    /* Where nobody has named a format and both are there: the one that it is; or NULL. */
    const struct fsn__data_format *yields_to;
    /* Where nobody has named a format: what the files are instead when is_likely denies that they
     * are of this one. NULL: no such doubt. */
    const struct fsn__data_format *otherwise;
    bool (*is_likely)(const void *state);
    const struct fsn__part_table *parts; /* of a format made of few files (parts.h), else NULL */
    bool (*wants)(const struct fsn__data_format *format, const char *name);
    /* Receives a wanted file: bytes are the callee's, whatever it returns. *state is NULL before
     * the first one and freed by free_state, also after a failure. */
    enum fsn_status (*take)(const struct fsn__data_format *format, void **state, const char *name,
                            unsigned char *bytes, size_t size, struct fsn_error *err);
    /* Whether the files that came are a data set of this format, complete or not. */
    bool (*is_there)(const struct fsn__data_format *format, const void *state);
    /* The images of its state, for formats that take them in; NULL: none does. */
    struct fsn__image_store *(*images_of)(void *state);
    /* Takes in the archive's file of class names (class_names.h), before assemble; *names gives up
     * its bytes. NULL: the format knows none. */
    void (*declare)(void *state, struct fsn__part *names);
    /* Builds the images, given that it is there: a zeroed *dataset gets everything but per_class
     * and format (per_class too where images have no labels). What it keeps of *state it takes out.
     * On failure the caller clears what was filled. */
    enum fsn_status (*assemble)(const struct fsn__data_format *format, void **state,
                                struct fsn_dataset *dataset, struct fsn_error *err);
    void (*free_state)(void *state); /* NULL is fine */
};

extern const struct fsn__data_format fsn__format_cifar10, fsn__format_cifar100, fsn__format_idx,
    fsn__format_npz, fsn__format_voc, fsn__format_coco, fsn__format_masks, fsn__format_image_folder,
    fsn__format_images;

/* Room for `count` images of the data set's shape in a split, in memory. */
FSN_NODISCARD enum fsn_status fsn__images_alloc(struct fsn_dataset *dataset, enum fsn_split split,
                                                int64_t count, struct fsn_error *err);
/* The same for images that are files: room for their places in the store. */
FSN_NODISCARD enum fsn_status fsn__images_alloc_files(struct fsn_dataset *dataset,
                                                      enum fsn_split split, int64_t count,
                                                      struct fsn_error *err);
/* The data set owns the store from here on; its images' sizes and channels become known. */
void fsn__dataset_adopt(struct fsn_dataset *dataset, struct fsn__image_store *store);
/* One more image of this size is in the data set; what adopt does of each. */
void fsn__dataset_widen(struct fsn_dataset *dataset, const struct fsn__image_info *info);

#endif
