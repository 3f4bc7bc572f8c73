/* models.c - /v1/models: trained networks in ONNX. */
#include "handlers/uploads.h"

#include <stdio.h>

/* The engine imports the file as a job would, so what it cannot take is refused here, by name. */
enum fsn_status srv_read_model(const char *path, struct srv_upload *upload, struct fsn_error *err)
{
    struct fsn_model *model = NULL;
    enum fsn_status status = fsn_model_load(path, NULL, &model, err);

    *upload = (struct srv_upload){.kind = SRV_UPLOAD_MODEL, .format = "onnx"};
    if (status == FSN_OK)
        status = fsn_model_summary_json(model, &upload->summary, err);
    fsn_model_destroy(model);
    return status;
}

enum fsn_status srv_post_model(struct srv_call *call, struct fsn_error *err)
{
    return srv_post_upload(call, SRV_UPLOAD_MODEL, NULL, err);
}

enum fsn_status srv_list_models(struct srv_call *call, struct fsn_error *err)
{
    return srv_reply_uploads(call, SRV_UPLOAD_MODEL, NULL, err);
}

enum fsn_status srv_get_model(struct srv_call *call, struct fsn_error *err)
{
    return srv_reply_upload(call, SRV_UPLOAD_MODEL, err);
}

enum fsn_status srv_delete_model(struct srv_call *call, struct fsn_error *err)
{
    return srv_delete_upload(call, SRV_UPLOAD_MODEL, err);
}

enum fsn_status srv_get_model_content(struct srv_call *call, struct fsn_error *err)
{
    struct srv_upload upload = {0};
    char path[SRV_PATH_SIZE], name[64];
    bool found = false;
    enum fsn_status status = srv_uploads_get(
        call->db, SRV_UPLOAD_MODEL, srv_request_param(call->request, "id"), &upload, &found, err);

    if (status == FSN_OK && !found) {
        status = srv_reply_unknown(call, srv_upload_nouns[SRV_UPLOAD_MODEL]);
    } else if (status == FSN_OK) {
        status = srv_blobs_path(call->service->blobs, upload.sha256, path, err);
        snprintf(name, sizeof name, "%s.onnx", upload.id);
        if (status == FSN_OK)
            status =
                srv_reply_file(call->request,
                               &(struct srv_file){path, upload.sha256, "application/octet-stream",
                                                  name, upload.size_bytes},
                               err);
    }
    srv_upload_clear(&upload);
    return status;
}
