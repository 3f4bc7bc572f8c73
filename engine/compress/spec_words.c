/* spec_words.c - values of a job spec by themselves: what they must be, and what is said of one
 * that is wrong: what it is, where it stands, the nearest name that is known. */
#include "compress/spec_reader.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CLIPPED = 64 };

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

const char *fsn__describe_json(const json_t *value, char out[FSN__DESCRIPTION])
{
    static const char *const words[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "an array", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    char text[CLIPPED];

    switch (json_typeof(value)) {
    case JSON_STRING:
        snprintf(out, FSN__DESCRIPTION, "the string \"%s\"", clip(json_string_value(value), text));
        break;
    case JSON_INTEGER:
        snprintf(out, FSN__DESCRIPTION, "%lld", (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        snprintf(out, FSN__DESCRIPTION, "%.15g", json_real_value(value));
        break;
    default:
        snprintf(out, FSN__DESCRIPTION, "%s", words[json_typeof(value)]);
    }
    return out;
}

void fsn__pointer_join(char out[FSN__POINTER], const char *parent, const char *key)
{
    char text[CLIPPED];
    size_t at = (size_t)snprintf(out, FSN__POINTER, "%.50s/", parent);

    clip(key, text);
    for (const char *c = text; *c && at < FSN__POINTER - 3; c++) {
        if (*c == '~' || *c == '/') {
            out[at++] = '~';
            out[at++] = *c == '~' ? '0' : '1';
        } else {
            out[at++] = *c;
        }
    }
    out[at] = 0;
}

void fsn__pointer_index(char out[FSN__POINTER], const char *parent, size_t index)
{
    snprintf(out, FSN__POINTER, "%.80s/%zu", parent, index);
}

int fsn__choice_index(const char *choices, const char *text)
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

bool fsn__read_bounded(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                       const struct fsn__bounds *bounds, double *out)
{
    const double number = json_number_value(value);

    if (!json_is_number(value) || (bounds->whole && number != floor(number))) {
        FSN__FAULT(reader, pointer, "must be a %snumber, got %s", bounds->whole ? "whole " : "",
                   FSN__DESCRIBE(value));
        return false;
    }
    if ((number < bounds->min || number > bounds->max) && !(bounds->or_zero && number == 0)) {
        FSN__FAULT(reader, pointer, "must be %s%.16g to %.16g, got %s",
                   bounds->or_zero ? "0 or " : "", bounds->min, bounds->max, FSN__DESCRIBE(value));
        return false;
    }
    *out = number;
    return true;
}

bool fsn__read_array(struct fsn__spec_reader *reader, const char *pointer, const json_t *value,
                     size_t max)
{
    if (!json_is_array(value)) {
        FSN__FAULT(reader, pointer, "must be an array, got %s", FSN__DESCRIBE(value));
        return false;
    }
    if (json_array_size(value) > max) {
        FSN__FAULT(reader, pointer, "must hold at most %zu values, got %zu", max,
                   json_array_size(value));
        return false;
    }
    return true;
}

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
void fsn__unknown_setting(struct fsn__spec_reader *reader, const char *parent, const char *key,
                          const char *pointer, const json_t *value)
{
    size_t count, best = SIZE_MAX, limit = strlen(key) / 3 + 1;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);
    char nearest[FSN__POINTER] = "";

    for (size_t i = 0; i < count; i++) {
        const char *path = fields[i].pointer;

        for (const char *slash = path; slash; slash = strchr(slash + 1, '/')) {
            size_t word = strcspn(slash + 1, "/"), score;
            char name[FSN__POINTER];
            bool sibling = strlen(parent) == (size_t)(slash - path) &&
                           memcmp(parent, path, (size_t)(slash - path)) == 0;
            bool other = takes_array(&fields[i]) != json_is_array(value);

            snprintf(name, sizeof name, "%.*s", (int)word, slash + 1);
            score = fsn_edit_distance(key, name);
            if (score > limit || 4 * score + 2 * other + !sibling >= best)
                continue;
            best = 4 * score + 2 * other + !sibling;
            snprintf(nearest, sizeof nearest, "%.*s", (int)(slash + 1 + word - path), path);
        }
    }
    if (*nearest)
        FSN__FAULT(reader, pointer, "unknown field; the nearest known one is %s", nearest);
    else
        FSN__FAULT(reader, pointer, "unknown field");
}

void fsn__refuse_unknown(struct fsn__spec_reader *reader, const char *parent, json_t *object,
                         const char *const *known)
{
    const char *key;
    json_t *value;

    json_object_foreach(object, key, value)
    {
        size_t best = strlen(key) / 3 + 2;
        const char *nearest = NULL;
        char pointer[FSN__POINTER];

        for (const char *const *name = known; *name && best > 0; name++) {
            const size_t distance = fsn_edit_distance(key, *name);

            if (distance < best) {
                best = distance;
                nearest = *name;
            }
        }
        if (best == 0)
            continue;
        fsn__pointer_join(pointer, parent, key);
        if (nearest)
            FSN__FAULT(reader, pointer, "unknown field; the nearest known one is %s/%s", parent,
                       nearest);
        else
            FSN__FAULT(reader, pointer, "unknown field");
    }
}
