/* artifacts.h - the files of the job that a path names. */
#ifndef SRV_HANDLERS_ARTIFACTS_H
#define SRV_HANDLERS_ARTIFACTS_H

#include "handlers/api.h"
#include "store/results.h"

/* *found false: a reply has been left, since there is no such job or file, or the job has not
 * succeeded. */
FSN_NODISCARD enum fsn_status srv_find_artifact(struct srv_call *call, const char *name,
                                                struct srv_artifact *out, bool *found,
                                                struct fsn_error *err);

#endif
