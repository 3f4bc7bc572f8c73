/*
 * voc_xml.c - annotations of Pascal VOC (Everingham et al., "The PASCAL Visual Object Classes
 * Challenge", IJCV 2010), read with expat:
 *
 *     annotation / object / name, difficult, truncated, bndbox / xmin, ymin, xmax, ymax
 *
 * and annotation / size / width, height. What else there is (pose, parts of objects with boxes of
 * their own) is passed over: an element counts by its whole path. A document type has no place in
 * an annotation and is refused, and with it every entity that could blow up.
 */
#include "data/voc_xml.h"
#include "data/class_names.h"
#include "data/entry_name.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <expat.h>

enum { MAX_DEPTH = 16, MAX_PATH = 256, MAX_TEXT = 256 };

static const char *const side_paths[] = {
    "annotation/object/bndbox/xmin",
    "annotation/object/bndbox/ymin",
    "annotation/object/bndbox/xmax",
    "annotation/object/bndbox/ymax",
};

struct parser {
    XML_Parser xml;
    struct fsn__voc_annotation *out;
    struct fsn__voc_object object; /* under way */
    int has;                       /* of its box: bit i for side i */
    char path[MAX_PATH];           /* "annotation/object/name" */
    size_t length[MAX_DEPTH];      /* of the path before each open element */
    int depth;
    char text[MAX_TEXT + 1]; /* of the element under way */
    size_t text_length;
    enum fsn_status status;
    char reason[200];
};

__attribute__((format(printf, 3, 4))) static void
stop(struct parser *parser, enum fsn_status status, const char *format, ...)
{
    va_list args;

    if (parser->status != FSN_OK)
        return;
    parser->status = status;
    va_start(args, format);
    vsnprintf(parser->reason, sizeof parser->reason, format, args);
    va_end(args);
    XML_StopParser(parser->xml, XML_FALSE);
}

static bool is_at(const struct parser *parser, const char *path)
{
    return strcmp(parser->path, path) == 0;
}

static void begin_element(void *user, const char *name, const char **attributes)
{
    struct parser *parser = user;
    const size_t length = strlen(parser->path);

    (void)attributes;
    if (parser->depth == MAX_DEPTH) {
        stop(parser, FSN_LIMIT, "elements lie deeper than %d in each other", MAX_DEPTH);
        return;
    }
    if (length + strlen(name) + 2 > MAX_PATH) {
        stop(parser, FSN_LIMIT, "an element's path has more than %d bytes", MAX_PATH - 2);
        return;
    }
    parser->length[parser->depth++] = length;
    snprintf(parser->path + length, MAX_PATH - length, "%s%s", length > 0 ? "/" : "", name);
    parser->text_length = 0;
    if (parser->depth == 1 && !is_at(parser, "annotation"))
        stop(parser, FSN_FORMAT, "not an annotation");
    if (is_at(parser, "annotation/object")) {
        free(parser->object.name);
        parser->object = (struct fsn__voc_object){0};
        parser->has = 0;
    }
}

static void take_text(void *user, const char *text, int length)
{
    struct parser *parser = user;

    if (parser->text_length + (size_t)length > MAX_TEXT) {
        /* Long texts stand in elements that are passed over; of others this is the end. */
        parser->text_length = MAX_TEXT + 1;
        return;
    }
    memcpy(parser->text + parser->text_length, text, (size_t)length);
    parser->text_length += (size_t)length;
}

/* The element's text without the space around it; NULL when it is too long. */
static const char *trimmed(struct parser *parser)
{
    static const char space[] = " \t\r\n";
    char *begin = parser->text;
    size_t length = parser->text_length;

    if (length > MAX_TEXT)
        return NULL;
    begin[length] = '\0';
    while (length > 0 && strchr(space, begin[length - 1]))
        begin[--length] = '\0';
    return begin + strspn(begin, space);
}

/* The text as a message shows it. */
static const char *shown(const char *text, char out[64])
{
    fsn__name_escaped(out, 64, text ? text : "(a long text)");
    return out;
}

/* False after stopping: the text is no number. */
static bool take_number(struct parser *parser, double *out)
{
    const char *text = trimmed(parser);
    char *end = NULL, came[64];
    const double value = text ? strtod(text, &end) : 0;

    if (!text || end == text || *end || !isfinite(value)) {
        stop(parser, FSN_FORMAT, "%s of object %d is '%s', expected a number",
             strrchr(parser->path, '/') + 1, parser->out->count + 1, shown(text, came));
        return false;
    }
    *out = value;
    return true;
}

/* A side of the image; what is no number there says nothing. */
static void take_size(struct parser *parser, double *out)
{
    const char *text = trimmed(parser);
    const double value = text ? strtod(text, NULL) : 0;

    *out = value > 0 && isfinite(value) ? value : 0;
}

static void take_flag(struct parser *parser, const char *name, bool *flag)
{
    const char *text = trimmed(parser);
    char came[64];

    *flag = text && (strcmp(text, "1") == 0 || strcasecmp(text, "true") == 0);
    if (!text || (*text && !*flag && strcmp(text, "0") != 0 && strcasecmp(text, "false") != 0))
        stop(parser, FSN_FORMAT, "%s of object %d is '%s', expected 0 or 1", name,
             parser->out->count + 1, shown(text, came));
}

