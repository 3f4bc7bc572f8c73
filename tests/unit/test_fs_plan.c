/* test_fs_plan.c - which layers a plan compresses, what it counts, and what it refuses. */
#include "fs/fs.h"
#include "small_net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- planning it ------------------------------------------------------------------------------
 */

static struct fsn_spec spec_of(enum fsn_layout layout, double ratio, int bits)
{
    struct fsn_spec spec;

    fsn_spec_defaults(&spec);
    spec.filter_summary.layout = layout;
    spec.filter_summary.ratio = ratio;
    spec.quantize.bits = bits;
    return spec;
}

static struct fsn_plan *plan(const struct small_net *net, const struct fsn_spec *spec)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_faults faults = {.count = 0};
    struct fsn_plan *out = NULL;

    if (fsn__fs_plan(net->b.graph, spec, &out, &faults, &err) != FSN_OK)
        fail_msg("%s", err.text);
    assert_int_equal(faults.count, 0);
    return out;
}

static void refuse(const struct small_net *net, const struct fsn_spec *spec, enum fsn_status status,
                   struct fsn_faults *faults)
{
    struct fsn_error err = {.status = FSN_OK};
    struct fsn_plan *out = NULL;

    faults->count = 0;
    assert_int_equal(fsn__fs_plan(net->b.graph, spec, &out, faults, &err), status);
    assert_null(out);
    assert_true(faults->count > 0);
    assert_string_equal(err.text, faults->item[0].text);
}

static void assert_fault(const struct fsn_fault *fault, const char *pointer, const char *part)
{
    assert_string_equal(fault->pointer, pointer);
    if (!strstr(fault->text, part))
        fail_msg("'%s' is not in '%s'", part, fault->text);
}

static void assert_dense(const struct fsn_plan_layer *layer, const char *note)
{
    assert_int_equal(layer->layout, FSN_LAYOUT_DENSE);
    assert_int_equal(layer->bits, 32);
    assert_int_equal(layer->fs_size,
                     layer->filters * layer->channels * layer->height * layer->width);
    assert_non_null(layer->note);
    if (!strstr(layer->note, note))
        fail_msg("%s: '%s' is not in '%s'", layer->name, note, layer->note);
}

/* ---- tests ------------------------------------------------------------------------------------
 */

static void a_row_says_what_the_layer_gets(void **state)
{
    const struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 4, 8);
    struct fsn_plan *p;
    struct small_net net;

    (void)state;
    small_net_open(&net, 3);
    small_net_conv(&net, "first", 16, 3);
    small_net_conv(&net, "second", 8, 1);
    small_net_finish(&net);
    p = plan(&net, &spec);
    assert_int_equal(p->layer_count, 2);
    assert_string_equal(p->layers[0].name, "first");
    assert_int_equal(p->layers[0].filters, 16);
    assert_int_equal(p->layers[0].channels, 3);
    assert_int_equal(p->layers[0].height, 3);
    assert_int_equal(p->layers[0].groups, 1);
    assert_int_equal(p->layers[0].layout, FSN_LAYOUT_1D);
    assert_int_equal(p->layers[0].fs_dim[0], 108); /* 432 / 4 */
    assert_int_equal(p->layers[0].fs_dim[1], 0);
    assert_int_equal(p->layers[0].fs_size, 108);
    assert_true(p->layers[0].ratio == 4);
    assert_int_equal(p->layers[0].bits, 8);
    assert_null(p->layers[0].note);
    assert_true(isnan(p->layers[0].fit_error) && isnan(p->layers[0].quant_error));
    assert_int_equal(p->layers[1].fs_size, 32); /* 128 / 4 */
    /* 8 x 8 places, 3 * 9 and 16 products for each filter */
    assert_int_equal(p->macs, 64 * (16 * 27 + 8 * 16));
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

/* A quantised Filter Summary of f elements counts f/4 + 2. The quarters are summed before they are
 * cut: 110 + 32 + 4 + 3 elements are 37.25, not 27 + 8 + 1 + 0. */
