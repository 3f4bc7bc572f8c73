/* findings.h - what a check has found: a line each, as text or as JSON. */
#ifndef SRV_COMMANDS_FINDINGS_H
#define SRV_COMMANDS_FINDINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum srv_finding {
    SRV_FINDING_OK,
    SRV_FINDING_WARNING, /* worth a look; the service works */
    SRV_FINDING_ERROR,   /* the service would not start, or lacks something that it has to give */
};

struct srv_findings { /* zero-initialise; srv_findings_clear */
    json_t *list;
    int count[SRV_FINDING_ERROR + 1];
    bool nomem;
};

/* about: what was looked at, "config", "listen", "data-dir", "blobs". */
void srv_findings_add(struct srv_findings *findings, enum srv_finding kind, const char *about,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

/* {"ok": .., "errors": n, "warnings": n, "findings": [{"level", "about", "detail"}]}, or a line
 * each. False when it could not be written. */
bool srv_findings_print(const struct srv_findings *findings, bool json, FILE *out);
void srv_findings_clear(struct srv_findings *findings);

#endif
