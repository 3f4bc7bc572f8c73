/* segmentation.c - see segmentation.h. */
#include "compress/segmentation.h"

static json_t *side_json(const struct fsn_segmentation_class *row)
{
    return json_pack("{s:o, s:I}", "iou", fsn__json_real(row->iou), "predicted",
                     (json_int_t)row->predicted);
}

static json_t *class_json(const struct fsn__report *report, int c)
{
    const struct fsn_segmentation_class *before = &report->baseline.segmentation.classes[c];
    const struct fsn_segmentation_class *after = &report->compressed.segmentation.classes[c];
    const bool named = report->data.class_names && c < report->data.classes;

    return json_pack("{s:i, s:s?, s:I, s:o, s:o, s:o}", "class", c, "name",
                     named ? report->data.class_names[c] : NULL, "pixels",
                     (json_int_t)before->pixels, "baseline", side_json(before), "compressed",
                     side_json(after), "change", fsn__json_real(after->iou - before->iou));
}

json_t *fsn__segmentation_json(const struct fsn__report *report)
{
    const struct fsn_segmentation_eval *eval = &report->baseline.segmentation;
    json_t *classes;

    if (report->figures != FSN__TASK_SEGMENT)
        return json_null();
    classes = json_array();
    for (int c = 0; classes && c < eval->class_count; c++) {
        if (json_array_append_new(classes, class_json(report, c)) != 0) {
            json_decref(classes);
            classes = NULL;
        }
    }
    return json_pack("{s:I, s:I, s:o}", "pixels", (json_int_t)eval->pixels, "void",
                     (json_int_t)eval->none, "classes", classes);
}
