/* key.h - what makes a request that is sent twice one thing. */
#ifndef SRV_STORE_KEY_H
#define SRV_STORE_KEY_H

/* Of an owner ("": none), and with the digest of what was asked for. key NULL: the request has none
 * and is always another. */
struct srv_key {
    const char *key, *request_sha256, *owner;
};

#endif
