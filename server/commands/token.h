/* token.h - fsnetd token: makes, lists and revokes the tokens of a data folder. */
#ifndef SRV_COMMANDS_TOKEN_H
#define SRV_COMMANDS_TOKEN_H

/* argv[0..argc): what follows the word token. Prints; gives the exit code: 0 done, 1 failed, 2
 * wrong usage. The service may run on the folder meanwhile, and notices at once. */
int srv_token_command(int argc, char *const *argv);

#endif
