/* process_metrics.h - what the process itself takes, by the names that Prometheus' own client
 * libraries have for it. */
#ifndef SRV_HANDLERS_PROCESS_METRICS_H
#define SRV_HANDLERS_PROCESS_METRICS_H

#include <stdio.h>

/* process_cpu_seconds_total, process_start_time_seconds, process_resident_memory_bytes,
 * process_open_fds and process_max_fds. What the system does not tell is left out. */
void srv_process_metrics_write(FILE *out);

#endif
