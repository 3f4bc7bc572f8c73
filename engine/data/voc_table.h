/* voc_table.h - the images, annotations and classes of a Pascal VOC set, under their names. */
#ifndef FSN_DATA_VOC_TABLE_H
#define FSN_DATA_VOC_TABLE_H

#include "data/voc_xml.h"

/* One image or annotation under its NAME. */
struct fsn__voc_named {
    char *name;
    char *path;                            /* of a file: its whole name, fit for messages */
    struct fsn__voc_annotation annotation; /* of an annotation */
    int64_t file;                          /* place in the store, of an image */
    int32_t label;                         /* of a class */
};

struct fsn__voc_table {
    struct fsn__voc_named *item; /* sorted before it is searched */
    size_t count, capacity;
};

/* A new item; NULL when out of memory. */
struct fsn__voc_named *fsn__voc_table_add(struct fsn__voc_table *table, const char *name,
                                          size_t length);
/* The same under a file's name, without folders and suffix. */
struct fsn__voc_named *fsn__voc_table_add_file(struct fsn__voc_table *table, const char *path);
/* By name. Error: FORMAT when two have one; what: names them in the message. */
FSN_NODISCARD enum fsn_status fsn__voc_table_sort(struct fsn__voc_table *table, const char *what,
                                                  struct fsn_error *err);
/* In a sorted table; NULL when there is none. */
struct fsn__voc_named *fsn__voc_table_find(const struct fsn__voc_table *table, const char *name);
void fsn__voc_table_clear(struct fsn__voc_table *table);

#endif
