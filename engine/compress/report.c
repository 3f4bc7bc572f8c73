/* report.c - report.json and training.csv: what the job did and what its files measured. */
#include "compress/outputs.h"
#include "compress/segmentation.h"
#include "core/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A count, or null where the task has none. */
static json_t *count_json(int64_t count, bool there)
{
    return there ? json_integer((json_int_t)count) : json_null();
}

/* Figures of the task that the job has not are null. */
static json_t *side_json(const struct fsn__report *r, const struct fsn__report_side *side)
{
    const bool detect = r->figures == FSN__TASK_DETECT, segment = r->figures == FSN__TASK_SEGMENT;
    const struct fsn_detection_eval *d = &side->detection;
    const struct fsn_segmentation_eval *s = &side->segmentation;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}",
        "top1", fsn__json_real(side->eval.top1), "top5", fsn__json_real(side->eval.top5), "loss",
        fsn__json_real(side->eval.loss), "map50", fsn__json_real(detect ? d->map50 : NAN), "map07",
        fsn__json_real(detect ? d->map07 : NAN), "coco_ap",
        fsn__json_real(detect ? d->coco_ap : NAN), "coco_ap50",
        fsn__json_real(detect ? d->coco_ap50 : NAN), "coco_ap75",
        fsn__json_real(detect ? d->coco_ap75 : NAN), "objects", count_json(d->objects, detect),
        "detections", count_json(d->detections, detect), "miou",
        fsn__json_real(segment ? s->miou : NAN), "pixel_accuracy",
        fsn__json_real(segment ? s->pixel_accuracy : NAN), "images", (json_int_t)side->eval.images,
        "size_bytes", (json_int_t)side->size_bytes, "parameters", (json_int_t)side->parameters,
        "effective_parameters", (json_int_t)side->effective_parameters, "macs",
        (json_int_t)side->macs);
}

/* From the baseline to the compressed network, in points. */
static json_t *change_json(const struct fsn__report *r)
{
    const bool detect = r->figures == FSN__TASK_DETECT;
    const struct fsn_detection_eval *before = &r->baseline.detection;
    const struct fsn_detection_eval *after = &r->compressed.detection;
    const bool segment = r->figures == FSN__TASK_SEGMENT;

    return json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "top1",
        fsn__json_real(r->compressed.eval.top1 - r->baseline.eval.top1), "top5",
        fsn__json_real(r->compressed.eval.top5 - r->baseline.eval.top5), "map50",
        fsn__json_real(detect ? after->map50 - before->map50 : NAN), "coco_ap",
        fsn__json_real(detect ? after->coco_ap - before->coco_ap : NAN), "miou",
        fsn__json_real(segment ? fsn__figure_of(r, &r->compressed) - fsn__figure_of(r, &r->baseline)
                               : NAN));
}

static json_t *curve_json(const struct fsn__curve *curve)
{
    json_t *array = json_array();

    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i];

        json_array_append_new(
            array,
            json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "epoch", row->epoch,
                      "lr", fsn__json_real(row->lr), "train_loss", fsn__json_real(row->train_loss),
                      "train_top1", fsn__json_real(row->train_top1), "seconds",
                      fsn__json_real(row->seconds), "images_per_second",
                      fsn__json_real(row->images_per_second), "teacher_top1",
                      fsn__json_real(row->teacher_top1), "held_top1",
                      fsn__json_real(row->held_top1), "held_loss", fsn__json_real(row->held_loss),
                      "matched", fsn__json_real(row->matched)));
    }
    return array;
}

/* model-int8.onnx; null without it. */
static json_t *int8_json(const struct fsn__report *r)
{
    const struct fsn__report_side *side = &r->int8;
    const bool detect = r->figures == FSN__TASK_DETECT, segment = r->figures == FSN__TASK_SEGMENT;

    if (!r->spec->files.int8)
        return json_null();
    return json_pack(
        "{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "size_bytes",
        (json_int_t)side->size_bytes, "top1", fsn__json_real(side->eval.top1), "top5",
        fsn__json_real(side->eval.top5), "loss", fsn__json_real(side->eval.loss), "change_top1",
        fsn__json_real(side->eval.top1 - r->compressed.eval.top1), "map50",
        fsn__json_real(detect ? side->detection.map50 : NAN), "coco_ap",
        fsn__json_real(detect ? side->detection.coco_ap : NAN), "change_map50",
        fsn__json_real(detect ? side->detection.map50 - r->compressed.detection.map50 : NAN),
        "miou", fsn__json_real(segment ? side->segmentation.miou : NAN), "change_miou",
        fsn__json_real(segment ? side->segmentation.miou - r->compressed.segmentation.miou : NAN));
}

/* model-detections.onnx; null without it. */
static json_t *with_boxes_json(const struct fsn__report *r)
{
    if (!r->spec->files.detections)
        return json_null();
    return json_pack("{s:I, s:b, s:o}", "size_bytes", (json_int_t)r->detections_bytes, "suppressed",
                     r->spec->files.detections == FSN_DETECTIONS_NMS, "max_difference",
                     fsn__json_real(r->detections_difference));
}

static json_t *warnings_json(const struct fsn__report *report)
{
    json_t *array = json_array();

    for (int i = 0; i < report->warning_count; i++)
        json_array_append_new(array, json_string(report->warnings[i]));
    return array;
}

