/* health.c - GET /healthz (the process answers) and /readyz (it can take work). */
#include "handlers/api.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum fsn_status srv_get_health(struct srv_call *call, struct fsn_error *err)
{
    (void)err;
    srv_reply_json(call->request, MHD_HTTP_OK,
                   json_pack("{ss ss}", "status", "ok", "version", FSN_VERSION));
    return FSN_OK;
}

enum fsn_status srv_get_ready(struct srv_call *call, struct fsn_error *err)
{
    struct srv_service *service = call->service;
    struct fsn_error cause = {0};

    (void)err;
    if (atomic_load(&service->stopping))
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE, "the server is stopping");
    else if (srv_db_check(call->db, &cause) != FSN_OK)
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE, "%s", cause.text);
    else if (access(service->temporary_dir, W_OK) != 0)
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE,
                          "the data folder cannot be written: %s", strerror(errno));
    else
        srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{ss}", "status", "ready"));
    return FSN_OK;
}
