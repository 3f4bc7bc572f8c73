/* page.h - a piece of a list, whose newest entry comes first. */
#ifndef SRV_BASE_PAGE_H
#define SRV_BASE_PAGE_H

#include <stdint.h>

struct srv_page {
    int64_t limit;  /* entries, at least 1 */
    int64_t before; /* only entries older than this place in the list; INT64_MAX: from the newest */
};

#endif
