/* remote_login.c - fsnet remote login and logout: a server and its token, kept for the commands
 * that follow. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { MAX_INPUT = 4096 };

/* A line of the stream without the blanks around it, new: "" at its end. A terminal is asked, and
 * shows nothing. */
static char *read_line(FILE *in)
{
    const int file = fileno(in);
    struct termios before, silent;
    const bool terminal = isatty(file) && tcgetattr(file, &before) == 0;
    char line[MAX_INPUT], *from = line;
    size_t size;

    if (terminal) {
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(file, TCSAFLUSH, &silent);
        fputs("token (empty: none): ", stderr);
    }
    line[0] = '\0';
    if (!fgets(line, sizeof line, in))
        line[0] = '\0';
    if (terminal) {
        tcsetattr(file, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    from += strspn(from, " \t\r\n");
    size = strlen(from);
    while (size > 0 && strchr(" \t\r\n", from[size - 1]))
        size--;
    return strndup(from, size);
}

/* The token to log in with, in *token: NULL for none. */
static bool read_token(const struct cli_args *args, char **token)
{
    const char *path = args->text[CLI_OPT_TOKEN_FILE];
    FILE *in = path ? fopen(path, "re") : stdin;
    char *text;

    if (!in) {
        cli_error(args->command, "%s: %s", path, strerror(errno));
        return false;
    }
    text = read_line(in);
    if (path)
        fclose(in);
    if (text && (!*text || remote_is_token(text))) {
        *token = *text ? text : NULL;
        if (!*text)
            free(text);
        return true;
    }
    cli_error(args->command, "%s: the first line is no token", path ? path : "standard input");
    free(text);
    return false;
}

static char *whole_path(const struct cli_args *args, const char *path)
{
    char *whole = realpath(path, NULL);

    if (!whole)
        cli_error(args->command, "%s: %s", path, strerror(errno));
    return whole;
}

/* Fills *server with what is to be kept. */
static bool gather(const struct cli_args *args, struct remote_server *server)
{
    const char *ca_file = args->text[CLI_OPT_CACERT], *why;

    server->url = remote_url(args->operand[0], &why);
    if (!server->url) {
        cli_error(args->command, "'%s' %s", args->operand[0], why);
        return false;
    }
    server->ca_file = ca_file ? whole_path(args, ca_file) : NULL;
    return (server->ca_file || !ca_file) && read_token(args, &server->token);
}

/* Whether what is sent there can be read on the way. */
static bool is_open_road(const char *url)
{
    static const char *const fine[] = {"https://", "http://127.", "http://localhost",
                                       "http://[::1]"};

    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        if (strncmp(url, fine[i], strlen(fine[i])) == 0)
            return false;
    return true;
}

/* Nothing is kept that the server does not take. */
static int run_login(const struct cli_args *args)
{
    struct remote remote = {.args = args};
    json_t *answer = NULL;
    int code = CLI_FAILURE;

    if (!gather(args, &remote.server))
        goto out;
    remote.http = remote_http_open(&remote.server);
    answer = remote.http ? remote_get(&remote, "/v1/jobs?limit=1") : NULL;
    if (answer && !json_is_array(json_object_get(answer, "items")))
        cli_error(args->command, "%s is not this service", remote.server.url);
    else if (answer && remote_login_store(args->command, &remote.server))
        code = CLI_OK;
    if (code == CLI_OK && remote.server.token && is_open_road(remote.server.url))
        cli_error(args->command, "without https the token can be read on its way");
    if (code == CLI_OK)
        fprintf(stderr, "logged in to %s%s\n", remote.server.url,
                remote.server.token ? "" : " without a token");
out:
    json_decref(answer);
    remote_end(&remote);
    return code;
}

static int run_logout(const struct cli_args *args)
{
    bool was;

    if (!remote_login_remove(args->command, &was))
        return CLI_FAILURE;
    fputs(was ? "logged out\n" : "there was no login\n", stderr);
    return CLI_OK;
}

const struct cli_command cli_remote_login = {
    .name = "remote login",
    .summary = "Keep a server and its token (from standard input) for the other commands",
    .operands = "URL",
    .operand_count = 1,
    .options = {CLI_OPT_TOKEN_FILE, CLI_OPT_CACERT},
    .run = run_login,
};

const struct cli_command cli_remote_logout = {
    .name = "remote logout",
    .summary = "Forget them",
    .operands = "",
    .run = run_logout,
};
