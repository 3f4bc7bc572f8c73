/* test_segmenter.c - networks that tell the class of every pixel: which output says it, how well,
 * and that training goes down their loss. */
#include "data/dataset.h"
#include "net_builder.h"
#include "train/objective.h"
#include "train/segmenter.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset_maker.h"
#include "image_maker.h"
#include "temp_dir.h"

static const struct fsn__meter silent = {.progress = NULL};

/* Grey images of 4 x 1, whose levels say a class to `ladder`, with masks. */
static struct fsn_dataset *four_pixels(const uint8_t mask[4])
{
    static const uint8_t levels[4] = {0, 100, 220, 220};
    struct made_bytes image = make_png(levels, 4, 1, MADE_GREY, 8, 0);
    struct made_bytes classes = make_png(mask, 4, 1, MADE_GREY, 8, 0);
    const struct made_entry entries[] = {
        {.name = "images/a.png", .bytes = image.data, .size = image.size},
        {.name = "images/b.png", .bytes = image.data, .size = image.size},
        {.name = "masks/a.png", .bytes = classes.data, .size = classes.size},
        {.name = "masks/b.png", .bytes = classes.data, .size = classes.size},
        {.name = "names.txt", .bytes = "a\nb\nc\nd\n", .size = 8},
    };
    struct made_bytes archive = make_archive(MADE_ZIP, entries, 5);
    struct fsn_dataset *dataset = NULL;

    assert_int_equal(
        fsn__dataset_open_memory(archive.data, archive.size, NULL, NULL, &dataset, NULL), FSN_OK);
    free(archive.data);
    free(image.data);
    free(classes.data);
    return dataset;
}

/* Scores 0, x - 1/4, 2 x - 3/4 and -100 of a pixel x: class 0 up to 1/4, 1 up to 1/2, then 2. */
static struct fsn__graph *ladder(bool softmax)
{
    static const float weight[4] = {0, 1, 2, 0}, bias[4] = {0, -0.25f, -0.75f, -100};
    struct fsn__attr axis = {.name = "axis", .type = FSN__ATTR_INT, .i = 1};
    const struct fsn__attrs attrs = {.count = 1, .item = &axis};
    struct net net = net_create(1);
    int x = net_conv_bias(&net, "scores", net_input(&net, 1, 1, 4), 1, 4, 1, 1);

    for (int i = 0; i < net.graph->value_count; i++) {
        const struct fsn__value *value = &net.graph->values[i];

        if (strstr(value->name, "scores") && value->tensor.data)
            memcpy(value->tensor.data, value->tensor.ndim == 4 ? weight : bias, sizeof weight);
    }
    return net_finish(&net, softmax ? net_apply(&net, "Softmax", &attrs, x, -1) : x);
}

static void iou_is_the_mean_over_classes_that_occur(void **state)
{
    /* said: 0 1 2 2. Of the pixels that count, class 0 is right, 1 is never there where it is said,
     * one of two 2 is; 3 neither occurs nor is said. IoU 1, 0, 1/2. */
    static const uint8_t mask[4] = {0, 2, 2, FSN_MASK_VOID};
    struct fsn_dataset *data = four_pixels(mask);
    struct fsn_segmentation_eval eval;
    struct fsn_spec spec;

    (void)state;
    fsn_spec_defaults(&spec);
    for (int softmax = 0; softmax < 2; softmax++) {
        struct fsn__graph *graph = ladder(softmax);

        assert_int_equal(
            fsn__evaluate_segmenter(graph, data, FSN_SPLIT_TEST, &spec, NULL, &silent, &eval, NULL),
            FSN_OK);
        assert_int_equal(eval.class_count, 4);
        assert_true(eval.classes[0].iou == 100 && eval.classes[1].iou == 0);
        assert_true(eval.classes[2].iou == 50);
        assert_true(isnan(eval.classes[3].iou));
        assert_true(eval.miou == 50);
        assert_true(fabs(eval.pixel_accuracy - 200 / 3.0) < 1e-9);
        assert_int_equal(eval.pixels, 3);
        assert_int_equal(eval.none, 1);
        assert_int_equal(eval.classes[1].predicted, 1);
        fsn_segmentation_eval_clear(&eval);
        fsn__graph_destroy(graph);
    }
    fsn_spec_clear(&spec);
    fsn_dataset_destroy(data);
}

static void refuse(const struct fsn__graph *graph, int classes, const char *output,
                   enum fsn_status want, const char *what)
{
    struct fsn_spec spec = {.output = (char *)(uintptr_t)output};
    struct fsn__class_map map;
    struct fsn_error err = {0};

    assert_int_equal(fsn__class_map_find(graph, "model", classes, &spec, &map, &err), want);
    if (!strstr(err.text, what))
        fail_msg("'%s' lacks '%s'", err.text, what);
}

