/* results.h - what a job leaves: the training curve (metrics) and its files (artifacts). */
#ifndef SRV_STORE_RESULTS_H
#define SRV_STORE_RESULTS_H

#include "base/id.h"
#include "store/blobs.h"

/* Writes one row of the curve, over an older row of the same candidate and epoch. *held false: the
 * claim is stale and nothing was written. */
FSN_NODISCARD enum fsn_status srv_metrics_put(struct srv_db *db, const char *job_id, int64_t fence,
                                              const struct fsn_epoch *row, bool *held,
                                              struct fsn_error *err);
/* Forgets this epoch of this candidate and all later ones: a resumed job is about to train them
 * again. */
FSN_NODISCARD enum fsn_status srv_metrics_cut(struct srv_db *db, const char *job_id, int64_t fence,
                                              int candidate, int epoch, struct fsn_error *err);
/* In order of candidate and epoch; *out is an array, new, of *count. */
FSN_NODISCARD enum fsn_status srv_metrics_list(struct srv_db *db, const char *job_id,
                                               struct fsn_epoch **out, size_t *count,
                                               struct fsn_error *err);

struct srv_artifact {
    char name[64];
    char content_type[64];
    char sha256[SRV_SHA256_SIZE];
    int64_t size_bytes;
};
#define SRV_MAX_ARTIFACTS 32

/* Within the transaction that ends the job. */
FSN_NODISCARD enum fsn_status srv_artifacts_insert(struct srv_db *db, const char *job_id,
                                                   const struct srv_artifact *artifact,
                                                   struct fsn_error *err);
FSN_NODISCARD enum fsn_status srv_artifacts_list(struct srv_db *db, const char *job_id,
                                                 struct srv_artifact out[SRV_MAX_ARTIFACTS],
                                                 size_t *count, struct fsn_error *err);

#endif
