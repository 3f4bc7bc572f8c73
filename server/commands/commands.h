/* commands.h - the subcommands of fsnetd beside serve, a file each. Each gets what stands behind
 * its name: options of its own and any setting of the service. Each returns the exit code: 0 done,
 * 1 failed, 2 wrong usage; what went wrong is on standard error. */
#ifndef SRV_COMMANDS_H
#define SRV_COMMANDS_H

/* create, list or revoke behind it; takes no settings but --data-dir. The service may run on the
 * folder meanwhile, and notices at once. */
int srv_command_token(int argc, char **argv);
int srv_command_config(int argc, char **argv);
int srv_command_check(int argc, char **argv);
int srv_command_backup(int argc, char **argv);
int srv_command_restore(int argc, char **argv);

#endif
