/*
 * check_blobs.c - see check_blobs.h.
 *
 * The service may put and drop blobs meanwhile, with the file before the row and the row before the
 * file (store/blobs.h). So a file that is missing is a fault only if its row is still there
 * afterwards, and a file without a row is garbage only if none has come after a while.
 */
#include "commands/check_blobs.h"

#include "store/blobs.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROW_COMES_WITHIN_S                                                 \
    2 /* between a file's rename and its row's commit lie one or two syncs \
       */

struct check {
    struct srv_db *db;
    const char *dir;
    bool deep;
    struct srv_findings *findings;
    struct srv_blob_row *rows; /* by sha256 */
    size_t count;
    int faults;
};

static void fault(struct check *check, const char *sha256, const char *text)
{
    srv_findings_add(check->findings, SRV_FINDING_ERROR, "blobs", "%s: %s", sha256, text);
    check->faults++;
}

/* A file that was not there: whether the database still names it and it still is not. */
static enum fsn_status is_lost(const struct check *check, const char *sha256, const char *path,
                               bool *out, struct fsn_error *err)
{
    bool named = false;
    enum fsn_status status = srv_blobs_has(check->db, sha256, &named, err);

    *out = named && access(path, F_OK) != 0;
    return status;
}

static enum fsn_status check_row(struct check *check, const struct srv_blob_row *row,
                                 struct fsn_error *err)
{
    char path[SRV_PATH_SIZE], sha256[SRV_SHA256_SIZE], text[160];
    enum fsn_status status = srv_blob_path(check->dir, row->sha256, path, err);
    int64_t size = 0;
    struct stat info;
    bool lost = false;

    if (status != FSN_OK)
        return status;
    if (stat(path, &info) != 0) {
        int cause = errno;

        status = is_lost(check, row->sha256, path, &lost, err);
        if (lost)
            fault(check, row->sha256, cause == ENOENT ? "the file is missing" : strerror(cause));
        return status;
    }
    if (info.st_size != row->size_bytes) {
        snprintf(text, sizeof text, "expected %" PRId64 " bytes, the file has %" PRId64,
                 row->size_bytes, (int64_t)info.st_size);
        fault(check, row->sha256, text);
    } else if (check->deep) {
        struct fsn_error cause = {0};

        if (srv_digest_file(path, sha256, &size, &cause) != FSN_OK) {
            status = is_lost(check, row->sha256, path, &lost, err);
            if (lost || access(path, F_OK) == 0)
                fault(check, row->sha256, cause.text);
        } else if (strcmp(sha256, row->sha256) != 0) {
            snprintf(text, sizeof text, "the content has changed: its SHA-256 is %s", sha256);
            fault(check, row->sha256, text);
        }
    }
    return status;
}

/* A file below blobs/ that no row named when the list was made. */
struct stranger {
    char *path, *name;
    int64_t size_bytes;
};
struct strangers {
    struct stranger *item;
    size_t count, room;
};

static bool remember(struct strangers *strangers, const FTSENT *entry)
{
    struct stranger *item;

    if (strangers->count == strangers->room) {
        size_t room = strangers->room ? 2 * strangers->room : 16;
        void *grown = reallocarray(strangers->item, room, sizeof *strangers->item);

        if (!grown)
            return false;
        strangers->item = grown;
        strangers->room = room;
    }
    item = &strangers->item[strangers->count++];
    item->path = strdup(entry->fts_path);
    item->size_bytes = entry->fts_statp->st_size;
    item->name = item->path ? strrchr(item->path, '/') + 1 : NULL;
    return item->path != NULL;
}

static enum fsn_status find_strangers(const struct check *check, struct strangers *out,
                                      struct fsn_error *err)
{
    char *roots[] = {(char *)check->dir, NULL};
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    enum fsn_status status = FSN_OK;
    FTSENT *entry;

    if (!tree)
        return SRV_FAIL(err, FSN_IO, "cannot list %s: %s", check->dir, strerror(errno));
    while (status == FSN_OK && (entry = fts_read(tree))) {
        if (entry->fts_info != FTS_F || srv_blob_find(check->rows, check->count, entry->fts_name))
            continue;
        if (!remember(out, entry))
            status = SRV_NOMEM(err);
    }
    fts_close(tree);
    return status;
}

static enum fsn_status report_strangers(struct check *check, const struct strangers *strangers,
                                        struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    if (strangers->count > 0)
        sleep(ROW_COMES_WITHIN_S);
    for (size_t i = 0; status == FSN_OK && i < strangers->count; i++) {
        const struct stranger *item = &strangers->item[i];
        bool named = false;

        status = srv_blobs_has(check->db, item->name, &named, err);
        if (status == FSN_OK && !named && access(item->path, F_OK) == 0)
            srv_findings_add(check->findings, SRV_FINDING_WARNING, "blobs",
                             "%s: nothing names this file of %" PRId64
                             " bytes; the next start removes it",
                             item->path, item->size_bytes);
    }
    return status;
}

static enum fsn_status check_strangers(struct check *check, struct fsn_error *err)
{
    struct strangers strangers = {0};
    enum fsn_status status = FSN_OK;

    if (access(check->dir, F_OK) == 0)
        status = find_strangers(check, &strangers, err);
    if (status == FSN_OK)
        status = report_strangers(check, &strangers, err);
    for (size_t i = 0; i < strangers.count; i++)
        free(strangers.item[i].path);
    free(strangers.item);
    return status;
}

enum fsn_status srv_check_blobs(struct srv_db *db, const char *blobs_dir, bool deep,
                                struct srv_findings *findings, struct fsn_error *err)
{
    struct check check = {.db = db, .dir = blobs_dir, .deep = deep, .findings = findings};
    enum fsn_status status = srv_blobs_list(db, &check.rows, &check.count, err);
    int64_t total = 0;

    for (size_t i = 0; status == FSN_OK && i < check.count; i++) {
        total += check.rows[i].size_bytes;
        status = check_row(&check, &check.rows[i], err);
    }
    if (status == FSN_OK && check.faults == 0)
        srv_findings_add(findings, SRV_FINDING_OK, "blobs",
                         "%zu files of %" PRId64 " bytes are there%s", check.count, total,
                         deep ? " with the content that they had" : "; --deep reads them");
    if (status == FSN_OK)
        status = check_strangers(&check, err);
    free(check.rows);
    return status;
}
