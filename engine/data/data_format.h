/* data_format.h - what a data set format tells the reader: which files it is made of, and how they
 * become images. To add one: a file with its table of parts and its assemble(), and a row in
 * dataset.c. */
#ifndef FSN_DATA_DATA_FORMAT_H
#define FSN_DATA_DATA_FORMAT_H

#include "data/dataset.h"

enum { FSN__MAX_PARTS = 8 };

/* A file that the format is made of, as found. */
struct fsn__part {
    char name[128];       /* as in the archive, fit for messages; "" while it has not come */
    unsigned char *bytes; /* assemble() may free them early, leaving NULL */
    size_t size;
};

struct fsn__part_kind {
    const char *name;  /* what to call it in messages */
    const char *split; /* "train" or "test"; NULL: belongs to both */
    bool required;
};

struct fsn__data_format {
    const char *name;
    const char *expects; /* one line for "this is no data set" messages */
    int part_count;      /* <= FSN__MAX_PARTS */
    const struct fsn__part_kind *parts;
    /* Index of the part that a file of this base name is, or -1. */
    int (*part_of)(const char *base_name);
    /* Builds the images, given all required parts; a zeroed *dataset gets everything but per_class
     * and format. On failure the caller clears what was filled. */
    enum fsn_status (*assemble)(struct fsn__part *parts, struct fsn_dataset *dataset,
                                struct fsn_error *err);
};

extern const struct fsn__data_format fsn__format_cifar10;
extern const struct fsn__data_format fsn__format_idx;

/* Room for `count` images of the data set's shape in a split. */
FSN_NODISCARD enum fsn_status fsn__images_alloc(struct fsn_dataset *dataset, enum fsn_split split,
                                                int64_t count, struct fsn_error *err);

#endif
