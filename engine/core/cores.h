/* cores.h - the cores of the machine, shared among the jobs of the process.
 *
 * A job joins, takes cores for each parallel task (pool.h) and gives them back after it, so that
 * never more threads are inside tasks than there are cores. How many it gets is its share: the
 * cores are dealt out one by one, round and round, to the jobs that have joined; a lone job gets
 * all that it can use, and where there are more jobs than cores they take turns, task by task, in
 * the order in which they ask. A share follows at once when a job joins or leaves, and holds from
 * the next task on: who comes waits for the end of one task at most. */
#ifndef FSN_CORE_CORES_H
#define FSN_CORE_CORES_H

#include <pthread.h>
#include <stdint.h>

struct fsn__cores_job {
    struct fsn__cores_job *next;
    int limit; /* cores that it can use, at least 1 */
    int share; /* 1..limit */
};

/* Guarded by mutex. FSN__CORES(n) initialises. */
struct fsn__cores {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int count, unused;
    uint64_t asked, served;      /* tickets: takers are served in the order in which they came */
    struct fsn__cores_job *jobs; /* oldest first */
};
#define FSN__CORES(n)                                                                          \
    {                                                                                          \
        .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .count = (n), \
        .unused = (n)                                                                          \
    }

/* Those that the process may use (fsn_cores). */
struct fsn__cores *fsn__cores_of_process(void);

/* *job stays the caller's, in place until it leaves. */
void fsn__cores_join(struct fsn__cores *cores, struct fsn__cores_job *job, int limit);
void fsn__cores_leave(struct fsn__cores *cores, struct fsn__cores_job *job);

/* Waits until there is a core, and returns how many the job has got: 1..share. All of them are
 * given back together, and none are taken in between. */
int fsn__cores_take(struct fsn__cores *cores, const struct fsn__cores_job *job);
void fsn__cores_give(struct fsn__cores *cores, int taken);

#endif
