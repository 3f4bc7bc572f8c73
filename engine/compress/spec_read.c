/*
 * spec_read.c - reads the spec from JSON and names every fault at once.
 *
 * The walk follows the field table of spec.c: a key whose pointer is a row is read by the row's
 * kind, one that begins a row's pointer is a group, anything else is unknown and answered with the
 * nearest name that is known. Limits: MAX_BYTES of text, MAX_DEPTH of nesting.
 */
#include "compress/compress.h"
#include "compress/spec_reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 32 };

/* ---- one field ------------------------------------------------------------------------------- */

/* An array where one value is asked for: several are a sweep, if there is one of this setting. */
static bool refuse_several(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                           const json_t *value)
{
    for (int i = 0; json_is_array(value) && fsn__swept_at(i); i++) {
        const struct fsn__swept *kind = fsn__swept_at(i);

        if (strcmp(kind->single, field->pointer) != 0)
            continue;
        FSN__FAULT(reader, field->pointer,
                   "must be one number, got an array; several are given by %s", kind->pointer);
        return true;
    }
    return false;
}

/* Whether a whole number is one of the field's choices, where it has any. */
static bool is_offered(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                       const char *pointer, const json_t *value)
{
    char text[32];

    if (!field->choices || !json_is_integer(value))
        return true;
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    if (fsn__choice_index(field->choices, text) >= 0)
        return true;
    FSN__FAULT(reader, pointer, "must be one of %s, got %s", field->choices, FSN__DESCRIBE(value));
    return false;
}

static bool read_number(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                        const char *pointer, const json_t *value, double *out)
{
    const struct fsn__bounds bounds = {
        .min = field->min,
        .max = field->max,
        .whole = field->kind == FSN_FIELD_INT || field->kind == FSN_FIELD_SEED ||
                 field->kind == FSN_FIELD_WHOLES,
        .or_zero = field->or_zero,
    };

    return fsn__read_bounded(reader, pointer, value, &bounds, out);
}

static void read_int(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                     const json_t *value)
{
    double number = 0;

    if (is_offered(reader, field, field->pointer, value) &&
        read_number(reader, field, field->pointer, value, &number))
        *(int *)((char *)reader->spec + field->offset) = (int)number;
}

static void read_choice(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                        const json_t *value)
{
    int index =
        json_is_string(value) ? fsn__choice_index(field->choices, json_string_value(value)) : -1;

    if (index < 0)
        FSN__FAULT(reader, field->pointer, "must be one of %s, got %s", field->choices,
                   FSN__DESCRIBE(value));
    else
        *(unsigned *)((char *)reader->spec + field->offset) =
            (unsigned)field->min + (unsigned)index;
}

static void read_channels(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                          const json_t *value)
{
    float *member = (float *)((char *)reader->spec + field->offset);
    int *count = member == reader->spec->preprocess.mean ? &reader->mean_count : &reader->std_count;

    *count = -1; /* given: no further words about its length when it is wrong in itself */
    if (!fsn__read_array(reader, field->pointer, value, FSN_MAX_CHANNELS))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char pointer[FSN__POINTER];
        double number;

        fsn__pointer_index(pointer, field->pointer, i);
        if (!read_number(reader, field, pointer, json_array_get(value, i), &number))
            return;
        member[i] = (float)number;
    }
    *count = (int)json_array_size(value);
}

/* Into items[max]; *count is written when all of them are good. */
static void read_rising(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                        const json_t *value, double *items, size_t max, int *count)
{
    double previous = 0;

    if (!fsn__read_array(reader, field->pointer, value, max))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char pointer[FSN__POINTER];
        double number;

        fsn__pointer_index(pointer, field->pointer, i);
        if (!is_offered(reader, field, pointer, json_array_get(value, i)) ||
            !read_number(reader, field, pointer, json_array_get(value, i), &number))
            return;
        if (number <= previous) {
            FSN__FAULT(reader, pointer, "must be larger than the one before, %.15g, got %.15g",
                       previous, number);
            return;
        }
        items[i] = previous = number;
    }
    *count = (int)json_array_size(value);
}