static void the_class_map_is_the_output_of_as_many_scores_or_the_one_that_is_named(void **state)
{
    struct net net = net_create(1);
    const int x = net_input(&net, 1, 4, 4), a = net_conv(&net, "a", x, 1, 5, 1, 1);
    const int b = net_conv(&net, "b", x, 1, 3, 1, 2);
    struct fsn__class_map map;
    struct fsn_spec spec = {.output = NULL};
    struct fsn__graph *graph;

    (void)state;
    assert_int_equal(fsn__graph_add_output(net.graph, b, NULL), FSN_OK);
    graph = net_finish(&net, a);
    assert_int_equal(fsn__class_map_find(graph, "model", 5, &spec, &map, NULL), FSN_OK);
    assert_int_equal(map.output, a);
    assert_int_equal(fsn__class_map_find(graph, "model", 3, &spec, &map, NULL), FSN_OK);
    assert_int_equal(map.output, b);
    assert_int_equal(fsn__class_map_find(graph, "model", 4, &spec, &map, NULL), FSN_OK);
    assert_int_equal(map.classes, 5); /* the only one of more */
    refuse(graph, 2, NULL, FSN_MISMATCH, "several outputs");
    refuse(graph, 6, NULL, FSN_MISMATCH, "no output of 6 scores for each pixel");
    refuse(graph, 2, "c", FSN_INVALID, "the network has no 'c'");
    refuse(graph, 6, graph->values[a].name, FSN_MISMATCH, "expected float32 [N,6,h,w]");
    fsn__graph_destroy(graph);
}

static void says(const struct fsn_model *model, const struct fsn_dataset_info *info,
                 struct fsn_spec *spec, const char *pointer, const char *what)
{
    struct fsn_faults faults = {0};

    fsn_data_fits(model, info, spec, &faults);
    if (!pointer) {
        assert_int_equal(faults.count, 0);
        return;
    }
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.item[0].pointer, pointer);
    if (!strstr(faults.item[0].text, what))
        fail_msg("'%s' lacks '%s'", faults.item[0].text, what);
}

static void a_job_may_name_a_class_map_where_there_are_masks_alone(void **state)
{
    const struct fsn_arch_options options = {.classes = 3, .input_size = 16, .width = 2};
    struct fsn_dataset_info info = {
        .format = "masks", .channels = 3, .segmentation = true, .classes = 3, .images = {64, 8}};
    struct fsn_model *model;
    struct fsn_spec spec;

    (void)state;
    assert_int_equal(fsn_arch_build("unet", &options, &model, NULL), FSN_OK);
    fsn_spec_defaults(&spec);
    says(model, &info, &spec, NULL, NULL);
    spec.task = FSN_TASK_DISTILL;
    spec.output = (char *)(uintptr_t) "scores";
    says(model, &info, &spec, NULL, NULL);
    info.classes = 4;
    says(model, &info, &spec, "/output", "expected float32 [N,4,h,w]");
    info.segmentation = false;
    says(model, &info, &spec, "/output", "named by distill_outputs");
    spec.output = NULL;
    says(model, &info, &spec, NULL, NULL);
    info.segmentation = true;
    spec.task = FSN_TASK_CLASSIFY;
    says(model, &info, &spec, "/task", "the data set is one of masks");
    fsn_spec_clear(&spec);
    fsn_model_destroy(model);
}

/* ---- training -------------------------------------------------------------------------------- */

struct run {
    struct fsn_dataset *data;
    struct fsn_model *model;
    struct fsn_spec spec;
    struct fsn__train_job job;
};

static int set_up(void **state)
{
    const struct fsn_arch_options options = {.classes = 5, .input_size = 24, .width = 2, .seed = 3};
    struct run *r = calloc(1, sizeof *r);
    struct temp_dir dir;

    assert_non_null(r);
    temp_dir_create(&dir);
    assert_int_equal(fsn_dataset_draw_masks(temp_dir_path(&dir, "set.tar.gz"), 12, 4, 7, NULL),
                     FSN_OK);
    assert_int_equal(
        fsn_dataset_open(temp_dir_path(&dir, "set.tar.gz"), NULL, NULL, &r->data, NULL), FSN_OK);
    temp_dir_remove(&dir);
    assert_int_equal(fsn_arch_build("unet", &options, &r->model, NULL), FSN_OK);
    fsn_spec_defaults(&r->spec);
    r->spec.finetune.precision = FSN_PRECISION_FLOAT32; /* differences of losses are looked at */
    r->spec.finetune.batch_size = 6;
    r->spec.finetune.warmup_steps = 0;
    r->job = (struct fsn__train_job){.student = r->model->graph, .data = r->data, .spec = &r->spec};
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct run *r = *state;

    fsn_dataset_destroy(r->data);
    fsn_model_destroy(r->model);
    fsn_spec_clear(&r->spec);
    free(r);
    return 0;
}

