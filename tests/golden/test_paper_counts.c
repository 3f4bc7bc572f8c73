/*
 * test_paper_counts.c - parameter counts of the paper's networks, as its authors published them.
 *
 * Source: the logs of the reference implementation (FSNet by its authors, "net_parameters_size"),
 * all with CIFAR-10's 10 classes, and the abstract of arXiv 1902.03264v1 for ResNet-18. For
 * ImageNet the log counts trainable tensors only; a state dict has 2 c + 1 more for each batch
 * norm.
 */
#include "fs/fs.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *arch;
    int growth;
    double ratio;
    int64_t baseline, compressed;
};

static const struct row table_1d[] = {
    {"resnet56", 0, 4, 860083, 221935},      {"resnet56", 0, 1.3, 860083, 663702},
    {"resnet110", 0, 4, 1739113, 447781},    {"resnet164", 0, 4, 1729440, 472092},
    {"densenet100", 12, 4, 1246597, 370879}, {"densenet100", 24, 4, 4827037, 1325137},
};

static struct fsn_model *build(const char *arch, const struct fsn_arch_options *options)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_model *model = NULL;

    if (fsn_arch_build(arch, options, &model, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return model;
}

static struct fsn_plan *plan(const struct fsn_model *model, const struct fsn_spec *spec)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_faults faults = {.count = 0};
    struct fsn_plan *out = NULL;

    if (fsn__fs_plan(model->graph, spec, &out, &faults, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(faults.count, 0);
    return out;
}

static void layout_1d_has_the_published_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof table_1d / sizeof table_1d[0]; i++) {
        const struct row *row = &table_1d[i];
        struct fsn_model *model =
            build(row->arch, &(struct fsn_arch_options){.growth = row->growth});
        struct fsn_plan *p;
        struct fsn_spec spec;

        fsn_spec_defaults(&spec);
        spec.filter_summary.layout = FSN_LAYOUT_1D;
        spec.filter_summary.ratio = row->ratio;
        p = plan(model, &spec);
        assert_int_equal(p->parameters, row->baseline);
        assert_int_equal(p->compressed_parameters, row->compressed);
        fsn_plan_destroy(p);
        fsn_spec_clear(&spec);
        fsn_model_destroy(model);
    }
}

static void layout_3d_of_resnet18_has_the_counts_of_the_abstract(void **state)
{
    struct fsn_model *model = build("resnet18", NULL);
    struct fsn_spec spec;

    (void)state;
    for (double ratio = 13; ratio <= 18; ratio++) {
        struct fsn_plan *p;

        fsn_spec_defaults(&spec);
        spec.filter_summary.layout = FSN_LAYOUT_3D;
        spec.filter_summary.ratio = ratio;
        spec.filter_summary.ratio_1x1 = 8;
        spec.quantize.bits = 8;
        p = plan(model, &spec);
        assert_int_equal(p->parameters, 11183582);
        assert_int_equal(p->compressed_parameters, 808478);
        assert_int_equal(p->effective_parameters, 220422);
        fsn_plan_destroy(p);
        fsn_spec_clear(&spec);
    }
    fsn_model_destroy(model);
}

/* The grids of ResNet-18 above for what is 3x3 (which is nearly all), and for 1x1 filters the same
 * ratio or next to none. docs/results.md has the choice; 3 % is what it is held to. */
static void layout_3d_of_ssd300_has_the_papers_two_sizes(void **state)
{
    static const struct {
        double ratio_1x1, published;
    } rows[] = {{8, 0.45e6}, {1.3, 0.68e6}};
    struct fsn_model *model = build("ssd300", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fsn_plan *p;
        struct fsn_spec spec;

        fsn_spec_defaults(&spec);
        spec.filter_summary.layout = FSN_LAYOUT_3D;
        spec.filter_summary.ratio = 16;
        spec.filter_summary.ratio_1x1 = rows[i].ratio_1x1;
        spec.quantize.bits = 8;
        p = plan(model, &spec);
        assert_int_equal(p->parameters, 26285486);
        if (fabs((double)p->effective_parameters / rows[i].published - 1) > 0.03)
            fail_msg("%lld effective parameters, published are %g",
                     (long long)p->effective_parameters, rows[i].published);
        fsn_plan_destroy(p);
        fsn_spec_clear(&spec);
    }
    fsn_model_destroy(model);
}

/* 53 batch norms of 26,560 channels together: 2 * 26560 + 53 over the trainable tensors. */
static void resnet50_has_the_published_trainable_tensors(void **state)
{
    struct fsn_model *model = build("resnet50", NULL);

    (void)state;
    assert_int_equal(fsn__graph_parameters(model->graph), 25557032 + 2 * 26560 + 53);
    fsn_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_1d_has_the_published_counts),
        cmocka_unit_test(layout_3d_of_resnet18_has_the_counts_of_the_abstract),
        cmocka_unit_test(layout_3d_of_ssd300_has_the_papers_two_sizes),
        cmocka_unit_test(resnet50_has_the_published_trainable_tensors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
