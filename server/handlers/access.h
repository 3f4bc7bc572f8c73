/* access.h - who may call what: tokens, roles, owners. README, "Who may do what", has the rules. */
#ifndef SRV_HANDLERS_ACCESS_H
#define SRV_HANDLERS_ACCESS_H

#include "handlers/api.h"

/* The srv_http_call_fn that admits a request by its headers: fills request->caller, or replies 401
 * or 403. context is the struct srv_service. */
FSN_NODISCARD enum fsn_status srv_api_admit(struct srv_request *request, void *context,
                                            struct fsn_error *err);

/* Whether the caller may know of the model, data set or job that the path names, if it names one.
 * *sees false: a 404 has been replied, the same as for what does not exist. */
FSN_NODISCARD enum fsn_status srv_check_owner(struct srv_call *call, bool *sees,
                                              struct fsn_error *err);

/* Whether who was admitted some time ago would be still: for replies that last. */
FSN_NODISCARD enum fsn_status srv_access_holds(const struct srv_service *service, struct srv_db *db,
                                               const struct srv_caller *caller, bool *holds,
                                               struct fsn_error *err);

#endif
