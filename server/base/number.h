/* number.h - whole numbers and durations as people write them in settings and arguments. */
#ifndef SRV_BASE_NUMBER_H
#define SRV_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Digits and nothing else; units: K, M or G (1024 each) may follow. false: it is not that, or not
 * within min..max. */
bool srv_number_parse(const char *text, bool units, int64_t min, int64_t max, int64_t *out);

/* "90s", "15m", "12h", "30d", at most a hundred years, or "0"; in milliseconds. false: it is not
 * that. */
bool srv_duration_parse(const char *text, int64_t *out_ms);
/* The same in the largest unit that it is a whole number of. */
#define SRV_DURATION_SIZE 24
void srv_duration_text(int64_t ms, char out[SRV_DURATION_SIZE]);

#endif
