/*
 * onnx_conformance.c - runs ONNX's own operator test cases against the engine.
 *
 *     onnx-conformance [--exclusions FILE] [--list-failures] DIR...
 *
 * Each DIR holds one folder a case, as the onnx package's backend/test/data/node does: model.onnx
 * and test_data_set_N/{input,output}_K.pb. Every case runs, the excluded ones too: what passes
 * although the list excludes it is a failure of the list. Tolerances: rtol 1e-3 as ONNX's own
 * runner, atol 1e-5.
 *
 * The exclusion list has one line a case, `SUITE/CASE<TAB>reason`, a glob that is matched against
 * the last two parts of the case's path; # begins a comment line. An entry that no case matches is
 * only reported: it may be for a suite that was not given.
 *
 * Failures go to standard error with their reason; --list-failures prints their bare names, to
 * start an exclusion list from. The last line is `N passed, N failed, N skipped`. Exit status: 0
 * when nothing failed and something passed, 1 otherwise, 2 for wrong usage.
 */
#include "fsnet.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const double relative = 1e-3, absolute = 1e-5; /* tolerances */

struct exclusion {
    char *pattern, *reason; /* within list.text */
    bool used;
};

struct list {
    char *text;
    struct exclusion *item;
    size_t count;
};

struct totals {
    int passed, failed, skipped;
    bool list_failures;
};

static bool out_of_memory(void)
{
    fprintf(stderr, "onnx-conformance: out of memory\n");
    return false;
}

/* ---- the exclusion list --------------------------------------------------------------------- */

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t size = 0, got;

    if (!file) {
        fprintf(stderr, "onnx-conformance: %s: %s\n", path, strerror(errno));
        return NULL;
    }
    do {
        char *more = realloc(text, size + 4097);

        if (!more) {
            (void)out_of_memory();
            free(text);
            fclose(file);
            return NULL;
        }
        text = more;
        got = fread(text + size, 1, 4096, file);
        size += got;
        text[size] = 0;
    } while (got > 0);
    fclose(file);
    return text;
}

static bool add_exclusion(struct list *list, char *line, const char *path)
{
    char *tab = strchr(line, '\t');
    struct exclusion *more;

    if (!tab || tab == line || tab[1] == 0) {
        fprintf(stderr, "onnx-conformance: %s: expected `SUITE/CASE<TAB>reason`, got `%s`\n", path,
                line);
        return false;
    }
    more = realloc(list->item, (list->count + 1) * sizeof *more);
    if (!more)
        return out_of_memory();
    list->item = more;
    *tab = 0;
    list->item[list->count++] = (struct exclusion){line, tab + 1, false};
    return true;
}

static bool read_list(const char *path, struct list *list)
{
    char *rest = NULL;

    list->text = read_text(path);
    if (!list->text)
        return false;
    for (char *line = strtok_r(list->text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (line[0] != '#' && !add_exclusion(list, line, path))
            return false;
    return true;
}

static struct exclusion *find_exclusion(struct list *list, const char *folder)
{
    const char *suite = strrchr(folder, '/');

    while (suite > folder && suite[-1] != '/')
        suite--;
    for (size_t i = 0; i < list->count; i++)
        if (fnmatch(list->item[i].pattern, suite, 0) == 0)
            return &list->item[i];
    return NULL;
}

/* ---- one case, one suite -------------------------------------------------------------------- */

/* Returns whether the case passes; the reason why not into why. */
static bool run_case(const char *folder, char *why, size_t size)
{
    char model[4096];
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_check check;

    if (snprintf(model, sizeof model, "%s/model.onnx", folder) >= (int)sizeof model) {
        snprintf(why, size, "path too long");
        return false;
    }
    if (fsn_model_check(model, folder, relative, absolute, &check, &err) != FSN_OK) {
        snprintf(why, size, "%s: %s", fsn_status_name(err.status), err.text);
        return false;
    }
    if (check.cases == 0)
        snprintf(why, size, "has no test data");
    else if (!check.passed)
        snprintf(why, size, "%s", check.worst);
    return check.cases > 0 && check.passed;
}

static void count_case(const char *folder, const char *name, struct list *list,
                       struct totals *totals)
{
    struct exclusion *exclusion = find_exclusion(list, folder);
    char why[sizeof((struct fsn_error *)0)->text + 64];
    bool passed = run_case(folder, why, sizeof why);

    if (exclusion)
        exclusion->used = true;
    if (passed && !exclusion) {
        totals->passed++;
        return;
    }
    if (!passed && exclusion) {
        totals->skipped++;
        return;
    }
    if (exclusion)
        snprintf(why, sizeof why, "passes, but is excluded (%s)", exclusion->reason);
    fprintf(stderr, "FAIL %s: %s\n", name, why);
    totals->failed++;
    if (totals->list_failures)
        printf("%s\n", name);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool run_suite(const char *dir, struct list *list, struct totals *totals)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_visible, alphasort), length = (int)strlen(dir);

    if (count < 0) {
        fprintf(stderr, "onnx-conformance: %s: %s\n", dir, strerror(errno));
        return false;
    }
    while (length > 1 && dir[length - 1] == '/')
        length--;
    for (int i = 0; i < count; i++) {
        char folder[4096];
        struct stat info;

        if (snprintf(folder, sizeof folder, "%.*s/%s", length, dir, entries[i]->d_name) <
                (int)sizeof folder &&
            stat(folder, &info) == 0 && S_ISDIR(info.st_mode))
            count_case(folder, entries[i]->d_name, list, totals);
        free(entries[i]);
    }
    free(entries);
    return true;
}

int main(int argc, char **argv)
{
    const char *exclusions = "tests/conformance/exclusions.txt";
    struct list list = {0};
    struct totals totals = {0};
    int dirs = 0, status = 1;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--list-failures") == 0)
            totals.list_failures = true;
        else if (strcmp(argv[i], "--exclusions") == 0 && i + 1 < argc)
            exclusions = argv[++i];
        else if (argv[i][0] == '-') {
            dirs = 0;
            break;
        } else
            argv[1 + dirs++] = argv[i];
    }
    if (dirs == 0) {
        fprintf(stderr, "usage: onnx-conformance [--exclusions FILE] [--list-failures] DIR...\n");
        return 2;
    }
    if (!read_list(exclusions, &list))
        goto out;
    for (int i = 1; i <= dirs; i++)
        if (!run_suite(argv[i], &list, &totals))
            goto out;
    for (size_t i = 0; i < list.count; i++)
        if (!list.item[i].used)
            fprintf(stderr, "note: no case here matches the exclusion %s\n", list.item[i].pattern);
    printf("%d passed, %d failed, %d skipped\n", totals.passed, totals.failed, totals.skipped);
    status = totals.failed == 0 && totals.passed > 0 ? 0 : 1;
out:
    free(list.item);
    free(list.text);
    return status;
}
