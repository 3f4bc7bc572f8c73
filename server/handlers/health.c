/* health.c - GET /healthz (the process answers) and /readyz (it can take work). */
#include "base/disk.h"
#include "handlers/api.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum fsn_status srv_get_health(struct srv_call *call, struct fsn_error *err)
{
    (void)err;
    srv_reply_json(call->request, MHD_HTTP_OK,
                   json_pack("{ss ss}", "status", "ok", "version", FSN_VERSION));
    return FSN_OK;
}

/* A job's order, an upload's row and the database's log want to be written too. */
#define LEAST_FREE_BYTES ((uint64_t)16 << 20)

/* Whether anything can be stored. */
static bool has_room(const char *folder, struct srv_disk *disk)
{
    return srv_disk_look(folder, disk) && disk->free_bytes >= LEAST_FREE_BYTES && disk->has_files;
}

enum fsn_status srv_get_ready(struct srv_call *call, struct fsn_error *err)
{
    struct srv_service *service = call->service;
    struct fsn_error cause = {0};
    struct srv_disk disk = {0};

    (void)err;
    if (atomic_load(&service->stopping))
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE, "the server is stopping");
    else if (srv_db_check(call->db, &cause) != FSN_OK)
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE, "%s", cause.text);
    else if (access(service->temporary_dir, W_OK) != 0)
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE,
                          "the data folder cannot be written: %s", strerror(errno));
    else if (!has_room(service->temporary_dir, &disk))
        srv_reply_problem(call->request, SRV_PROBLEM_UNAVAILABLE,
                          "the disk of the data folder is full: %" PRIu64
                          " bytes are free, at least %" PRIu64 " and a file are needed",
                          disk.free_bytes, LEAST_FREE_BYTES);
    else
        srv_reply_json(call->request, MHD_HTTP_OK, json_pack("{ss}", "status", "ready"));
    return FSN_OK;
}
