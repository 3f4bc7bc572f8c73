/* complete.c - what a shell offers when a line is half typed, from the tables that --help and the
 * parser have. deploy/completion has what the shells need to ask for it. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

static void offer(const char *prefix, const char *dashes, const char *word, size_t size)
{
    char whole[128];

    snprintf(whole, sizeof whole, "%s%.*s", dashes, (int)size, word);
    if (strncmp(whole, prefix, strlen(prefix)) == 0)
        puts(whole);
}

static const struct cli_option *find(const struct cli_command *command, const char *word)
{
    for (int i = 0;; i++) {
        const enum cli_option_id id = cli_option_at(command, i);
        const struct cli_option *option = &cli_options[id];

        if (strncmp(word, "--", 2) == 0
                ? strcmp(word + 2, option->name) == 0
                : option->letter && word[0] == '-' && word[1] == option->letter && !word[2])
            return option;
        if (id == CLI_OPT_HELP)
            return NULL;
    }
}

static void offer_options(const struct cli_command *command, const char *prefix)
{
    enum cli_option_id id;
    int i = 0;

    do {
        id = cli_option_at(command, i++);
        offer(prefix, "--", cli_options[id].name, strlen(cli_options[id].name));
    } while (id != CLI_OPT_HELP);
}

static void offer_choices(const struct cli_option *option, const char *prefix)
{
    const char *at = cli_option_choices(option);

    while (at && *at) {
        const size_t size = strcspn(at, "|");

        offer(prefix, "", at, size);
        at += size + (at[size] == '|');
    }
}

/* Behind a command: the words after its name, the last one begun. */
static void complete_line(const struct cli_command *command, int count, char **words)
{
    const char *last = words[count - 1];
    const char *before = count > 1 ? words[count - 2] : "";
    const struct cli_option *option;

    /* bash takes "--format=x" for three words */
    if (strcmp(last, "=") == 0)
        last = "";
    else if (strcmp(before, "=") == 0)
        before = count > 2 ? words[count - 3] : "";
    option = find(command, before);
    if (option && option->kind != CLI_FLAG)
        offer_choices(option, last);
    else if (*last == '-')
        offer_options(command, last);
}

/* The words where a command's name goes, or behind it. */
static void complete_words(const struct cli_command *const *commands, int count, char **words)
{
    const char *first = count > 0 ? words[0] : "";
    const struct cli_command *command;

    if (count < 2) {
        for (; *commands; commands++)
            offer(first, "", cli_command_word(*commands), strlen(cli_command_word(*commands)));
        if (*first == '-')
            offer(first, "--", "help", 4);
        return;
    }
    command = cli_find_command(commands, first);
    if (command && command->parts)
        complete_words(command->parts, count - 1, words + 1);
    else if (command)
        complete_line(command, count - 1, words + 1);
}

int cli_complete(const struct cli_command *const *commands, int argc, char **argv)
{
    if (argc > 0 && strcmp(argv[0], "--") == 0) {
        argc--;
        argv++;
    }
    complete_words(commands, argc, argv);
    if (argc == 1 && argv[0][0] == '-')
        offer(argv[0], "--", "version", 7);
    return CLI_OK;
}
