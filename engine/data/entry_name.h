/* entry_name.h - names of files inside an archive. */
#ifndef FSN_DATA_ENTRY_NAME_H
#define FSN_DATA_ENTRY_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* What makes the name unfit for an archive ("absolute name"), static; or NULL. */
const char *fsn__name_fault(const char *name);
/* The part after the last separator; borrowed from name. */
const char *fsn__base_name(const char *name);
/* Whether the last folder of the name is this one. */
bool fsn__name_lies_in(const char *name, const char *folder);
/* The name without the suffix of a packed file (.gz, .xz, .bz2); *packed: whether it had one.
 * New (free()), or NULL when out of memory. */
char *fsn__plain_name(const char *name, bool *packed);
/* Whether it ends as images do, those that torchvision's ImageFolder takes: .jpg, .jpeg, .png,
 * .bmp, .ppm, .pgm, .tif, .tiff, .webp, in small letters or capitals. */
bool fsn__name_is_image(const char *name);
bool fsn__name_is_utf8(const char *name);
/* Copies what fits of a name for use in a message: what is not printable ASCII (control characters,
 * bytes in an unknown encoding) is shown as '?', so that no log or JSON writer trips over it. */
void fsn__name_printable(char *out, size_t size, const char *name);
/* The same without a loss: what is not printable ASCII as \xNN, a backslash doubled. */
void fsn__name_escaped(char *out, size_t size, const char *name);

#endif
