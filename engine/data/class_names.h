/* class_names.h - what the names of classes may be, and the files that list them. */
#ifndef FSN_DATA_CLASS_NAMES_H
#define FSN_DATA_CLASS_NAMES_H

#include "data/parts.h"

/* What keeps a name from being one of a class, as text for a message ("is empty"); NULL: nothing.
 * Names are shown on terminals and pages: they are UTF-8 without control characters, and without
 * those that turn the direction of text. */
const char *fsn__class_name_fault(const char *name);
/* Checks a name; where: the place of it in the message. Error: FORMAT, the name escaped. */
FSN_NODISCARD enum fsn_status fsn__class_name_check(const char *name, const char *where,
                                                    struct fsn_error *err);
/* Whether a file of this name lists classes: names.txt, labels.txt. */
bool fsn__class_names_file(const char *name);
/* How many names a file lists, one a line; blank lines and carriage returns do not count. */
int fsn__class_names_count(const struct fsn__part *part);
/* The names, which are to be as many as `classes`. */
FSN_NODISCARD enum fsn_status fsn__class_names_read(const struct fsn__part *part, int classes,
                                                    struct fsn_dataset *dataset,
                                                    struct fsn_error *err);

#endif
