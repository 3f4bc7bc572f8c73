/* names.h - name -> index, for values and nodes. Names are borrowed and must outlive the table. */
#ifndef FSN_GRAPH_NAMES_H
#define FSN_GRAPH_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct fsn__name_slot {
    const char *name; /* NULL: free */
    int index;
};

/* Zero-initialise; fsn__names_free frees. */
struct fsn__names {
    struct fsn__name_slot *slots;
    size_t capacity, count; /* capacity is a power of two */
};

int fsn__names_find(const struct fsn__names *names, const char *name);      /* -1: not there */
bool fsn__names_put(struct fsn__names *names, const char *name, int index); /* false: no memory */
void fsn__names_free(struct fsn__names *names);

#endif
