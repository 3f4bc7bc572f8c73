/*
 * idx.c - IDX files, the form of MNIST (http://yann.lecun.com/exdb/mnist/) and of the sets made
 * after it (Fashion-MNIST, KMNIST, ...).
 *
 * A file is
 *
 *     0 | 0 | element type: 1 byte | number of dims: 1 byte | dims: 4 bytes each, big-endian | data
 *
 * and a set has four of them: images [n, height, width] or [n, channels, height, width] and labels
 * [n], for train and test, all of unsigned bytes (type 8). Names: train-images*, train-labels*,
 * and t10k-* or test-*.
 */
#include "core/mem.h"
#include "data/parts.h"

#include <string.h>

enum { TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS, PART_COUNT };
enum { TYPE_UBYTE = 8, MAX_DIMS = 4, MAX_SIDE = 65535 };

static const struct fsn__part_kind kinds[PART_COUNT] = {
    [TRAIN_IMAGES] = {"train-images", "train", true},
    [TRAIN_LABELS] = {"train-labels", "train", true},
    [TEST_IMAGES] = {"t10k-images", "test", true},
    [TEST_LABELS] = {"t10k-labels", "test", true},
};

static int part_of(const char *base_name)
{
    static const struct {
        const char *prefix;
        int part;
    } names[] = {
        {"train-images", TRAIN_IMAGES}, {"train-labels", TRAIN_LABELS},
        {"t10k-images", TEST_IMAGES},   {"t10k-labels", TEST_LABELS},
        {"test-images", TEST_IMAGES},   {"test-labels", TEST_LABELS},
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(base_name, names[i].prefix, strlen(names[i].prefix)) == 0)
            return names[i].part;
    return -1;
}

struct idx {
    int dim_count;
    size_t dims[MAX_DIMS];
    const unsigned char *data; /* borrowed from the part */
};

static enum fsn_status read_header(const struct fsn__part *part, int min_dims, int max_dims,
                                   struct idx *out, struct fsn_error *err)
{
    const unsigned char *bytes = part->bytes;
    size_t header, elements = 1;

    if (part->size < 4)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes, too short for an IDX header", part->name,
                         part->size);
    if (bytes[0] != 0 || bytes[1] != 0)
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: not an IDX file: begins with bytes %02x %02x, expected 00 00",
                         part->name, bytes[0], bytes[1]);
    if (bytes[2] != TYPE_UBYTE)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: element type 0x%02x, only 0x08 (unsigned byte) is taken", part->name,
                         bytes[2]);
    out->dim_count = bytes[3];
    if (out->dim_count < min_dims || out->dim_count > max_dims)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %d dims, expected %s", part->name, out->dim_count,
                         max_dims == 1 ? "1" : "3 or 4");
    header = 4 + 4 * (size_t)out->dim_count;
    if (part->size < header)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes, its header alone has %zu", part->name,
                         part->size, header);
    for (int i = 0; i < out->dim_count; i++) {
        const unsigned char *at = bytes + 4 + 4 * i;

        out->dims[i] = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | at[3];
        if (out->dims[i] == 0 || (i > 0 && out->dims[i] > MAX_SIDE))
            return FSN__FAIL(err, FSN_FORMAT, "%s: dim %d is %zu, expected 1..%lld", part->name, i,
                             out->dims[i], i > 0 ? (long long)MAX_SIDE : 4294967295LL);
        if (!fsn__mul_size(elements, out->dims[i], &elements))
            return FSN__FAIL(err, FSN_FORMAT, "%s: the product of its dims overflows", part->name);
    }
    if (part->size - header != elements)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes of data, its dims say %zu", part->name,
                         part->size - header, elements);
    out->data = bytes + header;
    return FSN_OK;
}

/* The image shape of the train split becomes the data set's; the test split's must equal it. */
static enum fsn_status take_shape(const struct fsn__part *part, const struct idx *images,
                                  enum fsn_split split, struct fsn_dataset *dataset,
                                  struct fsn_error *err)
{
    bool planes = images->dim_count == 4;
    int channels = planes ? (int)images->dims[1] : 1;
    int height = (int)images->dims[planes ? 2 : 1];
    int width = (int)images->dims[planes ? 3 : 2];

    if (split == FSN_SPLIT_TRAIN) {
        dataset->channels = channels;
        dataset->height = height;
        dataset->width = width;
    } else if (channels != dataset->channels || height != dataset->height ||
               width != dataset->width) {
        return FSN__FAIL(err, FSN_FORMAT,
                         "%s: images of %d x %d x %d (channels x height x width), the train split "
                         "has %d x %d x %d",
                         part->name, channels, height, width, dataset->channels, dataset->height,
                         dataset->width);
    }
    return FSN_OK;
}

/* parts: the images and the labels of one split. */
static enum fsn_status read_split(const struct fsn__part *parts, struct fsn_dataset *dataset,
                                  enum fsn_split split, struct fsn_error *err)
{
    const struct fsn__part *image_part = &parts[0], *label_part = &parts[1];
    struct fsn__images *out = &dataset->split[split];
    struct idx images = {0}, labels = {0};
    enum fsn_status status = read_header(image_part, 3, 4, &images, err);

    if (status == FSN_OK)
        status = read_header(label_part, 1, 1, &labels, err);
    if (status != FSN_OK)
        return status;
    if (images.dims[0] != labels.dims[0])
        return FSN__FAIL(err, FSN_FORMAT, "%s has %zu images, %s has %zu labels", image_part->name,
                         images.dims[0], label_part->name, labels.dims[0]);
    status = take_shape(image_part, &images, split, dataset, err);
    if (status == FSN_OK)
        status = fsn__images_alloc(dataset, split, (int64_t)images.dims[0], err);
    if (status != FSN_OK)
        return status;
    memcpy(out->pixels, images.data, image_part->size - (size_t)(images.data - image_part->bytes));
    for (int64_t i = 0; i < out->count; i++) {
        out->labels[i] = labels.data[i];
        if (out->labels[i] >= dataset->classes)
            dataset->classes = out->labels[i] + 1;
    }
    return FSN_OK;
}

static enum fsn_status assemble(struct fsn__part *parts, struct fsn_dataset *dataset,
                                struct fsn_error *err)
{
    enum fsn_status status;

    dataset->classes = 2; /* raised to the largest label + 1 */
    status = read_split(parts + TRAIN_IMAGES, dataset, FSN_SPLIT_TRAIN, err);
    if (status == FSN_OK)
        status = read_split(parts + TEST_IMAGES, dataset, FSN_SPLIT_TEST, err);
    return status;
}

static const struct fsn__part_table parts_table = {PART_COUNT, kinds, part_of, assemble};

const struct fsn__data_format fsn__format_idx = {
    .name = "idx",
    .expects = "IDX (train-images*, train-labels*, t10k-images*, t10k-labels*)",
    FSN__FORMAT_OF_PARTS(&parts_table),
};
