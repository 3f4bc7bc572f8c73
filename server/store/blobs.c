/* blobs.c - content-addressed files and their rows; see blobs.h. */
#include "store/blobs.h"

#include "base/clock.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct srv_blobs {
    char dir[SRV_PATH_SIZE];
    uv_mutex_t mutex; /* held while files and rows change together */
};

enum fsn_status srv_blobs_create(const char *dir, struct srv_blobs **out, struct fsn_error *err)
{
    enum fsn_status status = srv_make_folders(dir, err);
    struct srv_blobs *blobs = NULL;

    if (status != FSN_OK)
        return status;
    blobs = calloc(1, sizeof *blobs);
    if (!blobs || uv_mutex_init(&blobs->mutex) != 0) {
        free(blobs);
        return SRV_NOMEM(err);
    }
    status = srv_path(blobs->dir, err, "%s", dir);
    if (status == FSN_OK)
        *out = blobs;
    else
        srv_blobs_destroy(blobs);
    return status;
}

void srv_blobs_destroy(struct srv_blobs *blobs)
{
    if (!blobs)
        return;
    uv_mutex_destroy(&blobs->mutex);
    free(blobs);
}

enum fsn_status srv_blobs_path(const struct srv_blobs *blobs, const char *sha256,
                               char out[SRV_PATH_SIZE], struct fsn_error *err)
{
    return srv_blob_path(blobs->dir, sha256, out, err);
}

enum fsn_status srv_blobs_has(struct srv_db *db, const char *sha256, bool *out,
                              struct fsn_error *err)
{
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT 1 FROM blobs WHERE sha256 = ?");
    srv_query_text(&q, sha256);
    *out = srv_query_row(&q);
    return srv_query_end(&q, err);
}

static enum fsn_status move_in(const struct srv_blobs *blobs, const struct srv_blob *item,
                               struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    enum fsn_status status = srv_blob_place(blobs->dir, item->sha256, path, err);

    if (status != FSN_OK)
        return status;
    /* Over the same bytes too, if they are there: whoever uploads a file cannot tell by the time
     * that it takes whether someone else has it. */
    return srv_move_durably(item->path, path, err);
}

static enum fsn_status insert_rows(struct srv_db *db, const struct srv_blob *items, size_t count,
                                   struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; status == FSN_OK && i < count; i++) {
        struct srv_query q;

        srv_query_begin(&q, db,
                        "INSERT INTO blobs (sha256, size_bytes, created_at) VALUES (?, ?, ?)"
                        " ON CONFLICT (sha256) DO NOTHING");
        srv_query_text(&q, items[i].sha256);
        srv_query_int(&q, items[i].size_bytes);
        srv_query_int(&q, srv_now_ms());
        status = srv_query_run(&q, NULL, err);
    }
    return status;
}

/* After a failed store: the file goes unless a row says that it was there before. */
static void remove_if_rowless(const struct srv_blobs *blobs, struct srv_db *db, const char *sha256)
{
    char path[SRV_PATH_SIZE];
    bool known = true;

    if (srv_blobs_has(db, sha256, &known, NULL) == FSN_OK && !known &&
        srv_blobs_path(blobs, sha256, path, NULL) == FSN_OK)
        unlink(path);
}

enum fsn_status srv_blobs_store(struct srv_blobs *blobs, struct srv_db *db,
                                const struct srv_blob *items, size_t count,
                                srv_blobs_write_fn *write, void *user, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    uv_mutex_lock(&blobs->mutex);
    for (size_t i = 0; status == FSN_OK && i < count; i++)
        status = move_in(blobs, &items[i], err);
    if (status == FSN_OK && (status = srv_db_begin(db, err)) == FSN_OK) {
        status = insert_rows(db, items, count, err);
        if (status == FSN_OK)
            status = write(db, user, err);
        status = srv_db_end(db, status, err);
    }
    for (size_t i = 0; status != FSN_OK && i < count; i++)
        remove_if_rowless(blobs, db, items[i].sha256);
    uv_mutex_unlock(&blobs->mutex);
    return status;
}

