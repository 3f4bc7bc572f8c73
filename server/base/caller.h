/* caller.h - who a request comes from, and what that lets them do and see. */
#ifndef SRV_BASE_CALLER_H
#define SRV_BASE_CALLER_H

#include "base/token.h"

/* The first is what a caller is that nobody has filled in: it sees nothing. */
#define SRV_ROLE_LIST(X) \
    X(USER, "user")      \
    X(VIEWER, "viewer")  \
    X(ADMIN, "admin")

enum srv_role {
#define SRV__ENUM(code, name) SRV_ROLE_##code,
    SRV_ROLE_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_ROLE_COUNT
};
const char *srv_role_name(enum srv_role role);
/* SRV_ROLE_COUNT when there is no such role. */
enum srv_role srv_role_parse(const char *name);

struct srv_caller {
    enum srv_role role;
    char token_id[SRV_TOKEN_ID_SIZE]; /* "": the service asks for no tokens */
};

/* The owner whose things alone the caller may see; NULL: everybody's. A user sees their own, viewer
 * and admin all. */
const char *srv_caller_scope(const struct srv_caller *caller);
/* Whether the caller may see a thing of this owner, "" for none. */
bool srv_caller_sees(const struct srv_caller *caller, const char *owner);

/* When the service asks for tokens. */
#define SRV_AUTH_LIST(X)                                                            \
    X(AUTO, "auto")     /* as soon as there is one; until then on loopback alone */ \
    X(TOKENS, "tokens") /* always */                                                \
    X(NONE, "none")     /* never, wherever it listens */

enum srv_auth {
#define SRV__ENUM(code, name) SRV_AUTH_##code,
    SRV_AUTH_LIST(SRV__ENUM)
#undef SRV__ENUM
        SRV_AUTH_COUNT
};
const char *srv_auth_name(enum srv_auth auth);
/* SRV_AUTH_COUNT when there is no such word. */
enum srv_auth srv_auth_parse(const char *name);
/* Why `auto` does not serve beyond loopback while there is no token. */
#define SRV_NEEDS_TOKEN                                                                            \
    "others than this machine would reach a service that asks nobody who they are; make a token "  \
    "first ('fsnetd token create --name NAME --role admin --data-dir DIR'), or say '--auth none' " \
    "where something before the service decides who may call it"

#endif
