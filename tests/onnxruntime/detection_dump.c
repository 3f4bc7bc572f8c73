/*
 * detection_dump.c - what a detector sees of a data set's test split and says of it, and what of
 * that is known, for detection.mjs, which makes average precision of it another way.
 *
 *     detection_dump MODEL DATA FOLDER [SPEC.json]
 *
 * FOLDER gets images.f32 [N][C][H][W] as the network takes them, locations.f32 [N][P][4] and
 * confidences.f32 [N][P][classes + 1] as the engine computes them, and detection.json: these sizes,
 * the names of the outputs, the default boxes [P][4] with their variances, the settings of
 * suppression, and for each image its size in pixels and its objects (label, corners as fractions
 * of the image, difficult). The spec is read as by `fsnet eval --spec`.
 */
#include "core/file.h"
#include "core/folder.h"
#include "data/detection_batch.h"
#include "train/detector.h"
#include "train/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 16 };

struct dump {
    struct fsn_spec spec;
    struct fsn_model *model;
    struct fsn_dataset *data;
    struct fsn__pool *pool;
    struct fsn__detector network;
    struct fsn__transform transform;
    struct fsn__object_batch objects;
    const char *folder;
    FILE *images, *locations, *confidences, *text;
};

/* ---- what is read ---------------------------------------------------------------------------- */

static enum fsn_status read_spec(const char *path, struct fsn_spec *out, struct fsn_error *err)
{
    static struct fsn_faults faults;
    unsigned char *bytes = NULL;
    enum fsn_status status;
    size_t size = 0;

    fsn_spec_defaults(out);
    if (!path)
        return FSN_OK;
    status = fsn__file_read(path, 1 << 20, &bytes, &size, err);
    if (status == FSN_OK)
        status = fsn_spec_from_json((const char *)bytes, size, NULL, out, &faults, err);
    free(bytes);
    return status;
}

static enum fsn_status open_all(struct dump *d, const char *model, const char *data,
                                struct fsn_error *err)
{
    struct fsn__exec_options options = {.batch = BATCH};
    enum fsn_status status = fsn__pool_create(d->spec.threads, &d->pool, err);

    if (status == FSN_OK)
        status = fsn_model_load(model, NULL, &d->model, err);
    if (status == FSN_OK)
        status = fsn_dataset_open(data, NULL, NULL, &d->data, err);
    options.pool = d->pool;
    if (status == FSN_OK)
        status = fsn__detector_create(d->model->graph, "dump", d->data, &d->spec, &options,
                                      &d->network, err);
    if (status != FSN_OK)
        return status;
    d->transform = fsn__view_plain(d->data, &d->spec);
    return fsn__view_aim(d->network.graph, &d->transform, err);
}

/* ---- what is written --------------------------------------------------------------------------
 */

static enum fsn_status create_file(const struct dump *d, const char *name, FILE **out,
                                   struct fsn_error *err)
{
    char path[FSN__PATH_BYTES];
    enum fsn_status status = fsn__join_path(path, d->folder, name, err);

    if (status == FSN_OK && !(*out = fopen(path, "wb")))
        status = FSN__FAIL(err, FSN_IO, "%s: %s", path, strerror(errno));
    return status;
}

static enum fsn_status create_files(struct dump *d, struct fsn_error *err)
{
    enum fsn_status status = fsn__make_folders(d->folder, err);

    if (status == FSN_OK)
        status = create_file(d, "images.f32", &d->images, err);
    if (status == FSN_OK)
        status = create_file(d, "locations.f32", &d->locations, err);
    if (status == FSN_OK)
        status = create_file(d, "confidences.f32", &d->confidences, err);
    if (status == FSN_OK)
        status = create_file(d, "detection.json", &d->text, err);
    return status;
}

static enum fsn_status close_file(FILE *file, struct fsn_error *err)
{
    if (!file)
        return FSN_OK;
    if ((ferror(file) | fclose(file)) != 0)
        return FSN__FAIL(err, FSN_IO, "what was dumped cannot be written: %s", strerror(errno));
    return FSN_OK;
}

/* The name under which the file gives a value; NULL where the value is inside the network. */
static const char *output_name(const struct fsn__graph *graph, int value)
{
    for (int i = 0; i < graph->output_count; i++)
        if (graph->outputs[i] == value)
            return graph->values[value].name;
    return NULL;
}

static void write_floats(FILE *out, const char *name, const float *x, int64_t n)
{
    fprintf(out, ",\n\"%s\": [", name);
    for (int64_t i = 0; i < n; i++)
        fprintf(out, "%s%.9g", i > 0 ? "," : "", (double)x[i]);
    fprintf(out, "]");
}

