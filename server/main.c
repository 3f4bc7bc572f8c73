/* main.c - the program fsnetd: serve, the subcommands of server/commands, --help, --version. */
#include "commands/commands.h"
#include "log.h"
#include "server.h"

#include <string.h>
#include <sys/stat.h>

static int usage(FILE *out, int code)
{
    fputs("fsnetd " FSN_VERSION " - the network compression service\n"
          "\n"
          "usage: fsnetd serve --data-dir DIR [SETTING...]\n"
          "       fsnetd token create|list|revoke ...  who may call it; see fsnetd token --help\n"
          "       fsnetd config [--json] [SETTING...]\n"
          "           prints the settings in force and where each comes from\n"
          "       fsnetd check --data-dir DIR [--deep] [--json] [SETTING...]\n"
          "           looks at settings, data folder, database and files; changes nothing\n"
          "       fsnetd backup --data-dir DIR --to BACKUP [--link-from OLDER_BACKUP]\n"
          "           copies all that is stored, also while the service runs\n"
          "       fsnetd restore --from BACKUP --data-dir DIR | --verify\n"
          "           verifies a backup and puts it into an empty data folder\n"
          "       fsnetd settings     prints the table of settings in Markdown\n"
          "       fsnetd --help | --version\n"
          "\n"
          "Settings; each may come from the environment as well, as FSNETD_ and its name in\n"
          "capitals with _ for - (FSNETD_DATA_DIR), or from the file of --config as a line\n"
          "'data-dir = DIR'. A flag wins over the environment, that over the file:\n",
          out);
    srv_config_help(out);
    return code;
}

static int serve(int argc, char **argv)
{
    struct fsn_error err = {0};
    struct srv_config config;
    enum fsn_status status;

    if (srv_config_load(argc, argv, &config, &err) != FSN_OK) {
        fprintf(stderr, "fsnetd: %s\n", err.text);
        return 2;
    }
    srv_log_set_level(srv_log_level_parse(config.log_level));
    status = srv_serve(&config, &err);
    srv_config_clear(&config);
    if (status == FSN_OK)
        return 0;
    fprintf(stderr, "fsnetd: %s\n", err.text);
    return 1;
}

static int settings(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    srv_config_markdown(stdout);
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *words; /* that the command has beside the settings, for complete */
} commands[] = {
    {"serve", serve, ""},
    {"token", srv_command_token,
     "create list revoke --name --role --expires --max-stored-bytes --max-queued-jobs "
     "--max-running-jobs --rate-per-minute"},
    {"config", srv_command_config, "--json"},
    {"check", srv_command_check, "--deep --json"},
    {"backup", srv_command_backup, "--to --link-from"},
    {"restore", srv_command_restore, "--from --verify"},
    {"settings", settings, ""},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void offer(const char *dashes, const char *word, size_t size, const char *prefix)
{
    char whole[80];

    snprintf(whole, sizeof whole, "%s%.*s", dashes, (int)size, word);
    if (strncmp(whole, prefix, strlen(prefix)) == 0)
        puts(whole);
}

static void offer_words(const char *words, const char *prefix)
{
    for (words += strspn(words, " "); *words; words += strspn(words, " ")) {
        const size_t size = strcspn(words, " ");

        offer("", words, size, prefix);
        words += size;
    }
}

/* fsnetd complete [--] WORD...: for a shell, what the last word may become, a line each. */
static int complete(int argc, char **argv)
{
    const bool marked = argc > 0 && strcmp(argv[0], "--") == 0;
    const char *name, *setting, *last = argc > marked ? argv[argc - 1] : "";

    argc -= marked;
    name = argc > 1 ? argv[marked] : "";
    for (size_t i = 0; i < COMMAND_COUNT; i++) {
        if (argc < 2)
            offer("", commands[i].name, strlen(commands[i].name), last);
        else if (strcmp(name, commands[i].name) == 0)
            offer_words(commands[i].words, last);
    }
    if (*last == '-')
        offer_words("--help --version", last);
    for (int i = 0; argc > 1 && *last == '-' && (setting = srv_config_name(i)); i++)
        offer("--", setting, strlen(setting), last);
    return 0;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";
    const bool has_own_help = strcmp(command, "token") == 0;

    umask(0027); /* what the service stores is nobody else's to read */
    if (strcmp(command, "--help") == 0 ||
        (!has_own_help && argc > 2 && strcmp(argv[2], "--help") == 0))
        return usage(stdout, 0);
    if (strcmp(command, "--version") == 0) {
        puts("fsnetd " FSN_VERSION);
        return 0;
    }
    if (strcmp(command, "complete") == 0)
        return complete(argc - 2, argv + 2);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(command, commands[i].name) == 0)
            return commands[i].run(argc - 2, argv + 2);
    if (*command)
        fprintf(stderr, "fsnetd: unknown command '%s'\n", command);
    return usage(stderr, 2);
}
