/* remote_lists.c - fsnet remote jobs, models and datasets: lists, the newest first. */
#include "remote.h"

#include <string.h>

/* Things that the service tells at once, and characters of a cursor. */
enum { MAX_PAGE = 1000, MAX_CURSOR = 100 };

/* ---- pages -------------------------------------------------------------------------------------
 */

static size_t items_in(const json_t *list)
{
    return json_array_size(json_object_get(list, "items"));
}

/* Whether the list goes on. */
static bool goes_on(const json_t *list)
{
    const size_t size = strlen(remote_text(list, "next_cursor"));

    return size > 0 && size <= MAX_CURSOR;
}

/* "KEY=VALUE" as the service has it, "KEY:VALUE"; a key has neither of these characters. */
static void add_label(struct remote_query *query, const char *label)
{
    char text[REMOTE_PATH_SIZE];
    const int size = snprintf(text, sizeof text, "%s", label ? label : "");
    char *equals = strchr(text, '=');

    query->full |= size >= (int)sizeof text;
    if (equals)
        *equals = ':';
    remote_query_add(query, "label", label ? text : NULL);
}

/* The page of the list at path that begins at the cursor (NULL: the first), of at most so many
 * items, as the options choose them. NULL after saying why not. */
static json_t *get_page(const struct remote *remote, const char *path, size_t most,
                        const char *cursor)
{
    const struct cli_args *args = remote->args;
    struct remote_query query;
    char limit[32];
    json_t *page = NULL;

    snprintf(limit, sizeof limit, "%zu", most < MAX_PAGE ? most : MAX_PAGE);
    remote_query_begin(&query, path);
    remote_query_add(&query, "limit", limit);
    remote_query_add(&query, "status", args->text[CLI_OPT_STATUS]);
    remote_query_add(&query, "name", args->text[CLI_OPT_OF_NAME]);
    add_label(&query, args->text[CLI_OPT_OF_LABEL]);
    remote_query_add(&query, "cursor", cursor);
    if (query.full)
        cli_error(args->command, "the options are too long");
    else
        page = remote_get(remote, query.path);
    if (page && !json_is_array(json_object_get(page, "items"))) {
        remote_say_strange(remote, 200);
        json_decref(page);
        page = NULL;
    }
    return page;
}

/* The newest things, at most limit, page after page: one answer of the service's form, with the
 * cursor of the last page. NULL after saying why not. */
static json_t *get_list(const struct remote *remote, const char *path, size_t limit)
{
    json_t *all = get_page(remote, path, limit, NULL);
    size_t before = 0;

    while (all && goes_on(all) && items_in(all) > before && items_in(all) < limit) {
        json_t *page =
            get_page(remote, path, limit - items_in(all), remote_text(all, "next_cursor"));

        before = items_in(all);
        if (page) {
            json_array_extend(json_object_get(all, "items"), json_object_get(page, "items"));
            json_object_set(all, "next_cursor", json_object_get(page, "next_cursor"));
        } else {
            json_decref(all);
            all = NULL;
        }
        json_decref(page);
    }
    return all;
}

/* ---- tables ------------------------------------------------------------------------------------
 */

static void print_job(const json_t *job)
{
    printf("%-28s %-9s %3.0f %%  %.19s  %s\n", remote_text(job, "id"), remote_text(job, "status"),
           100 * json_number_value(json_object_get(job, "progress")),
           remote_text(job, "created_at"), remote_text(job, "name"));
}

static void print_upload(const json_t *upload)
{
    printf("%-28s %9s  %.19s  %s\n", remote_text(upload, "id"),
           CLI_BYTES(json_integer_value(json_object_get(upload, "size_bytes"))),
           remote_text(upload, "created_at"), remote_text(upload, "name"));
}

static int show_list(const struct cli_args *args, const char *path, void (*print)(const json_t *))
{
    struct remote remote;
    const json_t *item;
    json_t *list;
    size_t i;

    if (!remote_begin(args, &remote))
        return CLI_FAILURE;
    list = get_list(&remote, path, (size_t)args->number[CLI_OPT_LIMIT]);
    remote_end(&remote);
    if (!list)
        return CLI_FAILURE;
    if (args->json)
        return cli_print_json(args->command, list);
    json_array_foreach(json_object_get(list, "items"), i, item)
    {
        print(item);
    }
    if (json_is_string(json_object_get(list, "next_cursor")))
        fprintf(stderr, "there are more; --limit shows them\n");
    json_decref(list);
    return CLI_OK;
}

static int run_jobs(const struct cli_args *args)
{
    return show_list(args, "/v1/jobs", print_job);
}

static int run_models(const struct cli_args *args)
{
    return show_list(args, "/v1/models", print_upload);
}

static int run_datasets(const struct cli_args *args)
{
    return show_list(args, "/v1/datasets", print_upload);
}

const struct cli_command cli_remote_jobs = {
    .name = "remote jobs",
    .summary = "List jobs, the newest first",
    .operands = "",
    .options = {CLI_OPT_STATUS, CLI_OPT_OF_NAME, CLI_OPT_OF_LABEL, CLI_OPT_LIMIT, REMOTE_OPTIONS,
                CLI_OPT_JSON},
    .run = run_jobs,
};

const struct cli_command cli_remote_models = {
    .name = "remote models",
    .summary = "List models: id, size, when they came, name; the newest first",
    .operands = "",
    .options = {CLI_OPT_OF_NAME, CLI_OPT_LIMIT, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_models,
};

const struct cli_command cli_remote_datasets = {
    .name = "remote datasets",
    .summary = "List data sets: id, size, when they came, name; the newest first",
    .operands = "",
    .options = {CLI_OPT_OF_NAME, CLI_OPT_LIMIT, REMOTE_OPTIONS, CLI_OPT_JSON},
    .run = run_datasets,
};
