/* loop.h - the main thread's loop (libuv): waits for a signal to stop, ticks meanwhile. */
#ifndef SRV_LOOP_H
#define SRV_LOOP_H

#include "base/error.h"

#include <stdint.h>

typedef void srv_tick_fn(void *user);

/* Calls tick(user) every interval_ms until SIGTERM or SIGINT; *signal_number is the one that came.
 * After the return a second signal ends the process in the system's way. Errors: INTERNAL. */
FSN_NODISCARD enum fsn_status srv_loop_run(srv_tick_fn *tick, void *user, uint64_t interval_ms,
                                           int *signal_number, struct fsn_error *err);

#endif