static double loss_of(struct fsn__objective *o, const struct fsn__step *step)
{
    struct fsn__counts counts = {{0, 0}, 0};

    assert_int_equal(o->kind->forward(o, step, NULL), FSN_OK);
    return o->kind->loss(o, &counts);
}

/* Along the gradient g of a weight the loss rises by |g|: (loss(w + e g / |g|) - loss(w - e g /
 * |g|)) / 2 e, through the whole U-Net, with its pooling, enlarging and joining. */
static void the_gradient_of_every_weight_is_that_of_the_loss(void **state)
{
    struct run *r = *state;
    const int64_t images[6] = {0, 1, 2, 3, 4, 5};
    const struct fsn__step step = {images, 0, 0, 0};
    const double e = 5e-4, least = 4e-3; /* of smaller ones the kinks of ReLU are a large part */
    struct fsn__objective *o;
    int checked = 0;

    assert_int_equal(fsn__objective_create(&r->job, 6, 1, &o, NULL), FSN_OK);
    assert_ptr_equal(o->kind, &fsn__segment_pixels);
    assert_int_equal(o->kind->load(o, &step, false, NULL), FSN_OK);
    loss_of(o, &step);
    assert_int_equal(fsn__exec_backward(o->exec, NULL), FSN_OK);
    for (int v = 0; v < o->graph->value_count; v++) {
        const struct fsn__tensor *w = &o->graph->values[v].tensor;
        const struct fsn__tensor *g = fsn__exec_param_grad(o->exec, v);
        const int64_t n = g ? fsn__numel(g) : 0;
        float *was = calloc((size_t)n + 1, sizeof *was);
        double norm = 0, side[2];

        assert_non_null(was);
        for (int64_t i = 0; i < n; i++)
            norm += (double)fsn__f32(g)[i] * fsn__f32(g)[i];
        norm = sqrt(norm);
        if (n > 0)
            memcpy(was, fsn__f32(w), (size_t)n * sizeof *was);
        for (int s = 0; s < 2 && norm > least; s++) {
            for (int64_t i = 0; i < n; i++)
                fsn__f32(w)[i] = (float)(was[i] + (s ? -e : e) * fsn__f32(g)[i] / norm);
            side[s] = loss_of(o, &step);
        }
        if (norm > least) {
            memcpy(fsn__f32(w), was, (size_t)n * sizeof *was);
            if (fabs((side[0] - side[1]) / (2 * e) / norm - 1) > 0.15)
                fail_msg("%s: the loss rises by %g, its gradient says %g", o->graph->values[v].name,
                         (side[0] - side[1]) / (2 * e), norm);
            checked++;
        }
        free(was);
    }
    assert_true(checked > 30); /* of 14 convolutions and the batch norms behind them, and a bias */
    fsn__objective_destroy(o);
}

static void training_learns_masks_and_judges_those_held_back(void **state)
{
    struct run *r = *state;
    struct fsn__curve curve = {0};
    const struct fsn_epoch *last;

    r->spec.finetune.epochs = 12;
    r->spec.finetune.lr = 0.05;
    r->spec.finetune.holdout = 0.25;
    fsn__graph_mark_trainable(r->model->graph);
    assert_int_equal(fsn__pool_create(2, &r->job.pool, NULL), FSN_OK);
    assert_int_equal(fsn__train_run(&r->job, &curve, NULL), FSN_OK);
    assert_int_equal(curve.held_images, 3);
    last = &curve.rows[curve.count - 1];
    assert_true(last->train_loss < 0.7 * curve.rows[0].train_loss);
    assert_true(last->held_loss > 0 && last->held_loss < log(5));
    assert_true(isnan(last->train_top1) && isnan(last->held_top1));
    free(curve.rows);
    fsn__pool_destroy(r->job.pool);
}

static void what_is_for_classifiers_is_refused(void **state)
{
    struct run *r = *state;
    struct fsn__objective *o = NULL;
    struct fsn_error err = {0};

    r->spec.finetune.mixup = 0.2;
    assert_int_equal(fsn__objective_create(&r->job, 4, 1, &o, &err), FSN_INVALID);
    assert_non_null(strstr(err.text, "finetune.mixup"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iou_is_the_mean_over_classes_that_occur),
        cmocka_unit_test(the_class_map_is_the_output_of_as_many_scores_or_the_one_that_is_named),
        cmocka_unit_test(a_job_may_name_a_class_map_where_there_are_masks_alone),
        cmocka_unit_test_setup_teardown(the_gradient_of_every_weight_is_that_of_the_loss, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(training_learns_masks_and_judges_those_held_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(what_is_for_classifiers_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
