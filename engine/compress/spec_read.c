/*
 * spec_read.c - reads the spec from JSON and names every fault at once.
 *
 * The walk follows the field table of spec.c: a key whose pointer is a row is read by the row's
 * kind, one that begins a row's pointer is a group, anything else is unknown and answered with the
 * nearest name that is known. Limits: MAX_BYTES of text, MAX_DEPTH of nesting.
 */
#include "compress/compress.h"
#include "core/error.h"
#include "core/similar.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 20, MAX_DEPTH = 32, POINTER = 120, CLIPPED = 64 };

struct reader {
    struct fsn_spec *spec;
    struct fsn_faults *faults;
    const char *const *ignore;
    size_t fault_count; /* all of them, also those past the end of the list */
    int mean_count, std_count;
    bool augment_given, crop, padding_given;
    enum fsn_status status; /* FSN_NOMEM ends the walk's use */
};

#define FAULT(reader, pointer, ...) \
    ((reader)->fault_count++, fsn__fault((reader)->faults, (pointer), __VA_ARGS__))

/* ---- words ----------------------------------------------------------------------------------- */

/* At most CLIPPED - 4 bytes of text, cut between characters of UTF-8, "..." where cut. */
static const char *clip(const char *text, char out[CLIPPED])
{
    size_t size = strlen(text);

    if (size < CLIPPED) {
        memcpy(out, text, size + 1);
        return out;
    }
    size = CLIPPED - 4;
    while (size > 0 && ((unsigned char)text[size] & 0xc0) == 0x80)
        size--;
    memcpy(out, text, size);
    memcpy(out + size, "...", 4);
    return out;
}

/* What a value is, for the end of a message: "the string \"4\"", "3.5", "an array". */
static const char *describe(const json_t *value, char out[CLIPPED + 32])
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    char text[CLIPPED];

    switch (json_typeof(value)) {
    case JSON_STRING:
        snprintf(out, CLIPPED + 32, "the string \"%s\"", clip(json_string_value(value), text));
        break;
    case JSON_INTEGER:
        snprintf(out, CLIPPED + 32, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(out, CLIPPED + 32, "%.15g", json_real_value(value));
        break;
    default:
        snprintf(out, CLIPPED + 32, "%s", words[json_typeof(value)]);
    }
    return out;
}
#define DESCRIBE(value) describe((value), (char[CLIPPED + 32]){0})

/* parent + "/" + key, '~' and '/' escaped as RFC 6901 has it. */
static void join(char out[POINTER], const char *parent, const char *key)
{
    char text[CLIPPED];
    size_t at = (size_t)snprintf(out, POINTER, "%.50s/", parent);

    clip(key, text);
    for (const char *c = text; *c && at < POINTER - 3; c++) {
        if (*c == '~' || *c == '/') {
            out[at++] = '~';
            out[at++] = *c == '~' ? '0' : '1';
        } else {
            out[at++] = *c;
        }
    }
    out[at] = 0;
}

static void join_index(char out[POINTER], const char *parent, size_t index)
{
    snprintf(out, POINTER, "%.80s/%zu", parent, index);
}

/* Which of "a|b|c" the text is; -1: none. */
static int choice_index(const char *choices, const char *text)
{
    size_t size = strlen(text);
    int index = 0;

    for (const char *at = choices;; index++) {
        size_t length = strcspn(at, "|");

        if (length == size && memcmp(at, text, size) == 0)
            return index;
        if (!at[length])
            return -1;
        at += length + 1;
    }
}

/* ---- unknown fields -------------------------------------------------------------------------- */

static bool takes_array(const struct fsn_spec_field *field)
{
    switch (field->kind) {
    case FSN_FIELD_INT:
    case FSN_FIELD_NUMBER:
    case FSN_FIELD_SEED:
    case FSN_FIELD_CHOICE:
    case FSN_FIELD_NAME:
        return false;
    default:
        return true;
    }
}

/* Considers every prefix of every row's pointer ("/finetune", "/finetune/distill", ...): the
 * nearest last word wins, for an array before others one that takes an array, then one in the same
 * object. */
