/* check_serve.c - see check_serve.h. */
#include "commands/check_serve.h"

#include "base/caller.h"
#include "base/data_dir.h"
#include "http/listen.h"
#include "http/tls.h"
#include "store/db.h"
#include "store/tokens.h"

#include <errno.h>
#include <libgen.h>
#include <string.h>
#include <unistd.h>

#define FOUND(kind, about, ...) srv_findings_add(findings, SRV_FINDING_##kind, (about), __VA_ARGS__)

static void check_environment(struct srv_findings *findings)
{
    struct srv_stray_variable stray;

    for (int i = 0; srv_config_stray(i, &stray); i++)
        FOUND(WARNING, "config", "the variable %s of the environment is no setting%s%s", stray.name,
              *stray.nearest ? "; the nearest is " : "", stray.nearest);
}

static void check_temporary(struct srv_findings *findings)
{
    struct fsn_error err = {0};

    if (fsn_temporary_check(&err) == FSN_OK)
        FOUND(OK, "tmp", "photographs can be unpacked in %s", fsn_temporary_folder());
    else
        FOUND(ERROR, "tmp", "%s; photographs are unpacked there", err.text);
}

static void check_tls(const struct srv_config *config, struct srv_findings *findings)
{
    struct srv_tls tls = {0};
    struct fsn_error err = {0};

    if (*config->tls_cert == '\0')
        return;
    if (srv_tls_load(config->tls_cert, config->tls_key, &tls, &err) == FSN_OK)
        FOUND(OK, "tls", "%s and its key go together", config->tls_cert);
    else
        FOUND(ERROR, "tls", "%s", err.text);
    srv_tls_clear(&tls);
}

/* Of a database that is not there, is damaged or from before there were tokens: none. */
static bool has_tokens(const char *root)
{
    struct srv_data_dir dir;
    struct srv_db *db = NULL;
    bool any = false;
    enum fsn_status status = srv_data_dir_paths(root, &dir, NULL);

    if (status == FSN_OK)
        status = srv_db_open_readonly(dir.database, &db, NULL);
    if (status == FSN_OK)
        status = srv_tokens_any(db, &any, NULL);
    srv_db_close(db);
    return status == FSN_OK && any;
}

static void check_listen(const struct srv_config *config, struct srv_findings *findings)
{
    bool loopback = false, in_use = false;
    struct fsn_error err = {0};

    if (srv_listen_try(config->listen, &loopback, &in_use, &err) != FSN_OK)
        FOUND(ERROR, "listen", "%s", err.text);
    else if (!loopback && srv_auth_parse(config->auth) == SRV_AUTH_AUTO &&
             !has_tokens(config->data_dir))
        FOUND(ERROR, "listen", "%s: %s", config->listen, SRV_NEEDS_TOKEN);
    else if (in_use)
        FOUND(WARNING, "listen", "%s is in use: by the service, if it runs, else it cannot start",
              config->listen);
    else
        FOUND(OK, "listen", "%s is free", config->listen);
}

static void check_port_file(const char *path, struct srv_findings *findings)
{
    char copy[SRV_PATH_SIZE];
    const char *folder;

    if (*path == '\0')
        return;
    if (srv_path(copy, NULL, "%s", path) != FSN_OK) {
        FOUND(ERROR, "port-file", "the path is longer than %d bytes", SRV_PATH_SIZE - 1);
        return;
    }
    folder = dirname(copy);
    if (access(folder, W_OK | X_OK) != 0)
        FOUND(ERROR, "port-file", "%s: expected to write there as user %d: %s", folder,
              (int)geteuid(), strerror(errno));
    else
        FOUND(OK, "port-file", "%s can be written", folder);
}

void srv_check_serve(const struct srv_config *config, struct srv_findings *findings)
{
    check_environment(findings);
    check_temporary(findings);
    check_tls(config, findings);
    check_listen(config, findings);
    check_port_file(config->port_file, findings);
}
