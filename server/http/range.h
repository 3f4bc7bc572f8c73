/* range.h - the Range header of RFC 9110, section 14: one range of bytes. */
#ifndef SRV_HTTP_RANGE_H
#define SRV_HTTP_RANGE_H

#include <stdint.h>

enum srv_range {
    SRV_RANGE_NONE, /* no header, another unit, several ranges or nonsense: send all (14.2) */
    SRV_RANGE_PART, /* first and last are set */
    SRV_RANGE_BAD,  /* well-formed, but outside the content: 416 */
};

/* header may be NULL. *first and *last are byte positions, both included. */
enum srv_range srv_range_parse(const char *header, int64_t size_bytes, int64_t *first,
                               int64_t *last);

#endif
