/* cores.c - see cores.h. One mutex guards everything: a task of a tenth of a millisecond costs two
 * uncontended locks. */
#include "core/cores.h"

#include "fsnet.h"

static struct fsn__cores process_cores = FSN__CORES(1);
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void count_cores(void)
{
    process_cores.count = process_cores.unused = fsn_cores();
}

struct fsn__cores *fsn__cores_of_process(void)
{
    pthread_once(&once, count_cores);
    return &process_cores;
}

/* One to every job, even where there are not enough: those take turns. */
static void deal(struct fsn__cores *cores)
{
    int left = cores->count;
    bool dealt = true;

    for (struct fsn__cores_job *job = cores->jobs; job; job = job->next) {
        job->share = 1;
        left--;
    }
    while (left > 0 && dealt) {
        dealt = false;
        for (struct fsn__cores_job *job = cores->jobs; job && left > 0; job = job->next)
            if (job->share < job->limit) {
                job->share++;
                left--;
                dealt = true;
            }
    }
}

void fsn__cores_join(struct fsn__cores *cores, struct fsn__cores_job *job, int limit)
{
    struct fsn__cores_job **end = &cores->jobs;

    *job = (struct fsn__cores_job){.limit = limit};
    pthread_mutex_lock(&cores->mutex);
    while (*end)
        end = &(*end)->next;
    *end = job;
    deal(cores);
    pthread_mutex_unlock(&cores->mutex);
}

void fsn__cores_leave(struct fsn__cores *cores, struct fsn__cores_job *job)
{
    struct fsn__cores_job **link = &cores->jobs;

    pthread_mutex_lock(&cores->mutex);
    while (*link != job)
        link = &(*link)->next;
    *link = job->next;
    deal(cores);
    pthread_mutex_unlock(&cores->mutex);
}

int fsn__cores_take(struct fsn__cores *cores, const struct fsn__cores_job *job)
{
    uint64_t ticket;
    int taken;

    pthread_mutex_lock(&cores->mutex);
    ticket = cores->asked++;
    while (ticket != cores->served || cores->unused == 0)
        pthread_cond_wait(&cores->changed, &cores->mutex);
    taken = job->share < cores->unused ? job->share : cores->unused;
    cores->unused -= taken;
    cores->served++;
    if (cores->served != cores->asked && cores->unused > 0)
        pthread_cond_broadcast(&cores->changed);
    pthread_mutex_unlock(&cores->mutex);
    return taken;
}

void fsn__cores_give(struct fsn__cores *cores, int taken)
{
    pthread_mutex_lock(&cores->mutex);
    cores->unused += taken;
    if (cores->served != cores->asked)
        pthread_cond_broadcast(&cores->changed);
    pthread_mutex_unlock(&cores->mutex);
}
