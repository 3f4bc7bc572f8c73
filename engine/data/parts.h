/* parts.h - formats made of a few files that are known by name: a table of parts, and what collects
 * them. */
#ifndef FSN_DATA_PARTS_H
#define FSN_DATA_PARTS_H

#include "data/data_format.h"

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

struct fsn__part_table {
    int count; /* <= FSN__MAX_PARTS */
    const struct fsn__part_kind *kinds;
    /* Index of the part that a file of this base name is, or -1. */
    int (*part_of)(const char *base_name);
    /* Builds the images, given all required parts. */
    enum fsn_status (*assemble)(struct fsn__part *parts, struct fsn_dataset *dataset,
                                struct fsn_error *err);
};

bool fsn__parts_want(const struct fsn__data_format *format, const char *name);
enum fsn_status fsn__parts_take(const struct fsn__data_format *format, void **state,
                                const char *name, unsigned char *bytes, size_t size,
                                struct fsn_error *err);
bool fsn__parts_are_there(const struct fsn__data_format *format, const void *state);
enum fsn_status fsn__parts_assemble(const struct fsn__data_format *format, void **state,
                                    struct fsn_dataset *dataset, struct fsn_error *err);
void fsn__parts_free(void *state);

/* The part of a format's row that is the same for all formats of parts. */
#define FSN__FORMAT_OF_PARTS(table)                                      \
    .parts = (table), .wants = fsn__parts_want, .take = fsn__parts_take, \
    .is_there = fsn__parts_are_there, .assemble = fsn__parts_assemble,   \
    .free_state = fsn__parts_free

#endif
