/* retention.h - the timer's part of retention: what is older than the settings say goes. */
#ifndef SRV_JOBS_RETENTION_H
#define SRV_JOBS_RETENTION_H

#include "store/retention.h"

/* How long each kind stays, in milliseconds; 0: for ever. */
struct srv_retention {
    int64_t keep_ms[SRV_EXPIRY_COUNT];
};

/* The counters are there from the start on. */
void srv_retention_begin(void);
/* Removes what has had its time, as much as is done soon; the rest at the next call. */
void srv_retention_tend(const struct srv_retention *retention, struct srv_blobs *blobs,
                        struct srv_db_pool *dbs);

#endif
