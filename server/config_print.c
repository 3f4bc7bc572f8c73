/* config_print.c - settings as text, as JSON, as help and as a table. */
#include "config_table.h"

#include "base/number.h"

#include <inttypes.h>
#include <jansson.h>

static const char *text_of(const struct srv_config *config, const struct srv_setting *setting)
{
    return *(const char *const *)((const char *)config + setting->offset);
}

static int64_t number_of(const struct srv_config *config, const struct srv_setting *setting)
{
    return *(const int64_t *)((const char *)config + setting->offset);
}

/* As a settings file has it. */
static const char *value_of(const struct srv_config *config, const struct srv_setting *setting,
                            char number[32])
{
    if (setting->kind == TEXT)
        return text_of(config, setting);
    if (setting->kind == SWITCH)
        return number_of(config, setting) ? "on" : "off";
    if (setting->kind == DURATION)
        srv_duration_text(number_of(config, setting), number);
    else
        snprintf(number, 32, "%" PRId64, number_of(config, setting));
    return number;
}

static json_t *value_json(const struct srv_config *config, const struct srv_setting *setting)
{
    char duration[SRV_DURATION_SIZE];

    switch (setting->kind) {
    case TEXT:
        return json_string(text_of(config, setting));
    case SWITCH:
        return json_boolean(number_of(config, setting));
    case DURATION:
        srv_duration_text(number_of(config, setting), duration);
        return json_string(duration);
    case COUNT:
    case BYTES:
        break;
    }
    return json_integer(number_of(config, setting));
}

static const char *const source_names[] = {
    [SRV_FROM_DEFAULT] = "default",
    [SRV_FROM_FILE] = "file",
    [SRV_FROM_ENVIRONMENT] = "environment",
    [SRV_FROM_FLAG] = "flag",
};

void srv_config_print(const struct srv_config *config, FILE *out)
{
    const struct srv_setting *setting;

    if (*config->file)
        fprintf(out, "# settings file: %s\n", config->file);
    for (size_t i = 0; (setting = srv_setting_at(i)); i++) {
        char number[32], name[64];

        if (setting->offset == offsetof(struct srv_config, file))
            continue;
        fprintf(out, "%-18s = %-24s # %s", setting->name, value_of(config, setting, number),
                source_names[config->origin[i].source]);
        if (config->origin[i].source == SRV_FROM_FILE)
            fprintf(out, ", line %d", config->origin[i].line);
        if (config->origin[i].source == SRV_FROM_ENVIRONMENT)
            fprintf(out, ", %s", srv_setting_variable(setting, name));
        fputc('\n', out);
    }
}

enum fsn_status srv_config_print_json(const struct srv_config *config, FILE *out,
                                      struct fsn_error *err)
{
    const struct srv_setting *setting;
    json_t *all = json_object();
    bool whole = all != NULL;

    for (size_t i = 0; (setting = srv_setting_at(i)); i++) {
        json_t *value = value_json(config, setting);
        json_t *row =
            json_pack("{so* ss}", "value", value, "source", source_names[config->origin[i].source]);

        if (config->origin[i].source == SRV_FROM_FILE)
            json_object_set_new(row, "line", json_integer(config->origin[i].line));
        whole = json_object_set_new(all, setting->name, row) == 0 && value && whole;
    }
    whole = whole && json_dumpf(all, out, JSON_INDENT(2)) == 0 && fputc('\n', out) != EOF;
    json_decref(all);
    return whole ? FSN_OK
                 : SRV_FAIL(err, FSN_INTERNAL,
                            "settings as JSON: no memory, or a text that is not UTF-8");
}

void srv_config_help(FILE *out)
{
    const struct srv_setting *setting;

    for (size_t i = 0; (setting = srv_setting_at(i)); i++) {
        char flag[64];

        snprintf(flag, sizeof flag, "--%s %s", setting->name, setting->value);
        fprintf(out, "  %-30s %s", flag, setting->help);
        fprintf(out, *setting->initial ? " [%s]\n" : "%s\n", setting->initial);
    }
}

const char *srv_config_name(int i)
{
    const struct srv_setting *setting = i >= 0 ? srv_setting_at((size_t)i) : NULL;

    return setting ? setting->name : NULL;
}

void srv_config_markdown(FILE *out)
{
    const struct srv_setting *setting;

    fputs("| flag | environment | default | what it sets |\n|---|---|---|---|\n", out);
    for (size_t i = 0; (setting = srv_setting_at(i)); i++) {
        char name[64];

        fprintf(out, "| `--%s %s` | `%s` | %s | %s |\n", setting->name, setting->value,
                srv_setting_variable(setting, name), setting->initial, setting->help);
    }
}