static void unknown(struct reader *reader, const char *parent, const char *key, const char *pointer,
                    const json_t *value)
{
    size_t count, best = SIZE_MAX, limit = strlen(key) / 3 + 1;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);
    char nearest[POINTER] = "";

    for (size_t i = 0; i < count; i++) {
        const char *path = fields[i].pointer;

        for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
            size_t word = strcspn(slash + 1, "/"), score;
            char name[POINTER];
            bool sibling = strlen(parent) == (size_t)(slash - path) &&
                           memcmp(parent, path, (size_t)(slash - path)) == 0;
            bool other = takes_array(&fields[i]) != json_is_array(value);

            snprintf(name, sizeof name, "%.*s", (int)word, slash + 1);
            score = fsn__edit_distance(key, name);
            if (score > limit || 4 * score + 2 * other + !sibling >= best)
                continue;
            best = 4 * score + 2 * other + !sibling;
            snprintf(nearest, sizeof nearest, "%.*s", (int)(slash + 1 + word - path), path);
        }
    }
    if (*nearest)
        FAULT(reader, pointer, "unknown field; the nearest known one is %s", nearest);
    else
        FAULT(reader, pointer, "unknown field");
}

/* ---- reading one field ----------------------------------------------------------------------- */

/* An array where one value is asked for: several are a sweep, if there is one of this setting. */
static bool refuse_several(struct reader *reader, const struct fsn_spec_field *field,
                           const json_t *value)
{
    for (int i = 0; json_is_array(value) && fsn__swept_at(i); i++) {
        const struct fsn__swept *kind = fsn__swept_at(i);

        if (strcmp(kind->single, field->pointer) != 0)
            continue;
        FAULT(reader, field->pointer, "must be one number, got an array; several are given by %s",
              kind->pointer);
        return true;
    }
    return false;
}

/* Whether a whole number is one of the field's choices, where it has any. */
static bool is_offered(struct reader *reader, const struct fsn_spec_field *field,
                       const char *pointer, const json_t *value)
{
    char text[32];

    if (!field->choices || !json_is_integer(value))
        return true;
    snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    if (choice_index(field->choices, text) >= 0)
        return true;
    FAULT(reader, pointer, "must be one of %s, got %s", field->choices, DESCRIBE(value));
    return false;
}

static bool read_number(struct reader *reader, const struct fsn_spec_field *field,
                        const char *pointer, const json_t *value, double *out)
{
    bool whole = field->kind == FSN_FIELD_INT || field->kind == FSN_FIELD_SEED ||
                 field->kind == FSN_FIELD_WHOLES;
    double number = json_number_value(value);

    if (!json_is_number(value) || (whole && number != floor(number))) {
        FAULT(reader, pointer, "must be a %snumber, got %s", whole ? "whole " : "",
              DESCRIBE(value));
        return false;
    }
    if ((number < field->min || number > field->max) && !(field->or_zero && number == 0)) {
        FAULT(reader, pointer, "must be %s%.16g to %.16g, got %s", field->or_zero ? "0 or " : "",
              field->min, field->max, DESCRIBE(value));
        return false;
    }
    *out = number;
    return true;
}

static bool read_array(struct reader *reader, const char *pointer, const json_t *value, size_t max)
{
    if (!json_is_array(value)) {
        FAULT(reader, pointer, "must be an array, got %s", DESCRIBE(value));
        return false;
    }
    if (json_array_size(value) > max) {
        FAULT(reader, pointer, "must hold at most %zu values, got %zu", max,
              json_array_size(value));
        return false;
    }
    return true;
}

static void read_int(struct reader *reader, const struct fsn_spec_field *field, const json_t *value)
{
    double number = 0;

    if (is_offered(reader, field, field->pointer, value) &&
        read_number(reader, field, field->pointer, value, &number))
        *(int *)((char *)reader->spec + field->offset) = (int)number;
}

static void read_choice(struct reader *reader, const struct fsn_spec_field *field,
                        const json_t *value)
{
    int index = json_is_string(value) ? choice_index(field->choices, json_string_value(value)) : -1;

    if (index < 0)
        FAULT(reader, field->pointer, "must be one of %s, got %s", field->choices, DESCRIBE(value));
    else
        *(unsigned *)((char *)reader->spec + field->offset) =
            (unsigned)field->min + (unsigned)index;
}

static void read_channels(struct reader *reader, const struct fsn_spec_field *field,
                          const json_t *value)
{
    float *member = (float *)((char *)reader->spec + field->offset);
    int *count = member == reader->spec->preprocess.mean ? &reader->mean_count : &reader->std_count;

    *count = -1; /* given: no further words about its length when it is wrong in itself */
    if (!read_array(reader, field->pointer, value, FSN_MAX_CHANNELS))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char pointer[POINTER];
        double number;

        join_index(pointer, field->pointer, i);
        if (!read_number(reader, field, pointer, json_array_get(value, i), &number))
            return;
        member[i] = (float)number;
    }
    *count = (int)json_array_size(value);
}

