/* json_arrays.h - a JSON object that is made of long arrays, read element by element: its tree
 * would take up to eighty times the memory of its text. */
#ifndef FSN_DATA_JSON_ARRAYS_H
#define FSN_DATA_JSON_ARRAYS_H

#include "core/error.h"

#include <jansson.h>

/* The text of one element: longer ones are refused, which bounds the memory of its tree. */
enum { FSN__JSON_MAX_ELEMENT = 1 << 20, FSN__JSON_MAX_ARRAYS = 4 };

/* What is being read, for messages. */
struct fsn__json_place {
    const char *what, *array;
    size_t index;
};

/* An array that the object has to have, and who receives its elements. */
struct fsn__json_array {
    const char *name;
    enum fsn_status (*take)(const struct fsn__json_place *place, const json_t *element, void *user,
                            struct fsn_error *err);
};

/* Hands every element of these arrays to its take(), in the order of the file; what else there is
 * is passed over, its brackets and strings alone being looked at. what: names the file in messages;
 * count: at most FSN__JSON_MAX_ARRAYS. Errors: those of take(); FORMAT (with the line; an array
 * that is not there, or twice), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__json_arrays_read(const void *bytes, size_t size,
                                                    const char *what,
                                                    const struct fsn__json_array *arrays, int count,
                                                    void *user, struct fsn_error *err);
/* "annotations[3]: MESSAGE" of the status. */
#define FSN__JSON_FAIL(err, status, place, format, ...)                               \
    FSN__FAIL((err), (status), "%s: %s[%zu]: " format, (place)->what, (place)->array, \
              (place)->index, __VA_ARGS__)
/* A value as text that fits a message, shortened: "3.5", "nothing" for NULL; returns out. */
const char *fsn__json_shown(const json_t *value, char *out, size_t size);

#endif
