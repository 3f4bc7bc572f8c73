/* test_head.c - which output is trained, and where its logits are. */
#include "graph/head.h"
#include "net_builder.h"
#include "toy_run.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static int with_axis(struct net *net, const char *op, int x, int64_t axis)
{
    struct fsn__attr item = {.name = "axis", .type = FSN__ATTR_INT, .i = axis};

    return net_apply(net, op, &(struct fsn__attrs){1, &item}, x, -1);
}

/* The toy network up to its logits. */
static int body(struct net *net)
{
    int x = net_input(net, 1, TOY_SIZE, TOY_SIZE);

    x = net_relu(net, net_batch_norm(net, "bn", net_conv(net, "conv", x, 1, 6, 3, 1), 6));
    return net_gemm(net, "fc", net_flatten(net, net_global_pool(net, x)), 6, TOY_CLASSES);
}

static struct fsn__head find(const struct fsn__graph *graph, const char *name, int64_t classes)
{
    struct fsn__head head = {0};
    struct fsn_error err = {0};

    if (fsn__graph_find_head(graph, name, classes, &head, &err) != FSN_OK)
        fail_msg("%s", err.text);
    return head;
}

static void refuse(const struct fsn__graph *graph, const char *name, enum fsn_status status,
                   const char *text)
{
    struct fsn__head head;
    struct fsn_error err = {0};

    assert_int_equal(fsn__graph_find_head(graph, name, 4, &head, &err), status);
    if (!strstr(err.text, text))
        fail_msg("'%s' does not say '%s'", err.text, text);
}

static void logits_are_what_the_final_activation_reads(void **state)
{
    static const char *const activations[] = {"Softmax", "LogSoftmax", "Sigmoid"};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct net net = net_create(1);
        int logits = body(&net), x;
        struct fsn__graph *graph;

        if (!fsn__op_find("", activations[i])) {
            fsn__graph_destroy(net.graph);
            continue;
        }
        x = i < 2 ? with_axis(&net, activations[i], logits, -1)
                  : net_apply(&net, activations[i], NULL, logits, -1);
        graph = net_finish(&net, net_apply(&net, "Identity", NULL, x, -1));
        assert_int_equal(find(graph, NULL, TOY_CLASSES).logits, logits);
        assert_int_equal(find(graph, NULL, TOY_CLASSES).classes, TOY_CLASSES);
        fsn__graph_destroy(graph);
    }
}

/* An activation in the middle of the network is none of the head's. */
static void an_activation_before_the_last_layer_is_not_looked_behind(void **state)
{
    struct net net = net_create(1);
    int x = net_apply(&net, "Sigmoid", NULL, net_input(&net, 1, 2, 2), -1);
    struct fsn__graph *graph =
        net_finish(&net, net_gemm(&net, "fc", net_flatten(&net, x), 4, TOY_CLASSES));

    (void)state;
    assert_int_equal(find(graph, NULL, 0).logits, graph->outputs[0]);
    fsn__graph_destroy(graph);
}

static void of_several_outputs_the_one_that_fits_or_is_named_is_taken(void **state)
{
    struct net net = net_create(1);
    int main_head = body(&net), features, wide;
    struct fsn__graph *graph;

    (void)state;
    features = net.graph->nodes[net.graph->node_count - 1].in[0];
    wide = net_gemm(&net, "wide", features, 6, 9);
    graph = net_finish(&net, features);
    assert_int_equal(fsn__graph_add_output(graph, wide, NULL), FSN_OK);
    assert_int_equal(fsn__graph_add_output(graph, main_head, NULL), FSN_OK);
    assert_int_equal(find(graph, NULL, TOY_CLASSES).output, 2); /* exactly as many */
    assert_int_equal(find(graph, NULL, 5).output, 0);           /* the first of more: 6 */
    assert_int_equal(find(graph, NULL, 7).output, 1);
    assert_int_equal(find(graph, NULL, 0).output, 0); /* number not known: the first vector */
    assert_int_equal(find(graph, graph->values[wide].name, TOY_CLASSES).output, 1);
    refuse(graph, "scores", FSN_INVALID, "no output 'scores'; it has");
    fsn__graph_destroy(graph);
}

