/* web.h - the files of the dashboard and of the contract, as embed_web.sh lists them. */
#ifndef SRV_HANDLERS_WEB_H
#define SRV_HANDLERS_WEB_H

#include "http/request.h"

extern const struct srv_embedded srv_web_files[]; /* ends with a NULL name */

#endif
