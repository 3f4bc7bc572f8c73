/* job_fields.h - what a client says of a job beside its spec: name, labels, priority, bound
 * on its running time. */
#ifndef SRV_HANDLERS_JOB_FIELDS_H
#define SRV_HANDLERS_JOB_FIELDS_H

#include "handlers/api.h"

/* Adds every fault of the fields of an order, or of a change of them, to faults. In a change a
 * label and the bound may be null, and any other key is a fault. */
void srv_job_fields_check(const json_t *root, bool change, struct fsn_faults *faults);

#endif
