/* findings.c - see findings.h. */
#include "commands/findings.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>

static const char *const names[] = {
    [SRV_FINDING_OK] = "ok",
    [SRV_FINDING_WARNING] = "warning",
    [SRV_FINDING_ERROR] = "error",
};

void srv_findings_add(struct srv_findings *findings, enum srv_finding kind, const char *about,
                      const char *format, ...)
{
    char *detail = NULL;
    va_list args;
    json_t *text;

    va_start(args, format);
    if (vasprintf(&detail, format, args) < 0)
        detail = NULL;
    va_end(args);
    for (char *c = detail; c && *c;
         c++) /* a line each, whatever is in names and in SQLite's words */
        if (iscntrl((unsigned char)*c))
            *c = ' ';
    findings->count[kind]++;
    if (!findings->list)
        findings->list = json_array();
    text = detail ? json_string(detail) : NULL; /* a name that is not UTF-8 cannot be shown */
    if (!text)
        text = json_string("(a name that is not UTF-8)");
    if (json_array_append_new(findings->list, json_pack("{ss ss so}", "level", names[kind], "about",
                                                        about, "detail", text)) != 0)
        findings->nomem = true;
    free(detail);
}

static bool print_text(const struct srv_findings *findings, FILE *out)
{
    json_t *row;
    size_t i;

    json_array_foreach(findings->list, i, row)
    {
        const char *level, *about, *detail;

        if (json_unpack(row, "{ss ss ss}", "level", &level, "about", &about, "detail", &detail) !=
            0)
            return false;
        fprintf(out, "%-7s  %-9s  %s\n", level, about, detail);
    }
    return fprintf(out, "%d errors, %d warnings\n", findings->count[SRV_FINDING_ERROR],
                   findings->count[SRV_FINDING_WARNING]) > 0;
}

bool srv_findings_print(const struct srv_findings *findings, bool json, FILE *out)
{
    int errors = findings->count[SRV_FINDING_ERROR];
    json_t *all;
    bool written;

    if (findings->nomem)
        return false;
    if (!json)
        return print_text(findings, out);
    all = json_pack("{sb si si sO}", "ok", errors == 0, "errors", errors, "warnings",
                    findings->count[SRV_FINDING_WARNING], "findings", findings->list);
    written = all && json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(all);
    return written;
}

void srv_findings_clear(struct srv_findings *findings)
{
    json_decref(findings->list);
    *findings = (struct srv_findings){0};
}
