/* number.h - whole numbers as people write them in settings and arguments. */
#ifndef SRV_BASE_NUMBER_H
#define SRV_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/* Digits and nothing else; units: K, M or G (1024 each) may follow. false: it is not that, or not
 * within min..max. */
bool srv_number_parse(const char *text, bool units, int64_t min, int64_t max, int64_t *out);

#endif
