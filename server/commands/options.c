/* options.c - see options.h. */
#include "commands/options.h"

#include <stdio.h>
#include <string.h>

/* The option that argument names; *value is what follows its "=", or NULL. */
static const struct srv_option *find(const struct srv_option *options, const char *argument,
                                     const char **value)
{
    for (; options->name; options++) {
        size_t length = strlen(options->name);

        if (strncmp(argument, options->name, length) != 0)
            continue;
        if (argument[length] == '\0' || argument[length] == '=') {
            *value = argument[length] == '=' ? argument + length + 1 : NULL;
            return options;
        }
    }
    return NULL;
}

enum fsn_status srv_options_take(const struct srv_option *options, int *argc, char **argv,
                                 struct fsn_error *err)
{
    int kept = 0;

    for (int i = 0; i < *argc; i++) {
        const char *value = NULL;
        const struct srv_option *option = find(options, argv[i], &value);

        if (!option) {
            argv[kept++] = argv[i];
        } else if (!option->value) {
            if (value)
                return SRV_FAIL(err, FSN_INVALID, "%s takes no value, got '%s'", option->name,
                                value);
            *option->given = true;
        } else {
            if (!value && i + 1 < *argc)
                value = argv[++i];
            if (!value || *value == '\0')
                return SRV_FAIL(err, FSN_INVALID, "%s: expected a value", option->name);
            *option->value = value;
        }
    }
    *argc = kept;
    return FSN_OK;
}

int srv_command_failed(const struct fsn_error *err)
{
    fprintf(stderr, "fsnetd: %s\n", err->text);
    return err->status == FSN_INVALID ? 2 : 1;
}
