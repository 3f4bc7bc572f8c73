/* spec_reader.h - what the files that read and write a job spec share. */
#ifndef FSN_COMPRESS_SPEC_READER_H
#define FSN_COMPRESS_SPEC_READER_H

#include "core/error.h"

#include <jansson.h>

enum { FSN__POINTER = 120 };    /* bytes of a JSON pointer, as in struct fsn_fault */
enum { FSN__DESCRIPTION = 96 }; /* bytes of what a message says of a value */

struct fsn__spec_reader {
    struct fsn_spec *spec;
    struct fsn_faults *faults;
    const char *const *ignore;
    size_t fault_count; /* all of them, also those past the end of the list */
    int mean_count, std_count;
    bool augment_given, crop, padding_given;
    enum fsn_status status; /* FSN_NOMEM ends the walk's use */
};

#define FSN__FAULT(reader, pointer, ...) \
    ((reader)->fault_count++, fsn__fault((reader)->faults, (pointer), __VA_ARGS__))

/* What a value is, for the end of a message: "the string \"4\"", "3.5", "an array". */
const char *fsn__describe_json(const json_t *value, char out[FSN__DESCRIPTION]);
#define FSN__DESCRIBE(value) fsn__describe_json((value), (char[FSN__DESCRIPTION]){0})
/* parent + "/" + key, '~' and '/' escaped as RFC 6901 has it; parent + "/" + index. */
void fsn__pointer_join(char out[FSN__POINTER], const char *parent, const char *key);
void fsn__pointer_index(char out[FSN__POINTER], const char *parent, size_t index);
/* Which of "a|b|c" the text is; -1: none. */
int fsn__choice_index(const char *choices, const char *text);
/* A fault for the key at `pointer` that the table does not have, with the nearest that it has. */
void fsn__unknown_setting(struct fsn__spec_reader *reader, const char *parent, const char *key,
                          const char *pointer, const json_t *value);
/* A fault for each key of the object at `parent` that is none of `known` (NULL-terminated). */
void fsn__refuse_unknown(struct fsn__spec_reader *reader, const char *parent, json_t *object,
                         const char *const *known);
/* A number of min..max, or 0 where that is allowed too; false after a fault. */
struct fsn__bounds {
    double min, max;
    bool whole, or_zero;
};
bool fsn__read_bounded(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                       const struct fsn__bounds *bounds, double *out);
/* Whether the value is an array of at most `max` items; else a fault. */
bool fsn__read_array(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                     size_t max);
/* An array of numbers, whole ones or reals; new, NULL when out of memory. */
json_t *fsn__numbers_json(const double *values, int count, bool whole);
/* A setting of kind FSN_FIELD_BOXES, and how a rule is written; new, NULL when out of memory. */
void fsn__read_boxes(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                     json_t *value);
json_t *fsn__boxes_json(const struct fsn_default_boxes *boxes);
void fsn__boxes_clear(struct fsn_default_boxes *boxes);
/* A setting of kind FSN_FIELD_OUTPUTS, how it is written, and its end. */
void fsn__read_outputs(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                       json_t *value);
json_t *fsn__outputs_json(const struct fsn_distill_outputs *outputs);
void fsn__outputs_clear(struct fsn_distill_outputs *outputs);
/* What no field can be judged on alone, when all are read. */
void fsn__spec_read_together(struct fsn__spec_reader *reader);

#endif
