/* image_roles.c - see image_roles.h. */
#include "data/image_roles.h"
#include "data/entry_name.h"

#include <string.h>

size_t fsn__folder_at(const char **at)
{
    for (;;) {
        size_t length = strcspn(*at, "/\\");

        if ((*at)[length] == '\0')
            return 0;
        if (length > 0 && !(length == 1 && **at == '.'))
            return length;
        *at += length + 1;
    }
}

bool fsn__skip_folders(const char **at, int count)
{
    for (int i = 0; i < count; i++) {
        size_t length = fsn__folder_at(at);

        if (length == 0)
            return false;
        *at += length;
    }
    return true;
}

enum fsn__image_role fsn__image_role(const char *folder, size_t length)
{
    static const struct {
        const char *name;
        enum fsn__image_role role;
    } names[] = {
        {"train", FSN__IMAGE_TRAIN},    {"val", FSN__IMAGE_VAL},   {"valid", FSN__IMAGE_VAL},
        {"validation", FSN__IMAGE_VAL}, {"test", FSN__IMAGE_TEST},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strlen(names[i].name) == length && strncmp(folder, names[i].name, length) == 0)
            return names[i].role;
    return FSN__IMAGE_NO_ROLE;
}

bool fsn__name_is_litter(const char *name)
{
    const char *at = name;
    size_t length;

    while ((length = fsn__folder_at(&at)) > 0) {
        if (*at == '.' || (length == 8 && strncmp(at, "__MACOSX", 8) == 0))
            return true;
        at += length;
    }
    return fsn__base_name(name)[0] == '.';
}

enum fsn__image_role fsn__image_role_below(const char *name, int skipped)
{
    const char *at = name;
    const size_t length = fsn__skip_folders(&at, skipped) ? fsn__folder_at(&at) : 0;

    return length > 0 ? fsn__image_role(at, length) : FSN__IMAGE_NO_ROLE;
}

int fsn__find_splits(const struct fsn__image_store *store)
{
    for (int skipped = 0; skipped < 2; skipped++)
        for (int64_t i = 0; i < store->count; i++)
            if (fsn__image_role_below(store->images[i].name, skipped) != FSN__IMAGE_NO_ROLE)
                return skipped;
    return -1;
}