static void write_images(const struct dump *d)
{
    const struct fsn__images *images = &d->data->split[FSN_SPLIT_TEST];

    fprintf(d->text, ",\n\"images\": [");
    for (int64_t i = 0; i < images->count; i++) {
        const struct fsn__image_info *info = &d->data->store->images[images->file[i]].info;

        fprintf(d->text, "%s\n{\"width\": %d, \"height\": %d, \"objects\": [", i > 0 ? "," : "",
                info->width, info->height);
        for (int64_t o = images->first_object[i]; o < images->first_object[i + 1]; o++) {
            const struct fsn__object *object = &images->objects[o];
            const struct fsn__box *box = &object->box;

            fprintf(d->text, "%s{\"label\": %d, \"box\": [%.9g,%.9g,%.9g,%.9g], \"difficult\": %s}",
                    o > images->first_object[i] ? ", " : "", object->label, (double)box->x0,
                    (double)box->y0, (double)box->x1, (double)box->y1,
                    object->difficult ? "true" : "false");
        }
        fprintf(d->text, "]}");
    }
    fprintf(d->text, "]");
}

static enum fsn_status write_text(const struct dump *d, struct fsn_error *err)
{
    const struct fsn__detector_head *head = &d->network.head;
    const struct fsn__graph *graph = d->model->graph;
    const char *locations = output_name(graph, head->locations);
    const char *confidences = output_name(graph, head->confidences);

    if (!locations || !confidences)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "the file gives probabilities, not the logits");
    fprintf(d->text,
            "{\"shape\": [%d,%d,%d], \"boxes\": %lld, \"classes\": %d,\n\"input\": \"%s\", "
            "\"locations\": \"%s\", \"confidences\": \"%s\",\n\"score\": %.17g, \"iou\": %.17g, "
            "\"candidates\": %d, \"keep\": %d",
            d->transform.channels, d->transform.height, d->transform.width, (long long)head->boxes,
            head->classes, graph->values[graph->inputs[0]].name, locations, confidences,
            d->spec.detection.score, d->spec.detection.iou, d->spec.detection.candidates,
            d->spec.detection.keep);
    write_floats(d->text, "variance", head->variance, 4);
    write_floats(d->text, "standard", head->standard, 4 * head->boxes);
    write_images(d);
    fprintf(d->text, "}\n");
    return FSN_OK;
}

static enum fsn_status write_batches(struct dump *d, struct fsn_error *err)
{
    const int64_t images = d->data->split[FSN_SPLIT_TEST].count, batch = d->network.batch;
    const int64_t boxes = d->network.head.boxes, row = d->network.head.classes + 1;
    const size_t pixels = d->network.image_bytes / sizeof(float) / (size_t)batch;
    enum fsn_status status = FSN_OK;
    int64_t index[BATCH];

    if (batch > BATCH)
        return FSN__FAIL(err, FSN_UNSUPPORTED, "the file fixes a batch of %lld images",
                         (long long)batch);
    for (int64_t done = 0; done < images && status == FSN_OK; done += batch) {
        const int64_t n = images - done < batch ? images - done : batch;

        for (int64_t i = 0; i < n; i++)
            index[i] = done + i;
        status = fsn__load_detection_batch(d->data, FSN_SPLIT_TEST, index, n, &d->transform, false,
                                           0, d->pool, d->network.images, &d->objects, err);
        if (status == FSN_OK)
            status = fsn__detector_forward(&d->network, 0, err);
        if (status != FSN_OK)
            break;
        fwrite(d->network.images, sizeof(float), (size_t)n * pixels, d->images);
        fwrite(d->network.locations, sizeof(float), (size_t)(n * boxes * 4), d->locations);
        fwrite(d->network.confidences, sizeof(float), (size_t)(n * boxes * row), d->confidences);
    }
    return status;
}

static enum fsn_status dump(struct dump *d, const char *model, const char *data, const char *spec,
                            struct fsn_error *err)
{
    enum fsn_status status = read_spec(spec, &d->spec, err);

    if (status == FSN_OK)
        status = open_all(d, model, data, err);
    if (status == FSN_OK)
        status = create_files(d, err);
    if (status == FSN_OK)
        status = write_text(d, err);
    if (status == FSN_OK)
        status = write_batches(d, err);
    return status;
}

int main(int argc, char **argv)
{
    struct fsn_error err = {.status = FSN_OK};
    struct dump d = {.folder = argc > 3 ? argv[3] : NULL};
    enum fsn_status status;

    if (argc < 4 || argc > 5) {
        fprintf(stderr, "usage: detection_dump MODEL DATA FOLDER [SPEC.json]\n");
        return 2;
    }
    status = dump(&d, argv[1], argv[2], argv[4], &err);
    for (int i = 0; i < 4; i++) {
        FILE *files[] = {d.images, d.locations, d.confidences, d.text};
        const enum fsn_status closed = close_file(files[i], &err);

        status = status == FSN_OK ? closed : status;
    }
    fsn__object_batch_clear(&d.objects);
    fsn__detector_clear(&d.network);
    fsn__pool_destroy(d.pool);
    fsn_dataset_destroy(d.data);
    fsn_model_destroy(d.model);
    fsn_spec_clear(&d.spec);
    if (status == FSN_OK)
        return 0;
    fprintf(stderr, "detection_dump: %s\n", err.text);
    return 1;
}
