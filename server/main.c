/* main.c - the program fsnetd: serve, token, settings, --help, --version. */
#include "commands/token.h"
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
          "       fsnetd settings     prints the table of settings in Markdown\n"
          "       fsnetd --help | --version\n"
          "\n"
          "Settings of serve; each may come from the environment as well, as FSNETD_ and its name\n"
          "in capitals with _ for - (FSNETD_DATA_DIR):\n",
          out);
    srv_config_help(out);
    return code;
}

static int serve(int argc, char **argv)
{
    struct fsn_error err = {0};
    struct srv_config config;

    if (argc > 0 && strcmp(argv[0], "--help") == 0)
        return usage(stdout, 0);
    if (srv_config_load(argc, argv, &config, &err) != FSN_OK) {
        fprintf(stderr, "fsnetd: %s\n", err.text);
        return 2;
    }
    srv_log_set_level(srv_log_level_parse(config.log_level));
    if (srv_serve(&config, &err) == FSN_OK)
        return 0;
    fprintf(stderr, "fsnetd: %s\n", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    const char *command = argc > 1 ? argv[1] : "";

    umask(0027); /* what the service stores is nobody else's to read */
    if (strcmp(command, "token") == 0)
        return srv_token_command(argc - 2, argv + 2);
    if (strcmp(command, "serve") == 0)
        return serve(argc - 2, argv + 2);
    if (strcmp(command, "settings") == 0) {
        srv_config_markdown(stdout);
        return 0;
    }
    if (strcmp(command, "--version") == 0) {
        puts("fsnetd " FSN_VERSION);
        return 0;
    }
    if (strcmp(command, "--help") == 0)
        return usage(stdout, 0);
    if (*command)
        fprintf(stderr, "fsnetd: unknown command '%s'\n", command);
    return usage(stderr, 2);
}
