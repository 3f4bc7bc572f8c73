/* overview.h - how much the store holds. */
#ifndef SRV_STORE_OVERVIEW_H
#define SRV_STORE_OVERVIEW_H

#include "store/jobs.h"

struct srv_overview {
    int64_t jobs[SRV_JOB_STATUS_COUNT];
    int64_t models, datasets;
    int64_t bytes; /* of blobs */
    int64_t webhooks_pending;
    double images_per_second; /* of running jobs, added up */
};
FSN_NODISCARD enum fsn_status srv_overview_read(struct srv_db *db, struct srv_overview *out,
                                                struct fsn_error *err);

#endif