/* The layers to exclude first, with what each costs alone and what excluding it costs. */
static json_t *exclusions_json(const struct fsn__report *report)
{
    json_t *array = json_array();

    for (int i = 0; i < report->exclusion_count; i++) {
        const struct fsn__exclusion *exclusion = &report->exclusions[i];
        const struct fsn_plan_layer *layer = &report->plan->layers[exclusion->row];

        json_array_append_new(array,
                              json_pack("{s:s, s:o, s:o, s:I}", "name", layer->name,
                                        "alone_top1_drop", fsn__json_real(layer->alone_top1_drop),
                                        "alone_divergence", fsn__json_real(layer->alone_divergence),
                                        "added_bytes", (json_int_t)exclusion->added_bytes));
    }
    return array;
}

static double ratio(int64_t before, int64_t after)
{
    return after > 0 ? (double)before / (double)after : 0.0;
}

/* Photographs of any size have neither height nor width. */
static json_t *image_json(const struct fsn_dataset_info *data)
{
    const bool sized = data->height > 0;

    return json_pack("{s:i, s:o, s:o}", "channels", data->channels, "height",
                     sized ? json_integer(data->height) : json_null(), "width",
                     sized ? json_integer(data->width) : json_null());
}

json_t *fsn__report_json(const struct fsn__report *r)
{
    const bool detect = r->figures == FSN__TASK_DETECT;
    const bool classify = r->figures == FSN__TASK_CLASSIFY;
    char *spec_text = NULL;
    json_t *spec;

    if (fsn_spec_to_json(r->spec, &spec_text, NULL) != FSN_OK)
        return NULL;
    spec = json_loads(spec_text, 0, NULL);
    free(spec_text);
    /* search: one that is made here sets it */
    return json_pack(
        "{s:s, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o}, s:o, s:{s:I, s:o}, s:o, s:o, s:o, s:o, s:o, "
        "s:o, "
        "s:o,"
        " s:o, s:o, s:{s:s, s:o, s:i, s:I, s:I, s:I}, s:I, s:i, s:o, s:{s:s, s:s}, s:o, s:o, s:n}",
        "task", fsn__task_name(r->task), "outputs", fsn__report_outputs_json(r), "cut",
        fsn__report_cut_json(r), "baseline", side_json(r, &r->baseline), "compressed",
        side_json(r, &r->compressed), "ratios", "disk",
        fsn__json_real(ratio(r->baseline.size_bytes, r->compressed.size_bytes)), "parameters",
        fsn__json_real(ratio(r->baseline.parameters, r->compressed.parameters)), "effective",
        fsn__json_real(ratio(r->baseline.parameters, r->compressed.effective_parameters)), "change",
        change_json(r), "dense", "size_bytes", (json_int_t)r->dense_bytes, "max_difference",
        fsn__json_real(r->dense_max_difference), "int8", int8_json(r), "with_boxes",
        with_boxes_json(r), "layers", fsn__plan_layers_json(r->plan), "exclude_first",
        exclusions_json(r), "classes", classify ? fsn__classes_json(&r->outcomes) : json_array(),
        "confusion", classify ? fsn__confusion_json(&r->outcomes) : json_null(), "detection",
        detect ? fsn__detections_json(&r->finds) : json_null(), "segmentation",
        fsn__segmentation_json(r), "training", curve_json(r->curve), "data", "format",
        r->data.format, "image", image_json(&r->data), "classes", r->data.classes, "train_images",
        (json_int_t)r->data.images[FSN_SPLIT_TRAIN], "test_images",
        (json_int_t)r->data.images[FSN_SPLIT_TEST], "held_images",
        (json_int_t)r->curve->held_images, "seed", (json_int_t)r->spec->seed, "threads", r->threads,
        "spec", spec, "versions", "fsnet", FSN_VERSION, "blas", fsn__blas_version(), "wall_seconds",
        fsn__json_real(r->wall_seconds), "warnings", warnings_json(r), "search");
}

enum fsn_status fsn__report_write(json_t *report, const char *folder, struct fsn_error *err)
{
    char *json = NULL, *html = NULL;
    enum fsn_status status = fsn__json_text(report, &json, err);

    if (status == FSN_OK)
        status = fsn__write_text(folder, "report.json", json, err);
    if (status == FSN_OK)
        status = fsn_report_html(json, strlen(json), &html, err);
    if (status == FSN_OK)
        status = fsn__write_text(folder, "report.html", html, err);
    free(json);
    free(html);
    return status;
}

/* Empty where there is no figure. */
static void put_cell(FILE *stream, double value)
{
    fputc(',', stream);
    if (!isnan(value))
        fprintf(stream, "%.9g", value);
}

enum fsn_status fsn__curve_csv(const struct fsn__curve *curve, char **csv, struct fsn_error *err)
{
    size_t size = 0;
    char *text = NULL;
    FILE *stream = open_memstream(&text, &size);

    if (!stream)
        return FSN__NOMEM(err);
    fprintf(stream, "epoch,lr,train_loss,train_top1,seconds,images_per_second,teacher_top1,"
                    "held_top1,held_loss,matched\n");
    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i];

        fprintf(stream, "%d,%.9g,%.9g,", row->epoch, row->lr, row->train_loss);
        if (!isnan(row->train_top1))
            fprintf(stream, "%.4f", row->train_top1);
        fprintf(stream, ",%.3f,%.1f", row->seconds, row->images_per_second);
        put_cell(stream, row->teacher_top1);
        put_cell(stream, row->held_top1);
        put_cell(stream, row->held_loss);
        put_cell(stream, row->matched);
        fputc('\n', stream);
    }
    if (fclose(stream) != 0) {
        free(text);
        return FSN__NOMEM(err);
    }
    *csv = text;
    return FSN_OK;
}
