/* image_index.c - see image_index.h. */
#include "data/image_index.h"
#include "data/entry_name.h"

#include <stdlib.h>
#include <string.h>

static int by_base_name(const void *a, const void *b)
{
    const struct fsn__stored_image *const *one = a, *const *other = b;

    return strcmp(fsn__base_name((*one)->name), fsn__base_name((*other)->name));
}

enum fsn_status fsn__image_index_make(struct fsn__image_index *index,
                                      const struct fsn__image_store *store, struct fsn_error *err)
{
    index->store = store;
    index->by_name = calloc((size_t)store->count + 1, sizeof *index->by_name);
    if (!index->by_name)
        return FSN__NOMEM(err);
    for (int64_t i = 0; i < store->count; i++)
        index->by_name[i] = &store->images[i];
    qsort(index->by_name, (size_t)store->count, sizeof *index->by_name, by_base_name);
    return FSN_OK;
}

static bool is_separator(char c)
{
    return c == '/' || c == '\\';
}

static bool ends_in(const char *name, const char *path)
{
    const size_t length = strlen(name), part = strlen(path);

    return part <= length && strcmp(name + length - part, path) == 0 &&
           (part == length || is_separator(name[length - part - 1]));
}

static bool lies_in(const char *name, const char *folder)
{
    const size_t length = strlen(folder);

    for (const char *at = name; length > 0 && (at = strstr(at, folder)) != NULL; at++)
        if ((at == name || is_separator(at[-1])) && is_separator(at[length]))
            return true;
    return false;
}

/* The first place in by_name whose base name is not below this one. */
static int64_t lower_bound(const struct fsn__image_index *index, const char *base)
{
    int64_t low = 0, high = index->store->count;

    while (low < high) {
        const int64_t middle = low + (high - low) / 2;

        if (strcmp(fsn__base_name(index->by_name[middle]->name), base) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

int64_t fsn__image_index_find(const struct fsn__image_index *index, const char *path,
                              const char *folder)
{
    const char *base = fsn__base_name(path);
    const struct fsn__stored_image *found = NULL, *in_folder = NULL;
    int matches = 0, folder_matches = 0;

    for (int64_t i = lower_bound(index, base); i < index->store->count; i++) {
        const struct fsn__stored_image *image = index->by_name[i];

        if (strcmp(fsn__base_name(image->name), base) != 0)
            break;
        if (!ends_in(image->name, path))
            continue;
        found = image;
        matches++;
        if (lies_in(image->name, folder)) {
            in_folder = image;
            folder_matches++;
        }
    }
    if (folder_matches == 1)
        found = in_folder;
    else if (matches != 1)
        return matches == 0 ? -1 : -2;
    return found - index->store->images;
}

void fsn__image_index_clear(struct fsn__image_index *index)
{
    free(index->by_name);
    *index = (struct fsn__image_index){0};
}
