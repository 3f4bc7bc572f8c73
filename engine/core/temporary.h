/* temporary.h - temporary files without a name. */
#ifndef FSN_CORE_TEMPORARY_H
#define FSN_CORE_TEMPORARY_H

#include "core/error.h"

/* Opens one for reading and writing in fsn_temporary_folder(); it is gone with *fd, however the
 * process ends. Errors: FULL, IO, naming the folder. */
FSN_NODISCARD enum fsn_status fsn__temporary_file(int *fd, struct fsn_error *err);

#endif
