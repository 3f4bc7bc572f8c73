/* log.h - one JSON object a line on stderr: {"time", "level", "event", and typed fields}.
 *
 *     SRV_LOG(SRV_LOG_INFO, "job claimed", SRV_TEXT("job", id), SRV_INT("fence", fence));
 *
 * Fields are typed and escaped, so nothing that came from a client can forge a line or a field. */
#ifndef SRV_LOG_H
#define SRV_LOG_H

#include <stdint.h>

#define SRV_LOG_LEVELS(X) \
    X(DEBUG, "debug")     \
    X(INFO, "info")       \
    X(WARN, "warn")       \
    X(ERROR, "error")

enum srv_log_level {
#define SRV__ENUM(code, name) SRV_LOG_##code,
    SRV_LOG_LEVELS(SRV__ENUM)
#undef SRV__ENUM
        SRV_LOG_COUNT
};

struct srv_log_field {
    const char *key; /* NULL ends a list */
    const char *text;
    int64_t number; /* when text is NULL */
};

#define SRV_TEXT(name, value) ((struct srv_log_field){.key = (name), .text = (value)})
#define SRV_INT(name, value) ((struct srv_log_field){.key = (name), .number = (value)})
#define SRV_LOG(level, event, ...) \
    srv_log_write((level), (event), (const struct srv_log_field[]){__VA_ARGS__, {.key = NULL}})

/* Lines below this level are not written; set before threads start. */
void srv_log_set_level(enum srv_log_level level);
/* SRV_LOG_COUNT when there is no such level. */
enum srv_log_level srv_log_level_parse(const char *name);

void srv_log_write(enum srv_log_level level, const char *event, const struct srv_log_field *fields);

#endif
