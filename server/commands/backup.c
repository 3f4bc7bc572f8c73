/*
 * backup.c - fsnetd backup --data-dir DIR --to BACKUP [--link-from BACKUP]: a copy of all that is
 * stored, while the service runs (manifest.h has its form).
 *
 * The database first, at one moment, then the blobs that this copy names. A blob that the service
 * drops meanwhile would be missing from the backup: then the database is copied again, later, and
 * only what is new since then has to be copied after it. Every byte is hashed on its way. It all
 * happens in a folder beside BACKUP, which gets its name when it is whole and on the disk.
 *
 * Work folders are left out: a job that runs begins anew after a restore and ends with the same
 * bytes.
 */
#include "base/copy.h"
#include "base/data_dir.h"
#include "commands/commands.h"
#include "commands/manifest.h"
#include "commands/options.h"
#include "config.h"
#include "store/migrate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_TRIES 10

struct backup {
    struct srv_data_dir source, target; /* target: the folder that is being filled */
    char folder[SRV_PATH_SIZE];
    const char *link_from;     /* an older backup, or NULL */
    struct srv_data_dir older; /* its paths */
    struct srv_db *db;         /* the service's */
    struct srv_manifest manifest;
    size_t linked;
    char gone[SRV_SHA256_SIZE]; /* the blob that was not there, "" when all were */
};

/* Whether the older backup has this blob, whole; then the new one shares its file. */
static bool link_blob(struct backup *backup, const struct srv_blob_row *row, const char *to)
{
    char from[SRV_PATH_SIZE], sha256[SRV_SHA256_SIZE];
    int64_t size;
    bool linked = backup->link_from &&
                  srv_blob_path(backup->older.blobs, row->sha256, from, NULL) == FSN_OK &&
                  srv_digest_file(from, sha256, &size, NULL) == FSN_OK &&
                  strcmp(sha256, row->sha256) == 0 && link(from, to) == 0;

    backup->linked += linked;
    return linked;
}

static enum fsn_status copy_blob(struct backup *backup, const struct srv_blob_row *row,
                                 struct fsn_error *err)
{
    char from[SRV_PATH_SIZE], to[SRV_PATH_SIZE], sha256[SRV_SHA256_SIZE];
    enum fsn_status status = srv_blob_path(backup->source.blobs, row->sha256, from, err);
    int64_t size = 0;
    bool found = true;

    if (status == FSN_OK)
        status = srv_blob_place(backup->target.blobs, row->sha256, to, err);
    if (status != FSN_OK || access(to, F_OK) == 0) /* there since an earlier try */
        return status;
    if (link_blob(backup, row, to))
        return FSN_OK;
    status = srv_copy_file(from, to, sha256, &size, &found, err);
    if (status == FSN_OK && !found)
        memcpy(backup->gone, row->sha256, sizeof backup->gone);
    else if (status == FSN_OK && (size != row->size_bytes || strcmp(sha256, row->sha256) != 0))
        status = SRV_FAIL(err, FSN_IO,
                          "%s is damaged: expected %" PRId64 " bytes, got %" PRId64
                          " of SHA-256 %s; see fsnetd check --deep",
                          from, row->size_bytes, size, sha256);
    return status;
}

/* Removes what an earlier try has copied and the newer database does not name. */
static enum fsn_status remove_unnamed(const struct backup *backup, const struct srv_blob_row *old,
                                      size_t count, struct fsn_error *err)
{
    const struct srv_manifest *now = &backup->manifest;
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < count; i++) {
        char path[SRV_PATH_SIZE];

        if (srv_blob_find(now->blobs, now->blob_count, old[i].sha256))
            continue;
        status = srv_blob_path(backup->target.blobs, old[i].sha256, path, err);
        if (status == FSN_OK && unlink(path) != 0 && errno != ENOENT)
            status = SRV_FAIL(err, FSN_IO, "cannot remove %s: %s", path, strerror(errno));
    }
    return status;
}

/* The database as it is now, and what it names into the manifest. */
static enum fsn_status copy_database(struct backup *backup, struct fsn_error *err)
{
    struct srv_manifest *manifest = &backup->manifest;
    struct srv_db *copy = NULL;
    struct srv_schema schema = {0};
    enum fsn_status status;

    unlink(backup->target.database); /* of an earlier try */
    srv_time_text(srv_now_ms(), manifest->made_at);
    status = srv_db_snapshot(backup->db, backup->target.database, err);
    if (status == FSN_OK)
        status = srv_sync_path(backup->target.database, err);
    if (status == FSN_OK)
        status = srv_db_open_readonly(backup->target.database, &copy, err);
    if (status == FSN_OK)
        status = srv_schema_look(copy, srv_migrations, &schema, err);
    if (status == FSN_OK && schema.stored == 0)
        status =
            SRV_FAIL(err, FSN_INVALID, "%s is empty: nothing to back up", backup->source.database);
    if (status == FSN_OK)
        status = srv_blobs_list(copy, &manifest->blobs, &manifest->blob_count, err);
    srv_db_close(copy);
    if (status == FSN_OK)
        status = srv_digest_file(backup->target.database, manifest->database_sha256,
                                 &manifest->database_bytes, err);
    manifest->schema = schema.stored;
    return status;
}

