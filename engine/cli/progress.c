/* progress.c - how far a long command is: a bar on a terminal, plain lines elsewhere. */
#include "cli.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BAR = 24 };
static const double redraw_seconds = 0.1;

static volatile sig_atomic_t stop_asked;

static void on_signal(int number)
{
    (void)number;
    stop_asked = 1;
}

bool cli_stop_asked(void)
{
    return stop_asked;
}

double cli_now_seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void cli_progress_begin(struct cli_progress *progress)
{
    struct sigaction action;

    memset(progress, 0, sizeof *progress);
    progress->terminal = isatty(STDERR_FILENO);
    progress->stage = -1;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART | (int)SA_RESETHAND; /* the second one has its usual effect */
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void clear_bar(struct cli_progress *progress)
{
    if (progress->drawn)
        fputs("\r\033[K", stderr);
    progress->drawn = false;
}

static void print_candidate(const struct fsn_candidate *done, int number, double most)
{
    if (isnan(done->drop)) {
        fprintf(stderr, "candidate %d: training diverged\n", number);
        return;
    }
    fprintf(stderr, "candidate %d: %s bytes, drop %.2f", number, CLI_GROUPED(done->size_bytes),
            done->drop);
    if (!isnan(done->drop_error)) /* a detector's is not known */
        fprintf(stderr, " +- %.2f", done->drop_error);
    fprintf(stderr, " points%s\n", most == 0 ? "" : done->holds ? ", holds" : ", too small");
}

static void print_begin(const struct fsn_search *search)
{
    fprintf(stderr, "candidate %d of at most %d", search->candidate, search->candidates);
    if (search->budget_bytes > 0)
        fprintf(stderr, ": %s bytes", CLI_GROUPED(search->budget_bytes));
    fputc('\n', stderr);
}

/* What a search has found since the last call, and what it tries now. */
static void print_search(struct cli_progress *progress, const struct fsn_search *search)
{
    if (search->count == progress->candidates_done && search->candidate == progress->candidate)
        return;
    clear_bar(progress);
    for (; progress->candidates_done < search->count; progress->candidates_done++)
        print_candidate(&search->done[progress->candidates_done], progress->candidates_done + 1,
                        search->max_accuracy_drop);
    if (search->candidate != progress->candidate && search->candidate > search->count)
        print_begin(search);
    progress->candidate = search->candidate;
}

static void print_epoch(const struct fsn_epoch *row, int epochs)
{
    fprintf(stderr, "epoch %d/%d  lr %.4f  loss %.4f", row->epoch, epochs, row->lr,
            row->train_loss);
    if (isnan(row->train_top1)) { /* a detector is trained, or outputs are distilled */
        if (!isnan(row->matched))
            fprintf(stderr, "  matched %.1f boxes/img", row->matched);
        if (!isnan(row->held_loss))
            fprintf(stderr, "  held back: loss %.4f", row->held_loss);
    } else {
        fprintf(stderr, "  top1 %.2f %%", row->train_top1);
        if (!isnan(row->held_top1)) /* images are held back */
            fprintf(stderr, "  held back %.2f %%", row->held_top1);
    }
    fprintf(stderr, "  %.0f img/s  %.1f s\n", row->images_per_second, row->seconds);
}

void cli_draw_bar(double fraction)
{
    int filled = (int)(fraction * BAR);
    char bar[BAR + 1];

    for (int i = 0; i < BAR; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR] = 0;
    fprintf(stderr, "[%s] %3.0f %%", bar, 100 * fraction);
}

static void draw_line(struct cli_progress *progress, const struct fsn_progress *now)
{
    fprintf(stderr, "\r\033[K%-8s ", fsn_stage_name(now->stage));
    cli_draw_bar(now->fraction);
    if (now->search)
        fprintf(stderr, "  candidate %d/%d", now->search->candidate, now->search->candidates);
    if (now->epoch > 0)
        fprintf(stderr, "  epoch %d/%d", now->epoch, now->epochs);
    if (now->images_per_second > 0)
        fprintf(stderr, "  %.0f img/s", now->images_per_second);
    if (now->seconds_left >= 0) {
        long left = (long)now->seconds_left;

        fprintf(stderr, "  %ld:%02ld:%02ld left", left / 3600, left / 60 % 60, left % 60);
    }
    fflush(stderr);
    progress->drawn = true;
}

bool cli_progress_step(const struct fsn_progress *now, void *user)
{
    struct cli_progress *progress = user;

    if (now->search)
        print_search(progress, now->search);
    if (now->epoch_row) {
        clear_bar(progress);
        print_epoch(now->epoch_row, now->epochs);
    }
    if (!progress->terminal) {
        if (progress->stage != (int)now->stage)
            fprintf(stderr, "%s\n", fsn_stage_name(now->stage));
    } else if (progress->stage != (int)now->stage ||
               cli_now_seconds() - progress->drawn_at >= redraw_seconds) {
        draw_line(progress, now);
        progress->drawn_at = cli_now_seconds();
    }
    progress->stage = (int)now->stage;
    return !stop_asked;
}

void cli_progress_end(struct cli_progress *progress)
{
    clear_bar(progress);
}
