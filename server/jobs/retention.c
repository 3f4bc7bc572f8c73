/* retention.c - see retention.h. */
#include "jobs/retention.h"

#include "base/clock.h"
#include "base/counters.h"
#include "log.h"

enum { STEPS = 32, SOON_MS = 500 }; /* of a call: the timer has other work */

static void count_expired(enum srv_expiry what, int64_t count)
{
    srv_count(SRV_COUNT_EXPIRED, &(struct srv_labels){{srv_expiry_name(what)}, 0}, (double)count);
}

void srv_retention_begin(void)
{
    for (int what = 0; what < SRV_EXPIRY_COUNT; what++)
        count_expired((enum srv_expiry)what, 0);
}

static enum fsn_status tend_kind(enum srv_expiry what, int64_t keep_ms, struct srv_blobs *blobs,
                                 struct srv_db *db, struct fsn_error *err)
{
    const int64_t began_ms = srv_ticks_ms(), now_ms = srv_now_ms();
    enum fsn_status status = FSN_OK;
    int64_t count = SRV_EXPIRE_AT_ONCE;

    for (int step = 0; status == FSN_OK && step < STEPS && count == SRV_EXPIRE_AT_ONCE &&
                       srv_ticks_ms() - began_ms < SOON_MS;
         step++) {
        status = srv_retention_expire(blobs, db, what, now_ms - keep_ms, now_ms, &count, err);
        if (status != FSN_OK || count == 0)
            break;
        count_expired(what, count);
        SRV_LOG(SRV_LOG_INFO, "expired", SRV_TEXT("what", srv_expiry_name(what)),
                SRV_INT("count", count));
    }
    return status;
}

void srv_retention_tend(const struct srv_retention *retention, struct srv_blobs *blobs,
                        struct srv_db_pool *dbs)
{
    struct fsn_error err = {0};
    struct srv_db *db = NULL;
    enum fsn_status status = srv_db_acquire(dbs, &db, &err);

    for (int what = 0; status == FSN_OK && what < SRV_EXPIRY_COUNT; what++)
        if (retention->keep_ms[what] > 0)
            status = tend_kind((enum srv_expiry)what, retention->keep_ms[what], blobs, db, &err);
    if (status != FSN_OK)
        SRV_LOG(SRV_LOG_ERROR, "retention failed", SRV_TEXT("detail", err.text));
    srv_db_release(dbs, db);
}
