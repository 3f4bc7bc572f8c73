/* kernels.c - the tables of kernels, one for each algorithm and instruction set, and the choice.
 *
 * Each level is a set of files compiled with the switches of Makefile; a level may be used when the
 * CPU (and the operating system, which must save the wide registers) has everything that those
 * switches allow the compiler to use.
 */
#include "core/error.h"
#include "kernels/amx_plan.h"
#include "kernels/elementwise.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* X(level), best first. A CPU of another family has the portable level alone. */
#ifdef __x86_64__
#define LEVELS(X) X(avx512) X(avx2) X(baseline)
#else
#define LEVELS(X) X(baseline)
#endif

/* Defined by engine/kernels/isa. */
#define DECLARE(level)                                                           \
    extern const struct fsn__kernels fsn__direct_##level, fsn__winograd_##level; \
    extern const struct fsn__elementwise fsn__elementwise_##level;
LEVELS(DECLARE)
#undef DECLARE

struct level {
    const char *name;
    bool (*supported)(void);
    const struct fsn__kernels *direct, *winograd;
    const struct fsn__elementwise *elementwise;
};

#ifdef __x86_64__
static bool supported_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("fma");
}

static bool supported_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

static bool supported_baseline(void)
{
    return true;
}

static const struct level levels[] = {
#define ROW(level)                                                            \
    {#level, supported_##level, &fsn__direct_##level, &fsn__winograd_##level, \
     &fsn__elementwise_##level},
    LEVELS(ROW)
#undef ROW
};
enum { LEVEL_COUNT = (int)(sizeof levels / sizeof *levels) };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int chosen;
static enum fsn_status choice_status;
static struct fsn_error choice_error; /* why choice_status is not FSN_OK */

const char *fsn__isa_name(int level)
{
    return level >= 0 && level < LEVEL_COUNT ? levels[level].name : NULL;
}

const struct fsn__kernels *fsn__kernels_at(enum fsn__algorithm algorithm, int level)
{
    if (level < 0 || level >= LEVEL_COUNT || !levels[level].supported())
        return NULL;
    switch (algorithm) {
    case FSN__DIRECT:
        return levels[level].direct;
    case FSN__WINOGRAD:
        return levels[level].winograd;
    case FSN__AMX:
#ifdef __x86_64__
        return level == 0 && fsn__amx_supported() ? &fsn__amx : NULL;
#endif
    case FSN__IM2COL:
    default:
        return NULL;
    }
}

enum fsn_status fsn__isa_choose(const char *wanted, int *level, struct fsn_error *err)
{
    char have[64] = "";
    int length = 0;

    for (int i = 0; i < LEVEL_COUNT; i++) {
        if (!levels[i].supported())
            continue;
        if (!wanted || strcmp(wanted, levels[i].name) == 0) {
            *level = i;
            return FSN_OK;
        }
        length += snprintf(have + length, sizeof have - (size_t)length, "%s%s",
                           length > 0 ? ", " : "", levels[i].name);
    }
    return FSN__FAIL(
        err, FSN_INVALID,
        "FSNET_ISA is '%.32s', which this CPU does not have or no kernel is built for; "
        "it may be one of: %s",
        wanted, have);
}

static void choose(void)
{
    const char *wanted = getenv("FSNET_ISA");

    choice_status = fsn__isa_choose(wanted && *wanted ? wanted : NULL, &chosen, &choice_error);
}

bool fsn__amx_usable(void)
{
    pthread_once(&once, choose);
    return choice_status == FSN_OK && fsn__kernels_at(FSN__AMX, chosen) != NULL;
}

enum fsn_status fsn__kernels_get(enum fsn__algorithm algorithm, const struct fsn__kernels **out,
                                 struct fsn_error *err)
{
    const struct fsn__kernels *kernels;

    pthread_once(&once, choose);
    if (choice_status != FSN_OK)
        return FSN__FAIL(err, choice_status, "%s", choice_error.text);
    kernels = fsn__kernels_at(algorithm, chosen);
    if (!kernels)
        return FSN__FAIL(err, FSN_INVALID, "algorithm %d has no kernels of its own",
                         (int)algorithm);
    *out = kernels;
    return FSN_OK;
}

enum fsn_status fsn__elementwise_get(const struct fsn__elementwise **out, struct fsn_error *err)
{
    pthread_once(&once, choose);
    if (choice_status != FSN_OK)
        return FSN__FAIL(err, choice_status, "%s", choice_error.text);
    *out = levels[chosen].elementwise;
    return FSN_OK;
}
