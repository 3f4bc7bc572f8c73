/* caller.c - see caller.h. */
#include "base/caller.h"

#include <string.h>

static const char *const role_names[] = {
#define SRV__NAME(code, name) name,
    SRV_ROLE_LIST(SRV__NAME)
#undef SRV__NAME
};
static const char *const auth_names[] = {
#define SRV__NAME(code, name) name,
    SRV_AUTH_LIST(SRV__NAME)
#undef SRV__NAME
};

static int find(const char *const *names, int count, const char *name)
{
    int i = 0;

    while (i < count && strcmp(name, names[i]) != 0)
        i++;
    return i;
}

const char *srv_role_name(enum srv_role role)
{
    return role_names[role];
}

enum srv_role srv_role_parse(const char *name)
{
    return (enum srv_role)find(role_names, SRV_ROLE_COUNT, name);
}

const char *srv_auth_name(enum srv_auth auth)
{
    return auth_names[auth];
}

enum srv_auth srv_auth_parse(const char *name)
{
    return (enum srv_auth)find(auth_names, SRV_AUTH_COUNT, name);
}

const char *srv_caller_scope(const struct srv_caller *caller)
{
    return caller->role == SRV_ROLE_USER ? caller->token_id : NULL;
}

bool srv_caller_sees(const struct srv_caller *caller, const char *owner)
{
    const char *scope = srv_caller_scope(caller);

    return !scope || (*scope && strcmp(scope, owner) == 0);
}
