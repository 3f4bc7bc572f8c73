/* remote_transfer.c - how far an upload or a download is. */
#include "remote.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const double redraw_seconds = 0.1, line_seconds = 10;

static double rate(const struct remote_transfer *transfer, int64_t done)
{
    double seconds = cli_now_seconds() - transfer->began;

    return seconds > 0 ? (double)(done - transfer->from) / seconds : 0;
}

void remote_transfer_begin(struct remote_transfer *transfer, const char *name, int64_t total,
                           int64_t from)
{
    memset(transfer, 0, sizeof *transfer);
    transfer->name = name;
    transfer->total = total;
    transfer->from = from;
    transfer->began = transfer->shown = cli_now_seconds();
    transfer->terminal = isatty(STDERR_FILENO);
}

static void draw(struct remote_transfer *transfer, int64_t done)
{
    const double share = transfer->total > 0 ? (double)done / (double)transfer->total : 1;
    const double speed = rate(transfer, done);

    fprintf(stderr, transfer->terminal ? "\r\033[K%s " : "%s: ", transfer->name);
    if (transfer->terminal)
        cli_draw_bar(share);
    else
        fprintf(stderr, "%.0f %%", 100 * share);
    fprintf(stderr, "  %s/s", CLI_BYTES((int64_t)speed));
    if (!transfer->terminal)
        fputc('\n', stderr);
    fflush(stderr);
    transfer->drawn = transfer->terminal;
}

void remote_transfer_step(struct remote_transfer *transfer, int64_t done)
{
    const double now = cli_now_seconds();

    if (now - transfer->shown < (transfer->terminal ? redraw_seconds : line_seconds))
        return;
    transfer->shown = now;
    draw(transfer, done);
}

void remote_transfer_end(struct remote_transfer *transfer, const char *what, int64_t done)
{
    if (transfer->drawn)
        fputs("\r\033[K", stderr);
    if (done < transfer->total)
        return;
    fprintf(stderr, "%s: %s %s", transfer->name, CLI_BYTES(done - transfer->from), what);
    if (transfer->from > 0)
        fprintf(stderr, ", %s were there", CLI_BYTES(transfer->from));
    fputc('\n', stderr);
}