/* Into items[max]; *count is written when all of them are good. */
static void read_rising(struct reader *reader, const struct fsn_spec_field *field,
                        const json_t *value, double *items, size_t max, int *count)
{
    double previous = 0;

    if (!read_array(reader, field->pointer, value, max))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        char pointer[POINTER];
        double number;

        join_index(pointer, field->pointer, i);
        if (!is_offered(reader, field, pointer, json_array_get(value, i)) ||
            !read_number(reader, field, pointer, json_array_get(value, i), &number))
            return;
        if (number <= previous) {
            FAULT(reader, pointer, "must be larger than the one before, %.15g, got %.15g", previous,
                  number);
            return;
        }
        items[i] = previous = number;
    }
    *count = (int)json_array_size(value);
}

static void read_name(struct reader *reader, const struct fsn_spec_field *field, char **member,
                      const json_t *value)
{
    if (!json_is_string(value)) {
        FAULT(reader, field->pointer, "must be a name, got %s", DESCRIBE(value));
        return;
    }
    if (json_string_length(value) == 0)
        return; /* as if not given */
    *member = strdup(json_string_value(value));
    if (!*member)
        reader->status = FSN_NOMEM;
}

static void read_names(struct reader *reader, const struct fsn_spec_field *field,
                       const json_t *value)
{
    char **names = reader->spec->filter_summary.exclude;
    size_t *count = &reader->spec->filter_summary.exclude_count;

    if (!read_array(reader, field->pointer, value, FSN_MAX_EXCLUDE))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        char pointer[POINTER];

        join_index(pointer, field->pointer, i);
        if (!json_is_string(item) || json_string_length(item) == 0) {
            FAULT(reader, pointer, "must be the name of a node, got %s", DESCRIBE(item));
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

static void read_augment(struct reader *reader, const struct fsn_spec_field *field,
                         const json_t *value)
{
    bool seen[3] = {false}; /* crop, flip, cutout: the order of the row's choices */

    if (!read_array(reader, field->pointer, value, 3))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);
        int index =
            json_is_string(item) ? choice_index(field->choices, json_string_value(item)) : -1;
        char pointer[POINTER];

        join_index(pointer, field->pointer, i);
        if (index < 0)
            FAULT(reader, pointer, "must be one of %s, got %s", field->choices, DESCRIBE(item));
        else
            seen[index] = true;
    }
    reader->augment_given = true;
    reader->crop = seen[0];
    reader->spec->finetune.flip = seen[1];
    reader->spec->finetune.cutout = seen[2];
}

static void read_field(struct reader *reader, const struct fsn_spec_field *field,
                       const json_t *value)
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
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static bool ignored(const struct reader *reader, const char *parent, const char *key)
{
    if (*parent || !reader->ignore)
        return false;
    for (const char *const *name = reader->ignore; *name; name++)
        if (strcmp(*name, key) == 0)
            return true;
    return false;
}

/* The object at `parent`; recursion is bounded by the table, whose pointers are three deep. */
static void read_object(struct reader *reader, const char *parent, json_t *object)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        const struct fsn_spec_field *field = NULL;
        bool group = false;
        char pointer[POINTER];

        join(pointer, parent, key);
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
            FAULT(reader, pointer, "must be an object, got %s", DESCRIBE(value));
        else if (!ignored(reader, parent, key))
            unknown(reader, parent, key, pointer, value);
    }
}

/* At most one list has values, at least two. */
static void read_sweep(struct reader *reader, const char *given)
{
    const struct fsn_spec *spec = reader->spec;
    const struct fsn__swept *first = fsn__swept(spec), *other;

    for (int i = 0; first && (other = fsn__swept_at(i)); i++) {
        const int count = fsn__swept_list(other, spec)->count;

        if (count > 0 && other != first)
            FAULT(reader, other->pointer, "either %s or this can be given, not both",
                  first->pointer);
        if (count == 1)
            FAULT(reader, other->pointer, "a sweep has at least two values, got one");
    }
    if (first && first->sized && given)
        FAULT(reader, first->pointer,
              "the sweep says how large the files are: %s cannot be given too", given);
    if (spec->sweep.bits.count > 0 && spec->quantize.least_bits > 0)
        FAULT(reader, "/quantize/least_bits",
              "has no place in a sweep over bits, which says how wide values are");
}

