/*
 * predict.c - POST .../predict: what a model, or a file that a job has made, takes images for, or
 * the objects that it finds in them.
 *
 * The images are the body (one JPEG or PNG file, as it is) or those of a stored data set. Settings
 * come from the query; what it leaves out, for a job's file, from the job. Names of the classes
 * come from the job's report, or from the data set that the query names.
 */
#include "handlers/artifacts.h"
#include "handlers/loaded.h"
#include "handlers/predict_settings.h"
#include "handlers/uploads.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct prediction {
    struct srv_call *call;
    const char *sha256;        /* of the model */
    struct srv_upload dataset; /* that the query names; id "": none */
    json_t *names;             /* an array of classes' names, or NULL */
    struct srv_predict_settings settings;
};

static json_t *name_json(const struct prediction *p, int64_t class_index)
{
    const char *name =
        class_index < 0 ? NULL : json_string_value(json_array_get(p->names, (size_t)class_index));

    return name ? json_string(name) : json_null();
}

/* ---- the images ------------------------------------------------------------------------------ */

static json_t *index_json(const struct fsn_image *image)
{
    return image->bytes ? json_null() : json_integer((json_int_t)image->index);
}

static json_t *item_json(const struct prediction *p, const struct fsn_image *image,
                         const struct fsn_prediction *made)
{
    json_t *top = json_array();
    json_t *item = json_pack("{so so so s{si si} sO}", "index", index_json(image), "label",
                             made->label < 0 ? json_null() : json_integer(made->label),
                             "label_name", name_json(p, made->label), "resized", "width",
                             made->resized_width, "height", made->resized_height, "top", top);

    for (int i = 0; i < made->count; i++) {
        const struct fsn_choice *choice = &made->choice[i];

        json_array_append_new(top,
                              json_pack("{sI so sf sf}", "class", (json_int_t)choice->class_index,
                                        "name", name_json(p, choice->class_index), "probability",
                                        choice->probability, "logit", choice->logit));
    }
    json_decref(top);
    return item;
}

static json_t *objects_json(const struct prediction *p, const struct fsn_image *image,
                            const struct fsn_found_objects *found)
{
    json_t *objects = json_array();

    for (int64_t i = 0; i < found->count; i++) {
        const struct fsn_found_object *one = &found->object[i];

        json_array_append_new(objects,
                              json_pack("{sI so sf s[ffff]}", "class", (json_int_t)one->class_index,
                                        "name", name_json(p, one->class_index), "score", one->score,
                                        "box", one->box[0], one->box[1], one->box[2], one->box[3]));
    }
    return json_pack("{so si si so}", "index", index_json(image), "width", found->width, "height",
                     found->height, "objects", objects);
}

static enum fsn_status add_item(struct prediction *p, struct fsn_predictor *predictor,
                                const struct fsn_image *image, json_t *items, struct fsn_error *err)
{
    const struct fsn_spec *spec = &p->settings.spec;
    struct fsn_predictor_info info;
    struct fsn_found_objects found;
    struct fsn_prediction made;
    json_t *item = NULL;
    enum fsn_status status;

    fsn_predictor_info(predictor, &info);
    if (info.detects) {
        status = fsn_predict_objects(predictor, spec, image, &found, err);
        if (status == FSN_OK) {
            item = objects_json(p, image, &found);
            fsn_found_objects_clear(&found);
        }
    } else {
        status = fsn_predict(predictor, &spec->preprocess, image, p->settings.most, &made, err);
        if (status == FSN_OK)
            item = item_json(p, image, &made);
    }
    if (status == FSN_OK && json_array_append_new(items, item) != 0)
        status = SRV_NOMEM(err);
    return status;
}

/* At most SRV_MAX_IMAGE_BYTES. */
static enum fsn_status predict_body(struct prediction *p, struct fsn_predictor *predictor,
                                    json_t *items, struct fsn_error *err)
{
    const struct srv_body *body = &p->call->request->body;
    const size_t size = (size_t)body->size_bytes;
    unsigned char *bytes = malloc(size);
    FILE *file = fopen(body->path, "rb");
    enum fsn_status status = FSN_OK;

    if (!bytes)
        status = SRV_NOMEM(err);
    else if (!file || fread(bytes, 1, size, file) != size)
        status = SRV_FAIL(err, FSN_IO, "cannot read %s: %s", body->path, strerror(errno));
    if (status == FSN_OK)
        status = add_item(p, predictor,
                          &(struct fsn_image){.name = "the image", .bytes = bytes, .size = size},
                          items, err);
    if (file)
        fclose(file);
    free(bytes);
    return status;
}

