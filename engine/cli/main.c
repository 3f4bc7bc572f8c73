/* main.c - fsnet: finds the subcommand, parses its line, runs it. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static const struct cli_command *const commands[] = {
    &cli_inspect, &cli_plan, &cli_eval, &cli_compress, &cli_check,   &cli_new,
    &cli_train,   &cli_draw, &cli_data, &cli_bench,    &cli_predict,
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *out)
{
    fprintf(out, "usage: fsnet COMMAND [options]\n\n"
                 "Compresses trained convolutional networks (ONNX) by Filter Summary.\n\n"
                 "commands:\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
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

int main(int argc, char **argv)
{
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
        return cli_complete(commands, COMMAND_COUNT, argc - 2, argv + 2);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return run(commands[i], argc - 2, argv + 2);
    fprintf(stderr, "fsnet: unknown command '%s'; see 'fsnet --help'\n", argv[1]);
    return CLI_USAGE;
}
