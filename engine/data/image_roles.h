/* image_roles.h - what the folders in an image's name say: its split, or that it is litter. */
#ifndef FSN_DATA_IMAGE_ROLES_H
#define FSN_DATA_IMAGE_ROLES_H

#include "data/image_store.h"

enum fsn__image_role {
    FSN__IMAGE_TRAIN,
    FSN__IMAGE_VAL,
    FSN__IMAGE_TEST,
    FSN__IMAGE_ROLES,
    FSN__IMAGE_NO_ROLE = -1
};

/* The next folder of a name: its length, 0 when only the file's own name is left. *at is moved to
 * its begin, past separators and ".". */
size_t fsn__folder_at(const char **at);
/* Moves past `count` folders; false when there are not so many. */
bool fsn__skip_folders(const char **at, int count);
/* The split that a folder of this name is: "train", "val" (also "valid", "validation") or "test".
 */
enum fsn__image_role fsn__image_role(const char *folder, size_t length);
/* What systems leave behind: hidden files and folders, and the "__MACOSX" of zips. */
bool fsn__name_is_litter(const char *name);
/* The split that the name's folder below `skipped` others is; NO_ROLE also where there is none. */
enum fsn__image_role fsn__image_role_below(const char *name, int skipped);
/* How many folders lie above those of splits: 0 or 1; -1: no image lies in any. */
int fsn__find_splits(const struct fsn__image_store *store);

#endif
