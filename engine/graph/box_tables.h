/* box_tables.h - constants of a file that a detector's default boxes can be, kept by their names:
 * an exporter has worked out of them what decoding needs, or writes them as an output that nothing
 * reads, and what the graph folds and prunes is no longer found there. */
#ifndef FSN_GRAPH_BOX_TABLES_H
#define FSN_GRAPH_BOX_TABLES_H

#include "tensor/tensor.h"

/* float32 [rows,columns], columns 2 or 4. */
struct fsn__box_table {
    char *name;
    int64_t rows;
    int columns;
    float *values;
};

/* Zero-initialise; fsn__box_tables_clear frees. */
struct fsn__box_tables {
    struct fsn__box_table *item;
    size_t count;
    int64_t values; /* numbers of all */
};

/* Whether the tensor, float32 of [P,4], [P,2], [1,P,4] or [1,P,2] with data, can be one. */
bool fsn__is_box_table(const struct fsn__tensor *t);
/* Adds a copy, unless the tensor is none, or there are many already. Errors: NOMEM. */
FSN_NODISCARD enum fsn_status fsn__box_tables_add(struct fsn__box_tables *tables, const char *name,
                                                  const struct fsn__tensor *t,
                                                  struct fsn_error *err);
/* NULL: not there. */
const struct fsn__box_table *fsn__box_tables_find(const struct fsn__box_tables *tables,
                                                  const char *name);
void fsn__box_tables_clear(struct fsn__box_tables *tables);

#endif
