/* token.c - fsnetd token: makes, lists and revokes the tokens of a data folder.
 *
 *     fsnetd token create --name NAME --role ROLE [OPTION...] --data-dir DIR
 *     fsnetd token list --data-dir DIR
 *     fsnetd token revoke ID --data-dir DIR
 *
 * They write to the SQLite file itself, under its own locks: no token is needed to make the first
 * one, only the right to write into the data folder. The token alone goes to standard output, so
 * that TOKEN=$(fsnetd token create ...) has it; everything for people goes to standard error.
 */
#include "commands/commands.h"

#include "base/clock.h"
#include "base/files.h"
#include "base/number.h"
#include "base/rate.h"
#include "store/migrate.h"
#include "store/tokens.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct arguments {
    const char *data_dir, *name, *role, *expires, *max_stored_bytes, *max_queued_jobs,
        *max_running_jobs, *rate_per_minute;
    const char *id; /* of revoke */
};

static int usage(FILE *out, int code)
{
    fputs("usage: fsnetd token create --name NAME --role admin|user|viewer [OPTION...]\n"
          "       fsnetd token list\n"
          "       fsnetd token revoke ID\n"
          "\n"
          "  --data-dir DIR   the service's data folder, or FSNETD_DATA_DIR in the environment\n"
          "  --name NAME      for people: who has the token, or what it is for\n"
          "  --role ROLE      admin: everything; user: what this token makes, and nothing else;\n"
          "                   viewer: reads everything, predicts and plans, changes nothing\n"
          "  --expires TIME   from now: 30d, 12h, 45m, 90s; without it, never\n"
          "  --max-stored-bytes BYTES   what it may store, K, M or G may follow; without it, no "
          "limit\n"
          "  --max-queued-jobs N        how many of its jobs may wait; without it, no limit\n"
          "  --max-running-jobs N       how many of them may run at once; without it, no limit\n"
          "  --rate-per-minute N        requests a minute; without it, as the service lets any\n"
          "\n"
          "create prints the token, this once: what is stored does not give it back. All of them "
          "work\n"
          "on a service that runs.\n",
          out);
    return code;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static enum fsn_status read_arguments(int argc, char *const *argv, struct arguments *out,
                                      struct fsn_error *err)
{
    const struct {
        const char *flag, **value;
    } flags[] = {{"--data-dir", &out->data_dir},
                 {"--name", &out->name},
                 {"--role", &out->role},
                 {"--expires", &out->expires},
                 {"--max-stored-bytes", &out->max_stored_bytes},
                 {"--max-queued-jobs", &out->max_queued_jobs},
                 {"--max-running-jobs", &out->max_running_jobs},
                 {"--rate-per-minute", &out->rate_per_minute}};
    const int count = (int)(sizeof flags / sizeof *flags);

    for (int i = 0; i < argc; i++) {
        size_t length = strcspn(argv[i], "=");
        int f = 0;

        if (strncmp(argv[i], "--", 2) != 0 && !out->id) {
            out->id = argv[i];
            continue;
        }
        while (f < count &&
               (strlen(flags[f].flag) != length || strncmp(argv[i], flags[f].flag, length) != 0))
            f++;
        if (f == count)
            return SRV_FAIL(err, FSN_INVALID, "unknown argument '%s'", argv[i]);
        if (argv[i][length] == '=')
            *flags[f].value = argv[i] + length + 1;
        else if (i + 1 < argc)
            *flags[f].value = argv[++i];
        else
            return SRV_FAIL(err, FSN_INVALID, "%s: expected a value", argv[i]);
    }
    if (!out->data_dir)
        out->data_dir = getenv("FSNETD_DATA_DIR");
    if (!out->data_dir || *out->data_dir == '\0')
        return SRV_FAIL(err, FSN_INVALID, "--data-dir (or FSNETD_DATA_DIR) must be given");
    return FSN_OK;
}

/* "30d" from now, in milliseconds since 1970. */
static enum fsn_status parse_expiry(const char *text, int64_t now_ms, int64_t *out,
                                    struct fsn_error *err)
{
    int64_t duration_ms;

    if (!srv_duration_parse(text, &duration_ms) || duration_ms == 0)
        return SRV_FAIL(err, FSN_INVALID,
                        "--expires: expected a number and d, h, m or s, at most 36500d, got '%s'",
                        text);
    *out = now_ms + duration_ms;
    return FSN_OK;
}

/* text NULL: 0, no quota. */
static enum fsn_status parse_quota(const char *flag, const char *text, bool units, int64_t *out,
                                   struct fsn_error *err)
{
    if (!text || srv_number_parse(text, units, 1, INT64_MAX, out))
        return FSN_OK;
    return SRV_FAIL(err, FSN_INVALID, "%s: expected a whole number from 1%s, got '%s'", flag,
                    units ? " (K, M or G may follow)" : "", text);
}

static enum fsn_status read_name(const char *text, char out[SRV_TOKEN_NAME_SIZE],
                                 struct fsn_error *err)
{
    json_t *value = text && strlen(text) < SRV_TOKEN_NAME_SIZE ? json_string(text) : NULL;
    bool good = value && *text != '\0';

    json_decref(value); /* it was there to see that the name is UTF-8 */
    for (size_t i = 0; good && text[i]; i++)
        good = (unsigned char)text[i] >= 0x20 && text[i] != 0x7f;
    if (!good)
        return SRV_FAIL(err, FSN_INVALID,
                        "--name: expected 1 to %d bytes of UTF-8 without control characters",
                        SRV_TOKEN_NAME_SIZE - 1);
    snprintf(out, SRV_TOKEN_NAME_SIZE, "%s", text);
    return FSN_OK;
}

/* ---- the commands ---------------------------------------------------------------------------- */

/* The database of the data folder; create: also one that no service has started on yet. */
static enum fsn_status open_store(const char *data_dir, bool create, struct srv_db **out,
                                  struct fsn_error *err)
{
    char path[SRV_PATH_SIZE];
    struct srv_db *db = NULL;
    enum fsn_status status = srv_path(path, err, "%s/fsnetd.db", data_dir);

    if (status == FSN_OK && create)
        status = srv_make_folders(data_dir, err);
    if (status == FSN_OK && !create && access(path, F_OK) != 0)
        status =
            SRV_FAIL(err, FSN_IO, "%s is not the data folder of a service: no fsnetd.db", data_dir);
    if (status == FSN_OK)
        status = srv_db_open(path, &db, err);
    if (status == FSN_OK)
        status = srv_migrate(db, srv_migrations, NULL, err);
    if (status == FSN_OK)
        *out = db;
    else
        srv_db_close(db);
    return status;
}

static enum fsn_status create_token(const struct arguments *arguments, struct fsn_error *err)
{
    struct srv_token_row row = {.role = srv_role_parse(arguments->role ? arguments->role : ""),
                                .created_at_ms = srv_now_ms()};
    char text[SRV_TOKEN_SIZE];
    struct srv_db *db = NULL;
    enum fsn_status status = read_name(arguments->name, row.name, err);

    if (status == FSN_OK && row.role == SRV_ROLE_COUNT)
        status = SRV_FAIL(err, FSN_INVALID, "--role: expected admin, user or viewer, got '%s'",
                          arguments->role ? arguments->role : "");
    if (status == FSN_OK && arguments->expires)
        status = parse_expiry(arguments->expires, row.created_at_ms, &row.expires_at_ms, err);
    if (status == FSN_OK)
        status = parse_quota("--max-stored-bytes", arguments->max_stored_bytes, true,
                             &row.max_stored_bytes, err);
    if (status == FSN_OK)
        status = parse_quota("--max-queued-jobs", arguments->max_queued_jobs, false,
                             &row.max_queued_jobs, err);
    if (status == FSN_OK)
        status = parse_quota("--max-running-jobs", arguments->max_running_jobs, false,
                             &row.max_running_jobs, err);
    if (status == FSN_OK && arguments->rate_per_minute &&
        !srv_number_parse(arguments->rate_per_minute, false, 1, SRV_RATE_MOST,
                          &row.rate_per_minute))
        status = SRV_FAIL(err, FSN_INVALID,
                          "--rate-per-minute: expected a whole number from 1 to %d, got '%s'",
                          SRV_RATE_MOST, arguments->rate_per_minute);
    if (status == FSN_OK)
        status = open_store(arguments->data_dir, true, &db, err);
    if (status == FSN_OK)
        status = srv_token_new(text, &row.token, err);
    if (status == FSN_OK)
        status = srv_tokens_insert(db, &row, err);
    if (status == FSN_OK) {
        puts(text);
        fprintf(stderr, "token %s, role %s; it is shown this once\n", row.token.id,
                srv_role_name(row.role));
    }
    explicit_bzero(text, sizeof text);
    srv_db_close(db);
    return status;
}

#define LIST_ROW "%-24s  %-6s  %-7s  %-24s  %-24s  %12s  %6s  %7s  %5s  %s\n"

static void print_row(const struct srv_token_row *row)
{
    const char *end = srv_token_void(row, srv_now_ms());
    char created[SRV_TIME_SIZE], expires[SRV_TIME_SIZE] = "never", bytes[24] = "-", jobs[24] = "-",
                                 running[24] = "-", rate[24] = "-";

    srv_time_text(row->created_at_ms, created);
    if (row->expires_at_ms != 0)
        srv_time_text(row->expires_at_ms, expires);
    if (row->max_stored_bytes != 0)
        snprintf(bytes, sizeof bytes, "%" PRId64, row->max_stored_bytes);
    if (row->max_queued_jobs != 0)
        snprintf(jobs, sizeof jobs, "%" PRId64, row->max_queued_jobs);
    if (row->max_running_jobs != 0)
        snprintf(running, sizeof running, "%" PRId64, row->max_running_jobs);
    if (row->rate_per_minute != 0)
        snprintf(rate, sizeof rate, "%" PRId64, row->rate_per_minute);
    printf(LIST_ROW, row->token.id, srv_role_name(row->role), end ? end : "valid", created, expires,
           bytes, jobs, running, rate, row->name);
}

static enum fsn_status list_tokens(const struct arguments *arguments, struct fsn_error *err)
{
    struct srv_token_row *rows = NULL;
    struct srv_db *db = NULL;
    size_t count = 0;
    enum fsn_status status = open_store(arguments->data_dir, false, &db, err);

    if (status == FSN_OK)
        status = srv_tokens_list(db, &rows, &count, err);
    if (status == FSN_OK)
        printf(LIST_ROW, "ID", "ROLE", "STATE", "CREATED", "EXPIRES", "MAX BYTES", "JOBS",
               "RUNNING", "RATE", "NAME");
    for (size_t i = 0; i < count; i++)
        print_row(&rows[i]);
    free(rows);
    srv_db_close(db);
    return status;
}

static enum fsn_status revoke_token(const struct arguments *arguments, struct fsn_error *err)
{
    struct srv_db *db = NULL;
    bool found = false;
    enum fsn_status status = open_store(arguments->data_dir, false, &db, err);

    if (status == FSN_OK)
        status = srv_tokens_revoke(db, arguments->id, srv_now_ms(), &found, err);
    if (status == FSN_OK && !found)
        status =
            SRV_FAIL(err, FSN_IO, "no token has the id '%s'; see fsnetd token list", arguments->id);
    if (status == FSN_OK)
        fprintf(stderr, "token %s is revoked\n", arguments->id);
    srv_db_close(db);
    return status;
}

static const struct {
    const char *name;
    enum fsn_status (*run)(const struct arguments *arguments, struct fsn_error *err);
    bool makes, names; /* takes what makes a token; the id of one */
} commands[] = {
    {"create", create_token, true, false},
    {"list", list_tokens, false, false},
    {"revoke", revoke_token, false, true},
};

/* A whole command line, before anything is done. */
static enum fsn_status check(const struct arguments *arguments, bool makes, bool names,
                             struct fsn_error *err)
{
    if (!makes &&
        (arguments->name || arguments->role || arguments->expires || arguments->max_stored_bytes ||
         arguments->max_queued_jobs || arguments->max_running_jobs || arguments->rate_per_minute))
        return SRV_FAIL(err, FSN_INVALID, "--name, --role, --expires and quotas are for create");
    if (names && !arguments->id)
        return SRV_FAIL(err, FSN_INVALID, "expected the id of a token; see fsnetd token list");
    if (!names && arguments->id)
        return SRV_FAIL(err, FSN_INVALID, "unknown argument '%s'", arguments->id);
    return FSN_OK;
}

int srv_command_token(int argc, char **argv)
{
    const char *name = argc > 0 ? argv[0] : "";
    struct arguments arguments = {0};
    struct fsn_error err = {0};
    enum fsn_status status;
    size_t i = 0;

    if (strcmp(name, "--help") == 0 || (argc > 1 && strcmp(argv[1], "--help") == 0))
        return usage(stdout, 0);
    while (i < sizeof commands / sizeof *commands && strcmp(name, commands[i].name) != 0)
        i++;
    if (i == sizeof commands / sizeof *commands)
        return usage(stderr, 2);
    status = read_arguments(argc - 1, argv + 1, &arguments, &err);
    if (status == FSN_OK)
        status = check(&arguments, commands[i].makes, commands[i].names, &err);
    if (status == FSN_OK)
        status = commands[i].run(&arguments, &err);
    if (status == FSN_OK)
        return 0;
    fprintf(stderr, "fsnetd token %s: %s\n", name, err.text);
    return status == FSN_INVALID ? 2 : 1;
}