static enum fsn_status predict_set(struct prediction *p, struct fsn_predictor *predictor,
                                   json_t *items, struct fsn_error *err)
{
    struct fsn_dataset *data = NULL;
    enum fsn_status status = srv_take_dataset(p->call, &p->dataset, &data, err);

    for (int64_t i = p->settings.first; status == FSN_OK && i <= p->settings.last; i++)
        status = add_item(p, predictor,
                          &(struct fsn_image){.data = data, .split = p->settings.split, .index = i},
                          items, err);
    srv_give_dataset(p->call, &p->dataset, data);
    return status;
}

static json_t *answer_json(const struct fsn_predictor_info *info, const struct fsn_spec *spec,
                           json_t *items)
{
    json_t *answer =
        json_pack("{ss s{si si si} so ss sI sO}", "task", info->detects ? "detect" : "classify",
                  "input", "channels", info->channels, "height", info->height, "width", info->width,
                  "preprocess", srv_settings_json(spec, "preprocess"), "probabilities",
                  info->sigmoid ? "sigmoid" : "softmax", "classes", (json_int_t)info->classes,
                  "items", items);

    if (answer && info->detects &&
        json_object_set_new(answer, "detection", srv_settings_json(spec, "detection")) != 0) {
        json_decref(answer);
        return NULL;
    }
    return answer;
}

/* What the query asks for must be of what the network does; false: a reply says that it is not. */
static bool is_asked_rightly(const struct prediction *p, const struct fsn_predictor_info *info)
{
    const char *other = info->detects ? p->settings.of_classes : p->settings.of_objects;

    if (other)
        srv_reply_problem(p->call->request, SRV_PROBLEM_BAD_QUERY,
                          info->detects ? "%s: the network finds objects; this is for one that "
                                          "classifies images"
                                        : "%s: the network classifies images; this is for one that "
                                          "finds objects",
                          other);
    return !other;
}

static enum fsn_status predict(struct prediction *p, struct fsn_error *err)
{
    struct srv_request *request = p->call->request;
    const struct fsn_spec *spec = &p->settings.spec;
    struct srv_loaded_model *loaded = NULL;
    struct fsn_predictor_info info;
    json_t *items = json_array();
    enum fsn_status status = srv_take_model(p->call, p->sha256, spec, &loaded, err);

    if (status == FSN_OK) {
        fsn_predictor_info(loaded->predictor, &info);
        if (is_asked_rightly(p, &info)) {
            status = request->body.size_bytes > 0 ? predict_body(p, loaded->predictor, items, err)
                                                  : predict_set(p, loaded->predictor, items, err);
            if (status == FSN_OK)
                srv_reply_json(request, MHD_HTTP_OK, answer_json(&info, spec, items));
        }
    }
    srv_give_model(p->call, loaded);
    json_decref(items);
    return status;
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* Fills dataset, and names where there are none yet. *ok false: a reply has been left. */
static enum fsn_status find_dataset(struct prediction *p, bool *ok, struct fsn_error *err)
{
    struct srv_request *request = p->call->request;
    const char *id = srv_request_query(request, "dataset_id");
    bool found = false;
    enum fsn_status status;
    json_t *summary;

    *ok = request->body.size_bytes > 0;
    if (*ok && (srv_request_query(request, "index") || srv_request_query(request, "split"))) {
        *ok = false;
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "index and split choose images of a data set: then there is no body");
        return FSN_OK;
    }
    if (!id && !*ok)
        srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY,
                          "there is no image: send a JPEG or PNG file as the body, or name a data "
                          "set's with dataset_id and index");
    if (!id)
        return FSN_OK;
    status = srv_uploads_get(p->call->db, SRV_UPLOAD_DATASET, id, &p->dataset, &found, err);
    *ok = status == FSN_OK && found && srv_caller_sees(&request->caller, p->dataset.owner);
    if (status == FSN_OK && !*ok)
        srv_reply_problem(request, SRV_PROBLEM_NOT_FOUND, "no data set has the id '%s'", id);
    if (!*ok || p->names)
        return status;
    summary = srv_stored_json(p->dataset.summary);
    p->names = json_incref(json_object_get(summary, "class_names"));
    json_decref(summary);
    return status;
}

