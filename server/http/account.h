/* account.h - what the service keeps of a request that has ended: its counters and a line of the
 * log. */
#ifndef SRV_HTTP_ACCOUNT_H
#define SRV_HTTP_ACCOUNT_H

#include "http/request.h"

/* Before the first request: refusals that operators watch for stand at 0, so that the first is a
 * rise. */
void srv_account_start(void);
/* Once for every request; complete: its reply was sent to the end. */
void srv_account(const struct srv_request *request, bool complete);

#endif
