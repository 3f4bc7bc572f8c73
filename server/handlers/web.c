/*
 * web.c - the dashboard (server/web) and the contract (api/), which are part of the program.
 *
 * GET / is a page for browsers and a few lines of text for everyone else. A file is found by the
 * last segment of its path, so a name cannot lead out of the table. The policy allows what these
 * files need and nothing else: no inline script or style, nothing from another origin. Pictures may
 * be data: addresses, which ask nobody: a detector's report has some.
 */
#include "handlers/web.h"
#include "handlers/api.h"

#include <string.h>

#define POLICY                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; " \
    "connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

static const struct srv_embedded *find(const char *name)
{
    const struct srv_embedded *file = srv_web_files;

    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

static void reply(struct srv_request *request, const struct srv_embedded *file)
{
    srv_reply_embedded(request, file);
    srv_reply_header(request, "Content-Security-Policy", POLICY);
    srv_reply_header(request, "X-Content-Type-Options", "nosniff");
    srv_reply_header(request, "Referrer-Policy", "no-referrer");
}

enum fsn_status srv_get_web_file(struct srv_call *call, struct fsn_error *err)
{
    const char *path = call->request->path;
    const struct srv_embedded *file = find(strrchr(path, '/') + 1);

    (void)err;
    if (file)
        reply(call->request, file);
    else
        srv_reply_problem(call->request, SRV_PROBLEM_NOT_FOUND, "no resource at %s", path);
    return FSN_OK;
}

enum fsn_status srv_get_reference(struct srv_call *call, struct fsn_error *err)
{
    (void)err;
    reply(call->request, find("reference.html"));
    return FSN_OK;
}

enum fsn_status srv_get_index(struct srv_call *call, struct fsn_error *err)
{
    const char *accept = srv_request_header(call->request, MHD_HTTP_HEADER_ACCEPT);

    (void)err;
    if (accept && strstr(accept, "text/html"))
        reply(call->request, find("index.html"));
    else
        srv_reply_text(
            call->request, MHD_HTTP_OK, "text/plain; charset=utf-8",
            "fsnetd " FSN_VERSION " - compresses trained convolutional networks\n"
            "\n"
            "POST /v1/models?name=              an ONNX file\n"
            "POST /v1/datasets?name=&format=    an archive of labelled images\n"
            "POST /v1/jobs                      {\"model_id\": ..., \"dataset_id\": ...}\n"
            "GET  /v1/jobs/{id}                 status and progress\n"
            "GET  /v1/jobs/{id}/report          what came out\n"
            "GET  /v1/jobs/{id}/artifacts/model.onnx\n"
            "\n"
            "The whole contract is at /openapi.yaml, as a page at /reference; a browser gets a "
            "dashboard "
            "here.\n");
    srv_reply_header(call->request, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT);
    return FSN_OK;
}
