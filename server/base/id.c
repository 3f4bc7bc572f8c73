/* id.c - see id.h. 96 random bits: no two alike in practice, and not to be guessed. */
#include "base/id.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

void srv_hex(const unsigned char *bytes, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * size] = '\0';
}

enum fsn_status srv_id_new(const char *prefix, char out[SRV_ID_SIZE], struct fsn_error *err)
{
    /* Asked of the system for some ids at once: every request has one. */
    static _Thread_local unsigned char random[20][12];
    static _Thread_local size_t left;
    const size_t length = strnlen(prefix, 4);

    if (left == 0) {
        if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
            return SRV_FAIL(err, FSN_IO, "getrandom: %s", strerror(errno));
        left = sizeof random / sizeof *random;
    }
    memcpy(out, prefix, length);
    out[length] = '_';
    srv_hex(random[--left], sizeof *random, out + length + 1);
    return FSN_OK;
}