/* Whether the element is a side of an object's box, which it is taken for. */
static bool take_side(struct parser *parser)
{
    double *const sides[] = {&parser->object.x0, &parser->object.y0, &parser->object.x1,
                             &parser->object.y1};

    for (int i = 0; i < 4; i++)
        if (is_at(parser, side_paths[i])) {
            if (take_number(parser, sides[i]))
                parser->has |= 1 << i;
            return true;
        }
    return false;
}

static void take_name(struct parser *parser)
{
    const char *text = trimmed(parser), *fault = text ? fsn__class_name_fault(text) : NULL;
    char shown[100];

    if (!text || fault) {
        fsn__name_escaped(shown, sizeof shown, text ? text : "");
        if (text)
            stop(parser, FSN_FORMAT, "the name '%s' of an object %s", shown, fault);
        else
            stop(parser, FSN_LIMIT, "the name of an object has more than %d bytes", MAX_TEXT);
        return;
    }
    free(parser->object.name);
    parser->object.name = strdup(text);
    if (!parser->object.name)
        stop(parser, FSN_NOMEM, "out of memory");
}

static void end_object(struct parser *parser)
{
    struct fsn__voc_annotation *out = parser->out;

    if (!parser->object.name) {
        stop(parser, FSN_FORMAT, "object %d has no name", out->count + 1);
        return;
    }
    for (int i = 0; i < 4; i++)
        if (!(parser->has & 1 << i)) {
            stop(parser, FSN_FORMAT, "object %d has no %s in a bndbox", out->count + 1,
                 strrchr(side_paths[i], '/') + 1);
            return;
        }
    if (out->count == FSN__VOC_MAX_OBJECTS) {
        stop(parser, FSN_LIMIT, "more than %d objects", FSN__VOC_MAX_OBJECTS);
        return;
    }
    if (out->count == out->capacity) {
        const int capacity = out->capacity ? 2 * out->capacity : 8;
        struct fsn__voc_object *objects =
            reallocarray(out->objects, (size_t)capacity, sizeof *objects);

        if (!objects) {
            stop(parser, FSN_NOMEM, "out of memory");
            return;
        }
        out->objects = objects;
        out->capacity = capacity;
    }
    out->objects[out->count++] = parser->object;
    parser->object = (struct fsn__voc_object){0};
}

static void end_element(void *user, const char *name)
{
    struct parser *parser = user;

    (void)name;
    if (parser->status != FSN_OK)
        return;
    if (is_at(parser, "annotation/object/name"))
        take_name(parser);
    else if (is_at(parser, "annotation/object/difficult"))
        take_flag(parser, "difficult", &parser->object.difficult);
    else if (is_at(parser, "annotation/object/truncated"))
        take_flag(parser, "truncated", &parser->object.truncated);
    else if (is_at(parser, "annotation/size/width"))
        take_size(parser, &parser->out->width);
    else if (is_at(parser, "annotation/size/height"))
        take_size(parser, &parser->out->height);
    else if (!take_side(parser) && is_at(parser, "annotation/object"))
        end_object(parser);
    parser->path[parser->length[--parser->depth]] = '\0';
    parser->text_length = 0;
}

static void begin_doctype(void *user, const char *name, const char *system, const char *public,
                          int has_internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)has_internal;
    stop(user, FSN_FORMAT, "has a document type");
}

enum fsn_status fsn__voc_parse(const void *bytes, size_t size, const char *what,
                               struct fsn__voc_annotation *out, struct fsn_error *err)
{
    struct parser parser = {.xml = XML_ParserCreate(NULL), .out = out};
    enum XML_Status outcome;
    unsigned long line;

    if (!parser.xml)
        return FSN__NOMEM(err);
    XML_SetUserData(parser.xml, &parser);
    XML_SetElementHandler(parser.xml, begin_element, end_element);
    XML_SetCharacterDataHandler(parser.xml, take_text);
    XML_SetStartDoctypeDeclHandler(parser.xml, begin_doctype);
    outcome = size > INT32_MAX ? XML_STATUS_ERROR : XML_Parse(parser.xml, bytes, (int)size, 1);
    line = XML_GetCurrentLineNumber(parser.xml);
    if (outcome != XML_STATUS_OK && parser.status == FSN_OK) {
        const enum XML_Error code = XML_GetErrorCode(parser.xml);

        parser.status = code == XML_ERROR_NO_MEMORY ? FSN_NOMEM : FSN_FORMAT;
        snprintf(parser.reason, sizeof parser.reason, "%s", XML_ErrorString(code));
    }
    XML_ParserFree(parser.xml);
    free(parser.object.name);
    if (parser.status == FSN_NOMEM)
        return FSN__NOMEM(err);
    if (parser.status != FSN_OK)
        return FSN__FAIL(err, parser.status, "%s: line %lu: %s", what, line, parser.reason);
    return FSN_OK;
}

void fsn__voc_clear(struct fsn__voc_annotation *annotation)
{
    for (int i = 0; i < annotation->count; i++)
        free(annotation->objects[i].name);
    free(annotation->objects);
    *annotation = (struct fsn__voc_annotation){0};
}
