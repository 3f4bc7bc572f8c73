/* describe_kernels.c - how the engine would run a model, node by node, as JSON text.
 *
 * The nodes are those of the lowered graph (graph/lower.h), or the model's own where FSNET_FAST=0
 * has that run: an executor is made that plans everything and has no memory, and its nodes are
 * asked. A node bears the name of the model's node that it comes from; several may come from one
 * (Conv, and the Pack before it), and some nodes leave none (a Relu that the next convolution
 * applies on load).
 */
#include "compress/compress.h"
#include "graph/exec.h"
#include "kernels/kernels.h"

#include <string.h>

/* ---- one node ---------------------------------------------------------------------------------
 */

static json_t *shape_json(const struct fsn__tensor *t)
{
    json_t *array = json_array();

    for (int i = 0; t && i < t->ndim; i++)
        json_array_append_new(array, json_integer(t->dim[i]));
    return array;
}

static json_t *fused_json(unsigned set)
{
    static const char *const names[] = {
#define NAME(code, name) [FSN__FUSED_##code] = name,
        FSN__FUSED_LIST(NAME)
#undef NAME
    };
    json_t *array = json_array();

    for (int i = 0; i < FSN__FUSED_COUNT; i++)
        if (set >> i & 1)
            json_array_append_new(array, json_string(names[i]));
    return array;
}

/* Multiply-adds of a forward pass over the batch. */
static int64_t macs_of(const struct fsn__op_ctx *ctx, const struct fsn__op_kernel *kernel)
{
    const struct fsn__tensor *x, *w, *y;

    if (ctx->op != &fsn__op_gemm && ctx->op != &fsn__op_mat_mul)
        return kernel->macs;
    x = ctx->in[0], w = ctx->in[1], y = ctx->out[0];
    if (ctx->op == &fsn__op_gemm)
        return fsn__numel(y) * w->dim[fsn__attr_int(ctx->attrs, "transB", 0) ? 1 : 0];
    return fsn__numel(y) * (x->ndim > 0 ? x->dim[x->ndim - 1] : 1);
}

static json_t *algorithm_json(const struct fsn__op_kernel *kernel, bool training)
{
    if (!kernel->forward)
        return json_null();
    if (!training)
        return json_pack("{s:s}", "forward", kernel->forward);
    return json_pack("{s:s, s:s, s:s}", "forward", kernel->forward, "backward_data",
                     kernel->backward_data, "backward_weights", kernel->backward_weights);
}

static json_t *node_json(const char *name, const struct fsn__op_ctx *ctx)
{
    struct fsn__op_kernel kernel = {0};
    size_t work = 0, saved = 0;

    if (ctx->op->describe)
        ctx->op->describe(ctx, &kernel);
    if (ctx->op->sizes)
        ctx->op->sizes(ctx, &work, &saved);
    return json_pack(
        "{s:s, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:f, s:I, s:I}", "name", name, "op",
        ctx->op->name, "fast", strcmp(ctx->op->domain, "fsnet.fast") == 0, "weight_shape",
        kernel.forward && ctx->n_in > 1 ? shape_json(ctx->in[1]) : json_null(), "output_shape",
        shape_json(ctx->n_out > 0 ? ctx->out[0] : NULL), "algorithm",
        algorithm_json(&kernel, ctx->training), "load", fused_json(kernel.load), "store",
        fused_json(kernel.store), "gflop", 2e-9 * (double)macs_of(ctx, &kernel), "scratch_bytes",
        (json_int_t)work, "saved_bytes", (json_int_t)saved);
}

/* ---- the whole --------------------------------------------------------------------------------
 */

static json_t *nodes_json(const struct fsn__exec *exec)
{
    json_t *array = json_array();

    for (int i = 0; i < fsn__exec_node_count(exec); i++)
        json_array_append_new(array,
                              node_json(fsn__exec_node_name(exec, i), fsn__exec_node(exec, i)));
    return array;
}

static enum fsn_status describe(struct fsn__exec *exec, const struct fsn__exec_options *options,
                                char **json, struct fsn_error *err)
{
    const struct fsn__tensor *input = fsn__exec_input(exec, 0);
    const bool lowered = fsn__exec_is_lowered(exec);
    const struct fsn__kernels *kernels = NULL;
    enum fsn_status status = FSN_OK;
    size_t bound = 0;

    if (lowered)
        status = fsn__kernels_get(FSN__DIRECT, &kernels, err);
    if (status == FSN_OK)
        status = fsn__exec_memory_bound(exec, &bound, err);
    if (status != FSN_OK)
        return status;
    return fsn__json_text(json_pack("{s:s, s:I, s:i, s:b, s:s?, s:I, s:I, s:o}", "mode",
                                    options->training ? "training" : "inference", "batch_size",
                                    (json_int_t)(input->ndim > 0 ? input->dim[0] : 1), "threads",
                                    fsn__pool_slices(options->pool), "fast", lowered, "isa",
                                    kernels ? kernels->isa : NULL, "planned_bytes",
                                    (json_int_t)fsn__exec_memory(exec), "lower_bound_bytes",
                                    (json_int_t)bound, "nodes", nodes_json(exec)),
                          json, err);
}

enum fsn_status fsn_model_kernels_json(const struct fsn_model *model, bool training,
                                       enum fsn_precision precision, int batch, int threads,
                                       char **json, struct fsn_error *err)
{
    struct fsn__exec_options options = {.batch = batch,
                                        .training = training,
                                        .plan_only = true,
                                        .bf16 = training && precision == FSN_PRECISION_MIXED};
    struct fsn__graph *graph = NULL;
    struct fsn__exec *exec = NULL;
    enum fsn_status status = fsn__pool_create(threads, &options.pool, err);

    if (status == FSN_OK)
        status = fsn__graph_alias(model->graph, &graph, err);
    if (status == FSN_OK && training)
        fsn__graph_mark_trainable(graph);
    if (status == FSN_OK && graph->input_count < 1)
        status = FSN__FAIL(err, FSN_UNSUPPORTED, "the model has no input");
    if (status == FSN_OK)
        status = fsn__exec_create(graph, &options, &exec, err);
    if (status == FSN_OK)
        status = describe(exec, &options, json, err);
    fsn__exec_destroy(exec);
    fsn__graph_destroy(graph);
    fsn__pool_destroy(options.pool);
    return status;
}
