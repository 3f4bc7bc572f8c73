/* config_table.h - the settings, a row each; for config.c, which reads them, and config_print.c. */
#ifndef SRV_CONFIG_TABLE_H
#define SRV_CONFIG_TABLE_H

#include "config.h"

#include <stddef.h>

/* BYTES takes a suffix K, M or G; SWITCH is on or off; DURATION, in ms, is 30d, 12h, 15m, 90s or 0.
 */
enum srv_setting_kind { TEXT, COUNT, BYTES, SWITCH, DURATION };

struct srv_setting {
    const char *name, *value, *initial, *help;
    enum srv_setting_kind kind;
    size_t offset;    /* in struct srv_config */
    int64_t min, max; /* of COUNT and BYTES */
};

/* NULL past the last one. */
const struct srv_setting *srv_setting_at(size_t row);
/* By its name without dashes, of this length; NULL: there is none. */
const struct srv_setting *srv_setting_find(const char *name, size_t length);
size_t srv_setting_row(const struct srv_setting *setting);

/* "max-upload-bytes" -> "FSNETD_MAX_UPLOAD_BYTES" */
#define SRV_VARIABLE_PREFIX "FSNETD_"
const char *srv_setting_variable(const struct srv_setting *setting, char out[64]);

#endif
