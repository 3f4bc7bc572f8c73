/* log.c - see log.h. A line is built in memory and leaves in one write(2), so that lines of several
 * threads do not mix. */
#include "log.h"

#include "base/clock.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {
#define SRV__NAME(code, name) name,
    SRV_LOG_LEVELS(SRV__NAME)
#undef SRV__NAME
};
static enum srv_log_level lowest = SRV_LOG_INFO;

void srv_log_set_level(enum srv_log_level level)
{
    lowest = level;
}

enum srv_log_level srv_log_level_parse(const char *name)
{
    int level = 0;

    while (level < SRV_LOG_COUNT && strcmp(name, level_names[level]) != 0)
        level++;
    return (enum srv_log_level)level;
}

void srv_log_write(enum srv_log_level level, const char *event, const struct srv_log_field *fields)
{
    char time[SRV_TIME_SIZE];
    json_t *line;
    char *text;
    ssize_t written = 0;

    if (level < lowest)
        return;
    srv_time_text(srv_now_ms(), time);
    line = json_pack("{ss ss ss}", "time", time, "level", level_names[level], "event", event);
    for (; line && fields->key; fields++) {
        json_t *value =
            fields->text ? json_string(fields->text) : json_integer((json_int_t)fields->number);

        /* A text that is not UTF-8 cannot be shown; that it was there can. */
        json_object_set_new(line, fields->key, value ? value : json_string("(not UTF-8)"));
    }
    text = line ? json_dumps(line, JSON_COMPACT) : NULL;
    if (text) {
        size_t length = strlen(text);

        text[length] = '\n'; /* in place of the NUL: the length is what counts from here */
        written = write(STDERR_FILENO, text, length + 1);
    }
    (void)written; /* a log that cannot be written has nowhere to say so */
    free(text);
    json_decref(line);
}
