/* remote_server.c - which service is asked, and with which token: what the command line and the
 * environment say goes over the login, a file for the user alone
 * ($XDG_CONFIG_HOME/fsnet/remote.json):
 *
 *     {"server": "https://...", "token": "fsn_..." or null, "cacert": "/..." or null}
 *
 * The token in it is sent to that server and to no other. */
#include "remote.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_SIZE = REMOTE_FILE_SIZE, MAX_TOKEN = 1000 };

bool remote_is_token(const char *text)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return size > 0 && size <= MAX_TOKEN;
}

void remote_server_clear(struct remote_server *server)
{
    free(server->url);
    free(server->token);
    free(server->ca_file);
    memset(server, 0, sizeof *server);
}

/* The folder of the login, and the file in it. */
static bool login_path(const struct cli_command *command, char folder[PATH_SIZE],
                       char path[PATH_SIZE])
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    const bool own = config && *config == '/'; /* the XDG specification: others are ignored */
    int size;

    if (!own && (!home || !*home)) {
        cli_error(command, "neither XDG_CONFIG_HOME nor HOME says where a login is kept");
        return false;
    }
    size = snprintf(folder, PATH_SIZE, "%s%s/fsnet", own ? config : home, own ? "" : "/.config");
    if (size >= PATH_SIZE || snprintf(path, PATH_SIZE, "%s/remote.json", folder) >= PATH_SIZE) {
        cli_error(command, "the path of the login is too long");
        return false;
    }
    return true;
}

static char *copy_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? strdup(text) : NULL;
}

/* The login of this path; its url is NULL when there is none. False: it is there and not usable,
 * said. */
static bool read_login(const struct cli_command *command, const char *path,
                       struct remote_server *out)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    json_error_t at;
    json_t *login = NULL;
    bool fine = false;

    memset(out, 0, sizeof *out);
    if (file < 0 && errno == ENOENT)
        return true;
    if (file < 0 || fstat(file, &info) != 0) {
        cli_error(command, "%s: %s", path, strerror(errno));
        goto out;
    }
    if (info.st_mode & 077) {
        cli_error(command, "%s may hold a token, and others can read it: chmod 600 %s", path, path);
        goto out;
    }
    login = json_loadfd(file, JSON_REJECT_DUPLICATES, &at);
    out->url = copy_of(login, "server");
    out->token = copy_of(login, "token");
    out->ca_file = copy_of(login, "cacert");
    fine = out->url && (!out->token || remote_is_token(out->token));
    if (!fine) {
        cli_error(command, "%s is no login; 'fsnet remote login' makes a new one", path);
        remote_server_clear(out);
    }
out:
    json_decref(login);
    if (file >= 0)
        close(file);
    return fine;
}

/* Puts a copy of text in *place, over what was there; true without text. */
static bool put(char **place, const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text) {
        free(*place);
        *place = copy;
    }
    return !text || copy;
}

static const char *from_environment(const char *name)
{
    const char *text = getenv(name);

    return text && *text ? text : NULL;
}

/* The address that the command line or the environment names, new; *named tells whether one is. */
static char *named_url(const struct cli_args *args, bool *named)
{
    const char *option = args->text[CLI_OPT_SERVER], *why;
    const char *text = option ? option : from_environment("FSNET_SERVER");
    char *url;

    *named = text;
    if (!text)
        return NULL;
    url = remote_url(text, &why);
    if (!url)
        cli_error(args->command, "%s %s, got '%s'", option ? "--server" : "FSNET_SERVER", why,
                  text);
    return url;
}

bool remote_server_find(const struct cli_args *args, struct remote_server *out)
{
    const char *token = from_environment("FSNET_TOKEN");
    char folder[PATH_SIZE], path[PATH_SIZE];
    struct remote_server server = {0};
    bool named, whole;
    char *url = named_url(args, &named);

    if (named && !url)
        return false;
    if (token && !remote_is_token(token)) {
        cli_error(args->command, "FSNET_TOKEN is no token: visible ASCII of at most %d bytes",
                  MAX_TOKEN);
        goto fail;
    }
    /* Who names all of it needs no login, nor a home folder. */
    if (!(named && token) &&
        (!login_path(args->command, folder, path) || !read_login(args->command, path, &server)))
        goto fail;
    if (url && server.url && strcmp(url, server.url) != 0)
        remote_server_clear(&server); /* another server's token */
    whole = put(&server.url, url) && put(&server.token, token) &&
            put(&server.ca_file, args->text[CLI_OPT_CACERT]);
    if (!whole)
        cli_error(args->command, "out of memory");
    else if (!server.url)
        cli_error(args->command,
                  "no server is named: --server URL, FSNET_SERVER, or 'fsnet remote login URL'");
    if (!whole || !server.url)
        goto fail;
    free(url);
    *out = server;
    return true;
fail:
    free(url);
    remote_server_clear(&server);
    return false;
}

/* ---- keeping it --------------------------------------------------------------------------------
 */

bool remote_make_folder(const char *folder)
{
    char path[PATH_SIZE];

    snprintf(path, sizeof path, "%s", folder);
    for (char *at = strchr(path + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST)
            return false;
        *at = '/';
    }
    return mkdir(path, 0700) == 0 || errno == EEXIST;
}

/* Into a file beside it, which then takes its place: whole, and never readable by others. */
static bool write_login(const char *path, json_t *login)
{
    char temporary[PATH_SIZE + 8];
    bool whole;
    int file, why;

    snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    file = mkostemp(temporary, O_CLOEXEC); /* mode 0600 */
    if (file < 0)
        return false;
    whole = json_dumpfd(login, file, JSON_INDENT(2)) == 0 && fsync(file) == 0;
    whole = close(file) == 0 && whole && rename(temporary, path) == 0;
    why = errno;
    if (!whole)
        unlink(temporary);
    errno = why;
    return whole;
}

bool remote_login_store(const struct cli_command *command, const struct remote_server *server)
{
    char folder[PATH_SIZE], path[PATH_SIZE];
    json_t *login;
    bool stored = false;

    if (!login_path(command, folder, path))
        return false;
    login = json_pack("{s:s, s:s?, s:s?}", "server", server->url, "token", server->token, "cacert",
                      server->ca_file);
    errno = ENOMEM;
    stored = login && remote_make_folder(folder) && write_login(path, login);
    if (!stored)
        cli_error(command, "%s: %s", path, strerror(errno));
    json_decref(login);
    return stored;
}

bool remote_login_remove(const struct cli_command *command, bool *was)
{
    char folder[PATH_SIZE], path[PATH_SIZE];

    if (!login_path(command, folder, path))
        return false;
    *was = unlink(path) == 0;
    if (*was || errno == ENOENT)
        return true;
    cli_error(command, "%s: %s", path, strerror(errno));
    return false;
}
