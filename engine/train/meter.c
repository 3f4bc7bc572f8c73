/* meter.c - progress reports.
 *
 * The time left of the whole job is taken as proportional to what is left of it: the pipeline gives
 * each stage a part of 0..1 by its amount of work. Speed is that of the running call alone, since
 * what a checkpoint brought back took no time.
 */
#include "train/meter.h"

#include <math.h>

static double fraction_at(const struct fsn__meter *meter, double done)
{
    return meter->from + (meter->to - meter->from) * done;
}

void fsn__meter_start(struct fsn__meter *meter, double done)
{
    meter->start_seconds = fsn__seconds();
    meter->start_fraction = fraction_at(meter, done);
}

bool fsn__meter_tell(const struct fsn__meter *meter, double done, struct fsn_progress now)
{
    double gained;

    if (!meter->progress)
        return true;
    now.stage = meter->stage;
    now.fraction = fraction_at(meter, done);
    gained = now.fraction - meter->start_fraction;
    now.seconds_left = -1;
    if (gained > 0)
        now.seconds_left = (fsn__seconds() - meter->start_seconds) / gained * (1 - now.fraction);
    return meter->progress(&now, meter->user);
}

bool fsn__meter_again(const struct fsn__meter *meter, int64_t b, int64_t batch, int64_t images)
{
    const int64_t batches = (images + batch - 1) / batch;
    const int64_t done = b < batches ? b * batch : images;
    const struct fsn_progress now = {
        .step = b,
        .steps = batches,
        .loss = NAN,
        .images_per_second = fsn__per_second(done, fsn__seconds() - meter->start_seconds),
    };

    return fsn__meter_tell(meter, (double)b / (double)batches, now);
}

enum fsn_status fsn__meter_batch(const struct fsn__meter *meter, int64_t b, int64_t batch,
                                 int64_t images, struct fsn_error *err)
{
    if (fsn__meter_again(meter, b + 1, batch, images))
        return FSN_OK;
    return FSN__FAIL(err, FSN_CANCELLED, "cancelled while evaluating, at batch %lld of %lld",
                     (long long)(b + 1), (long long)((images + batch - 1) / batch));
}

enum fsn_status fsn__meter_list(struct fsn__meter *meter, const int64_t *list, int64_t images,
                                int64_t batch, fsn__judge_fn *judge, void *arg,
                                struct fsn_error *err)
{
    fsn__meter_start(meter, 0);
    for (int64_t begin = 0, b = 0; begin < images; begin += batch, b++) {
        const int64_t n = images - begin < batch ? images - begin : batch;
        enum fsn_status status = judge(arg, list + begin, n, err);

        if (status == FSN_OK)
            status = fsn__meter_batch(meter, b, batch, images, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}
