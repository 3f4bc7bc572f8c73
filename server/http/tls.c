/* tls.c - see tls.h. MHD only says that it cannot start; what is wrong with a file is asked of
 * GnuTLS before. */
#include "http/tls.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PEM_BYTES ((size_t)1 << 20)

static void forget(char **text)
{
    if (*text)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

/* The whole file, as a text. */
static enum fsn_status read_pem(const char *path, char **out, struct fsn_error *err)
{
    FILE *file = fopen(path, "r");
    enum fsn_status status = FSN_OK;
    char *text = NULL;
    size_t size;

    if (!file)
        return SRV_FAIL(err, FSN_IO, "cannot read %s: %s", path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no copy of a key is left in a buffer */
    text = calloc(1, MAX_PEM_BYTES + 1);
    size = text ? fread(text, 1, MAX_PEM_BYTES + 1, file) : 0;
    if (!text)
        status = SRV_NOMEM(err);
    else if (ferror(file))
        status = SRV_FAIL(err, FSN_IO, "cannot read %s: %s", path, strerror(errno));
    else if (size > MAX_PEM_BYTES)
        status = SRV_FAIL(err, FSN_LIMIT, "%s: more than %zu bytes is no certificate or key", path,
                          MAX_PEM_BYTES);
    fclose(file);
    if (status == FSN_OK) {
        *out = text;
        return FSN_OK;
    }
    if (text)
        explicit_bzero(text, MAX_PEM_BYTES + 1);
    free(text);
    return status;
}

static gnutls_datum_t datum(char *text)
{
    return (gnutls_datum_t){(unsigned char *)text, (unsigned)strlen(text)};
}

static enum fsn_status check_certificate(const char *path, char *text, struct fsn_error *err)
{
    const gnutls_datum_t pem = datum(text);
    gnutls_x509_crt_t *chain = NULL;
    unsigned count = 0;
    int code = gnutls_x509_crt_list_import2(&chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);

    for (unsigned i = 0; code >= 0 && i < count; i++)
        gnutls_x509_crt_deinit(chain[i]);
    if (code >= 0)
        gnutls_free(chain);
    return code >= 0 ? FSN_OK
                     : SRV_FAIL(err, FSN_INVALID, "--tls-cert: %s is no certificate in PEM: %s",
                                path, gnutls_strerror(code));
}

static enum fsn_status check_key(const char *path, char *text, struct fsn_error *err)
{
    const gnutls_datum_t pem = datum(text);
    gnutls_x509_privkey_t key;
    int code = gnutls_x509_privkey_init(&key);

    if (code < 0)
        return SRV_NOMEM(err);
    code = gnutls_x509_privkey_import2(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);
    gnutls_x509_privkey_deinit(key);
    return code >= 0 ? FSN_OK
                     : SRV_FAIL(err, FSN_INVALID,
                                "--tls-key: %s is no private key in PEM without a password: %s",
                                path, gnutls_strerror(code));
}

static enum fsn_status check_pair(struct srv_tls *tls, struct fsn_error *err)
{
    const gnutls_datum_t certificate = datum(tls->certificate), key = datum(tls->key);
    gnutls_certificate_credentials_t credentials;
    int code = gnutls_certificate_allocate_credentials(&credentials);

    if (code < 0)
        return SRV_NOMEM(err);
    code =
        gnutls_certificate_set_x509_key_mem(credentials, &certificate, &key, GNUTLS_X509_FMT_PEM);
    gnutls_certificate_free_credentials(credentials);
    return code >= 0 ? FSN_OK
                     : SRV_FAIL(err, FSN_INVALID, "--tls-cert and --tls-key do not go together: %s",
                                gnutls_strerror(code));
}

enum fsn_status srv_tls_load(const char *certificate_file, const char *key_file,
                             struct srv_tls *out, struct fsn_error *err)
{
    struct srv_tls tls = {0};
    enum fsn_status status = read_pem(certificate_file, &tls.certificate, err);

    if (status == FSN_OK)
        status = check_certificate(certificate_file, tls.certificate, err);
    if (status == FSN_OK)
        status = read_pem(key_file, &tls.key, err);
    if (status == FSN_OK)
        status = check_key(key_file, tls.key, err);
    if (status == FSN_OK)
        status = check_pair(&tls, err);
    if (status == FSN_OK)
        *out = tls;
    else
        srv_tls_clear(&tls);
    return status;
}

void srv_tls_clear(struct srv_tls *tls)
{
    forget(&tls->certificate);
    forget(&tls->key);
}
