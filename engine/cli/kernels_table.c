/* kernels_table.c - what fsnet inspect --kernels prints. */
#include "cli.h"

#include <stdio.h>
#include <string.h>

enum { TEXT_OF_LIST = 96 };

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static json_int_t integer_of(const json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

/* ["relu", "sums"] as "relu, sums". */
static void list_text(const json_t *list, char text[TEXT_OF_LIST])
{
    size_t at = 0;

    text[0] = '\0';
    for (size_t i = 0; i < json_array_size(list) && at < TEXT_OF_LIST; i++)
        at += (size_t)snprintf(text + at, TEXT_OF_LIST - at, "%s%s", i > 0 ? ", " : "",
                               json_string_value(json_array_get(list, i)));
}

/* One word where all passes agree, else forward/data gradient/filter gradient. */
static void algorithm_text(const json_t *algorithm, char text[TEXT_OF_LIST])
{
    const char *forward = text_of(algorithm, "forward");
    const char *data = text_of(algorithm, "backward_data");
    const char *weights = text_of(algorithm, "backward_weights");

    if (!*data || (strcmp(forward, data) == 0 && strcmp(forward, weights) == 0))
        snprintf(text, TEXT_OF_LIST, "%s", forward);
    else
        snprintf(text, TEXT_OF_LIST, "%s/%s/%s", forward, data, weights);
}

static void print_node(const json_t *node)
{
    char output[CLI_TEXT_OF_SHAPE], algorithm[TEXT_OF_LIST], load[TEXT_OF_LIST];
    char store[TEXT_OF_LIST], gflop[32] = "";
    const double work = json_number_value(json_object_get(node, "gflop"));
    const json_int_t scratch = integer_of(node, "scratch_bytes");

    cli_shape_text(json_object_get(node, "output_shape"), output);
    algorithm_text(json_object_get(node, "algorithm"), algorithm);
    list_text(json_object_get(node, "load"), load);
    list_text(json_object_get(node, "store"), store);
    if (work > 0)
        snprintf(gflop, sizeof gflop, "%.3g", work);
    printf("%-28s %-18s %-20s %-24s %-17s %-22s %8s %11s\n", text_of(node, "name"),
           text_of(node, "op"), output, algorithm, load, store, gflop,
           scratch > 0 ? CLI_BYTES(scratch) : "");
}

void cli_print_kernels(const json_t *kernels)
{
    const json_t *nodes = json_object_get(kernels, "nodes");
    const json_int_t threads = integer_of(kernels, "threads");
    const bool training = strcmp(text_of(kernels, "mode"), "training") == 0;

    printf("%s, batch %lld, %lld thread%s: ", text_of(kernels, "mode"),
           (long long)integer_of(kernels, "batch_size"), (long long)threads,
           threads == 1 ? "" : "s");
    if (json_is_true(json_object_get(kernels, "fast")))
        printf("fast path, instruction set %s\n", text_of(kernels, "isa"));
    else
        printf("plain operators\n");
    printf("%s planned for values%s; no plan could do with less than %s\n",
           CLI_BYTES(integer_of(kernels, "planned_bytes")), training ? " and gradients" : "",
           CLI_BYTES(integer_of(kernels, "lower_bound_bytes")));
    if (training)
        printf("algorithms: of all passes, or forward/data gradient/filter gradient\n");
    printf("\n%-28s %-18s %-20s %-24s %-17s %-22s %8s %11s\n", "layer", "operator", "output",
           "algorithm", "on load", "on store", "GFLOP", "scratch");
    for (size_t i = 0; i < json_array_size(nodes); i++)
        print_node(json_array_get(nodes, i));
}
