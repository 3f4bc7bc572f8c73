/* machine.h - how many cores the process may use. */
#ifndef FSN_CORE_MACHINE_H
#define FSN_CORE_MACHINE_H

/* cpu.max of a control group, "QUOTA PERIOD" in microseconds or "max PERIOD", as cores, a fraction
 * counted as a whole one; `otherwise` when there is no limit or the text is something else. */
int fsn__quota_cores(const char *cpu_max, int otherwise);

#endif
