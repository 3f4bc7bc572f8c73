/* error.h - raising errors. The first error wins; the status travels up by return value. */
#ifndef FSN_CORE_ERROR_H
#define FSN_CORE_ERROR_H

#include "fsnet.h"

/* Fills err (unless NULL or already set) and returns status. Use through FSN__FAIL. */
enum fsn_status fsn__raise(struct fsn_error *err, enum fsn_status status, const char *file,
                           int line, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* return FSN__FAIL(err, FSN_SHAPE, "Conv '%s': ...", name); */
#ifdef __clang_analyzer__ /* which does not see into fsn__raise: it returns its status */
#define FSN__FAIL(err, status, ...) \
    ((void)fsn__raise((err), (status), __FILE__, __LINE__, __VA_ARGS__), (status))
#else
#define FSN__FAIL(err, status, ...) fsn__raise((err), (status), __FILE__, __LINE__, __VA_ARGS__)
#endif
#define FSN__NOMEM(err) FSN__FAIL((err), FSN_NOMEM, "out of memory")

/* Appends one fault; past FSN_MAX_FAULTS it only counts nothing more (the list is full). */
void fsn__fault(struct fsn_faults *faults, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
