/*
 * restore.c - fsnetd restore --from BACKUP --data-dir DIR: puts a backup into an empty data folder;
 * with --verify in place of --data-dir it only says whether one could.
 *
 * First every file is read and compared with the manifest, and the database with both; only then is
 * anything written. The database goes in last: a data folder that has one is whole. The lock of the
 * folder is held meanwhile, so that no service starts on half of it.
 */
#include "base/copy.h"
#include "base/data_dir.h"
#include "commands/commands.h"
#include "commands/manifest.h"
#include "commands/options.h"
#include "config.h"
#include "store/inspect.h"
#include "store/migrate.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct restore {
    struct srv_data_dir source; /* the backup has the names of a data folder */
    struct srv_manifest manifest;
    int faults; /* of the backup, each told when it is found */
};

static void tell(const char *fault, void *user)
{
    struct restore *restore = user;

    fprintf(stderr, "fsnetd: %s: %s\n", restore->source.database, fault);
    restore->faults++;
}

static void verify_file(struct restore *restore, const char *path, const char *sha256,
                        int64_t size_bytes)
{
    char got_sha256[SRV_SHA256_SIZE];
    struct fsn_error err = {0};
    int64_t got_bytes = 0;

    if (srv_digest_file(path, got_sha256, &got_bytes, &err) != FSN_OK)
        fprintf(stderr, "fsnetd: %s\n", err.text);
    else if (got_bytes != size_bytes)
        fprintf(stderr, "fsnetd: %s: expected %" PRId64 " bytes, got %" PRId64 "\n", path,
                size_bytes, got_bytes);
    else if (strcmp(got_sha256, sha256) != 0)
        fprintf(stderr, "fsnetd: %s: expected SHA-256 %s, got %s\n", path, sha256, got_sha256);
    else
        return;
    restore->faults++;
}

static enum fsn_status verify_files(struct restore *restore, struct fsn_error *err)
{
    const struct srv_manifest *manifest = &restore->manifest;
    enum fsn_status status = FSN_OK;

    verify_file(restore, restore->source.database, manifest->database_sha256,
                manifest->database_bytes);
    for (size_t i = 0; status == FSN_OK && i < manifest->blob_count; i++) {
        const struct srv_blob_row *row = &manifest->blobs[i];
        char path[SRV_PATH_SIZE];

        status = srv_blob_path(restore->source.blobs, row->sha256, path, err);
        if (status == FSN_OK)
            verify_file(restore, path, row->sha256, row->size_bytes);
    }
    return status;
}

/* That the manifest lists what the database names, no more and no less. */
static enum fsn_status compare_lists(const struct restore *restore, struct srv_db *db,
                                     struct fsn_error *err)
{
    const struct srv_manifest *manifest = &restore->manifest;
    struct srv_blob_row *rows = NULL;
    size_t count = 0;
    enum fsn_status status = srv_blobs_list(db, &rows, &count, err);

    if (status == FSN_OK && count != manifest->blob_count)
        status = SRV_FAIL(err, FSN_IO,
                          "the backup is damaged: its database names %zu files, its manifest %zu",
                          count, manifest->blob_count);
    for (size_t i = 0; status == FSN_OK && i < count; i++)
        if (strcmp(rows[i].sha256, manifest->blobs[i].sha256) != 0 ||
            rows[i].size_bytes != manifest->blobs[i].size_bytes)
            status = SRV_FAIL(err, FSN_IO,
                              "the backup is damaged: its database names %s, its manifest %s",
                              rows[i].sha256, manifest->blobs[i].sha256);
    free(rows);
    return status;
}

static enum fsn_status verify_database(struct restore *restore, struct fsn_error *err)
{
    struct srv_schema schema = {0};
    struct srv_db *db = NULL;
    enum fsn_status status = srv_db_open_readonly(restore->source.database, &db, err);

    if (status == FSN_OK)
        status = srv_schema_look(db, srv_migrations, &schema, err);
    if (status == FSN_OK)
        status = srv_inspect_database(db, false, tell, restore, err);
    if (status == FSN_OK)
        status = compare_lists(restore, db, err);
    srv_db_close(db);
    return status;
}

static enum fsn_status verify(struct restore *restore, const char *from, struct fsn_error *err)
{
    enum fsn_status status = srv_data_dir_paths(from, &restore->source, err);

    if (status == FSN_OK)
        status = srv_manifest_read(from, &restore->manifest, err);
    if (status == FSN_OK)
        status = verify_files(restore, err);
    if (status == FSN_OK && restore->faults == 0)
        status = verify_database(restore, err);
    if (status == FSN_OK && restore->faults > 0)
        status = SRV_FAIL(err, FSN_IO, "the backup %s is damaged, faults: %d; nothing was restored",
                          from, restore->faults);
    return status;
}

