/* tls.h - the certificate and the key that a server shows for TLS, read at its start (GnuTLS, as
 * libmicrohttpd has it). */
#ifndef SRV_HTTP_TLS_H
#define SRV_HTTP_TLS_H

#include "base/error.h"

/* TLS 1.2 and later, with what GnuTLS holds for good in them. */
#define SRV_TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

struct srv_tls {             /* zero: none */
    char *certificate, *key; /* PEM, as texts */
};

/* Reads both files and sees that they belong together. Errors: IO, LIMIT, INVALID, naming the file
 * and what is wrong with it. *out: srv_tls_clear. */
FSN_NODISCARD enum fsn_status srv_tls_load(const char *certificate_file, const char *key_file,
                                           struct srv_tls *out, struct fsn_error *err);
void srv_tls_clear(struct srv_tls *tls);

#endif
