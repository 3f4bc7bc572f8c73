/* run_key.c - the key by which a checkpoint knows its run.
 *
 * Two runs have the same key when every step of theirs is the same: settings of training (and what
 * the CPU makes of its precision), seed, preprocessing, thread count (partial sums are combined
 * thread by thread), the training images with their objects, and both networks with their weights
 * before the first step. Fields are digested one by one, never a struct: its padding holds
 * anything.
 */
#include "train/run_key.h"
#include "kernels/kernels.h"
#include "train/digest.h"
#include "train/task.h"

#include <string.h>

struct key {
    uint64_t digest;
};

static void add_int(struct key *key, int64_t value)
{
    key->digest = fsn__digest(key->digest, &value, sizeof value);
}

static void add_real(struct key *key, double value)
{
    key->digest = fsn__digest(key->digest, &value, sizeof value);
}

static void add_text(struct key *key, const char *text)
{
    key->digest = fsn__digest(key->digest, text, strlen(text) + 1);
}

static void add_spec(struct key *key, const struct fsn_spec *spec)
{
    const struct fsn_preprocess *preprocess = &spec->preprocess;

    add_int(key, (int64_t)spec->seed);
    add_text(key, spec->output ? spec->output : "");
    add_int(key, preprocess->channels);
    add_int(key, preprocess->scale);
    for (int c = 0; c < preprocess->channels && c < FSN_MAX_CHANNELS; c++) {
        add_real(key, preprocess->mean[c]);
        add_real(key, preprocess->std[c]);
    }
    add_int(key, preprocess->resize);
    add_int(key, preprocess->crop);
    add_int(key, spec->finetune.epochs);
    add_int(key, spec->finetune.batch_size);
    add_real(key, spec->finetune.sharing);
    add_real(key, spec->finetune.location_lr);
    add_real(key, spec->finetune.rounding);
    add_real(key, spec->finetune.lr);
    add_real(key, spec->finetune.momentum);
    add_real(key, spec->finetune.weight_decay);
    add_real(key, spec->finetune.weight_decay_bn);
    add_real(key, spec->finetune.clip_norm);
    add_real(key, spec->finetune.ema);
    add_real(key, spec->finetune.label_smoothing);
    add_real(key, spec->finetune.mixup);
    add_int(key, spec->finetune.precision);
    add_int(key, spec->finetune.precision == FSN_PRECISION_MIXED && fsn__amx_usable());
    add_int(key, spec->finetune.schedule);
    add_int(key, spec->finetune.warmup_steps);
    add_int(key, spec->finetune.milestone_count);
    for (int i = 0; i < spec->finetune.milestone_count; i++)
        add_real(key, spec->finetune.milestones[i]);
    add_real(key, spec->finetune.gamma);
    add_real(key, spec->finetune.distill.alpha);
    add_real(key, spec->finetune.distill.temperature);
    add_real(key, spec->finetune.distill.feature);
    add_int(key, spec->finetune.crop_padding);
    add_int(key, spec->finetune.flip);
    add_int(key, spec->finetune.cutout);
    add_int(key, spec->finetune.cutout_size);
    add_real(key, spec->finetune.holdout);
    add_int(key, spec->finetune.patience);
    add_int(key, spec->finetune.recalibrate_bn);
}

/* Of how a detector's outputs are read in training; "auto" follows from the network. */
static void add_detection(struct key *key, const struct fsn_spec *spec)
{
    const struct fsn_default_boxes *boxes = &spec->detection.default_boxes;

    add_text(key, spec->detection.locations ? spec->detection.locations : "");
    add_text(key, spec->detection.confidences ? spec->detection.confidences : "");
    add_int(key, boxes->kind);
    if (boxes->kind != FSN_BOXES_RULE && boxes->kind != FSN_BOXES_TENSOR)
        return;
    for (int i = 0; i < 4; i++)
        add_real(key, boxes->variance[i]);
    if (boxes->kind == FSN_BOXES_TENSOR) {
        add_text(key, boxes->tensor[0]);
        add_text(key, boxes->tensor[1] ? boxes->tensor[1] : "");
        add_int(key, boxes->form);
        add_int(key, boxes->pixels);
        for (int i = 0; i < 2 && boxes->values[i]; i++)
            key->digest =
                fsn__digest(key->digest, boxes->values[i],
                            (size_t)boxes->rows[i] * (size_t)boxes->columns[i] * sizeof(float));
        return;
    }
    add_int(key, boxes->clip);
    add_int(key, boxes->map_count);
    for (int i = 0; i < boxes->map_count; i++) {
        const struct fsn_box_map *map = &boxes->maps[i];

        add_int(key, map->width);
        add_int(key, map->height);
        add_real(key, map->step);
        add_real(key, map->min_size);
        add_real(key, map->max_size);
        add_int(key, map->ratio_count);
        for (int r = 0; r < map->ratio_count; r++)
            add_real(key, map->ratios[r]);
    }
}

