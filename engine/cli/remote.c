/* remote.c - fsnet remote: the service's commands, as a client of its HTTP API. */
#include "remote.h"

static const struct cli_command *const parts[] = {
    &cli_remote_login,
    &cli_remote_logout,
    &cli_remote_upload_model,
    &cli_remote_upload_data,
    &cli_remote_submit,
    &cli_remote_watch,
    &cli_remote_models,
    &cli_remote_datasets,
    &cli_remote_jobs,
    &cli_remote_job,
    &cli_remote_report,
    &cli_remote_download,
    &cli_remote_predict,
    &cli_remote_change,
    &cli_remote_retry,
    &cli_remote_again,
    &cli_remote_cancel,
    &cli_remote_delete,
    NULL,
};

static void more_help(void)
{
    printf("\nThe server is that of --server, of FSNET_SERVER, or the one logged in to; the token "
           "that of\n"
           "FSNET_TOKEN or of the login, which goes to its own server alone.\n\n"
           "exit codes: 0 done, 1 failed, 2 wrong usage; of a job that was watched: %d it failed, "
           "%d it was\n"
           "cancelled, %d interrupted by Ctrl-C, which leaves it running.\n",
           CLI_JOB_FAILED, CLI_JOB_CANCELLED, CLI_INTERRUPTED);
}

const struct cli_command cli_remote = {
    .name = "remote",
    .summary = "Use a service (fsnetd): upload, order, watch and download",
    .parts = parts,
    .more_help = more_help,
};
