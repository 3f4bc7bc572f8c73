/* error.c - the first error wins, as in the engine: what went wrong first is what to report. */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

enum fsn_status srv_raise(struct fsn_error *err, enum fsn_status status, const char *file, int line,
                          const char *format, ...)
{
    va_list args;

    if (!err || err->status != FSN_OK)
        return status;
    err->status = status;
    err->file = file;
    err->line = line;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    return status;
}

void srv_fault(struct fsn_faults *faults, const char *pointer, const char *format, ...)
{
    struct fsn_fault *fault;
    va_list args;

    if (faults->count >= FSN_MAX_FAULTS)
        return;
    fault = &faults->item[faults->count++];
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
}
