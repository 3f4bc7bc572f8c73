/* uploads.h - what models and data sets have in common over HTTP. */
#ifndef SRV_HANDLERS_UPLOADS_H
#define SRV_HANDLERS_UPLOADS_H

#include "handlers/api.h"
#include "store/uploads.h"

/* Reads an uploaded file as a job would, and fills kind, format, summary and info. format: of a
 * data set, or NULL: by content. Errors: why it cannot be taken. *upload: srv_upload_clear, always.
 */
FSN_NODISCARD enum fsn_status srv_read_model(const char *path, struct srv_upload *upload,
                                             struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_read_dataset(const char *path, const char *format,
                                               struct srv_upload *upload, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_read_upload(enum srv_upload_kind kind, const char *path,
                                              const char *format, struct srv_upload *upload,
                                              struct fsn_error *err); /* one of these two */
/* NULL: no such format. Static. */
const char *srv_known_format(const char *format);
/* Gives an upload that has been read, and whose name, owner, sha256 and size_bytes are there, its
 * id, and stores the file at path, as srv_uploads_insert. */
FSN_NODISCARD enum fsn_status srv_keep_upload(struct srv_call *call, struct srv_upload *upload,
                                              const char *path, const struct srv_key *key,
                                              enum srv_upload_insert *outcome,
                                              struct fsn_error *err);
const char *srv_upload_path(enum srv_upload_kind kind); /* "/v1/models" */

/* Reads and stores the body of the request as an upload and replies 201. format as above. */
FSN_NODISCARD enum fsn_status srv_post_upload(struct srv_call *call, enum srv_upload_kind kind,
                                              const char *format, struct fsn_error *err);
/* format: only those of it, NULL: of any. */
FSN_NODISCARD enum fsn_status srv_reply_uploads(struct srv_call *call, enum srv_upload_kind kind,
                                                const char *format, struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_reply_upload(struct srv_call *call, enum srv_upload_kind kind,
                                               struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_delete_upload(struct srv_call *call, enum srv_upload_kind kind,
                                                struct fsn_error *err);

extern const char *const srv_upload_nouns[]; /* by kind: "model", "data set" */

#endif
