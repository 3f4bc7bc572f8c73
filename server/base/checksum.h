/* checksum.h - the Upload-Checksum field of tus: "sha1 BASE64" or "sha256 BASE64". */
#ifndef SRV_BASE_CHECKSUM_H
#define SRV_BASE_CHECKSUM_H

#include <nettle/sha1.h>
#include <nettle/sha2.h>
#include <stdbool.h>

#define SRV_CHECKSUM_ALGORITHMS "sha1,sha256"

struct srv_checksum {
    enum { SRV_CHECKSUM_NONE, SRV_CHECKSUM_SHA1, SRV_CHECKSUM_SHA256 } algorithm;
    unsigned char expected[SHA256_DIGEST_SIZE];
    union {
        struct sha1_ctx sha1;
        struct sha256_ctx sha256;
    } state;
};

/* Begins a checksum that is to be what the field says; NULL: none. false: the field is not of that
 * form. */
bool srv_checksum_begin(struct srv_checksum *checksum, const char *field);
void srv_checksum_add(struct srv_checksum *checksum, const void *bytes, size_t size);
/* Whether the bytes were the ones expected; without an algorithm they always are. */
bool srv_checksum_holds(struct srv_checksum *checksum);

#endif
