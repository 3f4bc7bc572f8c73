/*
 * options.c - the command line by table: parsing, checking, --help.
 *
 * A command names the options it takes out of the one list in cli.h. Options that are settings of a
 * job (kind CLI_SPEC) have neither range nor default here: they become JSON at their pointer and
 * the engine judges them, so that `fsnet --ratio 4`, --spec and the service agree by construction.
 */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct cli_option cli_options[CLI_OPTION_COUNT] = {
#define CLI__ROW(id, name, letter, value, kind, min, max, fallback, more, help) \
    [CLI_OPT_##id] = {name, letter, value, CLI_##kind, min, max, fallback, more, help},
    CLI_OPTION_LIST(CLI__ROW)
#undef CLI__ROW
};

enum { MAX_SETTINGS = 512 };

/* ---- help ------------------------------------------------------------------------------------ */

static const struct fsn_spec_field *spec_field(const char *pointer)
{
    size_t count;
    const struct fsn_spec_field *fields = fsn_spec_fields(&count);

    for (size_t i = 0; i < count; i++)
        if (strcmp(fields[i].pointer, pointer) == 0)
            return &fields[i];
    return NULL;
}

/* "a|b|c" as "a or b or c". */
static void print_choices(const char *choices)
{
    printf(", ");
    for (const char *at = choices; *at; at += *at == '|') {
        size_t length = strcspn(at, "|");

        printf("%s%.*s", at == choices ? "" : " or ", (int)length, at);
        at += length;
    }
}

static void print_choice(const char *choices, unsigned index)
{
    while (index-- > 0)
        choices += strcspn(choices, "|") + 1;
    printf(" (default: %.*s)", (int)strcspn(choices, "|"), choices);
}

static void print_spec_help(const struct fsn_spec_field *field)
{
    printf("%s", field->help);
    if (field->choices && field->kind != FSN_FIELD_SET && field->kind != FSN_FIELD_OUTPUTS)
        print_choices(field->choices);
    switch (field->kind) {
    case FSN_FIELD_INT:
    case FSN_FIELD_NUMBER:
    case FSN_FIELD_SEED:
        printf(" (default: %.15g)", field->fallback);
        break;
    case FSN_FIELD_CHOICE:
        print_choice(field->choices, (unsigned)(field->fallback - field->min));
        break;
    case FSN_FIELD_BOXES:
        print_choice(field->choices, 0);
        break;
    case FSN_FIELD_NAMES:
        printf("; give it once for each");
        break;
    case FSN_FIELD_NAME:
    case FSN_FIELD_CHANNELS:
    case FSN_FIELD_SHARES:
    case FSN_FIELD_NUMBERS:
    case FSN_FIELD_WHOLES:
    case FSN_FIELD_SET:
    case FSN_FIELD_OUTPUTS:
        break; /* the help says it */
    }
}

static void print_option(const struct cli_option *option)
{
    char left[64];

    if (option->letter)
        snprintf(left, sizeof left, "-%c, --%s %s", option->letter, option->name,
                 option->value ? option->value : "");
    else
        snprintf(left, sizeof left, "    --%s %s", option->name,
                 option->value ? option->value : "");
    printf("  %-26s ", left);
    if (option->kind == CLI_SPEC)
        print_spec_help(spec_field(option->more));
    else
        printf("%s", option->help);
    if (option->kind == CLI_CHOICE)
        print_choices(option->more);
    if (option->fallback)
        printf(" (default: %s)", option->fallback);
    putchar('\n');
}

enum cli_option_id cli_option_at(const struct cli_command *command, int i)
{
    int own = 0;

    while (command->options[own] != CLI_OPT_HELP)
        own++;
    if (i < own || !command->all_settings)
        return command->options[i < own ? i : own];
    i -= own;
    for (int id = 0; id < CLI_OPTION_COUNT; id++)
        if (cli_options[id].kind == CLI_SPEC && i-- == 0)
            return (enum cli_option_id)id;
    return CLI_OPT_HELP;
}

const char *cli_command_word(const struct cli_command *command)
{
    const char *blank = strrchr(command->name, ' ');

    return blank ? blank + 1 : command->name;
}

const struct cli_command *cli_find_command(const struct cli_command *const *commands,
                                           const char *word)
{
    while (*commands && strcmp(word, cli_command_word(*commands)) != 0)
        commands++;
    return *commands;
}

void cli_print_commands(FILE *out, const struct cli_command *const *commands)
{
    size_t width = 0;

    for (size_t i = 0; commands[i]; i++)
        width = cli_wider(width, cli_command_word(commands[i]));
    for (; *commands; commands++)
        fprintf(out, "  %-*s %s\n", (int)width, cli_command_word(*commands), (*commands)->summary);
}

static void print_group_help(const struct cli_command *group)
{
    printf("usage: fsnet %s COMMAND [options]\n\n%s.\n\ncommands:\n", group->name, group->summary);
    cli_print_commands(stdout, group->parts);
    printf("\noptions:\n");
    print_option(&cli_options[CLI_OPT_HELP]);
    if (group->more_help)
        group->more_help();
}

void cli_print_help(const struct cli_command *command)
{
    if (command->parts) {
        print_group_help(command);
        return;
    }
    printf("usage: fsnet %s%s%s", command->name, *command->operands ? " " : "", command->operands);
    for (int i = 0; command->required[i] != CLI_OPT_HELP; i++)
        printf(" --%s %s", cli_options[command->required[i]].name,
               cli_options[command->required[i]].value);
    printf(" [options]\n\n%s.\n\noptions:\n", command->summary);
    for (int i = 0; cli_option_at(command, i) != CLI_OPT_HELP; i++)
        print_option(&cli_options[cli_option_at(command, i)]);
    print_option(&cli_options[CLI_OPT_HELP]);
    if (command->more_help)
        command->more_help();
}

const char *cli_option_choices(const struct cli_option *option)
{
    return option->kind == CLI_CHOICE ? option->more
           : option->kind == CLI_SPEC ? spec_field(option->more)->choices
                                      : NULL;
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* The command's option of this name or letter; CLI_OPTION_COUNT: none. */
static enum cli_option_id find_option(const struct cli_command *command, const char *name,
                                      size_t size, char letter)
{
    for (int i = 0;; i++) {
        const enum cli_option_id id = cli_option_at(command, i);
        const struct cli_option *option = &cli_options[id];

        if (letter ? option->letter == letter
                   : strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return id;
        if (id == CLI_OPT_HELP)
            return CLI_OPTION_COUNT;
    }
}

static bool is_choice(const char *choices, const char *text)
{
    size_t size = strlen(text);

    for (const char *at = choices;; at++) {
        size_t length = strcspn(at, "|");

        if (length == size && memcmp(at, text, size) == 0)
            return true;
        at += length;
        if (!*at)
            return false;
    }
}

/* Checks the option's text by its kind and fills args->number. */
static bool take_value(struct cli_args *args, enum cli_option_id id, const char *text)
{
    const struct cli_option *option = &cli_options[id];
    bool whole = option->kind == CLI_INT;
    double number = 0;
    char *end;

    args->text[id] = text;
    if (option->kind == CLI_CHOICE && !is_choice(option->more, text)) {
        cli_error(args->command, "--%s must be one of %s, got '%s'", option->name, option->more,
                  text);
        return false;
    }
    if (option->kind == CLI_TEXT && !*text) {
        cli_error(args->command, "--%s must not be empty", option->name);
        return false;
    }
    if (option->kind == CLI_LABEL)
        return cli_take_label(args, id == CLI_OPT_REMOVE_LABEL, text);
    if (option->kind != CLI_INT && option->kind != CLI_NUMBER)
        return true;
    number = strtod(text, &end);
    if (end == text || *end || !isfinite(number) || (whole && number != floor(number))) {
        cli_error(args->command, "--%s must be a %snumber, got '%s'", option->name,
                  whole ? "whole " : "", text);
        return false;
    }
    if (number < option->min || number > option->max) {
        cli_error(args->command, "--%s must be %.15g to %.15g, got %s", option->name, option->min,
                  option->max, text);
        return false;
    }
    args->number[id] = number;
    return true;
}

/* One option and its value, argv[*at] and perhaps the word after it. */
static bool take_option(struct cli_args *args, int argc, char **argv, int *at,
                        struct cli_setting *settings, size_t *setting_count)
{
    const char *word = argv[*at];
    const char *equals = word[1] == '-' ? strchr(word, '=') : NULL;
    size_t size = equals ? (size_t)(equals - word) : strlen(word);
    enum cli_option_id id = word[1] == '-' ? find_option(args->command, word + 2, size - 2, 0)
                            : size == 2    ? find_option(args->command, NULL, 0, word[1])
                                           : CLI_OPTION_COUNT;
    const struct cli_option *option;
    const char *text = NULL;

    if (id == CLI_OPTION_COUNT) {
        cli_error(args->command, "unknown option '%.*s'; see 'fsnet %s --help'", (int)size, word,
                  args->command->name);
        return false;
    }
    option = &cli_options[id];
    if (option->kind == CLI_FLAG && equals) {
        cli_error(args->command, "--%s takes no value", option->name);
        return false;
    }
    if (option->kind != CLI_FLAG) {
        text = equals ? equals + 1 : *at + 1 < argc ? argv[++*at] : NULL;
        if (!text) {
            cli_error(args->command, "--%s needs a value: %s", option->name, option->value);
            return false;
        }
    }
    args->help |= id == CLI_OPT_HELP;
    args->json |= id == CLI_OPT_JSON;
    args->kernels |= id == CLI_OPT_KERNELS;
    if (option->kind == CLI_FLAG)
        args->number[id] = 1;
    if (option->kind == CLI_SPEC) {
        if (*setting_count == MAX_SETTINGS) {
            cli_error(args->command, "more than %d settings", MAX_SETTINGS);
            return false;
        }
        settings[*setting_count].option = option;
        settings[(*setting_count)++].text = text;
    }
    return text ? take_value(args, id, text) : true;
}

static bool complete(struct cli_args *args, int operands)
{
    const struct cli_command *command = args->command;

    if (operands < command->operand_count || (command->more_operands && args->more_count == 0)) {
        cli_error(command, "%s is missing; see 'fsnet %s --help'",
                  operands == 0 ? command->operands : "an operand", command->name);
        return false;
    }
    for (int i = 0; command->required[i] != CLI_OPT_HELP; i++) {
        const struct cli_option *option = &cli_options[command->required[i]];

        if (!args->text[command->required[i]]) {
            cli_error(command, "--%s %s is missing; see 'fsnet %s --help'", option->name,
                      option->value, command->name);
            return false;
        }
    }
    return true;
}

static int parse(const struct cli_command *command, int argc, char **argv, struct cli_args *args)
{
    struct cli_setting settings[MAX_SETTINGS];
    size_t setting_count = 0;
    int operands = 0;
    bool options_end = false;

    memset(args, 0, sizeof *args);
    args->command = command;
    args->more = argv;
    fsn_spec_defaults(&args->spec);
    for (int i = 0; command->options[i] != CLI_OPT_HELP; i++) {
        const char *fallback = cli_options[command->options[i]].fallback;

        if (fallback && !take_value(args, command->options[i], fallback))
            return CLI_USAGE;
    }
    for (int at = 0; at < argc; at++) {
        if (!options_end && strcmp(argv[at], "--") == 0) {
            options_end = true;
        } else if (!options_end && argv[at][0] == '-' && argv[at][1]) {
            if (!take_option(args, argc, argv, &at, settings, &setting_count))
                return CLI_USAGE;
        } else if (operands == command->operand_count && command->more_operands) {
            argv[args->more_count++] = argv[at]; /* over words that have been read */
        } else if (operands == command->operand_count) {
            cli_error(command, "unexpected '%s'; see 'fsnet %s --help'", argv[at], command->name);
            return CLI_USAGE;
        } else {
            args->operand[operands++] = argv[at];
        }
    }
    if (args->help)
        return CLI_OK;
    if (!complete(args, operands))
        return CLI_USAGE;
    return command->orders ? cli_build_order(command, args->text[CLI_OPT_SPEC], settings,
                                             setting_count, &args->order)
                           : cli_build_spec(command, args->text[CLI_OPT_SPEC], settings,
                                            setting_count, &args->spec);
}

int cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_args *args)
{
    const int code = parse(command, argc, argv, args);

    if (code != CLI_OK)
        json_decref(args->labels);
    return code;
}

void cli_args_clear(struct cli_args *args)
{
    fsn_spec_clear(&args->spec);
    json_decref(args->order);
    json_decref(args->labels);
}
