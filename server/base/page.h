/* page.h - a piece of a list, whose newest entry comes first, or its oldest. */
#ifndef SRV_BASE_PAGE_H
#define SRV_BASE_PAGE_H

#include <stdbool.h>
#include <stdint.h>

struct srv_page {
    int64_t limit;  /* entries, at least 1 */
    int64_t before; /* only entries older than this place in the list; INT64_MAX: from the newest */
    bool oldest_first; /* then the list begins with the oldest, and `after` counts */
    int64_t after;     /* only entries newer than this place; 0: from the oldest */
};

#endif
