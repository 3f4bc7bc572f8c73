/* uploads.h - the models and data sets that have been uploaded: rows of table uploads. */
#ifndef SRV_STORE_UPLOADS_H
#define SRV_STORE_UPLOADS_H

#include "base/id.h"
#include "base/page.h"
#include "base/token.h"
#include "store/blobs.h"
#include "store/key.h"

enum srv_upload_kind { SRV_UPLOAD_MODEL, SRV_UPLOAD_DATASET };

struct srv_upload {
    int64_t seq; /* place in lists */
    enum srv_upload_kind kind;
    char id[SRV_ID_SIZE];
    char *name;
    char format[16]; /* "onnx", or one of fsn_dataset_formats */
    char sha256[SRV_SHA256_SIZE];
    int64_t size_bytes;
    char *summary; /* JSON of the engine */
    char *info;    /* JSON of the server (data sets), or NULL */
    int64_t created_at_ms;
    char owner[SRV_TOKEN_ID_SIZE]; /* the token that made it; "": none */
};
void srv_upload_clear(struct srv_upload *upload); /* frees the texts */

enum srv_upload_insert {
    SRV_UPLOAD_INSERTED,
    SRV_UPLOAD_QUOTA,    /* not: its owner's quota of bytes has no room for it */
    SRV_UPLOAD_KEY_TAKEN /* not: another upload of its kind has the key */
};
/* Stores the file at path as the upload's content and the row, all or nothing. key may be NULL. */
FSN_NODISCARD enum fsn_status srv_uploads_insert(struct srv_blobs *blobs, struct srv_db *db,
                                                 const struct srv_upload *upload, const char *path,
                                                 const struct srv_key *key,
                                                 enum srv_upload_insert *outcome,
                                                 struct fsn_error *err);
/* The upload that was made under the key. *found false: none. *same: the request was the same. */
FSN_NODISCARD enum fsn_status srv_uploads_find_key(struct srv_db *db, enum srv_upload_kind kind,
                                                   const struct srv_key *key, char id[SRV_ID_SIZE],
                                                   bool *found, bool *same, struct fsn_error *err);

/* *found false: no such id of this kind. *out: srv_upload_clear. */
FSN_NODISCARD enum fsn_status srv_uploads_get(struct srv_db *db, enum srv_upload_kind kind,
                                              const char *id, struct srv_upload *out, bool *found,
                                              struct fsn_error *err);

/* Which of them: NULL leaves a text out. owner: the token that made it. */
struct srv_upload_filter {
    enum srv_upload_kind kind;
    const char *owner, *name, *format, *sha256;
};
/* *out: an array, new, of *count; free every row and the array. *next: the place that the next page
 * comes behind, 0 when there is none. */
FSN_NODISCARD enum fsn_status srv_uploads_list(struct srv_db *db,
                                               const struct srv_upload_filter *filter,
                                               const struct srv_page *page, struct srv_upload **out,
                                               size_t *count, int64_t *next, struct fsn_error *err);

/* The queued and running jobs that need an upload. */
enum { SRV_IN_USE_MOST = 8 };
struct srv_in_use {
    int64_t own, others; /* jobs that who asks may know of, and jobs that they may not */
    char ids[SRV_IN_USE_MOST * (SRV_ID_SIZE + 2)]; /* of own, the first if there are many */
};
/* Deletes the row, and the content if nothing else names it. A queued or running job that needs it
 * keeps it, as in_use then says. scope: the owner whose jobs may be named, NULL: anyone. *found
 * false: no such upload. */
FSN_NODISCARD enum fsn_status srv_uploads_delete(struct srv_blobs *blobs, struct srv_db *db,
                                                 enum srv_upload_kind kind, const char *id,
                                                 const char *scope, bool *found,
                                                 struct srv_in_use *in_use, struct fsn_error *err);

#endif
