/* clock.h - the two clocks: wall time for what is stored and shown, monotonic for durations. */
#ifndef SRV_BASE_CLOCK_H
#define SRV_BASE_CLOCK_H

#include <stdint.h>

#define SRV_TIME_SIZE 32

int64_t srv_now_ms(void);   /* since 1970-01-01T00:00:00Z */
int64_t srv_ticks_ms(void); /* since some fixed moment; never goes back */

/* "2026-01-31T12:00:00.123Z" (RFC 3339, UTC). */
void srv_time_text(int64_t time_ms, char out[SRV_TIME_SIZE]);

#endif
