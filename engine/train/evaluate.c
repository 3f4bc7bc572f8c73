/* evaluate.c - how often the label is the network's first choice, or among its first five.
 *
 * The rank of a label is the number of classes before it when logits fall and, among equals, class
 * numbers rise: so the first choice is what argmax gives (the lowest index wins), and a logit that
 * is not a number ranks first, as in numpy. loss is the mean cross-entropy, summed in double in the
 * order of the images.
 *
 * The last batch may be short: the network still runs on a whole one, whose tail holds old images
 * and is not looked at.
 */
#include "train/classifier.h"
#include "train/meter.h"
#include "train/train.h"
#include "train/view.h"

#include <math.h>
#include <stdlib.h>

/* Small images in batches of MAX_BATCH, large ones in batches of about MAX_FLOATS input values. */
enum { MAX_BATCH = 128, MAX_FLOATS = 1 << 22 };

static int64_t rank_of(const float *logits, int64_t classes, int32_t label)
{
    int64_t rank = 0;

    for (int64_t c = 0; c < classes; c++)
        if (c != label &&
            (!(logits[c] <= logits[label]) || (logits[c] == logits[label] && c < label)))
            rank++;
    return rank;
}

/* Logits that are not all numbers choose no class: -1. */
static int32_t first_choice(const float *logits, int64_t classes)
{
    int32_t best = 0;

    for (int64_t c = 0; c < classes; c++) {
        if (isnan(logits[c]))
            return -1;
        if (logits[c] > logits[best])
            best = (int32_t)c;
    }
    return best;
}

struct tally {
    int64_t first, first_five;
    double loss;
};

/* choice: of these images, or NULL. */
static void count_batch(struct tally *tally, const float *logits, const int32_t *labels, int64_t n,
                        int64_t classes, int32_t *choice)
{
    for (int64_t i = 0; i < n; i++) {
        const float *row = logits + i * classes;
        int64_t rank = rank_of(row, classes, labels[i]);

        tally->first += rank < 1;
        tally->first_five += rank < 5;
        if (choice)
            choice[i] = first_choice(row, classes);
        tally->loss += fsn__distill_loss(row, NULL, &labels[i], 1, classes, 0, 1, NULL, NULL);
    }
}

enum fsn_status fsn__evaluate_images(struct fsn__graph *graph, const struct fsn_dataset *data,
                                     enum fsn_split split, const int64_t *list, int64_t images,
                                     const struct fsn_spec *spec, struct fsn__pool *pool,
                                     const struct fsn__meter *how, int32_t *choice,
                                     struct fsn_eval *out, struct fsn_error *err)
{
    struct fsn__transform transform = fsn__view_plain(data, spec);
    struct fsn__exec_options options = {
        .batch = fsn__view_graph_batch(graph, images < MAX_BATCH ? images : MAX_BATCH, MAX_FLOATS),
        .pool = pool};
    struct fsn__meter meter = *how;
    struct fsn__classifier network = {0};
    struct tally tally = {0, 0, 0};
    int64_t *index = NULL, batches;
    int32_t *labels = NULL;
    enum fsn_status status;

    status = fsn__view_check_images(split, images, err);
    if (status != FSN_OK)
        return status;
    status = fsn__check_classes(data, "evaluation", err);
    if (status == FSN_OK)
        status = fsn__classifier_create(graph, "evaluation", data, spec->output, &options, &network,
                                        err);
    if (status == FSN_OK)
        status = fsn__view_aim(network.graph, &transform, err);
    if (status != FSN_OK)
        goto out;
    index = calloc((size_t)network.batch, sizeof *index);
    labels = calloc((size_t)network.batch, sizeof *labels);
    if (!index || !labels) {
        status = FSN__NOMEM(err);
        goto out;
    }
    batches = (images + network.batch - 1) / network.batch;
    fsn__meter_start(&meter, 0);
    for (int64_t b = 0; b < batches; b++) {
        int64_t begin = b * network.batch;
        int64_t n = images - begin < network.batch ? images - begin : network.batch;

        for (int64_t i = 0; i < n; i++)
            index[i] = list ? list[begin + i] : begin + i;
        status = fsn__load_batch(data, split, index, n, &transform, false, 0, pool, network.images,
                                 labels, err);
        if (status == FSN_OK)
            status = fsn__classifier_forward(&network, 0, err);
        if (status != FSN_OK)
            goto out;
        count_batch(&tally, network.logits, labels, n, network.classes,
                    choice ? choice + begin : NULL);
        status = fsn__meter_batch(&meter, b, network.batch, images, err);
        if (status != FSN_OK)
            goto out;
    }
    *out = (struct fsn_eval){
        .top1 = 100.0 * (double)tally.first / (double)images,
        .top5 = 100.0 * (double)tally.first_five / (double)images,
        .loss = tally.loss / (double)images,
        .images = images,
        .seconds = fsn__seconds() - meter.start_seconds,
    };
out:
    free(index);
    free(labels);
    fsn__classifier_clear(&network);
    return status;
}

enum fsn_status fsn__evaluate(struct fsn__graph *graph, const struct fsn_dataset *data,
                              enum fsn_split split, const struct fsn_spec *spec,
                              struct fsn__pool *pool, enum fsn_stage stage, double fraction_from,
                              double fraction_to, fsn_progress_fn *progress, void *user,
                              struct fsn_eval *out, struct fsn_error *err)
{
    const struct fsn__meter meter = {progress, user, stage, fraction_from, fraction_to, 0, 0};

    return fsn__evaluate_images(graph, data, split, NULL, data->split[split].count, spec, pool,
                                &meter, NULL, out, err);
}
