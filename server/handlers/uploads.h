/* uploads.h - what models and data sets have in common over HTTP. */
#ifndef SRV_HANDLERS_UPLOADS_H
#define SRV_HANDLERS_UPLOADS_H

#include "handlers/api.h"
#include "store/uploads.h"

/* Stores the body of the request as an upload and replies 201. *upload has kind, format, summary
 * and info; the rest is filled in from the request. */
FSN_NODISCARD enum fsn_status srv_store_upload(struct srv_call *call, struct srv_upload *upload,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_reply_uploads(struct srv_call *call, enum srv_upload_kind kind,
                                                struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_reply_upload(struct srv_call *call, enum srv_upload_kind kind,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_delete_upload(struct srv_call *call, enum srv_upload_kind kind,
                                                struct fsn_error *err);

extern const char *const srv_upload_nouns[]; /* by kind: "model", "data set" */

#endif
