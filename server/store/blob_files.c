/* blob_files.c - see blob_files.h. */
#include "store/blob_files.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *sha256, const void *row)
{
    return strcmp(sha256, ((const struct srv_blob_row *)row)->sha256);
}

const struct srv_blob_row *srv_blob_find(const struct srv_blob_row *rows, size_t count,
                                         const char *sha256)
{
    return count > 0 ? bsearch(sha256, rows, count, sizeof *rows, compare) : NULL;
}

static enum fsn_status folder_path(const char *dir, const char *sha256, char out[SRV_PATH_SIZE],
                                   struct fsn_error *err)
{
    return srv_path(out, err, "%s/%.2s", dir, sha256);
}

enum fsn_status srv_blob_path(const char *dir, const char *sha256, char out[SRV_PATH_SIZE],
                              struct fsn_error *err)
{
    return srv_path(out, err, "%s/%.2s/%s", dir, sha256, sha256);
}

enum fsn_status srv_blob_place(const char *dir, const char *sha256, char out[SRV_PATH_SIZE],
                               struct fsn_error *err)
{
    char folder[SRV_PATH_SIZE];
    enum fsn_status status = folder_path(dir, sha256, folder, err);

    if (status == FSN_OK)
        status = srv_make_folders(folder, err);
    return status == FSN_OK ? srv_blob_path(dir, sha256, out, err) : status;
}

enum fsn_status srv_blob_folders_sync(const char *dir, const struct srv_blob_row *rows,
                                      size_t count, struct fsn_error *err)
{
    enum fsn_status status = srv_make_folders(dir, err);

    for (size_t i = 0; status == FSN_OK && i < count; i++) {
        char folder[SRV_PATH_SIZE];

        if (i > 0 && strncmp(rows[i].sha256, rows[i - 1].sha256, 2) == 0)
            continue; /* rows in order share a folder with the one before */
        status = folder_path(dir, rows[i].sha256, folder, err);
        if (status == FSN_OK)
            status = srv_sync_path(folder, err);
    }
    return status == FSN_OK ? srv_sync_path(dir, err) : status;
}
