/* remote_fields.c - what the options say of a job beside its settings, for an order or a patch. */
#include "remote.h"

/* Takes the value; null takes away what is there. */
static bool put(json_t *object, const char *key, json_t *value, bool patch)
{
    if (json_is_null(value) && !patch) {
        json_object_del(object, key);
        return true;
    }
    return json_object_set_new(object, key, value) == 0;
}

bool remote_put_text(const struct cli_args *args, enum cli_option_id id, const char *key,
                     json_t *object)
{
    const char *text = args->text[id];

    if (!text || json_object_set_new(object, key, json_string(text)) == 0)
        return true;
    cli_error(args->command, "--%s must be UTF-8", cli_options[id].name);
    return false;
}

/* Over the labels that a file has given; where it has something else there, the service says so. */
static bool put_labels(const struct cli_args *args, bool patch, json_t *object)
{
    json_t *labels = json_object_get(object, "labels"), *value;
    const char *key;

    if (!labels && json_object_set_new(object, "labels", json_object()) == 0)
        labels = json_object_get(object, "labels");
    if (!labels)
        return false;
    json_object_foreach(args->labels, key, value)
    {
        if (json_is_object(labels) && !put(labels, key, json_incref(value), patch))
            return false;
    }
    return true;
}

bool remote_put_fields(const struct cli_args *args, bool patch, json_t *object)
{
    const json_int_t priority = (json_int_t)args->number[CLI_OPT_PRIORITY];
    const json_int_t bound = (json_int_t)args->number[CLI_OPT_MAX_RUN_SECONDS];

    if (!remote_put_text(args, CLI_OPT_NAME, "name", object))
        return false;
    if ((!args->labels || put_labels(args, patch, object)) &&
        (!args->text[CLI_OPT_PRIORITY] || put(object, "priority", json_integer(priority), patch)) &&
        (!args->text[CLI_OPT_MAX_RUN_SECONDS] ||
         put(object, "max_run_seconds", bound > 0 ? json_integer(bound) : json_null(), patch)))
        return true;
    cli_error(args->command, "out of memory");
    return false;
}