/* Of what is followed, where outputs are distilled. */
static void add_outputs(struct key *key, const struct fsn_distill_outputs *outputs)
{
    add_int(key, outputs->count);
    for (int i = 0; i < outputs->count; i++) {
        add_text(key, outputs->item[i].name);
        add_int(key, outputs->item[i].loss);
        add_real(key, outputs->item[i].weight);
    }
}

/* Where nothing is done before steps, the quantiser has no part in training. */
static void add_quantizer(struct key *key, const struct fsn_spec *spec)
{
    add_int(key, spec->quantize.bits);
    add_int(key, spec->quantize.granularity);
    add_int(key, spec->quantize.range);
    add_int(key, spec->quantize.aware);
    add_real(key, spec->quantize.aware_share);
    add_int(key, spec->quantize.step);
}

static void add_objects(struct key *key, const struct fsn__images *images)
{
    for (int64_t i = 0; i <= images->count; i++)
        add_int(key, images->first_object[i]);
    for (int64_t i = 0; i < images->first_object[images->count]; i++) {
        const struct fsn__object *object = &images->objects[i];

        add_real(key, object->box.x0);
        add_real(key, object->box.y0);
        add_real(key, object->box.x1);
        add_real(key, object->box.y1);
        add_int(key, object->label);
        add_int(key, object->difficult);
    }
}

static void add_data(struct key *key, const struct fsn_dataset *data)
{
    const struct fsn__images *images = &data->split[FSN_SPLIT_TRAIN];
    size_t image_bytes = (size_t)data->channels * (size_t)data->height * (size_t)data->width;

    add_int(key, data->channels);
    add_int(key, data->height);
    add_int(key, data->width);
    add_int(key, images->count);
    key->digest =
        fsn__digest(key->digest, images->labels, (size_t)images->count * sizeof *images->labels);
    if (images->pixels)
        key->digest = fsn__digest(key->digest, images->pixels, (size_t)images->count * image_bytes);
    for (int64_t i = 0; images->file && i < images->count; i++) {
        const struct fsn__stored_image *image = &data->store->images[images->file[i]];

        add_int(key, (int64_t)image->size);
        add_int(key, image->crc);
    }
    if (data->detection)
        add_objects(key, images);
    for (int64_t i = 0; images->mask && i < images->count; i++)
        add_int(key, data->store->images[images->mask[i]].crc);
}

static void add_graph(struct key *key, const struct fsn__graph *graph)
{
    add_int(key, graph ? graph->value_count : -1);
    if (!graph)
        return;
    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];
        const struct fsn__tensor *tensor = &value->tensor;

        add_text(key, value->name);
        add_int(key, value->kind);
        add_int(key, value->decay);
        add_int(key, tensor->dtype);
        add_int(key, tensor->ndim);
        for (int d = 0; d < tensor->ndim; d++)
            add_int(key, tensor->dim[d]);
        if (tensor->data)
            key->digest = fsn__digest(key->digest, tensor->data, fsn__tensor_bytes(tensor));
    }
    for (int i = 0; i < graph->node_count; i++)
        add_text(key, graph->nodes[i].op->name);
}

uint64_t fsn__run_key(const struct fsn__train_job *job)
{
    struct key key = {FSN__DIGEST_START};

    add_int(&key, fsn__pool_slices(job->pool));
    add_spec(&key, job->spec);
    if (job->before_step)
        add_quantizer(&key, job->spec);
    if (job->data->detection)
        add_detection(&key, job->spec);
    if (fsn__task_of(job->data, job->spec) == FSN__TASK_DISTILL) {
        add_int(&key, FSN__TASK_DISTILL);
        add_outputs(&key, &job->spec->distill_outputs);
    }
    add_data(&key, job->data);
    add_graph(&key, job->student);
    add_graph(&key, job->teacher);
    return key.digest;
}
