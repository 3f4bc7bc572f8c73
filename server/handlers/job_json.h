/* job_json.h - jobs and their curves as clients see them. */
#ifndef SRV_HANDLERS_JOB_JSON_H
#define SRV_HANDLERS_JOB_JSON_H

#include "handlers/api.h"
#include "store/results.h"

/* New; NULL when out of memory. spec, plan and search where the job has them (not in lists). */
json_t *srv_job_json(const struct srv_job *job);
json_t *srv_epoch_json(const struct fsn_epoch *row);

#endif