static void read_name(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                      char **member, const json_t *value)
{
    if (!json_is_string(value)) {
        FSN__FAULT(reader, field->pointer, "must be a name, got %s", FSN__DESCRIBE(value));
        return;
    }
    if (json_string_length(value) == 0)
        return; /* as if not given */
    *member = strdup(json_string_value(value));
    if (!*member)
        reader->status = FSN_NOMEM;
}

static void read_names(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                       const json_t *value)
{
    char **names = reader->spec->filter_summary.exclude;
    size_t *count = &reader->spec->filter_summary.exclude_count;

    if (!fsn__read_array(reader, field->pointer, value, FSN_MAX_EXCLUDE))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        char pointer[FSN__POINTER];

        fsn__pointer_index(pointer, field->pointer, i);
        if (!json_is_string(item) || json_string_length(item) == 0) {
            FSN__FAULT(reader, pointer, "must be the name of a node, got %s", FSN__DESCRIBE(item));
            continue;
        }
        names[*count] = strdup(json_string_value(item));
        if (!names[*count]) {
            reader->status = FSN_NOMEM;
            return;
        }
        ++*count; /* NOLINT(clang-analyzer-unix.Malloc): the spec owns the name now */
    }
}

static void read_augment(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                         const json_t *value)
{
    bool seen[3] = {false}; /* crop, flip, cutout: the order of the row's choices */

    if (!fsn__read_array(reader, field->pointer, value, 3))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        int index =
            json_is_string(item) ? fsn__choice_index(field->choices, json_string_value(item)) : -1;
        char pointer[FSN__POINTER];

        fsn__pointer_index(pointer, field->pointer, i);
        if (index < 0)
            FSN__FAULT(reader, pointer, "must be one of %s, got %s", field->choices,
                       FSN__DESCRIBE(item));
        else
            seen[index] = true;
    }
    reader->augment_given = true;
    reader->crop = seen[0];
    reader->spec->finetune.flip = seen[1];
    reader->spec->finetune.cutout = seen[2];
}

