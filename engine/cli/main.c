/* main.c - fsnet: finds the subcommand, parses its line, runs it. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {
    &cli_inspect, &cli_plan, &cli_eval,  &cli_compress, &cli_check,  &cli_new, &cli_train,
    &cli_draw,    &cli_data, &cli_bench, &cli_predict,  &cli_remote, NULL,
};

static void print_usage(FILE *out)
{
    fprintf(out, "usage: fsnet COMMAND [options]\n\n"
                 "Compresses trained convolutional networks (ONNX) by Filter Summary.\n\n"
                 "commands:\n");
    cli_print_commands(out, commands);
    fprintf(out, "\n'fsnet COMMAND --help' lists a command's options; 'fsnet --version' prints the "
                 "version.\n");
}

static int run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args;
    int code = cli_parse(command, argc, argv, &args);

    if (code != CLI_OK)
        return code;
    if (args.help)
        cli_print_help(command);
    else
        code = command->run(&args);
    cli_args_clear(&args);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        cli_error(command, "cannot write to standard output");
        code = CLI_FAILURE;
    }
    return code;
}

/* Behind the name of a group: one of its commands. */
static int run_part(const struct cli_command *group, int argc, char **argv)
{
    const struct cli_command *command;

    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
        cli_print_help(group);
        return CLI_OK;
    }
    command = argc > 0 ? cli_find_command(group->parts, argv[0]) : NULL;
    if (command)
        return run(command, argc - 1, argv + 1);
    if (argc > 0)
        cli_error(group, "unknown command '%s'; see 'fsnet %s --help'", argv[0], group->name);
    else
        cli_error(group, "a command is missing; see 'fsnet %s --help'", group->name);
    return CLI_USAGE;
}

int main(int argc, char **argv)
{
    const struct cli_command *command;

    if (argc < 2) {
        print_usage(stderr);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
        print_usage(stdout);
        return CLI_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("fsnet %s\n", FSN_VERSION);
        return CLI_OK;
    }
    if (strcmp(argv[1], "complete") == 0)
        return cli_complete(commands, argc - 2, argv + 2);
    command = cli_find_command(commands, argv[1]);
    if (command)
        return (command->parts ? run_part : run)(command, argc - 2, argv + 2);
    fprintf(stderr, "fsnet: unknown command '%s'; see 'fsnet --help'\n", argv[1]);
    return CLI_USAGE;
}
