/* remote_show.c - a job as a service tells it, in the line of progress that `fsnet compress` has.
 */
#include "remote.h"

#include <math.h>
#include <string.h>

/* The number of this key, within bounds that casts and columns can take; otherwise where there is
 * none. */
static double number(const json_t *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? fmin(fmax(json_number_value(value), -1e12), 1e12) : otherwise;
}

static int whole(const json_t *object, const char *key)
{
    return (int)fmin(fmax(number(object, key, 0), 0), 1e9);
}

static struct fsn_epoch read_epoch(const json_t *row)
{
    return (struct fsn_epoch){
        .epoch = whole(row, "epoch"),
        .lr = number(row, "lr", NAN),
        .train_loss = number(row, "train_loss", NAN),
        .train_top1 = number(row, "train_top1", NAN),
        .seconds = number(row, "seconds", NAN),
        .images_per_second = number(row, "images_per_second", NAN),
        .teacher_top1 = number(row, "teacher_top1", NAN),
        .held_top1 = number(row, "held_top1", NAN),
        .held_loss = number(row, "held_loss", NAN),
        .candidate = whole(row, "candidate"),
        .matched = number(row, "matched", NAN),
    };
}

/* Only what the line shows of it. */
static struct fsn_search read_search(const json_t *search,
                                     struct fsn_candidate done[FSN_MAX_CANDIDATES])
{
    const json_t *item, *items = json_object_get(search, "done");
    int count = 0;
    size_t i;

    json_array_foreach(items, i, item)
    {
        if (count < FSN_MAX_CANDIDATES)
            done[count++] = (struct fsn_candidate){
                .size_bytes = (int64_t)number(item, "size_bytes", 0),
                .top1 = number(item, "top1", NAN),
                .map50 = number(item, "map50", NAN),
                .miou = number(item, "miou", NAN),
                .agreement = number(item, "agreement", NAN),
                .drop = number(item, "drop", NAN),
                .drop_error = number(item, "drop_error", NAN),
                .holds = json_is_true(json_object_get(item, "holds")),
            };
    }
    return (struct fsn_search){
        .candidate = whole(search, "candidate"),
        .candidates = whole(search, "candidates"),
        .budget_bytes = (int64_t)number(search, "budget_bytes", 0),
        .max_accuracy_drop = number(search, "max_accuracy_drop", 0),
        .count = count,
        .done = done,
    };
}

/* The stage of this name; the one before where the job is in none, or in one that is newer than
 * this program. */
static enum fsn_stage read_stage(const json_t *job, int before)
{
    for (int i = 0; i < FSN_STAGE_COUNT; i++)
        if (strcmp(remote_text(job, "stage"), fsn_stage_name((enum fsn_stage)i)) == 0)
            return (enum fsn_stage)i;
    return before >= 0 ? (enum fsn_stage)before : FSN_STAGE_LOAD;
}

void remote_show_begin(struct remote_show *show)
{
    memset(show, 0, sizeof *show);
    cli_progress_begin(&show->progress);
}

/* Whether the job waits, which is told once. */
static bool waits(struct remote_show *show, const json_t *job)
{
    const char *status = remote_text(job, "status");

    if (strcmp(status, "queued") != 0) {
        show->waiting[0] = '\0';
        return false;
    }
    if (strcmp(show->waiting, status) != 0) {
        cli_progress_end(&show->progress);
        fprintf(stderr, "%s\n", status);
        snprintf(show->waiting, sizeof show->waiting, "%s", status);
    }
    return true;
}

void remote_show_step(struct remote_show *show, const json_t *job, const json_t *epoch_row)
{
    struct fsn_candidate done[FSN_MAX_CANDIDATES];
    const struct fsn_epoch row = read_epoch(epoch_row);
    const json_t *state = json_object_get(job, "search");
    const struct fsn_search search = read_search(state, done);
    const struct fsn_progress now = {
        .stage = read_stage(job, show->progress.stage),
        .fraction = fmin(fmax(number(job, "progress", 0), 0), 1),
        .epoch = whole(job, "epoch"),
        .epochs = whole(job, "epochs"),
        .loss = NAN,
        .images_per_second = number(job, "images_per_second", 0),
        .seconds_left = number(job, "seconds_left", -1),
        .epoch_row = epoch_row ? &row : NULL,
        .search = json_is_object(state) ? &search : NULL,
    };

    if (!waits(show, job) || epoch_row)
        cli_progress_step(&now, &show->progress);
}
