/* folder.h - folders of files, without folders in them. */
#ifndef FSN_CORE_FOLDER_H
#define FSN_CORE_FOLDER_H

#include "core/error.h"

/* "folder/name". Errors: INVALID when it does not fit. */
enum { FSN__PATH_BYTES = 4096 };
FSN_NODISCARD enum fsn_status fsn__join_path(char path[FSN__PATH_BYTES], const char *folder,
                                             const char *name, struct fsn_error *err);

/* Copies every regular file of `from` into the folder `to`, each atomically. */
FSN_NODISCARD enum fsn_status fsn__folder_copy(const char *from, const char *to,
                                               struct fsn_error *err);
/* Removes the files and the folder. A folder that is not there is no error. */
FSN_NODISCARD enum fsn_status fsn__folder_remove(const char *path, struct fsn_error *err);

#endif
