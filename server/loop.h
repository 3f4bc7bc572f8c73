/* loop.h - the main thread's loop (libuv): waits for a signal to stop, ticks meanwhile. */
#ifndef SRV_LOOP_H
#define SRV_LOOP_H

#include "base/error.h"

#include <stdint.h>

struct srv_loop_options {
    void (*tick)(void *user); /* every interval_ms, until the return */
    uint64_t interval_ms;
    void (*stopping)(int signal_number, void *user); /* once, at the first signal */
    uint64_t linger_ms;                              /* from then to the return; 0: at once */
    void *user;
};

/* Until SIGTERM or SIGINT, and linger_ms more or a second signal. One that comes after the return
 * ends the process in the system's way. Errors: INTERNAL. */
FSN_NODISCARD enum fsn_status srv_loop_run(const struct srv_loop_options *options,
                                           struct fsn_error *err);

#endif
