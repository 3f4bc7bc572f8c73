/* clock.h - clocks to measure with, in seconds. */
#ifndef FSN_CORE_CLOCK_H
#define FSN_CORE_CLOCK_H

double fsn__seconds(void);     /* on a clock that nobody sets */
double fsn__cpu_seconds(void); /* CPU time of the whole process, all its threads */

#endif