static void read_field(struct fsn__spec_reader *reader, const struct fsn_spec_field *field,
                       json_t *value)
{
    char *member = (char *)reader->spec + field->offset;
    double number = 0;

    if (refuse_several(reader, field, value))
        return;
    switch (field->kind) {
    case FSN_FIELD_INT:
        read_int(reader, field, value);
        reader->padding_given |= member == (char *)&reader->spec->finetune.crop_padding;
        break;
    case FSN_FIELD_NUMBER:
        if (read_number(reader, field, field->pointer, value, &number))
            *(double *)member = number;
        break;
    case FSN_FIELD_SEED:
        if (read_number(reader, field, field->pointer, value, &number))
            *(uint64_t *)member = (uint64_t)number;
        break;
    case FSN_FIELD_CHOICE:
        read_choice(reader, field, value);
        break;
    case FSN_FIELD_CHANNELS:
        read_channels(reader, field, value);
        break;
    case FSN_FIELD_SHARES:
        read_rising(reader, field, value, reader->spec->finetune.milestones, FSN_MAX_MILESTONES,
                    &reader->spec->finetune.milestone_count);
        break;
    case FSN_FIELD_NUMBERS:
    case FSN_FIELD_WHOLES: {
        struct fsn_list *list = (struct fsn_list *)(void *)member;

        read_rising(reader, field, value, list->item, FSN_MAX_SWEEP, &list->count);
        break;
    }
    case FSN_FIELD_NAME:
        read_name(reader, field, (char **)(void *)member, value);
        break;
    case FSN_FIELD_NAMES:
        read_names(reader, field, value);
        break;
    case FSN_FIELD_SET:
        read_augment(reader, field, value);
        break;
    case FSN_FIELD_BOXES:
        fsn__read_boxes(reader, field, value);
        break;
    case FSN_FIELD_OUTPUTS:
        fsn__read_outputs(reader, field, value);
        break;
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool ignored(const struct fsn__spec_reader *reader, const char *parent, const char *key)
{
    if (*parent || !reader->ignore)
        return false;
    for (const char *const *name = reader->ignore; *name; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

/* The object at `parent`; recursion is bounded by the table, whose pointers are three deep. */
static void read_object(struct fsn__spec_reader *reader, const char *parent, json_t *object)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const struct fsn_spec_field *field = NULL;
        bool group = false;
        char pointer[FSN__POINTER];

        fsn__pointer_join(pointer, parent, key);
        for (size_t i = 0; i < count; i++) {
            size_t size = strlen(pointer);

            if (strcmp(fields[i].pointer, pointer) == 0)
                field = &fields[i];
            else if (strncmp(fields[i].pointer, pointer, size) == 0 &&
                     fields[i].pointer[size] == '/')
                group = true;
        }
        if (field)
            read_field(reader, field, value);
        else if (group && json_is_object(value))
            read_object(reader, pointer, value);
        else if (group)
            FSN__FAULT(reader, pointer, "must be an object, got %s", FSN__DESCRIBE(value));
        else if (!ignored(reader, parent, key))
            fsn__unknown_setting(reader, parent, key, pointer, value);
    }
}

/* Nesting of the text without its strings; what is not JSON is for the parser to say. */
static bool too_deep(const char *json, size_t size)
{
    bool text = false;
    int depth = 0;

    for (size_t i = 0; i < size; i++) {
        if (text && json[i] == '\\')
            i++;
        else if (json[i] == '"')
            text = !text;
        else if (!text && (json[i] == '{' || json[i] == '['))
            depth++;
        else if (!text && (json[i] == '}' || json[i] == ']'))
            depth--;
        if (depth > MAX_DEPTH)
            return true;
    }
    return false;
}

static enum fsn_status parse(const char *json, size_t size, json_t **out, struct fsn_error *err)
{
    json_error_t at;

    if (size > MAX_BYTES)
        return FSN__FAIL(err, FSN_LIMIT, "the spec has %zu bytes, the limit is %d", size,
                         MAX_BYTES);
    if (too_deep(json, size))
        return FSN__FAIL(err, FSN_LIMIT, "the spec is nested more than %d deep", MAX_DEPTH);
    *out = json_loadb(json, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &at);
    if (!*out && json_error_code(&at) == json_error_out_of_memory)
        return FSN__NOMEM(err);
    if (!*out)
        return FSN__FAIL(err, FSN_FORMAT, "the spec is not valid JSON: line %d, column %d: %s",
                         at.line, at.column, at.text);
    return FSN_OK;
}

enum fsn_status fsn_spec_from_json(const char *json, size_t size, const char *const *ignore,
                                   struct fsn_spec *out, struct fsn_faults *faults,
                                   struct fsn_error *err)
{
    enum fsn_status status;
    struct fsn_faults own = {0};
    struct fsn_spec spec;
    struct fsn__spec_reader reader = {
        .spec = &spec, .faults = faults ? faults : &own, .ignore = ignore, .status = FSN_OK};
    size_t first = reader.faults->count;
    json_t *root = NULL;

    fsn_spec_defaults(&spec);
    status = parse(json, size, &root, err);
    if (status != FSN_OK)
        goto out;
    if (json_is_object(root)) {
        read_object(&reader, "", root);
        fsn__spec_read_together(&reader);
    } else {
        FSN__FAULT(&reader, "", "the spec must be an object, got %s", FSN__DESCRIBE(root));
    }
    if (reader.status != FSN_OK) {
        status = FSN__NOMEM(err);
        goto out;
    }
    if (reader.fault_count > 0) {
        const struct fsn_fault *fault = &reader.faults->item[first < FSN_MAX_FAULTS ? first : 0];
        char more[48] = "";

        if (reader.fault_count > 1)
            snprintf(more, sizeof more, " (and %zu more)", reader.fault_count - 1);
        status = FSN__FAIL(err, FSN_INVALID, "%s%s%s%s", fault->pointer,
                           *fault->pointer ? ": " : "", fault->text, more);
        goto out;
    }
    *out = spec;
    fsn_spec_defaults(&spec); /* the names are out's now */
out:
    fsn_spec_clear(&spec);
    json_decref(root);
    return status;
}