static void effective_parameters_sum_exact_quarters(void **state)
{
    struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 3.9, 8);
    struct fsn_plan *p;
    struct small_net net;

    (void)state;
    small_net_open(&net, 3);
    small_net_conv(&net, "first", 16, 3);           /* 432 -> 110 */
    small_net_conv(&net, "second", 8, 1);           /* 128 -> 32 */
    net.x = fsn__build_bn(&net.b, "", "bn", net.x); /* 4 * 8 + 1 */
    small_net_conv(&net, "third", 2, 1);            /* 16 -> 4 */
    small_net_conv(&net, "fourth", 7, 1);           /* 14 -> 3 */
    small_net_finish(&net);
    p = plan(&net, &spec);
    assert_int_equal(p->parameters, 432 + 128 + 33 + 16 + 14);
    assert_int_equal(p->compressed_parameters, 110 + 32 + 33 + 4 + 3);
    assert_int_equal(p->effective_parameters, 37 + 4 * 2 + 33);
    fsn_plan_destroy(p);
    spec.quantize.bits = 32;
    p = plan(&net, &spec);
    assert_int_equal(p->effective_parameters, p->compressed_parameters);
    assert_int_equal(p->layers[0].bits, 32);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void one_by_one_convolutions_have_a_ratio_of_their_own(void **state)
{
    struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 4, 8);
    struct fsn_plan *p;
    struct small_net net;

    (void)state;
    small_net_open(&net, 4);
    small_net_conv(&net, "three", 16, 3);
    small_net_conv(&net, "one", 16, 1);
    small_net_finish(&net);
    spec.filter_summary.ratio_1x1 = 2;
    p = plan(&net, &spec);
    assert_int_equal(p->layers[0].fs_size, 144); /* 576 / 4 */
    assert_int_equal(p->layers[1].fs_size, 128); /* 256 / 2 */
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void what_stays_dense_says_why(void **state)
{
    char *excluded[] = {"second"};
    struct fsn_spec spec = spec_of(FSN_LAYOUT_3D, 4, 8);
    struct fsn_plan *p;
    struct small_net net;
    int shared;

    (void)state;
    small_net_open(&net, 8);
    small_net_conv(&net, "first", 8, 3);
    small_net_conv(&net, "second", 8, 3);
    small_net_grouped_conv(&net, "depthwise", small_net_weight(&net, "depthwise.weight", 8, 1), 8);
    small_net_grouped_conv(&net, "grouped", small_net_weight(&net, "grouped.weight", 8, 4), 2);
    small_net_conv(&net, "thin", 1, 1);  /* 8 weights, t_c = 2: 2 */
    small_net_conv(&net, "point", 8, 1); /* 8 weights, t_c = 1: 8, no smaller */
    shared = small_net_weight(&net, "shared.weight", 8, 8);
    small_net_grouped_conv(&net, "shared", shared, 1);
    assert_int_equal(fsn__graph_add_output(net.b.graph, shared, &net.err), FSN_OK);
    small_net_finish(&net);
    spec.filter_summary.exclude_count = 1;
    spec.filter_summary.exclude[0] = excluded[0];
    p = plan(&net, &spec);
    assert_int_equal(p->layer_count, 7);
    assert_int_equal(p->layers[0].layout, FSN_LAYOUT_3D);
    assert_dense(&p->layers[1], "excluded by the spec");
    assert_dense(&p->layers[2], "depthwise");
    assert_int_equal(p->layers[3].layout, FSN_LAYOUT_3D);
    assert_int_equal(p->layers[3].channels, 4);
    assert_int_equal(p->layers[3].groups, 2);
    assert_int_equal(p->layers[4].layout, FSN_LAYOUT_3D);
    assert_int_equal(p->layers[4].fs_size, 2);
    assert_dense(&p->layers[5], "would not be smaller");
    assert_dense(&p->layers[6], "used by another operator");
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void a_weight_that_two_convolutions_share_counts_once(void **state)
{
    char *excluded[] = {"right"};
    struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 4, 8);
    struct fsn_plan *p;
    struct small_net net;
    int shared;

    (void)state;
    small_net_open(&net, 8);
    shared = small_net_weight(&net, "shared.weight", 8, 8);
    small_net_grouped_conv(&net, "left", shared, 1);
    small_net_grouped_conv(&net, "right", shared, 1);
    small_net_conv(&net, "other", 8, 3);
    small_net_finish(&net);
    p = plan(&net, &spec);
    assert_int_equal(p->parameters, 2 * 576);
    assert_int_equal(p->compressed_parameters, 2 * 144);
    assert_int_equal(p->layers[1].fs_size, 144);
    fsn_plan_destroy(p);
    /* excluding one of the two leaves the other no saving either */
    spec.filter_summary.exclude_count = 1;
    spec.filter_summary.exclude[0] = excluded[0];
    p = plan(&net, &spec);
    assert_dense(&p->layers[0], "excluded");
    assert_dense(&p->layers[1], "excluded");
    assert_int_equal(p->compressed_parameters, 576 + 144);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

static void every_fault_of_the_settings_is_listed(void **state)
{
    char *excluded[] = {"layer1.conv", "layer1.conv2", "nothing like it"};
    struct fsn_spec spec = spec_of((enum fsn_layout)7, 1, 9);
    struct fsn_faults faults;
    struct small_net net;

    (void)state;
    small_net_open(&net, 3);
    small_net_conv(&net, "layer1.conv1", 16, 3);
    small_net_conv(&net, "layer1.conv2", 16, 3);
    small_net_finish(&net);
    spec.filter_summary.ratio_1x1 = NAN;
    spec.filter_summary.exclude_count = 3;
    memcpy(spec.filter_summary.exclude, excluded, sizeof excluded);
    refuse(&net, &spec, FSN_INVALID, &faults);
    assert_int_equal(faults.count, 6);
    assert_fault(&faults.item[0], "/filter_summary/layout", "1d, 3d or learned");
    assert_fault(&faults.item[1], "/filter_summary/ratio", "greater than 1, is 1");
    assert_fault(&faults.item[2], "/filter_summary/ratio_1x1", "nan");
    assert_fault(&faults.item[3], "/quantize/bits", "is 9");
    assert_fault(&faults.item[4], "/filter_summary/exclude/0", "nearest is 'layer1.conv1'");
    assert_fault(&faults.item[5], "/filter_summary/exclude/2", "named 'nothing like it'");
    assert_null(strstr(faults.item[5].text, "nearest"));
    spec = spec_of(FSN_LAYOUT_1D, INFINITY, 8);
    refuse(&net, &spec, FSN_INVALID, &faults);
    assert_fault(&faults.item[0], "/filter_summary/ratio", "inf");
    fsn__graph_destroy(net.b.graph);
}

static void a_budget_that_cannot_be_met_is_refused(void **state)
{
    char *excluded[] = {"only"};
    struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 433, 8);
    struct fsn_faults faults;
    struct fsn_plan *p;
    struct small_net net;

    (void)state;
    small_net_open(&net, 3);
    small_net_conv(&net, "only", 16, 3); /* 432 weights */
    small_net_finish(&net);
    refuse(&net, &spec, FSN_BUDGET, &faults);
    assert_fault(&faults.item[0], "/filter_summary/ratio", "ratio 433");
    spec.filter_summary.ratio = 432;
    p = plan(&net, &spec);
    assert_int_equal(p->layers[0].fs_size, 1);
    fsn_plan_destroy(p);
    spec.filter_summary.exclude_count = 1;
    spec.filter_summary.exclude[0] = excluded[0];
    refuse(&net, &spec, FSN_BUDGET, &faults);
    assert_fault(&faults.item[0], "", "'only': excluded by the spec");
    fsn__graph_destroy(net.b.graph);
}

