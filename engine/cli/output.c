/* output.c - messages, JSON and numbers as every command prints them. */
#include "cli.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void cli_error(const struct cli_command *command, const char *format, ...)
{
    va_list args;

    fprintf(stderr, "fsnet %s: ", command->name);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

/* "--ratio" for "/filter_summary/ratio", "--default-boxes at /maps/0/step" for what stands in an
 * object; the pointer itself where no option sets the place. */
static const char *place(const char *pointer, char text[160])
{
    for (int i = 0; i < CLI_OPTION_COUNT; i++) {
        const struct cli_option *option = &cli_options[i];
        size_t size;

        if (option->kind != CLI_SPEC)
            continue;
        size = strlen(option->more);
        if (strncmp(pointer, option->more, size) == 0 && (!pointer[size] || pointer[size] == '/')) {
            const char *inner = pointer + size;
            const bool item = inner[strspn(inner, "/0123456789")] == 0; /* of a list */

            snprintf(text, 160, "--%s%s%s", option->name, item ? "" : " at ", item ? "" : inner);
            return text;
        }
    }
    return pointer;
}

void cli_fault(const struct cli_command *command, const char *spec_path,
               const struct fsn_fault *fault)
{
    /* What the service calls by an id stands here as an operand or --data: the text says enough. */
    bool own = strcmp(fault->pointer, "/model_id") == 0 ||
               strcmp(fault->pointer, "/dataset_id") == 0 || !*fault->pointer;
    const char *at = spec_path ? fault->pointer : place(fault->pointer, (char[160]){0});

    cli_error(command, "%s%s%s%s%s", spec_path ? spec_path : "", spec_path ? ": " : "",
              own ? "" : at, own ? "" : ": ", fault->text);
}

int cli_fail(const struct cli_command *command, const struct fsn_error *err,
             const struct fsn_faults *faults)
{
    if (!faults || faults->count == 0)
        cli_error(command, "%s", err->text[0] ? err->text : fsn_status_text(err->status));
    else
        for (size_t i = 0; i < faults->count; i++)
            cli_fault(command, NULL, &faults->item[i]);
    return CLI_FAILURE;
}

/* The engine's error, with the path where the text does not have it. */
static void file_error(const struct cli_command *command, const char *path,
                       const struct fsn_error *err)
{
    bool named = strstr(err->text, path) != NULL;

    cli_error(command, "%s%s%s", named ? "" : path, named ? "" : ": ", err->text);
}

bool cli_load_model(const struct cli_args *args, const char *path, struct fsn_model **out)
{
    struct fsn_error err = {0};

    if (fsn_model_load(path, NULL, out, &err) == FSN_OK)
        return true;
    file_error(args->command, path, &err);
    return false;
}

bool cli_open_data(const struct cli_args *args, const char *path, struct fsn_dataset **out)
{
    struct fsn_error err = {0};

    if (fsn_dataset_open(path, args->text[CLI_OPT_FORMAT], NULL, out, &err) == FSN_OK)
        return true;
    file_error(args->command, path, &err);
    return false;
}

int cli_print_json(const struct cli_command *command, json_t *value)
{
    /* Fifteen digits: 91.73 is printed as 91.73. */
    int result = value ? json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;

    json_decref(value);
    if (result != 0) {
        cli_error(command, "cannot write JSON: out of memory, or no room on standard output");
        return CLI_FAILURE;
    }
    putchar('\n');
    return CLI_OK;
}

json_t *cli_json_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

const char *cli_grouped(int64_t value, char text[32])
{
    char digits[32];
    size_t size, out = 0;

    snprintf(digits, sizeof digits, "%" PRId64, value);
    size = strlen(digits);
    for (size_t i = 0; i < size && out < 30; i++) {
        text[out++] = digits[i];
        if (i + 1 < size && (size - 1 - i) % 3 == 0 && digits[i] != '-')
            text[out++] = ',';
    }
    text[out] = 0;
    return text;
}

const char *cli_percent(double value, char text[16])
{
    if (isnan(value))
        return "-";
    snprintf(text, 16, "%.2f %%", value);
    return text;
}

const char *cli_bytes(int64_t bytes, char text[32])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;

    while (value >= 1000 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1000;
        unit++;
    }
    snprintf(text, 32, unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
    return text;
}

size_t cli_wider(size_t width, const char *name)
{
    const size_t length = name ? strlen(name) : 0;

    if (length <= width)
        return width;
    return length < CLI_NAME_WIDTH_MAX ? length : CLI_NAME_WIDTH_MAX;
}

void cli_shape_text(const json_t *shape, char text[CLI_TEXT_OF_SHAPE])
{
    const size_t size = CLI_TEXT_OF_SHAPE;
    size_t at = 0;

    at += (size_t)snprintf(text, size, "[");
    for (size_t i = 0; i < json_array_size(shape) && at < size; i++) {
        const json_t *dim = json_array_get(shape, i);

        if (json_is_integer(dim))
            at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? "," : "",
                                   (long long)json_integer_value(dim));
        else
            at += (size_t)snprintf(text + at, size - at, "%s%s", i ? "," : "",
                                   json_is_string(dim) ? json_string_value(dim) : "?");
    }
    if (at < size)
        snprintf(text + at, size - at, "]");
}