/* What is stated of the size of the files: one thing, or a list of one kind. */
static void read_budgets(struct reader *reader)
{
    const struct fsn_spec *spec = reader->spec;
    const bool swept = fsn__sweep_count(spec) > 0;
    const char *given = spec->budget.size_bytes > 0   ? "budget.size_bytes"
                        : spec->budget.parameters > 0 ? "budget.parameters"
                                                      : NULL;

    if (spec->budget.size_bytes > 0 && spec->budget.parameters > 0)
        FAULT(reader, "/budget/parameters",
              "either size_bytes or parameters can be given, not both");
    if (spec->budget.max_accuracy_drop > 0 && given && !swept)
        FAULT(reader, "/budget/max_accuracy_drop",
              "the size is searched for: %s cannot be given too", given);
    read_sweep(reader, given);
}

/* Whether any file is trained as it is when quantised: that of a sweep's fewest bits is the first
 * to be. */
static bool trains_quantised(const struct fsn_spec *spec)
{
    struct fsn_spec one = *spec;

    if (spec->sweep.bits.count > 0)
        one.quantize.bits = (int)spec->sweep.bits.item[0];
    return fsn__aware_share(&one) > 0;
}

/* What no field can be judged on alone. */
static void read_together(struct reader *reader)
{
    struct fsn_spec *spec = reader->spec;
    int mean = reader->mean_count, std = reader->std_count;

    if (mean >= 0 && std >= 0 && mean != std)
        FAULT(reader, mean == 0 ? "/preprocess/mean" : "/preprocess/std",
              "mean and std need one value for each channel: mean has %d, std has %d", mean, std);
    spec->preprocess.channels = mean > 0 ? mean : 0;
    if (spec->finetune.ema > 0 && trains_quantised(spec))
        FAULT(
            reader, "/finetune/ema",
            "must be 0 where the last steps train the quantised network (quantize.aware), got %g: "
            "averaged weights would not be those levels",
            spec->finetune.ema);
    if (spec->quantize.least_bits > 0 && spec->sweep.bits.count == 0 &&
        (spec->quantize.least_bits >= spec->quantize.bits || spec->quantize.bits > 8))
        FAULT(reader, "/quantize/least_bits",
              "must be less than bits, which must be 8 at most: they are %d and %d",
              spec->quantize.least_bits, spec->quantize.bits);
    if (spec->quantize.least_bits > 0 && spec->budget.distribution == FSN_DISTRIBUTION_EVEN)
        FAULT(reader, "/quantize/least_bits",
              "has no effect: budget.distribution is even, so nothing is measured");
    if (spec->quantize.least_bits > 0 && spec->budget.parameters > 0)
        FAULT(reader, "/quantize/least_bits",
              "has no effect: budget.parameters counts values, not their bits");
    read_budgets(reader);
    if (!reader->augment_given)
        reader->crop = true;
    if (reader->crop && spec->finetune.crop_padding == 0)
        FAULT(
            reader, "/finetune/crop_padding",
            "must be 1 to 64 with crop in augment, got 0; leave crop out of augment to go without");
    if (!reader->crop && reader->padding_given && spec->finetune.crop_padding > 0)
        FAULT(reader, "/finetune/crop_padding", "has no effect: augment does not list crop");
    if (!reader->crop)
        spec->finetune.crop_padding = 0;
    if (!spec->finetune.cutout && spec->finetune.cutout_size > 0)
        FAULT(reader, "/finetune/cutout_size", "has no effect: augment does not list cutout");
    if (spec->finetune.patience > 0 && spec->finetune.holdout == 0)
        FAULT(
            reader, "/finetune/patience",
            "needs images to be judged by: finetune.holdout is 0, a share such as 0.05 holds some "
            "back");
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
    struct reader reader = {
        .spec = &spec, .faults = faults ? faults : &own, .ignore = ignore, .status = FSN_OK};
    size_t first = reader.faults->count;
    json_t *root = NULL;

    fsn_spec_defaults(&spec);
    status = parse(json, size, &root, err);
    if (status != FSN_OK)
        goto out;
    if (json_is_object(root)) {
        read_object(&reader, "", root);
        read_together(&reader);
    } else {
        FAULT(&reader, "", "the spec must be an object, got %s", DESCRIBE(root));
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
    spec.filter_summary.exclude_count = 0; /* the names are out's now */
    spec.output = NULL;
out:
    fsn_spec_clear(&spec);
    json_decref(root);
    return status;
}
