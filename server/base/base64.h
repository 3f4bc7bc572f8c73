/* base64.h - BASE64 (RFC 4648) as headers have it. */
#ifndef SRV_BASE_BASE64_H
#define SRV_BASE_BASE64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes `length` characters into out[*size], room for at most `room` bytes; false: it is not
 * BASE64, or may not fit. out is used up to BASE64_DECODE_LENGTH(length) of nettle. */
bool srv_base64_decode(const char *text, size_t length, uint8_t *out, size_t room, size_t *size);

#endif
