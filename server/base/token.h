/*
 * token.h - bearer tokens as texts: fsn_ID_SECRET, where ID (24 hex digits) is public and finds the
 * row, and SECRET (64 hex digits) is 256 bits from the system's generator. The fixed beginning and
 * length let scanners for leaked secrets find one.
 *
 * What is stored is the SHA-256 of the whole text. A slow hash (scrypt, Argon2) would be wrong
 * here: it makes guesses of short passwords dear, while 2^256 equally likely secrets cannot be
 * guessed at any price, and every request would pay for it.
 */
#ifndef SRV_BASE_TOKEN_H
#define SRV_BASE_TOKEN_H

#include "base/digest.h"

#define SRV_TOKEN_ID_SIZE 25                              /* 24 hex digits + NUL */
#define SRV_TOKEN_SIZE (sizeof "fsn__" + 24 + (size_t)64) /* with NUL */

struct srv_token {
    char id[SRV_TOKEN_ID_SIZE];
    char sha256[SRV_SHA256_SIZE];
};

/* A new token: its text, which is to be shown once and forgotten, and what is kept of it. Errors:
 * IO when the system gives no randomness. */
FSN_NODISCARD enum fsn_status srv_token_new(char text[SRV_TOKEN_SIZE], struct srv_token *out,
                                            struct fsn_error *err);

/* The value of an Authorization header (RFC 6750): "Bearer", in any case, spaces, a token and
 * nothing else. false: it is not that; then *out is not touched. */
bool srv_token_parse(const char *authorization, struct srv_token *out);

/* Whether two SHA-256s are equal, in a time that does not depend on where they differ. */
bool srv_token_same(const char a[SRV_SHA256_SIZE], const char b[SRV_SHA256_SIZE]);

#endif
