/* config.c - fsnetd config [--json] [SETTING...]: the settings that serve would run with if it were
 * called the same way, and where each comes from. */
#include "commands/commands.h"
#include "commands/options.h"
#include "config.h"

int srv_command_config(int argc, char **argv)
{
    struct srv_config config = {0};
    struct fsn_error err = {0};
    bool json = false;
    const struct srv_option options[] = {{.name = "--json", .given = &json}, {.name = NULL}};
    enum fsn_status status = srv_options_take(options, &argc, argv, &err);

    if (status == FSN_OK)
        status = srv_config_load(argc, argv, &config, &err);
    if (status == FSN_OK && json)
        status = srv_config_print_json(&config, stdout, &err);
    else if (status == FSN_OK)
        srv_config_print(&config, stdout);
    srv_config_clear(&config);
    return status == FSN_OK ? 0 : srv_command_failed(&err);
}
