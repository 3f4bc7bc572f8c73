/* detector_boxes.c - the default boxes that a detector's outputs are relative to: of a rule, or of
 * constants of the model. */
#include "detect/box_codec.h"
#include "detect/default_boxes.h"
#include "train/detector.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- by a rule --------------------------------------------------------------------------------
 */

struct size {
    int width, height;
};

static struct fsn__box_rule stated_rule(const struct fsn_default_boxes *boxes, struct size image)
{
    struct fsn__box_rule rule = {.image_width = image.width,
                                 .image_height = image.height,
                                 .map_count = boxes->map_count,
                                 .clip = boxes->clip};

    memcpy(rule.maps, boxes->maps, sizeof rule.maps);
    return rule;
}

/* How many boxes a rule gives, 0 where it has none for images of this size. */
static int64_t count_for(const struct fsn__box_rule *rule, struct size image)
{
    int64_t count = 0;

    return rule->image_width == image.width && rule->image_height == image.height &&
                   fsn__count_default_boxes(rule, &count, NULL) == FSN_OK
               ? count
               : 0;
}

static enum fsn_status choose_rule(const char *who, const struct fsn_default_boxes *boxes,
                                   struct size image, int64_t wanted, struct fsn__box_rule *out,
                                   struct fsn_error *err)
{
    const struct fsn__box_rule ssd300 = fsn__ssd300_box_rule();
    const struct fsn__box_rule ssd_lite = fsn__ssd_lite_box_rule(image.width);
    const int64_t counts[2] = {count_for(&ssd300, image), count_for(&ssd_lite, image)};

    switch (boxes->kind) {
    case FSN_BOXES_RULE:
        *out = stated_rule(boxes, image);
        return FSN_OK;
    case FSN_BOXES_SSD300:
        *out = ssd300;
        if (counts[0] == 0)
            return FSN__FAIL(err, FSN_MISMATCH,
                             "%s: detection.default_boxes is ssd300, whose boxes are for images of "
                             "300 x 300; the network takes %d x %d",
                             who, image.width, image.height);
        return FSN_OK;
    case FSN_BOXES_SSD_LITE:
        *out = ssd_lite;
        if (counts[1] == 0)
            return FSN__FAIL(err, FSN_MISMATCH,
                             "%s: detection.default_boxes is ssd-lite, whose boxes are for square "
                             "images; the network takes %d x %d",
                             who, image.width, image.height);
        return FSN_OK;
    case FSN_BOXES_AUTO:
    case FSN_BOXES_TENSOR:
        break;
    }
    if (counts[0] != wanted && counts[1] != wanted)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: the network has %lld boxes for images of %d x %d, as no rule that is "
                         "known (ssd300 has 8732 for 300 x 300, ssd-lite %lld for these): state "
                         "detection.default_boxes",
                         who, (long long)wanted, image.width, image.height, (long long)counts[1]);
    *out = counts[0] == wanted ? ssd300 : ssd_lite;
    return FSN_OK;
}

static enum fsn_status boxes_by_rule(const char *who, const struct fsn_default_boxes *boxes,
                                     struct size image, struct fsn__detector_head *head,
                                     struct fsn_error *err)
{
    struct fsn__box_rule rule = {0};
    int64_t count = 0;
    enum fsn_status status = choose_rule(who, boxes, image, head->boxes, &rule, err);

    if (status == FSN_OK)
        status = fsn__count_default_boxes(&rule, &count, err);
    if (status != FSN_OK)
        return status;
    if (count != head->boxes)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: detection.default_boxes gives %lld boxes for images of %d x %d, the "
                         "network has %lld",
                         who, (long long)count, image.width, image.height, (long long)head->boxes);
    return fsn__default_boxes(&rule, &head->standard, &count, err);
}

/* ---- by tensors -------------------------------------------------------------------------------
 */

struct table {
    int64_t rows;
    int columns;
    const float *values;
};

static struct table table_of(const struct fsn__graph *graph, const char *name)
{
    const int value = fsn__graph_find_value(graph, name);
    const struct fsn__tensor *t = value >= 0 ? &graph->values[value].tensor : NULL;

    return t && fsn__is_box_table(t)
               ? (struct table){t->dim[t->ndim - 2], (int)t->dim[t->ndim - 1], fsn__f32(t)}
               : (struct table){0, 0, NULL};
}

/* What was bound, or a constant of the graph. */
static enum fsn_status find_table(const struct fsn__graph *graph, const char *who,
                                  const struct fsn_default_boxes *boxes, int which, int64_t rows,
                                  struct table *out, struct fsn_error *err)
{
    const int columns = boxes->tensor[1] ? 2 : 4;

