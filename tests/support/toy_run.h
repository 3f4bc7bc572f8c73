/* toy_run.h - training runs on the toy task (toy_task.h), watched and compared. */
#ifndef TESTS_SUPPORT_TOY_RUN_H
#define TESTS_SUPPORT_TOY_RUN_H

#include "core/cores.h"
#include "temp_dir.h"
#include "toy_task.h"
#include "train/train.h"

enum { TOY_IMAGES = 100, TOY_BATCH = 16, TOY_STEPS = TOY_IMAGES / TOY_BATCH, TOY_EPOCHS = 6 };

/* What a progress callback saw, and where it is to stop. */
struct toy_watch {
    int stop_epoch, stop_step; /* 0: never */
    int calls, rows;
    double fraction;
    bool fell_back;
    struct fsn_progress first, last;
};

struct toy_run {
    struct temp_dir folder;
    char checkpoint[300];
    struct fsn_dataset *data;
    struct fsn_spec spec;
    struct fsn__cores *cores; /* to train on; those of the process at first */
    struct toy_watch watch;
    const char *logits; /* where the teacher's are kept; NULL at first: nowhere */
};

/* A finished run: the student's state and the curve. */
struct toy_result {
    enum fsn_status status;
    struct fsn_error err;
    struct fsn__graph *student;
    struct fsn__curve curve;
};

/* A cmocka fixture: *state is a struct toy_run. */
int toy_setup(void **state);
int toy_teardown(void **state);

/* Trains on job fractions 0.25..0.75. The result owns student; toy_clear frees it. */
struct toy_result toy_train_graph(struct toy_run *f, struct fsn__graph *student,
                                  struct fsn__graph *teacher, int threads, const char *checkpoint);
/* toy_network(1) without a teacher. */
struct toy_result toy_train(struct toy_run *f, int threads, const char *checkpoint);
void toy_clear(struct toy_result *result);

bool toy_progress(const struct fsn_progress *now, void *user); /* user: struct toy_watch */
double toy_top1(struct toy_run *f, struct fsn__graph *graph);  /* on the test split */
/* Every constant, weight and statistic byte for byte. */
bool toy_same_state(const struct fsn__graph *a, const struct fsn__graph *b);
/* All but the times. */
void toy_assert_same_curve(const struct fsn__curve *a, const struct fsn__curve *b);
void toy_assert_says(const struct toy_result *result, enum fsn_status status, const char *text);

#endif
