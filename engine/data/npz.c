/*
 * npz.c - NumPy's .npz: a zip of arrays x_train, y_train and, perhaps, x_test, y_test, each a .npy
 * file (NumPy Enhancement Proposal 1; https://numpy.org/doc/stable/reference/generated/
 * numpy.lib.format.html):
 *
 *     "\x93NUMPY" | version: 2 bytes | header length: 2 bytes, 4 from version 2 on | header | data
 *
 * The header is a Python dictionary: {'descr': '<f4', 'fortran_order': False, 'shape': (10, 28,
 * 28), }
 *
 * Images are [n,H,W], [n,H,W,C] or [n,C,H,W], of bytes, or floats in 0..1 or 0..255 (told apart by
 * the largest value of the train images) that are rounded to bytes. Which axis has the channels is
 * told by its size, 1, 3 or 4. Labels are whole numbers, [n] or [n,1]. Without test arrays a tenth
 * of each class is split off.
 */
#include "core/mem.h"
#include "data/parts.h"
#include "data/split.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { X_TRAIN, Y_TRAIN, X_TEST, Y_TEST, PART_COUNT };
enum { MAX_DIMS = 4, MAX_SIDE = 65535, MAX_LABEL = 65535, PREFIX = 10, MAX_HEADER = 4096 };

static const struct fsn__part_kind kinds[PART_COUNT] = {
    [X_TRAIN] = {"x_train.npy", "train", true},
    [Y_TRAIN] = {"y_train.npy", "train", true},
    [X_TEST] = {"x_test.npy", "test", false},
    [Y_TEST] = {"y_test.npy", "test", false},
};

static int part_of(const char *base_name)
{
    for (int i = 0; i < PART_COUNT; i++)
        if (strcmp(base_name, kinds[i].name) == 0)
            return i;
    return -1;
}

struct array {
    const char *name; /* of its part */
    char kind;        /* 'u', 'i', 'f' */
    size_t width;     /* bytes of an element */
    int dim_count;
    size_t dims[MAX_DIMS];
    size_t elements;
    const unsigned char *data; /* borrowed */
};

/* ---- .npy ------------------------------------------------------------------------------------ */

/* What follows 'key': in the header; NULL when the key is not there. */
static const char *value_of(const char *header, const char *key)
{
    char quoted[32];
    const char *at;

    snprintf(quoted, sizeof quoted, "'%s':", key);
    at = strstr(header, quoted);
    if (!at)
        return NULL;
    at += strlen(quoted);
    return at + strspn(at, " ");
}

static enum fsn_status read_type(const struct fsn__part *part, const char *header,
                                 struct array *out, struct fsn_error *err)
{
    const char *descr = value_of(header, "descr"), *order = value_of(header, "fortran_order");
    char byte_order = 0, kind = 0, *end = NULL;
    unsigned long width = 0;

    if (descr && strlen(descr) > 3 && descr[0] == '\'' && descr[3] >= '0' && descr[3] <= '9') {
        byte_order = descr[1];
        kind = descr[2];
        width = strtoul(descr + 3, &end, 10);
    }
    if (!end || *end != '\'' || !order)
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: header without a plain descr and fortran_order: %.60s", part->name,
                         header);
    if (byte_order != '<' && byte_order != '|')
        return FSN__FAIL(err, FSN_UNSUPPORTED, "%s: byte order '%c', only little-endian is taken",
                         part->name, byte_order);
    if (!((kind == 'u' || kind == 'i') && (width == 1 || width == 2 || width == 4 || width == 8)) &&
        !(kind == 'f' && (width == 4 || width == 8)))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: elements of type %c%lu, expected whole numbers, f4 or f8", part->name,
                         kind, width);
    if (strncmp(order, "False", 5) != 0)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: in Fortran order, only C order is taken (numpy.ascontiguousarray)",
                         part->name);
    out->kind = kind;
    out->width = (unsigned)width;
    return FSN_OK;
}

static enum fsn_status read_shape(const struct fsn__part *part, const char *header,
                                  struct array *out, struct fsn_error *err)
{
    const char *at = value_of(header, "shape");

    if (!at || *at++ != '(')
        return FSN__FAIL(err, FSN_FORMAT, "%s: header without a shape", part->name);
    out->elements = 1;
    for (;;) {
        char *end;
        unsigned long long dim;

        at += strspn(at, " ,");
        if (*at == ')')
            return FSN_OK;
        if (*at < '0' || *at > '9')
            return FSN__FAIL(err, FSN_FORMAT, "%s: its shape is no list of numbers", part->name);
        dim = strtoull(at, &end, 10);
        at = end;
        if (out->dim_count == MAX_DIMS)
            return FSN__FAIL(err, FSN_FORMAT, "%s: more than %d dims", part->name, MAX_DIMS);
        if (dim == 0 || dim > UINT32_MAX || !fsn__mul_size(out->elements, dim, &out->elements))
            return FSN__FAIL(err, FSN_FORMAT, "%s: dim %d is %llu", part->name, out->dim_count,
                             dim);
        out->dims[out->dim_count++] = (size_t)dim;
    }
}