/* Digests of dropped blobs. */
struct dropped {
    char (*sha256)[SRV_SHA256_SIZE];
    size_t count, capacity;
};

static bool remember(struct dropped *dropped, struct srv_query *q)
{
    if (dropped->count == dropped->capacity) {
        size_t capacity = dropped->capacity ? 2 * dropped->capacity : 8;
        void *grown = realloc(dropped->sha256, capacity * sizeof *dropped->sha256);

        if (!grown)
            return false;
        dropped->sha256 = grown;
        dropped->capacity = capacity;
    }
    srv_column_copy(q, 0, dropped->sha256[dropped->count++], SRV_SHA256_SIZE);
    return true;
}

/* All rows are looked at: every blob is named but for those that write has just let go. */
static enum fsn_status delete_unnamed(struct srv_db *db, struct dropped *dropped,
                                      struct fsn_error *err)
{
    enum fsn_status status;
    bool nomem = false;
    struct srv_query q;

    srv_query_begin(&q, db,
                    "DELETE FROM blobs WHERE sha256 NOT IN (SELECT sha256 FROM uploads)"
                    " AND sha256 NOT IN (SELECT sha256 FROM artifacts) RETURNING sha256");
    while (srv_query_row(&q))
        nomem = !remember(dropped, &q) || nomem;
    status = srv_query_end(&q, err);
    return status == FSN_OK && nomem ? SRV_NOMEM(err) : status;
}

enum fsn_status srv_blobs_drop(struct srv_blobs *blobs, struct srv_db *db,
                               srv_blobs_write_fn *write, void *user, struct fsn_error *err)
{
    struct dropped dropped = {0};
    enum fsn_status status;

    uv_mutex_lock(&blobs->mutex);
    status = srv_db_begin(db, err);
    if (status == FSN_OK) {
        status = write(db, user, err);
        if (status == FSN_OK)
            status = delete_unnamed(db, &dropped, err);
        status = srv_db_end(db, status, err);
    }
    for (size_t i = 0; status == FSN_OK && i < dropped.count; i++)
        remove_if_rowless(blobs, db, dropped.sha256[i]);
    uv_mutex_unlock(&blobs->mutex);
    free(dropped.sha256);
    return status;
}

enum fsn_status srv_blobs_list(struct srv_db *db, struct srv_blob_row **out, size_t *count,
                               struct fsn_error *err)
{
    struct srv_blob_row *rows = NULL;
    size_t used = 0, room = 0;
    enum fsn_status status;
    struct srv_query q;

    srv_query_begin(&q, db, "SELECT sha256, size_bytes FROM blobs ORDER BY sha256");
    while (srv_query_row(&q) && srv_query_room(&q, &rows, used, &room, sizeof *rows)) {
        srv_column_copy(&q, 0, rows[used].sha256, SRV_SHA256_SIZE);
        rows[used++].size_bytes = srv_column_int(&q, 1);
    }
    status = srv_query_end(&q, err);
    if (status == FSN_OK) {
        *out = rows;
        *count = used;
    } else {
        free(rows);
    }
    return status;
}

enum fsn_status srv_blobs_sweep(struct srv_blobs *blobs, struct srv_db *db, int *removed,
                                struct fsn_error *err)
{
    char *roots[] = {blobs->dir, NULL};
    enum fsn_status status = FSN_OK;
    FTSENT *entry;
    int count = 0;
    FTS *tree;

    uv_mutex_lock(&blobs->mutex);
    tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        status = SRV_FAIL(err, FSN_IO, "cannot list %s: %s", blobs->dir, strerror(errno));
    while (status == FSN_OK && (entry = fts_read(tree))) {
        bool known = true;

        if (entry->fts_info != FTS_F)
            continue;
        status = srv_blobs_has(db, entry->fts_name, &known, err);
        if (status == FSN_OK && !known && unlink(entry->fts_accpath) == 0)
            count++;
    }
    if (tree)
        fts_close(tree);
    uv_mutex_unlock(&blobs->mutex);
    if (status == FSN_OK && removed)
        *removed = count;
    return status;
}
