/* partial_files.h - the files of uploads that come in parts (tus.io, version 1.0.0). */
#ifndef SRV_HANDLERS_PARTIAL_FILES_H
#define SRV_HANDLERS_PARTIAL_FILES_H

#include "handlers/api.h"
#include "store/partials.h"

#define SRV_TUS_VERSION "1.0.0"

FSN_NODISCARD enum fsn_status srv_partial_path(const struct srv_service *service, const char *id,
                                               char out[SRV_PATH_SIZE], struct fsn_error *err);
/* Opens the file, made if it is not there, and locks it until it is closed. *fd -1: another request
 * has it. */
FSN_NODISCARD enum fsn_status srv_partial_open(const struct srv_service *service, const char *id,
                                               int *fd, struct fsn_error *err);
/* Answers 423, and cuts off whoever has the file, so that it is free the next time. */
void srv_partial_locked(struct srv_request *request, const char *id);
/* How many bytes have come, and count. */
FSN_NODISCARD enum fsn_status srv_partial_offset(const struct srv_service *service,
                                                 const struct srv_partial *partial, int64_t *out,
                                                 struct fsn_error *err);
/* Removes row and file. *locked: another request writes to it, and nothing was done. */
FSN_NODISCARD enum fsn_status srv_partial_remove(const struct srv_service *service,
                                                 struct srv_db *db, const char *id, bool *locked,
                                                 struct fsn_error *err);

/* 412 unless the request is of our version of tus. */
bool srv_tus_spoken(struct srv_request *request);
/* Tus-Resumable and, of an upload (may be NULL), Upload-Offset and Upload-Expires. */
void srv_tus_headers(struct srv_request *request, const struct srv_partial *partial,
                     int64_t offset);

/* The srv_http_call_fn that opens what a POST or PATCH appends to; context: struct srv_service. */
FSN_NODISCARD enum fsn_status srv_open_part(struct srv_request *request, void *context,
                                            struct fsn_error *err);
/* Removes the uploads that have expired; called now and then. */
void srv_expire_partials(const struct srv_service *service);

#endif
