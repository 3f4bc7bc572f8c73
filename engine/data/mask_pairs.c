/*
 * mask_pairs.c - see mask_pairs.h.
 *
 * The key of a file is its name without its suffix and without the folder that says what it is:
 * "set/images/train/a.jpg" and "set/masks/train/a.png" are both "set/train/a". So folders of splits
 * may lie above or below, and two splits may have images of one name.
 */
#include "data/mask_pairs.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

enum kind { KIND_OTHER, KIND_IMAGE, KIND_MASK };

static const struct {
    const char *name;
    enum kind kind;
    bool voc;
} folders[] = {
    {"images", KIND_IMAGE, false},
    {"masks", KIND_MASK, false},
    {"JPEGImages", KIND_IMAGE, true},
    {"SegmentationClass", KIND_MASK, true},
};

enum { FOLDERS = sizeof folders / sizeof *folders };

/* What a file is, by the last folder that says so, which begins at *at; -1: none does. */
static int find_folder(const char *name, const char **at)
{
    const char *next = name;
    int found = -1;
    size_t length;

    for (; (length = fsn__folder_at(&next)) > 0; next += length)
        for (int f = 0; f < FOLDERS; f++)
            if (strlen(folders[f].name) == length && strncmp(next, folders[f].name, length) == 0) {
                found = f;
                *at = next;
            }
    return found;
}

