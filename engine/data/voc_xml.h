/* voc_xml.h - one annotation of a Pascal VOC set. */
#ifndef FSN_DATA_VOC_XML_H
#define FSN_DATA_VOC_XML_H

#include "core/error.h"

enum { FSN__VOC_MAX_OBJECTS = 10000 };

struct fsn__voc_object {
    char *name;
    double x0, y0, x1, y1; /* xmin, ymin, xmax, ymax */
    bool difficult, truncated;
};

struct fsn__voc_annotation {
    int count, capacity;
    struct fsn__voc_object *objects;
    double width, height; /* of the image, as the file has them; 0: it does not say */
};

/* what: names the file in messages. Zero-initialise *out; clear it also after a failure. Errors:
 * FORMAT (with the line), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__voc_parse(const void *bytes, size_t size, const char *what,
                                             struct fsn__voc_annotation *out,
                                             struct fsn_error *err);
void fsn__voc_clear(struct fsn__voc_annotation *annotation);

#endif
