/* datasets.c - /v1/datasets: archives of labelled images. */
#include "handlers/dataset_info.h"
#include "handlers/uploads.h"

#include <stdio.h>
#include <string.h>

const char *srv_known_format(const char *format)
{
    const char *const *known = fsn_dataset_formats();

    while (*known && strcmp(format, *known) != 0)
        known++;
    return *known;
}

/* NULL when the query names none. Errors: INVALID; then a reply is there. */
static enum fsn_status wanted_format(struct srv_request *request, const char **out)
{
    const char *const *known = fsn_dataset_formats();
    const char *format = srv_request_query(request, "format");
    char names[128] = "";
    size_t length = 0;

    *out = format ? srv_known_format(format) : NULL;
    if (!format || *out)
        return FSN_OK;
    for (size_t i = 0; known[i] && length < sizeof names; i++)
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", i > 0 ? ", " : "",
                                   known[i]);
    srv_reply_problem(request, SRV_PROBLEM_BAD_QUERY, "format: expected one of %s, got '%s'", names,
                      format);
    return FSN_INVALID;
}

/* The engine reads the whole archive: every image and label is seen before a job may use them. */
enum fsn_status srv_read_dataset(const char *path, const char *format, struct srv_upload *upload,
                                 struct fsn_error *err)
{
    struct fsn_dataset *dataset = NULL;
    struct fsn_dataset_info info;
    enum fsn_status status = fsn_dataset_open(path, format, NULL, &dataset, err);

    *upload = (struct srv_upload){.kind = SRV_UPLOAD_DATASET};
    if (status == FSN_OK)
        status = fsn_dataset_verify(dataset, 0, err);
    if (status == FSN_OK)
        status = fsn_dataset_summary_json(dataset, &upload->summary, err);
    if (status == FSN_OK) {
        fsn_dataset_info(dataset, &info);
        snprintf(upload->format, sizeof upload->format, "%s", info.format);
        upload->info = srv_dataset_info_write(&info);
        if (!upload->info)
            status = SRV_NOMEM(err);
    }
    fsn_dataset_destroy(dataset);
    return status;
}

enum fsn_status srv_post_dataset(struct srv_call *call, struct fsn_error *err)
{
    const char *format;

    if (wanted_format(call->request, &format) != FSN_OK)
        return FSN_OK; /* it has been answered */
    return srv_post_upload(call, SRV_UPLOAD_DATASET, format, err);
}

enum fsn_status srv_list_datasets(struct srv_call *call, struct fsn_error *err)
{
    const char *format;

    if (wanted_format(call->request, &format) != FSN_OK)
        return FSN_OK; /* it has been answered */
    return srv_reply_uploads(call, SRV_UPLOAD_DATASET, format, err);
}

enum fsn_status srv_get_dataset(struct srv_call *call, struct fsn_error *err)
{
    return srv_reply_upload(call, SRV_UPLOAD_DATASET, err);
}

enum fsn_status srv_delete_dataset(struct srv_call *call, struct fsn_error *err)
{
    return srv_delete_upload(call, SRV_UPLOAD_DATASET, err);
}