static void a_network_without_convolutions_is_refused(void **state)
{
    const struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 4, 8);
    struct fsn_faults faults;
    struct small_net net;

    (void)state;
    small_net_open(&net, 3);
    net.x = fsn__build_classifier(&net.b, net.x, 10);
    small_net_finish(&net);
    refuse(&net, &spec, FSN_BUDGET, &faults);
    assert_fault(&faults.item[0], "", "no convolution");
    fsn__graph_destroy(net.b.graph);
}

/* a - b, which is trained, and a - c, which only another output reads. */
static void a_layer_that_the_trained_output_does_not_depend_on_stays_dense(void **state)
{
    const struct fsn_spec spec = spec_of(FSN_LAYOUT_1D, 4, 8);
    struct fsn_plan *p = NULL;
    struct fsn__ends ends;
    struct small_net net;
    int a, b;

    (void)state;
    small_net_open(&net, 3);
    small_net_conv(&net, "a", 8, 3);
    a = net.x;
    small_net_conv(&net, "b", 8, 3);
    b = net.x;
    net.x = a;
    small_net_conv(&net, "c", 8, 3);
    small_net_finish(&net);
    ends = (struct fsn__ends){1, {b}};
    assert_int_equal(fsn__fs_plan_for(net.b.graph, &ends, &spec, NULL, NULL, &p, NULL, NULL),
                     FSN_OK);
    assert_int_equal(p->layers[0].layout, FSN_LAYOUT_1D);
    assert_int_equal(p->layers[1].layout, FSN_LAYOUT_1D);
    assert_int_equal(p->layers[2].layout, FSN_LAYOUT_DENSE);
    assert_string_equal(p->layers[2].note, "the output that is trained does not depend on it");
    fsn_plan_destroy(p);
    ends = (struct fsn__ends){2, {b, net.x}};
    assert_int_equal(fsn__fs_plan_for(net.b.graph, &ends, &spec, NULL, NULL, &p, NULL, NULL),
                     FSN_OK);
    assert_int_equal(p->layers[2].layout, FSN_LAYOUT_1D);
    fsn_plan_destroy(p);
    fsn__graph_destroy(net.b.graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_row_says_what_the_layer_gets),
        cmocka_unit_test(effective_parameters_sum_exact_quarters),
        cmocka_unit_test(one_by_one_convolutions_have_a_ratio_of_their_own),
        cmocka_unit_test(what_stays_dense_says_why),
        cmocka_unit_test(a_weight_that_two_convolutions_share_counts_once),
        cmocka_unit_test(every_fault_of_the_settings_is_listed),
        cmocka_unit_test(a_budget_that_cannot_be_met_is_refused),
        cmocka_unit_test(a_network_without_convolutions_is_refused),
        cmocka_unit_test(a_layer_that_the_trained_output_does_not_depend_on_stays_dense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
