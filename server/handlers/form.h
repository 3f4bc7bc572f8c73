/* form.h - files that come as a form, which nothing here takes. */
#ifndef SRV_HANDLERS_FORM_H
#define SRV_HANDLERS_FORM_H

#include "http/request.h"

/* Replies 415 where a route that takes a file is sent a form with a file in it (curl -F), before
 * the body comes. */
void srv_refuse_form(struct srv_request *request);

#endif