bool fsn__mask_pairs_likely(const struct fsn__image_store *store)
{
    bool plain[2] = {false, false}, voc = false;
    const char *at;

    for (int64_t i = 0; i < store->count; i++) {
        const int f = find_folder(store->images[i].name, &at);

        if (f >= 0 && folders[f].voc)
            voc = voc || folders[f].kind == KIND_MASK; /* images may be those of boxes */
        else if (f >= 0)
            plain[folders[f].kind == KIND_MASK] = true;
    }
    return voc || (plain[0] && plain[1]);
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* A file of the store that is an image or a mask. */
struct item {
    char *key;
    int64_t file;
    int folder;
};

static char *make_key(const char *name, const char *folder, size_t folder_length)
{
    const char *rest = folder + folder_length, *suffix = strrchr(fsn__base_name(name), '.');
    const size_t before = (size_t)(folder - name);
    const size_t after = suffix ? (size_t)(suffix - rest) : strlen(rest); /* with a separator */
    const size_t separators = strspn(rest, "/\\");
    char *key = malloc(before + after + 1);

    if (key) {
        memcpy(key, name, before);
        memcpy(key + before, rest + separators, after - separators);
        key[before + after - separators] = '\0';
    }
    return key;
}

static enum fsn__image_role find_role(const char *key)
{
    const char *at = key;
    size_t length;

    for (; (length = fsn__folder_at(&at)) > 0; at += length) {
        const enum fsn__image_role role = fsn__image_role(at, length);

        if (role != FSN__IMAGE_NO_ROLE)
            return role;
    }
    return FSN__IMAGE_NO_ROLE;
}

static int compare_items(const void *left, const void *right)
{
    const struct item *a = left, *b = right;
    const int order = strcmp(a->key, b->key);

    if (order)
        return order;
    return folders[a->folder].kind != folders[b->folder].kind
               ? (folders[a->folder].kind == KIND_MASK) - (folders[b->folder].kind == KIND_MASK)
               : (a->file > b->file) - (a->file < b->file);
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static const char *shown(const struct fsn__image_store *store, int64_t file, char text[256])
{
    fsn__name_printable(text, 256, store->images[file].name);
    return text;
}
#define SHOWN(store, file) shown((store), (file), (char[256]){0})

static enum fsn_status check_pair(const struct fsn__image_store *store, const struct item *image,
                                  const struct item *mask, struct fsn_error *err)
{
    const struct fsn__image_info *a = &store->images[image->file].info;
    const struct fsn__image_info *b = &store->images[mask->file].info;

    if (a->width == b->width && a->height == b->height)
        return FSN_OK;
    return FSN__FAIL(err, FSN_FORMAT,
                     "the mask %s has %d x %d pixels, its image %s %d x %d: expected the same",
                     SHOWN(store, mask->file), b->width, b->height, SHOWN(store, image->file),
                     a->width, a->height);
}

/* Items of one key, n of them, images first. */
static enum fsn_status take_group(const struct fsn__image_store *store, struct item *items,
                                  int64_t n, struct fsn__mask_pairs *out, struct fsn_error *err)
{
    const enum kind first = folders[items[0].folder].kind;
    const enum kind last = folders[items[n - 1].folder].kind;
    enum fsn_status status;

    if (n > 2 || (n == 2 && first == last))
        return FSN__FAIL(err, FSN_FORMAT, "%s and %s are two %s of one name",
                         SHOWN(store, items[0].file), SHOWN(store, items[1].file),
                         folders[items[1].folder].kind == KIND_IMAGE ? "images" : "masks");
    if (n == 1 && first == KIND_IMAGE && out->voc) {
        out->without_mask++;
        return FSN_OK;
    }
    if (n == 1)
        return FSN__FAIL(err, FSN_FORMAT,
                         "the %s %s has no %s: expected one called '%.120s' in %s/",
                         first == KIND_IMAGE ? "image" : "mask", SHOWN(store, items[0].file),
                         first == KIND_IMAGE ? "mask" : "image", fsn__base_name(items[0].key),
                         folders[items[0].folder ^ 1].name);
    status = check_pair(store, &items[0], &items[1], err);
    if (status != FSN_OK)
        return status;
    out->pair[out->count++] = (struct fsn__mask_pair){
        .key = items[0].key,
        .name = fsn__base_name(items[0].key),
        .image = items[0].file,
        .mask = items[1].file,
        .role = find_role(items[0].key),
    };
    items[0].key = NULL;
    return FSN_OK;
}

static enum fsn_status list_items(const struct fsn__image_store *store, struct item *items,
                                  int64_t *count, struct fsn_error *err)
{
    for (int64_t i = 0; i < store->count; i++) {
        const char *name = store->images[i].name, *at;
        const int folder = find_folder(name, &at);

        if (folder < 0)
            continue;
        items[*count] = (struct item){make_key(name, at, strlen(folders[folder].name)), i, folder};
        if (!items[(*count)++].key)
            return FSN__NOMEM(err);
    }
    qsort(items, (size_t)*count, sizeof *items, compare_items);
    return FSN_OK;
}

enum fsn_status fsn__mask_pairs_make(const struct fsn__image_store *store,
                                     struct fsn__mask_pairs *out, struct fsn_error *err)
{
    struct item *items = calloc((size_t)store->count + 1, sizeof *items);
    enum fsn_status status = FSN_OK;
    int64_t count = 0;

    out->pair = calloc((size_t)store->count + 1, sizeof *out->pair);
    status = items && out->pair ? list_items(store, items, &count, err) : FSN__NOMEM(err);
    for (int64_t i = 0; i < count; i++)
        out->voc = out->voc || folders[items[i].folder].voc;
    for (int64_t i = 0, next; i < count && status == FSN_OK; i = next) {
        for (next = i + 1; next < count && strcmp(items[i].key, items[next].key) == 0; next++)
            ;
        status = take_group(store, items + i, next - i, out, err);
    }
    for (int64_t i = 0; i < count; i++)
        free(items[i].key);
    free(items);
    return status;
}

struct fsn__mask_pair *fsn__mask_pairs_find(const struct fsn__mask_pairs *pairs, const char *name)
{
    struct fsn__mask_pair *found = NULL;

    for (int64_t i = 0; i < pairs->count; i++) {
        if (strcmp(pairs->pair[i].name, name) != 0)
            continue;
        if (found)
            return NULL;
        found = &pairs->pair[i];
    }
    return found;
}

void fsn__mask_pairs_clear(struct fsn__mask_pairs *pairs)
{
    for (int64_t i = 0; i < pairs->count; i++)
        free(pairs->pair[i].key);
    free(pairs->pair);
    *pairs = (struct fsn__mask_pairs){0};
}
