/* remote_events.c - reads a stream of server-sent events (HTML Living Standard, 9.2.6), in whatever
 * pieces it comes.
 *
 * Of the fields event, id and data are known; several lines of data are joined; a line that begins
 * with a colon says only that the server is alive. An id counts when its event is whole: one that
 * was cut off comes again. */
#include "remote.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_EVENT = 1 << 20 };

static void end_event(struct remote_events *events)
{
    if (events->data) {
        if (*events->next_id)
            snprintf(events->id, sizeof events->id, "%s", events->next_id);
        events->take(events->user, events->name, events->data);
    }
    free(events->data);
    events->data = NULL;
    events->data_size = 0;
    events->name[0] = events->next_id[0] = '\0';
}

static bool add_data(struct remote_events *events, const char *value)
{
    size_t size = strlen(value);
    char *grown;

    if (size + 2 > MAX_EVENT - events->data_size)
        return false;
    grown = realloc(events->data, events->data_size + size + 2);
    if (!grown)
        return false;
    if (events->data_size > 0)
        grown[events->data_size++] = '\n';
    memcpy(grown + events->data_size, value, size + 1);
    events->data = grown;
    events->data_size += size;
    return true;
}

/* It goes back in a header: anything but these letters is no id of ours. */
static bool is_id(const char *text)
{
    return strspn(text, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ._-") ==
           strlen(text);
}

static bool take_line(struct remote_events *events, char *line)
{
    char *value = strchr(line, ':');

    if (!*line) {
        end_event(events);
        return true;
    }
    if (value) {
        *value++ = '\0';
        value += *value == ' ';
    } else {
        value = line + strlen(line);
    }
    if (strcmp(line, "event") == 0)
        snprintf(events->name, sizeof events->name, "%s", value);
    else if (strcmp(line, "id") == 0 && is_id(value))
        snprintf(events->next_id, sizeof events->next_id, "%s", value);
    else if (strcmp(line, "data") == 0)
        return add_data(events, value);
    return true;
}

bool remote_events_add(struct remote_events *events, const char *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (events->size + 1 >= events->room) {
            size_t room = events->room ? 2 * events->room : 1024;
            char *grown = room > MAX_EVENT ? NULL : realloc(events->line, room);

            if (!grown)
                return false;
            events->line = grown;
            events->room = room;
        }
        if (bytes[i] != '\n') {
            events->line[events->size++] = bytes[i];
            continue;
        }
        if (events->size > 0 && events->line[events->size - 1] == '\r')
            events->size--;
        events->line[events->size] = '\0';
        events->size = 0;
        if (!take_line(events, events->line))
            return false;
    }
    return true;
}

void remote_events_cut(struct remote_events *events)
{
    free(events->line);
    free(events->data);
    events->line = events->data = NULL;
    events->size = events->room = events->data_size = 0;
    events->name[0] = events->next_id[0] = '\0';
}