static enum fsn_status read_array(const struct fsn__part *part, struct array *out,
                                  struct fsn_error *err)
{
    const unsigned char *bytes = part->bytes;
    char header[MAX_HEADER + 1];
    size_t begin = PREFIX, length, size;
    enum fsn_status status;

    if (part->size < PREFIX + 2 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return FSN__FAIL(err, FSN_FORMAT, "%s: not a .npy file", part->name);
    if (bytes[6] < 1 || bytes[6] > 3)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "%s: .npy version %d.%d, expected 1 to 3",
                         part->name, bytes[6], bytes[7]);
    length = (size_t)bytes[8] | (size_t)bytes[9] << 8;
    if (bytes[6] > 1) {
        length |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
        begin += 2;
    }
    if (length > MAX_HEADER || length > part->size - begin)
        return FSN__FAIL(err, FSN_FORMAT, "%s: a header of %zu bytes in a file of %zu", part->name,
                         length, part->size);
    memcpy(header, bytes + begin, length);
    header[length] = '\0';
    *out = (struct array){.name = part->name, .data = bytes + begin + length};
    status = read_type(part, header, out, err);
    if (status == FSN_OK)
        status = read_shape(part, header, out, err);
    if (status != FSN_OK)
        return status;
    if (!fsn__mul_size(out->elements, out->width, &size) || size != part->size - begin - length)
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: %zu bytes of data, its shape says %zu elements of %zu", part->name,
                         part->size - begin - length, out->elements, out->width);
    return FSN_OK;
}

static double element(const struct array *array, size_t i)
{
    const unsigned char *at = array->data + i * array->width;
    uint64_t bits = 0;
    uint32_t low;
    double wide;
    float narrow;

    for (size_t b = 0; b < array->width; b++)
        bits |= (uint64_t)at[b] << (8 * b);
    if (array->kind == 'u')
        return (double)bits;
    if (array->kind == 'i') /* the sign bit moved to the top and back */
        return (double)((int64_t)(bits << (64 - 8 * array->width)) >> (64 - 8 * array->width));
    if (array->width == 8) {
        memcpy(&wide, &bits, sizeof wide);
        return wide;
    }
    low = (uint32_t)bits;
    memcpy(&narrow, &low, sizeof narrow);
    return (double)narrow;
}

/* ---- images ---------------------------------------------------------------------------------- */

struct shape {
    size_t channels, height, width;
    bool last; /* channels are the last axis */
};

static bool is_channels(size_t dim)
{
    return dim == 1 || dim == 3 || dim == 4;
}

static enum fsn_status find_shape(const struct array *x, struct shape *out, struct fsn_error *err)
{
    const size_t *dims = x->dims;

    if (x->dim_count == 3)
        *out = (struct shape){1, dims[1], dims[2], false};
    else if (x->dim_count == 4 && is_channels(dims[1]) != is_channels(dims[3]))
        *out = is_channels(dims[3]) ? (struct shape){dims[3], dims[1], dims[2], true}
                                    : (struct shape){dims[1], dims[2], dims[3], false};
    else if (x->dim_count == 4)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: of axes with %zu, %zu and %zu elements none or two could be the "
                         "channels (1, 3 or 4)",
                         x->name, dims[1], dims[2], dims[3]);
    else
        return FSN__FAIL(err, FSN_FORMAT, "%s: %d dims, expected 3 or 4", x->name, x->dim_count);
    if (out->height > MAX_SIDE || out->width > MAX_SIDE)
        return FSN__FAIL(err, FSN_LIMIT, "%s: images of %zu x %zu pixels, at most %d a side",
                         x->name, out->width, out->height, MAX_SIDE);
    return FSN_OK;
}

/* What a pixel is multiplied with to be 0..255. */
static enum fsn_status find_scale(const struct array *x, double *scale, struct fsn_error *err)
{
    double least = element(x, 0), most = least;

    for (size_t i = 0; i < x->elements; i++) {
        const double value = element(x, i);

        if (!isfinite(value))
            return FSN__FAIL(err, FSN_FORMAT, "%s: element %zu is not a finite number", x->name, i);
        least = fmin(least, value);
        most = fmax(most, value);
    }
    if (least < 0 || most > 255)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: values from %g to %g, expected 0..1 or 0..255: mean and std are "
                         "settings of the job",
                         x->name, least, most);
    *scale = x->kind == 'f' && most <= 1 ? 255 : 1;
    return FSN_OK;
}

