/* form.c - see form.h. Any other type is taken: what a file is, its bytes say. */
#include "handlers/form.h"

#include <string.h>
#include <strings.h>

void srv_refuse_form(struct srv_request *request)
{
    static const char form[] = "multipart/";
    const enum srv_body_kind kind = request->match.route->body;
    const char *type = kind == SRV_BODY_FILE || kind == SRV_BODY_IMAGE
                           ? srv_request_header(request, MHD_HTTP_HEADER_CONTENT_TYPE)
                           : NULL;

    if (type && strncasecmp(type, form, strlen(form)) == 0)
        srv_reply_problem(request, SRV_PROBLEM_MEDIA_TYPE,
                          "Content-Type: expected the file itself as the body (curl --data-binary "
                          "@FILE, or curl -X POST -T FILE), got a form: %.60s",
                          type);
}
