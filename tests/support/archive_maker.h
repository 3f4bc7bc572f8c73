/* archive_maker.h - archives for tests, written by libarchive into memory. */
#ifndef TESTS_SUPPORT_ARCHIVE_MAKER_H
#define TESTS_SUPPORT_ARCHIVE_MAKER_H

#include <stddef.h>

enum made_kind { MADE_FILE, MADE_FOLDER, MADE_SYMLINK, MADE_HARDLINK, MADE_FIFO };

struct made_entry {
    const char *name;
    const void *bytes; /* of a file; the target's name of a link */
    size_t size;
    enum made_kind kind;
};

enum made_packing { MADE_TAR, MADE_TAR_GZ, MADE_TAR_XZ, MADE_TAR_BZ2, MADE_ZIP, MADE_PACKINGS };

struct made_bytes {
    unsigned char *data; /* freed by free() */
    size_t size;
};

const char *made_packing_name(enum made_packing packing); /* "tar.gz" */
struct made_bytes make_archive(enum made_packing packing, const struct made_entry *entries,
                               size_t count);
/* Packs bytes alone, as gzip, xz or bzip2 does. */
struct made_bytes make_packed(enum made_packing packing, const void *bytes, size_t size);

#endif