/* lost+found: of a volume of its own. *there: whether the folder exists. */
static enum fsn_status refuse_filled(const char *root, bool *there, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    DIR *folder = opendir(root);
    struct dirent *entry;

    *there = folder || errno != ENOENT;
    if (!folder)
        return *there ? SRV_FAIL(err, FSN_IO, "%s: %s", root, strerror(errno)) : FSN_OK;
    while (status == FSN_OK && (entry = readdir(folder)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            status = SRV_FAIL(err, FSN_INVALID,
                              "--data-dir: expected an empty folder or none, %s has '%s'", root,
                              entry->d_name);
    closedir(folder);
    return status;
}

/* Copies a file that was verified; it may have changed since. */
static enum fsn_status copy_verified(const char *from, const char *to, const char *sha256,
                                     struct fsn_error *err)
{
    char got[SRV_SHA256_SIZE] = "";
    int64_t size;
    bool found = true;
    enum fsn_status status = srv_copy_file(from, to, got, &size, &found, err);

    if (status == FSN_OK && (!found || strcmp(got, sha256) != 0))
        status = SRV_FAIL(err, FSN_IO, "%s has changed while it was restored", from);
    return status;
}

static enum fsn_status copy_blobs(const struct restore *restore, const struct srv_data_dir *target,
                                  struct fsn_error *err)
{
    const struct srv_manifest *manifest = &restore->manifest;
    enum fsn_status status = srv_make_folders(target->blobs, err);

    for (size_t i = 0; status == FSN_OK && i < manifest->blob_count; i++) {
        const char *sha256 = manifest->blobs[i].sha256;
        char from[SRV_PATH_SIZE], to[SRV_PATH_SIZE];

        status = srv_blob_path(restore->source.blobs, sha256, from, err);
        if (status == FSN_OK)
            status = srv_blob_place(target->blobs, sha256, to, err);
        if (status == FSN_OK)
            status = copy_verified(from, to, sha256, err);
    }
    if (status == FSN_OK)
        status = srv_blob_folders_sync(target->blobs, manifest->blobs, manifest->blob_count, err);
    return status;
}

/* there: whether the folder root exists, empty; after a failure it is as it was. */
static enum fsn_status put_in_place(const struct restore *restore, const char *root, bool there,
                                    struct fsn_error *err)
{
    struct srv_data_dir target = {.lock_fd = -1};
    char database[SRV_PATH_SIZE], lock[SRV_PATH_SIZE];
    enum fsn_status status = srv_path(lock, err, "%s/lock", root);

    if (status == FSN_OK)
        status = srv_data_dir_open(root, &target, err);
    if (status != FSN_OK)
        return status;
    status = copy_blobs(restore, &target, err);
    if (status == FSN_OK)
        status = srv_path(database, err, "%s/fsnetd.db", target.temporary);
    if (status == FSN_OK)
        status = copy_verified(restore->source.database, database,
                               restore->manifest.database_sha256, err);
    if (status == FSN_OK)
        status = srv_move_durably(database, target.database, err);
    if (status != FSN_OK) {
        const char *const made[] = {target.database, target.blobs, target.temporary, target.work,
                                    lock};

        for (size_t i = 0; i < sizeof made / sizeof *made; i++)
            (void)!srv_remove_tree(made[i], NULL);
        if (!there)
            rmdir(root);
    }
    srv_data_dir_close(&target);
    return status;
}

int srv_command_restore(int argc, char **argv)
{
    struct restore restore = {.faults = 0};
    struct srv_config config = {0};
    struct fsn_error err = {0};
    const char *from = NULL;
    bool only_verify = false, there = false;
    const struct srv_option options[] = {{.name = "--from", .value = &from},
                                         {.name = "--verify", .given = &only_verify},
                                         {.name = NULL}};
    enum fsn_status status = srv_options_take(options, &argc, argv, &err);

    if (status == FSN_OK && !from)
        status = SRV_FAIL(&err, FSN_INVALID, "restore: --from BACKUP must be given");
    if (status == FSN_OK && only_verify && argc > 0)
        status = SRV_FAIL(&err, FSN_INVALID, "restore --verify: unknown argument '%s'", argv[0]);
    if (status == FSN_OK && !only_verify)
        status = srv_config_load(argc, argv, &config, &err);
    if (status == FSN_OK && !only_verify)
        status = refuse_filled(config.data_dir, &there, &err);
    if (status == FSN_OK)
        status = verify(&restore, from, &err);
    if (status == FSN_OK && !only_verify)
        status = put_in_place(&restore, config.data_dir, there, &err);
    if (status == FSN_OK)
        printf("%s: the backup of %s, schema %d, %zu files, %s%s\n", from, restore.manifest.made_at,
               restore.manifest.schema, restore.manifest.blob_count,
               only_verify ? "is whole" : "is restored to ", only_verify ? "" : config.data_dir);
    srv_manifest_clear(&restore.manifest);
    srv_config_clear(&config);
    return status == FSN_OK ? 0 : srv_command_failed(&err);
}