static void an_output_that_is_no_vector_an_image_is_refused(void **state)
{
    struct net net = net_create(1);
    int x = net_relu(&net, net_input(&net, 2, 3, 3));
    struct fsn__graph *graph = net_finish(&net, x);

    (void)state;
    refuse(graph, NULL, FSN_MISMATCH, "is float32 [N,2,3,3], expected one row of logits an image");
    fsn__graph_destroy(graph);
}

/* ---- training and evaluation -------------------------------------------------------------------
 */

/* Logits in any shape of one score a class, an activation behind, a second output beside. */
static struct fsn__graph *dressed(int form)
{
    struct net net = net_create(1);
    int logits = body(&net), x = logits, features;
    struct fsn__graph *graph;

    if (form == 1) { /* [N,C,1,1] */
        int64_t shape[4] = {0, -1, 1, 1};
        struct fsn__tensor t = {.dtype = FSN__I64, .ndim = 1, .dim = {4}, .data = shape};
        int c;

        assert_int_equal(fsn__graph_add_const(net.graph, "shape", FSN__VALUE_CONST, &t, &c, NULL),
                         FSN_OK);
        x = net_apply(&net, "Reshape", NULL, x, c);
    } else if (form == 2) {
        x = with_axis(&net, "Softmax", x, -1);
    }
    features = net.graph->nodes[net.graph->values[logits].producer].in[0];
    graph = net_finish(&net, form == 3 ? features : x);
    if (form == 3)
        assert_int_equal(fsn__graph_add_output(graph, x, NULL), FSN_OK);
    return graph;
}

/* Training looks at the logits: the weights come out the same, byte for byte. */
static void what_stands_behind_the_logits_does_not_change_training(void **state)
{
    struct toy_run *f = *state;
    struct toy_result plain = toy_train_graph(f, dressed(0), NULL, 1, NULL);

    assert_int_equal(plain.status, FSN_OK);
    for (int form = 1; form < 4; form++) {
        struct toy_result other;
        const struct fsn__graph *graph;

        f->watch = (struct toy_watch){0};
        other = toy_train_graph(f, dressed(form), NULL, 1, NULL);
        graph = other.student;
        if (other.status != FSN_OK)
            fail_msg("%s", other.err.text);
        for (int i = 0; i < plain.student->value_count; i++) {
            const struct fsn__value *want = &plain.student->values[i];
            int j = fsn__graph_find_value(graph, want->name);

            if (want->kind == FSN__VALUE_PARAM || want->kind == FSN__VALUE_STAT)
                assert_memory_equal(graph->values[j].tensor.data, want->tensor.data,
                                    fsn__tensor_bytes(&want->tensor));
        }
        assert_true(toy_top1(f, other.student) == toy_top1(f, plain.student));
        toy_clear(&other);
    }
    toy_clear(&plain);
}

static void evaluation_reads_the_output_that_the_spec_names(void **state)
{
    struct toy_run *f = *state;
    struct net net = net_create(1);
    int good = body(&net), bad;
    struct fsn__graph *graph;
    struct toy_result result;
    char name[64];

    bad = net_gemm(&net, "other", net.graph->nodes[net.graph->values[good].producer].in[0], 6,
                   TOY_CLASSES);
    graph = net_finish(&net, bad);
    assert_int_equal(fsn__graph_add_output(graph, good, NULL), FSN_OK);
    strcpy(name, graph->values[good].name);
    f->spec.finetune.epochs = 12;
    f->spec.output = name;
    result = toy_train_graph(f, graph, NULL, 1, NULL);
    assert_int_equal(result.status, FSN_OK);
    assert_true(toy_top1(f, graph) > 90);
    f->spec.output = NULL;
    assert_true(toy_top1(f, graph) < 60); /* the first output was not trained */
    toy_clear(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_what_the_final_activation_reads),
        cmocka_unit_test(an_activation_before_the_last_layer_is_not_looked_behind),
        cmocka_unit_test(of_several_outputs_the_one_that_fits_or_is_named_is_taken),
        cmocka_unit_test(an_output_that_is_no_vector_an_image_is_refused),
        cmocka_unit_test_setup_teardown(what_stands_behind_the_logits_does_not_change_training,
                                        toy_setup, toy_teardown),
        cmocka_unit_test_setup_teardown(evaluation_reads_the_output_that_the_spec_names, toy_setup,
                                        toy_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
