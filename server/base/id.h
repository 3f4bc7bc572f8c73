/* id.h - names of resources: a prefix that tells the kind, and 96 random bits. */
#ifndef SRV_BASE_ID_H
#define SRV_BASE_ID_H

#include "base/error.h"

#define SRV_ID_SIZE 32 /* "mdl_" + 24 hex digits + NUL fits */

/* prefix: "mdl", "dst" or "job". Errors: IO when the system gives no randomness. */
FSN_NODISCARD enum fsn_status srv_id_new(const char *prefix, char out[SRV_ID_SIZE],
                                         struct fsn_error *err);

/* Lower-case hexadecimal of size bytes; out holds 2 * size + 1. */
void srv_hex(const unsigned char *bytes, size_t size, char *out);

#endif
