/* faults.h - faults of a JSON value that say what came. */
#ifndef SRV_HANDLERS_FAULTS_H
#define SRV_HANDLERS_FAULTS_H

#include "base/error.h"

#include <jansson.h>

/* As srv_fault, with ", got " and a few words of the value behind the text. For no secrets. */
void srv_fault_got(struct fsn_faults *faults, const char *pointer, const json_t *got,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The pointer (RFC 6901) to a member: "/webhook", "a/b" -> "/webhook/a~1b"; cut where it is too
 * long. */
void srv_fault_pointer(char *out, size_t size, const char *parent, const char *key);

#endif