/* One try; backup->gone says whether it has to be done again. */
static enum fsn_status copy_all(struct backup *backup, struct fsn_error *err)
{
    struct srv_manifest *manifest = &backup->manifest;
    struct srv_blob_row *old = manifest->blobs;
    size_t old_count = manifest->blob_count;
    enum fsn_status status;

    manifest->blobs = NULL;
    manifest->blob_count = 0;
    backup->gone[0] = '\0';
    status = copy_database(backup, err);
    if (status == FSN_OK)
        status = remove_unnamed(backup, old, old_count, err);
    free(old);
    for (size_t i = 0; status == FSN_OK && !*backup->gone && i < manifest->blob_count; i++)
        status = copy_blob(backup, &manifest->blobs[i], err);
    return status;
}

static enum fsn_status copy_until_whole(struct backup *backup, struct fsn_error *err)
{
    char before[SRV_SHA256_SIZE] = "";
    enum fsn_status status = copy_all(backup, err);

    for (int i = 1; status == FSN_OK && *backup->gone; i++) {
        /* A newer database still names it: it was not dropped, it is lost. */
        if (strcmp(before, backup->gone) == 0 || i == MAX_TRIES)
            return SRV_FAIL(err, FSN_IO, "%s names blob %s, which is not there; see fsnetd check",
                            backup->source.database, backup->gone);
        memcpy(before, backup->gone, sizeof before);
        status = copy_all(backup, err);
    }
    return status;
}

static enum fsn_status fill(struct backup *backup, struct fsn_error *err)
{
    enum fsn_status status = srv_data_dir_paths(backup->folder, &backup->target, err);

    if (status == FSN_OK)
        status = srv_db_open_readonly(backup->source.database, &backup->db, err);
    if (status == FSN_OK)
        status = copy_until_whole(backup, err);
    srv_db_close(backup->db);
    if (status == FSN_OK)
        status = srv_blob_folders_sync(backup->target.blobs, backup->manifest.blobs,
                                       backup->manifest.blob_count, err);
    if (status == FSN_OK)
        status = srv_manifest_write(backup->folder, &backup->manifest, err);
    return status;
}

static enum fsn_status back_up(struct backup *backup, const char *data_dir, const char *to,
                               struct fsn_error *err)
{
    size_t length = strlen(to);
    struct stat info;
    enum fsn_status status;

    while (length > 1 && to[length - 1] == '/') /* the folder beside it, not in it */
        length--;
    if (lstat(to, &info) == 0)
        return SRV_FAIL(err, FSN_INVALID, "--to: %s is there already", to);
    status = srv_path(backup->folder, err, "%.*s.partial-XXXXXX", (int)length, to);
    if (status == FSN_OK)
        status = srv_data_dir_paths(data_dir, &backup->source, err);
    if (status == FSN_OK && backup->link_from)
        status = srv_data_dir_paths(backup->link_from, &backup->older, err);
    if (status == FSN_OK && backup->link_from && access(backup->older.blobs, F_OK) != 0)
        status =
            SRV_FAIL(err, FSN_INVALID, "--link-from: %s: %s", backup->older.blobs, strerror(errno));
    if (status != FSN_OK)
        return status;
    if (!mkdtemp(backup->folder))
        return SRV_FAIL(err, FSN_IO, "cannot make a folder beside %s: %s", to, strerror(errno));
    status = fill(backup, err);
    if (status == FSN_OK)
        status = srv_move_durably(backup->folder, to, err);
    if (status != FSN_OK)
        (void)!srv_remove_tree(backup->folder, NULL); /* what went wrong first is what is told */
    return status;
}

int srv_command_backup(int argc, char **argv)
{
    struct backup backup = {.db = NULL};
    struct srv_config config = {0};
    struct fsn_error err = {0};
    const char *to = NULL;
    const struct srv_option options[] = {{.name = "--to", .value = &to},
                                         {.name = "--link-from", .value = &backup.link_from},
                                         {.name = NULL}};
    enum fsn_status status = srv_options_take(options, &argc, argv, &err);

    if (status == FSN_OK && !to)
        status = SRV_FAIL(&err, FSN_INVALID, "backup: --to BACKUP must be given");
    if (status == FSN_OK)
        status = srv_config_load(argc, argv, &config, &err);
    if (status == FSN_OK)
        status = back_up(&backup, config.data_dir, to, &err);
    if (status == FSN_OK) {
        int64_t total = 0;

        for (size_t i = 0; i < backup.manifest.blob_count; i++)
            total += backup.manifest.blobs[i].size_bytes;
        printf("%s: schema %d, %zu files of %" PRId64 " bytes, %zu of them shared with %s\n", to,
               backup.manifest.schema, backup.manifest.blob_count, total, backup.linked,
               backup.link_from ? backup.link_from : "no other backup");
    }
    srv_manifest_clear(&backup.manifest);
    srv_config_clear(&config);
    return status == FSN_OK ? 0 : srv_command_failed(&err);
}