/* defaults: of the settings, or NULL. */
static enum fsn_status answer(struct prediction *p, const json_t *defaults, struct fsn_error *err)
{
    bool ok = false;
    enum fsn_status status = find_dataset(p, &ok, err);

    if (status == FSN_OK && ok)
        status = srv_predict_settings(p->call, defaults, &p->settings, &ok, err);
    if (status == FSN_OK && ok) {
        status = predict(p, err);
        fsn_spec_clear(&p->settings.spec);
    }
    srv_upload_clear(&p->dataset);
    return status;
}

enum fsn_status srv_predict_model(struct srv_call *call, struct fsn_error *err)
{
    struct srv_upload model = {0};
    struct prediction p = {.call = call, .sha256 = model.sha256};
    bool found = false;
    enum fsn_status status = srv_uploads_get(
        call->db, SRV_UPLOAD_MODEL, srv_request_param(call->request, "id"), &model, &found, err);

    if (status == FSN_OK && !found)
        status = srv_reply_unknown(call, srv_upload_nouns[SRV_UPLOAD_MODEL]);
    else if (status == FSN_OK)
        status = answer(&p, NULL, err);
    json_decref(p.names);
    srv_upload_clear(&model);
    return status;
}

/* The classes as the job's report names them; NULL: it does not. *found false: as below. */
static enum fsn_status names_of_job(struct srv_call *call, json_t **out, bool *found,
                                    struct fsn_error *err)
{
    struct srv_artifact report;
    char path[SRV_PATH_SIZE];
    json_t *root, *classes, *row;
    size_t i;
    enum fsn_status status = srv_find_artifact(call, "report.json", &report, found, err);

    if (status != FSN_OK || !*found)
        return status;
    status = srv_blobs_path(call->service->blobs, report.sha256, path, err);
    if (status != FSN_OK)
        return status;
    root = json_load_file(path, 0, NULL);
    classes = json_object_get(json_object_get(root, "detection"), "classes");
    *out = json_array();
    json_array_foreach(classes ? classes : json_object_get(root, "classes"), i, row)
        json_array_append(*out, json_object_get(row, "name"));
    json_decref(root);
    return FSN_OK;
}

/* What a prediction has of the job's spec; new, NULL when out of memory. */
static json_t *defaults_of(const struct srv_job *job)
{
    json_t *spec = srv_stored_json(job->spec);
    json_t *defaults =
        json_pack("{sO* sO* sO*}", "preprocess", json_object_get(spec, "preprocess"), "output",
                  json_object_get(spec, "output"), "detection", json_object_get(spec, "detection"));

    json_decref(spec);
    return defaults;
}

static enum fsn_status answer_for_job(struct prediction *p, struct fsn_error *err)
{
    const char *id = srv_request_param(p->call->request, "id");
    struct srv_job job = {0};
    bool found = false;
    json_t *defaults;
    enum fsn_status status = srv_jobs_get(p->call->db, id, &job, &found, err);

    if (status == FSN_OK && !found)
        status = srv_reply_unknown(p->call, "job");
    if (status != FSN_OK || !found)
        return status;
    defaults = defaults_of(&job);
    status = defaults ? answer(p, defaults, err) : SRV_NOMEM(err);
    json_decref(defaults);
    srv_job_clear(&job);
    return status;
}

enum fsn_status srv_predict_artifact(struct srv_call *call, struct fsn_error *err)
{
    const char *name = srv_request_param(call->request, "name");
    const size_t length = strlen(name);
    struct srv_artifact artifact;
    struct prediction p = {.call = call, .sha256 = artifact.sha256};
    bool found = false;
    enum fsn_status status = srv_find_artifact(call, name, &artifact, &found, err);

    if (status != FSN_OK || !found)
        return status;
    if (length < 5 || strcmp(name + length - 5, ".onnx") != 0) {
        srv_reply_problem(call->request, SRV_PROBLEM_UNSUPPORTED,
                          "%s is no network; predictions are made by the .onnx files of a job",
                          name);
        return FSN_OK;
    }
    status = names_of_job(call, &p.names, &found, err);
    if (status == FSN_OK && found)
        status = answer_for_job(&p, err);
    json_decref(p.names);
    return status;
}
