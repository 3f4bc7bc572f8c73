/* remote_paths.c - where things of the service are: paths of ids, names of files, queries. */
#include "remote.h"

#include <string.h>

/* That need no escape in a path. */
#define LETTERS "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* What ids begin with, what it is called, and its list: in the path, and the command that shows it.
 */
static const struct {
    const char *start, *name, *list;
} kinds[] = {
    [REMOTE_JOB] = {"job_", "a job", "jobs"},
    [REMOTE_MODEL] = {"mdl_", "a model", "models"},
    [REMOTE_DATASET] = {"dst_", "a data set", "datasets"},
};

enum remote_kind remote_kind_of(const char *id)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(id, kinds[i].start, strlen(kinds[i].start)) == 0)
            return (enum remote_kind)i;
    return REMOTE_JOB;
}

static bool is_of(const char *text, const char *letters)
{
    const size_t size = strlen(text);

    return size > 0 && size < REMOTE_NAME_SIZE && strspn(text, letters) == size;
}

bool remote_path(const struct cli_command *command, enum remote_kind kind, const char *id,
                 const char *rest, char path[REMOTE_PATH_SIZE])
{
    if (!is_of(id, LETTERS "_-")) {
        cli_error(command, "'%.100s' is no id of %s; 'fsnet remote %s' lists them", id,
                  kinds[kind].name, kinds[kind].list);
        return false;
    }
    snprintf(path, REMOTE_PATH_SIZE, "/v1/%s/%s%s", kinds[kind].list, id, rest);
    return true;
}

bool remote_is_file_name(const char *name)
{
    return is_of(name, LETTERS "._-") && *name != '.';
}

/* ---- queries -----------------------------------------------------------------------------------
 */

static void add(struct remote_query *query, const char *text, size_t size)
{
    if (size >= sizeof query->path - query->size) {
        query->full = true;
        return;
    }
    memcpy(query->path + query->size, text, size);
    query->size += size;
    query->path[query->size] = '\0';
}

void remote_query_begin(struct remote_query *query, const char *path)
{
    memset(query, 0, sizeof *query);
    add(query, path, strlen(path));
}

void remote_query_add(struct remote_query *query, const char *key, const char *value)
{
    if (!value)
        return;
    add(query, query->begun ? "&" : "?", 1);
    query->begun = true;
    add(query, key, strlen(key));
    add(query, "=", 1);
    for (; *value; value++) {
        char escaped[4];

        snprintf(escaped, sizeof escaped, "%%%02X", (unsigned char)*value);
        if (strchr(LETTERS "-._~", *value))
            add(query, value, 1);
        else
            add(query, escaped, 3);
    }
}
