/* report.c - report.json and training.csv: what the job did and what its files measured. */
#include "compress/job.h"
#include "core/blas.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *side_json(const struct fsn__report_side *side)
{
    return json_pack("{s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I}", "top1",
                     fsn__json_real(side->eval.top1), "top5", fsn__json_real(side->eval.top5),
                     "loss", fsn__json_real(side->eval.loss), "images",
                     (json_int_t)side->eval.images, "size_bytes", (json_int_t)side->size_bytes,
                     "parameters", (json_int_t)side->parameters, "effective_parameters",
                     (json_int_t)side->effective_parameters, "macs", (json_int_t)side->macs);
}

static json_t *curve_json(const struct fsn__curve *curve)
{
    json_t *array = json_array();

    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i];

        json_array_append_new(
            array,
            json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "epoch", row->epoch, "lr",
                      fsn__json_real(row->lr), "train_loss", fsn__json_real(row->train_loss),
                      "train_top1", fsn__json_real(row->train_top1), "seconds",
                      fsn__json_real(row->seconds), "images_per_second",
                      fsn__json_real(row->images_per_second), "teacher_top1",
                      fsn__json_real(row->teacher_top1), "held_top1",
                      fsn__json_real(row->held_top1), "held_loss", fsn__json_real(row->held_loss)));
    }
    return array;
}

/* model-int8.onnx; null without it. */
static json_t *int8_json(const struct fsn__report *r)
{
    const struct fsn__report_side *side = &r->int8;

    if (!r->spec->files.int8)
        return json_null();
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "size_bytes", (json_int_t)side->size_bytes,
                     "top1", fsn__json_real(side->eval.top1), "top5",
                     fsn__json_real(side->eval.top5), "loss", fsn__json_real(side->eval.loss),
                     "change_top1", fsn__json_real(side->eval.top1 - r->compressed.eval.top1));
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
                              json_pack("{s:s, s:o, s:I}", "name", layer->name, "alone_top1_drop",
                                        fsn__json_real(layer->alone_top1_drop), "added_bytes",
                                        (json_int_t)exclusion->added_bytes));
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
    char *spec_text = NULL;
    json_t *spec;

    if (fsn_spec_to_json(r->spec, &spec_text, NULL) != FSN_OK)
        return NULL;
    spec = json_loads(spec_text, 0, NULL);
    free(spec_text);
    /* search: one that is made here sets it */
    return json_pack(
        "{s:o, s:o, s:{s:o, s:o, s:o}, s:{s:o, s:o}, s:{s:I, s:o}, s:o, s:o, s:o,"
        " s:o, s:o, s:o, s:{s:s, s:o, s:i, s:I, s:I, s:I}, s:I, s:i, s:o, s:{s:s, s:s}, s:o, s:o,"
        " s:n}",
        "baseline", side_json(&r->baseline), "compressed", side_json(&r->compressed), "ratios",
        "disk", fsn__json_real(ratio(r->baseline.size_bytes, r->compressed.size_bytes)),
        "parameters", fsn__json_real(ratio(r->baseline.parameters, r->compressed.parameters)),
        "effective",
        fsn__json_real(ratio(r->baseline.parameters, r->compressed.effective_parameters)), "change",
        "top1", fsn__json_real(r->compressed.eval.top1 - r->baseline.eval.top1), "top5",
        fsn__json_real(r->compressed.eval.top5 - r->baseline.eval.top5), "dense", "size_bytes",
        (json_int_t)r->dense_bytes, "max_difference", fsn__json_real(r->dense_max_difference),
        "int8", int8_json(r), "layers", fsn__plan_layers_json(r->plan), "exclude_first",
        exclusions_json(r), "classes", fsn__classes_json(&r->outcomes), "confusion",
        fsn__confusion_json(&r->outcomes), "training", curve_json(r->curve), "data", "format",
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
                    "held_top1,held_loss\n");
    for (int i = 0; i < curve->count; i++) {
        const struct fsn_epoch *row = &curve->rows[i];

        fprintf(stream, "%d,%.9g,%.9g,%.4f,%.3f,%.1f", row->epoch, row->lr, row->train_loss,
                row->train_top1, row->seconds, row->images_per_second);
        put_cell(stream, row->teacher_top1);
        put_cell(stream, row->held_top1);
        put_cell(stream, row->held_loss);
        fputc('\n', stream);
    }
    if (fclose(stream) != 0) {
        free(text);
        return FSN__NOMEM(err);
    }
    *csv = text;
    return FSN_OK;
}
