/* copy.h - a file copied and hashed in one pass. */
#ifndef SRV_BASE_COPY_H
#define SRV_BASE_COPY_H

#include "base/digest.h"

/* Copies `from` into the new file `to` (mode 0640), synced, with its digest and size. *found false:
 * there is no `from`, and nothing was made. Errors: IO; then `to` is not left behind. */
FSN_NODISCARD enum fsn_status srv_copy_file(const char *from, const char *to,
                                            char sha256[SRV_SHA256_SIZE], int64_t *size_bytes,
                                            bool *found, struct fsn_error *err);

#endif
