/* base64.c - see base64.h. */
#include "base/base64.h"

#include <nettle/base64.h>

bool srv_base64_decode(const char *text, size_t length, uint8_t *out, size_t room, size_t *size)
{
    struct base64_decode_ctx context;

    *size = room;
    base64_decode_init(&context);
    return BASE64_DECODE_LENGTH(length) <= room &&
           base64_decode_update(&context, size, out, length, text) && base64_decode_final(&context);
}
