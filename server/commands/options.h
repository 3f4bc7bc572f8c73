/* options.h - the options that a subcommand has beside the settings. */
#ifndef SRV_COMMANDS_OPTIONS_H
#define SRV_COMMANDS_OPTIONS_H

#include "base/error.h"

/* "--name VALUE" or "--name=VALUE" into *value, or, where value is NULL, "--name" into *given. */
struct srv_option {
    const char *name; /* "--to"; NULL ends a list */
    const char **value;
    bool *given;
};

/* Takes the options out of argv[0..*argc) and leaves the rest, in order. Errors: INVALID. */
FSN_NODISCARD enum fsn_status srv_options_take(const struct srv_option *options, int *argc,
                                               char **argv, struct fsn_error *err);

/* Prints the error as every command does and returns the exit code of its kind. */
int srv_command_failed(const struct fsn_error *err);

#endif
