/* job_plan.h - checks the body of POST /v1/jobs as a whole and plans the job, or tells every reason
 * why it cannot work. */
#ifndef SRV_HANDLERS_JOB_PLAN_H
#define SRV_HANDLERS_JOB_PLAN_H

#include "handlers/api.h"

/* Fills *job (id, times and owner apart) from the body; uploads that the caller may not see are not
 * there. Faults of the order are all listed in *faults and
 * *job is then untouched. Errors: FORMAT when the body is not JSON, LIMIT when it is nested too
 * deep, and failures of the server. */
FSN_NODISCARD enum fsn_status srv_plan_job(struct srv_call *call, const char *body, size_t size,
                                           struct srv_job *job, struct fsn_faults *faults,
                                           struct fsn_error *err);

#endif