    *out = (struct table){boxes->rows[which], boxes->columns[which], boxes->values[which]};
    if (!out->values)
        *out = table_of(graph, boxes->tensor[which]);
    if (!out->values)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: detection.default_boxes.tensor: the network has no constant '%.100s' "
                         "of boxes, float32 [P,%d]",
                         who, boxes->tensor[which], columns);
    if (out->columns != columns || out->rows != rows)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: detection.default_boxes.tensor: '%.100s' is [%lld,%d], the network "
                         "needs [%lld,%d]",
                         who, boxes->tensor[which], (long long)out->rows, out->columns,
                         (long long)rows, columns);
    return FSN_OK;
}

/* A box of the tensor as (cx, cy, w, h) in fractions of the image; false: it is none. */
static bool convert(const struct fsn_default_boxes *boxes, struct size image, const float *first,
                    const float *last, float out[4])
{
    double box[4] = {first[0], first[1], last[0], last[1]};

    for (int i = 0; i < 4 && boxes->pixels; i++)
        box[i] /= i % 2 == 0 ? image.width : image.height;
    for (int i = 0; i < 2 && boxes->form == FSN_BOX_CORNER; i++) {
        const double from = box[i], to = box[i + 2];

        box[i] = (from + to) / 2;
        box[i + 2] = to - from;
    }
    for (int i = 0; i < 4; i++) {
        out[i] = (float)box[i];
        if (!isfinite(out[i]) || fabsf(out[i]) > 1000)
            return false;
    }
    return out[2] > 0 && out[3] > 0;
}

static enum fsn_status boxes_by_tensor(const struct fsn__graph *graph, const char *who,
                                       const struct fsn_default_boxes *boxes, struct size image,
                                       struct fsn__detector_head *head, struct fsn_error *err)
{
    struct table table[2] = {{0, 0, NULL}, {0, 0, NULL}};
    const int tables = boxes->tensor[1] ? 2 : 1;
    float *standard;

    for (int i = 0; i < tables; i++) {
        enum fsn_status status = find_table(graph, who, boxes, i, head->boxes, &table[i], err);

        if (status != FSN_OK)
            return status;
    }
    standard = calloc((size_t)head->boxes, 4 * sizeof *standard);
    if (!standard)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < head->boxes; i++) {
        const float *first = table[0].values + i * table[0].columns;
        const float *last = tables == 2 ? table[1].values + i * 2 : first + 2;

        if (convert(boxes, image, first, last, standard + 4 * i))
            continue;
        free(standard);
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: detection.default_boxes.tensor: box %lld, (%g, %g, %g, %g), has no "
                         "area as %s in %s, or is far out of the image",
                         who, (long long)i, (double)first[0], (double)first[1], (double)last[0],
                         (double)last[1],
                         boxes->form == FSN_BOX_CORNER ? "corners" : "centre and size",
                         boxes->pixels ? "pixels" : "fractions of the image");
    }
    head->standard = standard;
    return FSN_OK;
}

void fsn__detector_bind_boxes(const struct fsn_model *model, struct fsn_default_boxes *boxes)
{
    for (int i = 0; i < 2 && boxes->kind == FSN_BOXES_TENSOR && boxes->tensor[i]; i++) {
        const struct fsn__box_table *kept = fsn__box_tables_find(&model->boxes, boxes->tensor[i]);
        const struct table table = kept ? (struct table){kept->rows, kept->columns, kept->values}
                                        : table_of(model->graph, boxes->tensor[i]);

        boxes->values[i] = table.values;
        boxes->rows[i] = table.rows;
        boxes->columns[i] = table.columns;
    }
}

/* ---- either -----------------------------------------------------------------------------------
 */

enum fsn_status fsn__detector_boxes(const struct fsn__graph *graph, const char *who,
                                    const struct fsn_default_boxes *boxes,
                                    struct fsn__detector_head *head, struct fsn_error *err)
{
    const struct fsn__value *input = &graph->values[graph->inputs[0]];
    struct fsn__image_shape shape = {0, 0, 0};
    const bool stated = boxes->kind == FSN_BOXES_RULE || boxes->kind == FSN_BOXES_TENSOR;
    struct size image;

    if (fsn__layout_of_images(&input->tensor, &shape) == FSN__IMAGES_OTHER)
        return FSN__FAIL(err, FSN_MISMATCH,
                         "%s: input '%.60s' takes %s %s, photographs are float32 with 1 or 3 "
                         "channels",
                         who, input->name, fsn__dtype_name(input->tensor.dtype),
                         FSN__SHAPE(&input->tensor));
    image = (struct size){shape.width, shape.height};
    for (int i = 0; i < 4; i++)
        head->variance[i] = stated ? (float)boxes->variance[i] : fsn__ssd_variance[i];
    return boxes->kind == FSN_BOXES_TENSOR ? boxes_by_tensor(graph, who, boxes, image, head, err)
                                           : boxes_by_rule(who, boxes, image, head, err);
}
