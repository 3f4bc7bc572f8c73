/* error.c - statuses, errors, fault lists. */
#include "core/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *fsn_status_name(enum fsn_status status)
{
    static const char *const names[] = {
#define FSN__NAME(code, name, text) [FSN_##code] = name,
        FSN_STATUS_LIST(FSN__NAME)
#undef FSN__NAME
    };
    return (unsigned)status < FSN_STATUS_COUNT ? names[status] : "unknown";
}

enum fsn_status fsn_status_of_errno(int cause)
{
    return cause == ENOSPC || cause == EDQUOT ? FSN_FULL : FSN_IO;
}

const char *fsn_status_text(enum fsn_status status)
{
    static const char *const texts[] = {
#define FSN__TEXT(code, name, text) [FSN_##code] = text,
        FSN_STATUS_LIST(FSN__TEXT)
#undef FSN__TEXT
    };
    return (unsigned)status < FSN_STATUS_COUNT ? texts[status] : "unknown status";
}

const char *fsn_stage_name(enum fsn_stage stage)
{
    static const char *const names[] = {
#define FSN__NAME(code, name) [FSN_STAGE_##code] = name,
        FSN_STAGE_LIST(FSN__NAME)
#undef FSN__NAME
    };
    return (unsigned)stage < FSN_STAGE_COUNT ? names[stage] : "unknown";
}

enum fsn_status fsn__raise(struct fsn_error *err, enum fsn_status status, const char *file,
                           int line, const char *format, ...)
{
    if (err && err->status == FSN_OK) {
        va_list args;

        err->status = status;
        err->file = file;
        err->line = line;
        va_start(args, format);
        vsnprintf(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return status;
}

void fsn__fault(struct fsn_faults *faults, const char *pointer, const char *format, ...)
{
    struct fsn_fault *fault;
    va_list args;

    if (!faults || faults->count >= FSN_MAX_FAULTS)
        return;
    fault = &faults->item[faults->count];
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    va_start(args, format);
    vsnprintf(fault->text, sizeof fault->text, format, args);
    va_end(args);
    for (size_t i = 0; i < faults->count; i++)
        if (strcmp(faults->item[i].pointer, fault->pointer) == 0 &&
            strcmp(faults->item[i].text, fault->text) == 0)
            return; /* said already */
    faults->count++;
}
