/* error.h - raising errors on the server's side, in the engine's public error struct. */
#ifndef SRV_BASE_ERROR_H
#define SRV_BASE_ERROR_H

#include "fsnet.h"

/* Fills err (unless NULL or already set) and returns status. Use through SRV_FAIL. */
enum fsn_status srv_raise(struct fsn_error *err, enum fsn_status status, const char *file, int line,
                          const char *format, ...) __attribute__((format(printf, 5, 6)));

/* return SRV_FAIL(err, FSN_IO, "%s: %s", path, strerror(errno)); */
#define SRV_FAIL(err, status, ...) srv_raise((err), (status), __FILE__, __LINE__, __VA_ARGS__)
#define SRV_NOMEM(err) SRV_FAIL((err), FSN_NOMEM, "out of memory")

/* Appends one fault to the list; a full list stays as it is. */
void srv_fault(struct fsn_faults *faults, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
