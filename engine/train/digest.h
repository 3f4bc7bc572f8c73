/* digest.h - FNV-1a, 64 bit (Fowler, Noll, Vo; RFC 9923): the checksum and the key of checkpoints.
 *
 * Guards against accidents (a torn disk, a checkpoint of other settings), not against forgery: a
 * checkpoint lies in a folder of the service's own. Each step xors a byte and multiplies by an odd
 * number, a bijection of the state, so any change within one byte always changes the result.
 */
#ifndef FSN_TRAIN_DIGEST_H
#define FSN_TRAIN_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#define FSN__DIGEST_START UINT64_C(0xcbf29ce484222325)

/* The digest of what came before (`digest`) followed by these bytes. */
static inline uint64_t fsn__digest(uint64_t digest, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    for (size_t i = 0; i < size; i++)
        digest = (digest ^ at[i]) * UINT64_C(0x100000001b3);
    return digest;
}

#endif
