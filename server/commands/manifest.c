/* manifest.c - see manifest.h. */
#include "commands/manifest.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FORMAT 1
#define MAX_MANIFEST_BYTES ((off_t)1 << 28)

static enum fsn_status manifest_path(const char *backup, char out[SRV_PATH_SIZE],
                                     struct fsn_error *err)
{
    return srv_path(out, err, "%s/manifest.json", backup);
}

static json_t *pack(const struct srv_manifest *manifest)
{
    json_t *blobs = json_array();

    for (size_t i = 0; blobs && i < manifest->blob_count; i++) {
        const struct srv_blob_row *row = &manifest->blobs[i];
        json_t *item =
            json_pack("{ss sI}", "sha256", row->sha256, "size_bytes", (json_int_t)row->size_bytes);

        if (json_array_append_new(blobs, item) != 0) {
            json_decref(blobs);
            return NULL;
        }
    }
    return json_pack("{si ss ss si s{ss sI} so}", "format", FORMAT, "made_at", manifest->made_at,
                     "fsnetd", FSN_VERSION, "schema", manifest->schema, "database", "sha256",
                     manifest->database_sha256, "size_bytes", (json_int_t)manifest->database_bytes,
                     "blobs", blobs);
}

enum fsn_status srv_manifest_write(const char *backup, const struct srv_manifest *manifest,
                                   struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    enum fsn_status status = manifest_path(backup, path, err);
    json_t *root;

    if (status != FSN_OK)
        return status;
    root = pack(manifest);
    if (!root)
        return SRV_NOMEM(err);
    if (json_dump_file(root, path, JSON_INDENT(1)) != 0)
        status = SRV_FAIL(err, FSN_IO, "cannot write %s: %s", path, strerror(errno));
    json_decref(root);
    return status == FSN_OK ? srv_sync_path(path, err) : status;
}

static bool is_digest(const char *text)
{
    return strlen(text) == SRV_SHA256_SIZE - 1 &&
           strspn(text, "0123456789abcdef") == SRV_SHA256_SIZE - 1;
}

static enum fsn_status unpack_blobs(const json_t *list, const char *path, struct srv_manifest *out,
                                    struct fsn_error *err)
{
    size_t count = json_array_size(list), i;
    json_t *item;

    out->blobs = calloc(count + 1, sizeof *out->blobs);
    if (!out->blobs)
        return SRV_NOMEM(err);
    json_array_foreach(list, i, item)
    {
        struct srv_blob_row *row = &out->blobs[i];
        const char *sha256 = NULL;
        json_int_t size = -1;

        if (json_unpack(item, "{ss sI}", "sha256", &sha256, "size_bytes", &size) != 0 ||
            !is_digest(sha256) || size < 0 || (i > 0 && strcmp(row[-1].sha256, sha256) >= 0))
            return SRV_FAIL(err, FSN_INVALID,
                            "%s: /blobs/%zu: expected sha256 (64 hex digits, in rising order) and "
                            "size_bytes",
                            path, i);
        memcpy(row->sha256, sha256, SRV_SHA256_SIZE);
        row->size_bytes = size;
    }
    out->blob_count = count;
    return FSN_OK;
}

static enum fsn_status unpack(json_t *root, const char *path, struct srv_manifest *out,
                              struct fsn_error *err)
{
    const char *made_at = NULL, *sha256 = NULL;
    json_int_t size = -1;
    json_t *blobs = NULL;
    int format = 0;

    if (json_unpack(root, "{si}", "format", &format) == 0 && format > FORMAT)
        return SRV_FAIL(err, FSN_UNSUPPORTED,
                        "%s: format %d, this program knows %d: it is of a newer fsnetd", path,
                        format, FORMAT);
    if (format != FORMAT ||
        json_unpack(root, "{ss si s{ss sI} so}", "made_at", &made_at, "schema", &out->schema,
                    "database", "sha256", &sha256, "size_bytes", &size, "blobs", &blobs) != 0 ||
        !is_digest(sha256) || size < 0 || !json_is_array(blobs))
        return SRV_FAIL(err, FSN_INVALID, "%s: this is not the manifest of a backup", path);
    snprintf(out->made_at, sizeof out->made_at, "%s", made_at);
    memcpy(out->database_sha256, sha256, SRV_SHA256_SIZE);
    out->database_bytes = size;
    return unpack_blobs(blobs, path, out, err);
}

enum fsn_status srv_manifest_read(const char *backup, struct srv_manifest *out,
                                  struct fsn_error *err)
{
    struct srv_manifest manifest = {.blobs = NULL};
    char path[SRV_PATH_SIZE];
    enum fsn_status status = manifest_path(backup, path, err);
    json_error_t cause;
    struct stat info;
    json_t *root;

    if (status != FSN_OK)
        return status;
    if (stat(path, &info) != 0)
        return SRV_FAIL(err, FSN_IO, "%s: %s; a whole backup has one", path, strerror(errno));
    if (info.st_size > MAX_MANIFEST_BYTES)
        return SRV_FAIL(err, FSN_LIMIT, "%s: larger than %lld bytes", path,
                        (long long)MAX_MANIFEST_BYTES);
    root = json_load_file(path, JSON_REJECT_DUPLICATES, &cause);
    if (!root)
        return SRV_FAIL(err, FSN_INVALID, "%s:%d: %s", path, cause.line, cause.text);
    status = unpack(root, path, &manifest, err);
    json_decref(root);
    if (status == FSN_OK)
        *out = manifest;
    else
        srv_manifest_clear(&manifest);
    return status;
}

void srv_manifest_clear(struct srv_manifest *manifest)
{
    free(manifest->blobs);
    *manifest = (struct srv_manifest){.blobs = NULL};
}