static void copy_pixels(const struct array *x, const struct shape *shape, double scale,
                        uint8_t *pixels)
{
    const size_t area = shape->height * shape->width, channels = shape->channels;

    for (size_t i = 0; i < x->dims[0]; i++)
        for (size_t c = 0; c < channels; c++)
            for (size_t p = 0; p < area; p++) {
                const size_t in_image = shape->last ? p * channels + c : c * area + p;
                const double value = scale * element(x, i * area * channels + in_image);

                *pixels++ = (uint8_t)fmin(value + 0.5, 255);
            }
}

static enum fsn_status copy_labels(const struct array *y, struct fsn_dataset *dataset,
                                   enum fsn_split split, struct fsn_error *err)
{
    for (size_t i = 0; i < y->dims[0]; i++) {
        const double label = element(y, i);

        if (label < 0 || label > MAX_LABEL)
            return FSN__FAIL(err, FSN_FORMAT, "%s: label %zu is %g, expected 0..%d", y->name, i,
                             label, MAX_LABEL);
        dataset->split[split].labels[i] = (int32_t)label;
        if (label >= dataset->classes)
            dataset->classes = (int)label + 1;
    }
    return FSN_OK;
}

/* parts: x and y of one split. *scale is found for the train split and kept for the test split. */
static enum fsn_status read_split(const struct fsn__part *parts, struct fsn_dataset *dataset,
                                  enum fsn_split split, double *scale, struct fsn_error *err)
{
    struct array x = {0}, y = {0};
    struct shape shape = {0};
    enum fsn_status status = read_array(&parts[0], &x, err);
    double own_scale = 1;

    if (status == FSN_OK)
        status = read_array(&parts[1], &y, err);
    if (status == FSN_OK)
        status = find_shape(&x, &shape, err);
    if (status == FSN_OK)
        status = find_scale(&x, &own_scale, err);
    if (status != FSN_OK)
        return status;
    if (y.kind == 'f' || !(y.dim_count == 1 || (y.dim_count == 2 && y.dims[1] == 1)))
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: expected a whole number for each image, [n] or [n,1] (of one-hot "
                         "labels, numpy.argmax)",
                         y.name);
    if (x.dims[0] != y.dims[0])
        return FSN__FAIL(err, FSN_FORMAT, "%s has %zu images, %s has %zu labels", x.name, x.dims[0],
                         y.name, y.dims[0]);
    if (split == FSN_SPLIT_TRAIN) {
        *scale = own_scale;
        dataset->channels = (int)shape.channels;
        dataset->height = (int)shape.height;
        dataset->width = (int)shape.width;
    } else if ((int)shape.channels != dataset->channels || (int)shape.height != dataset->height ||
               (int)shape.width != dataset->width) {
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: images of %zu x %zu x %zu (channels x height x width), the train "
                         "split has %d x %d x %d",
                         x.name, shape.channels, shape.height, shape.width, dataset->channels,
                         dataset->height, dataset->width);
    } else if (*scale > own_scale) {
        return FSN__FAIL(err, FSN_FORMAT, "%s: values above 1, the train split has 0..1", x.name);
    }
    status = fsn__images_alloc(dataset, split, (int64_t)x.dims[0], err);
    if (status != FSN_OK)
        return status;
    copy_pixels(&x, &shape, *scale, dataset->split[split].pixels);
    return copy_labels(&y, dataset, split, err);
}

static enum fsn_status assemble(struct fsn__part *parts, struct fsn_dataset *dataset,
                                struct fsn_error *err)
{
    const bool has_x = parts[X_TEST].name[0], has_y = parts[Y_TEST].name[0];
    double scale = 1;
    enum fsn_status status;

    dataset->classes = 2; /* raised to the largest label + 1 */
    if (has_x != has_y)
        return FSN__FAIL(err, FSN_FORMAT, "the npz data set has %s without %s",
                         kinds[has_x ? X_TEST : Y_TEST].name, kinds[has_x ? Y_TEST : X_TEST].name);
    status = read_split(parts + X_TRAIN, dataset, FSN_SPLIT_TRAIN, &scale, err);
    if (status != FSN_OK)
        return status;
    return has_x ? read_split(parts + X_TEST, dataset, FSN_SPLIT_TEST, &scale, err)
                 : fsn__split_off_test(dataset, err);
}

static const struct fsn__part_table parts_table = {PART_COUNT, kinds, part_of, assemble};

const struct fsn__data_format fsn__format_npz = {
    .name = "npz",
    .expects = "NumPy arrays (x_train.npy, y_train.npy, perhaps x_test.npy, y_test.npy)",
    FSN__FORMAT_OF_PARTS(&parts_table),
};
