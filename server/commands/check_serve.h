/* check_serve.h - what serve needs beside its data folder. */
#ifndef SRV_COMMANDS_CHECK_SERVE_H
#define SRV_COMMANDS_CHECK_SERVE_H

#include "commands/findings.h"
#include "config.h"

/* Variables of the environment, the folder for temporary files, certificate and key, the address
 * with the rule for tokens, the folder of the port file. Nothing is served or written. */
void srv_check_serve(const struct srv_config *config, struct srv_findings *findings);

#endif
