/* dataset_info.h - what a job's checks need to know of a data set, kept as JSON in its row, so that
 * planning a job does not open the archive again. */
#ifndef SRV_HANDLERS_DATASET_INFO_H
#define SRV_HANDLERS_DATASET_INFO_H

#include "base/error.h"

#include <jansson.h>

/* New text (free()), NULL when out of memory. Class names are left out: no check needs them. */
char *srv_dataset_info_write(const struct fsn_dataset_info *info);

/* Fills *out, whose arrays are borrowed from *storage; free(*storage). Errors: INTERNAL when the
 * text is damaged, NOMEM. */
FSN_NODISCARD enum fsn_status srv_dataset_info_read(const char *text, struct fsn_dataset_info *out,
                                                    int64_t **storage, struct fsn_error *err);

#endif
