/*
 * check.c - fsnetd check [--deep] [--json] [SETTING...]: whether the service could run with these
 * settings on this data folder, and whether everything is there that it has stored. It changes
 * nothing and may run beside the service. Exit code 0: no error; 1: at least one.
 */
#include "base/disk.h"
#include "base/data_dir.h"
#include "commands/check_blobs.h"
#include "commands/check_serve.h"
#include "commands/commands.h"
#include "commands/options.h"
#include "config.h"
#include "store/inspect.h"
#include "store/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOUND(kind, about, ...) srv_findings_add(findings, SRV_FINDING_##kind, (about), __VA_ARGS__)

/* False when there is no folder to look into. */
static bool check_folder(const char *root, struct srv_findings *findings)
{
    struct stat info;

    if (stat(root, &info) != 0) {
        FOUND(ERROR, "data-dir", "%s: %s", root, strerror(errno));
        return false;
    }
    if (!S_ISDIR(info.st_mode)) {
        FOUND(ERROR, "data-dir", "%s is not a folder", root);
        return false;
    }
    if (access(root, R_OK | W_OK | X_OK) != 0)
        FOUND(ERROR, "data-dir", "%s: expected to read and write there as user %d: %s", root,
              (int)geteuid(), strerror(errno));
    else if (info.st_mode & S_IRWXO)
        FOUND(WARNING, "data-dir", "%s has mode %04o: any user may look into it; chmod o= %s", root,
              (unsigned)info.st_mode & 07777, root);
    else
        FOUND(OK, "data-dir", "%s can be read and written", root);
    return true;
}

static void check_space(const char *root, int64_t max_upload_bytes, struct srv_findings *findings)
{
    struct srv_disk disk;

    if (!srv_disk_look(root, &disk)) {
        FOUND(ERROR, "disk", "%s: %s", root, strerror(errno));
        return;
    }
    if (disk.free_bytes < (uint64_t)max_upload_bytes)
        FOUND(ERROR, "disk", "%" PRIu64 " bytes are free, an upload may have %" PRId64 "%s",
              disk.free_bytes, max_upload_bytes, " (max-upload-bytes)");
    else
        FOUND(OK, "disk", "%" PRIu64 " bytes are free", disk.free_bytes);
}

static void add_fault(const char *fault, void *user)
{
    struct srv_findings *findings = user;

    FOUND(ERROR, "database", "%s", fault);
}

static enum fsn_status check_schema(struct srv_db *db, bool *empty, struct srv_findings *findings,
                                    struct fsn_error *err)
{
    struct srv_schema schema = {0};
    enum fsn_status status = srv_schema_look(db, srv_migrations, &schema, err);

    *empty = schema.stored == 0;
    if (status == FSN_OK && schema.missing == 0)
        FOUND(OK, "schema", "version %d, the newest of this program", schema.stored);
    else if (status == FSN_OK)
        FOUND(
            WARNING, "schema",
            "version %d, this program has %d: the next start applies %d migrations; back up before",
            schema.stored, schema.known, schema.missing);
    return status;
}

static enum fsn_status check_database(const struct srv_data_dir *dir, bool deep,
                                      struct srv_findings *findings, struct fsn_error *err)
{
    int errors = findings->count[SRV_FINDING_ERROR];
    bool empty = true;
    struct srv_db *db = NULL;
    enum fsn_status status = srv_db_open_readonly(dir->database, &db, err);

    if (status == FSN_OK)
        status = srv_inspect_database(db, deep, add_fault, findings, err);
    if (status == FSN_OK && errors == findings->count[SRV_FINDING_ERROR])
        FOUND(OK, "database", "%s is sound%s", dir->database, deep ? "" : "; --deep looks closer");
    if (status == FSN_OK)
        status = check_schema(db, &empty, findings, err);
    /* Table blobs is of the first schema, but for an empty database. */
    if (status == FSN_OK && !empty)
        status = srv_check_blobs(db, dir->blobs, deep, findings, err);
    srv_db_close(db);
    return status;
}

static void check_store(const char *root, bool deep, struct srv_findings *findings)
{
    struct srv_data_dir dir;
    struct fsn_error err = {0};
    enum fsn_status status = srv_data_dir_paths(root, &dir, &err);

    if (status == FSN_OK && access(dir.database, F_OK) == 0)
        status = check_database(&dir, deep, findings, &err);
    else if (status == FSN_OK && access(dir.blobs, F_OK) == 0)
        FOUND(ERROR, "database",
              "%s is missing while %s is there: a start would begin an empty one and remove the "
              "files; restore a backup",
              dir.database, dir.blobs);
    else if (status == FSN_OK)
        FOUND(OK, "database", "none yet: the first start makes it");
    if (status != FSN_OK)
        FOUND(ERROR, "database", "%s", err.text);
}

static void check(int argc, char **argv, bool deep, struct srv_findings *findings)
{
    struct srv_config config = {0};
    struct fsn_error err = {0};

    if (srv_config_load(argc, argv, &config, &err) != FSN_OK) {
        FOUND(ERROR, "config", "%s", err.text);
        return;
    }
    FOUND(OK, "config", "%s", *config.file ? config.file : "no settings file");
    srv_check_serve(&config, findings);
    if (check_folder(config.data_dir, findings)) {
        check_space(config.data_dir, config.max_upload_bytes, findings);
        check_store(config.data_dir, deep, findings);
    }
    srv_config_clear(&config);
}

int srv_command_check(int argc, char **argv)
{
    struct srv_findings findings = {0};
    struct fsn_error err = {0};
    bool deep = false, json = false, printed;
    int errors;
    const struct srv_option options[] = {
        {.name = "--deep", .given = &deep}, {.name = "--json", .given = &json}, {.name = NULL}};

    if (srv_options_take(options, &argc, argv, &err) != FSN_OK)
        return srv_command_failed(&err);
    check(argc, argv, deep, &findings);
    errors = findings.count[SRV_FINDING_ERROR];
    printed = srv_findings_print(&findings, json, stdout);
    srv_findings_clear(&findings);
    return printed && errors == 0 ? 0 : 1;
}
