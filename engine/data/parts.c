/* parts.c - collects the files of a format by name, and tells what is missing or there twice. */
#include "data/parts.h"
#include "data/entry_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fsn__parts_want(const struct fsn__data_format *format, const char *name)
{
    return format->parts->part_of(fsn__base_name(name)) >= 0;
}

enum fsn_status fsn__parts_take(const struct fsn__data_format *format, void **state,
                                const char *name, unsigned char *bytes, size_t size,
                                struct fsn_error *err)
{
    const int which = format->parts->part_of(fsn__base_name(name));
    enum fsn_status status = FSN_OK;
    struct fsn__part *part;
    char shown[sizeof part->name];

    fsn__name_printable(shown, sizeof shown, name);
    if (!*state)
        *state = calloc(FSN__MAX_PARTS, sizeof *part);
    if (!*state) {
        status = FSN__NOMEM(err);
        goto out;
    }
    part = (struct fsn__part *)*state + which;
    if (part->name[0]) {
        status = FSN__FAIL(err, FSN_FORMAT, "%s appears twice: as '%s' and as '%s'",
                           format->parts->kinds[which].name, part->name, shown);
        goto out;
    }
    memcpy(part->name, shown, sizeof part->name);
    part->bytes = bytes;
    part->size = size;
    bytes = NULL;
out:
    free(bytes);
    return status;
}

bool fsn__parts_are_there(const struct fsn__data_format *format, const void *state)
{
    const struct fsn__part *parts = state;

    for (int i = 0; parts && i < format->parts->count; i++)
        if (format->parts->kinds[i].required && parts[i].name[0])
            return true;
    return false;
}

/* Names every part that has not come, with the split that it takes away. */
static enum fsn_status check_complete(const struct fsn__data_format *format,
                                      const struct fsn__part *parts, struct fsn_error *err)
{
    const struct fsn__part_kind *kinds = format->parts->kinds;
    char missing[512] = "";
    size_t length = 0;

    for (int i = 0; i < format->parts->count; i++)
        if (kinds[i].required && !parts[i].name[0] && length < sizeof missing)
            length += (size_t)snprintf(missing + length, sizeof missing - length, "%s%s (%s split)",
                                       length > 0 ? ", " : "", kinds[i].name, kinds[i].split);
    if (length > 0)
        return FSN__FAIL(err, FSN_FORMAT, "the %s data set is incomplete: missing %s", format->name,
                         missing);
    return FSN_OK;
}

enum fsn_status fsn__parts_assemble(const struct fsn__data_format *format, void **state,
                                    struct fsn_dataset *dataset, struct fsn_error *err)
{
    enum fsn_status status = check_complete(format, *state, err);

    return status == FSN_OK ? format->parts->assemble(*state, dataset, err) : status;
}

void fsn__parts_free(void *state)
{
    struct fsn__part *parts = state;

    for (int i = 0; parts && i < FSN__MAX_PARTS; i++)
        free(parts[i].bytes);
    free(parts);
}
