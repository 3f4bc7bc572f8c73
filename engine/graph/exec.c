/* exec.c - the executor.
 *
 * What runs is the lowered graph (lower.h), unless the options or FSNET_FAST=0 ask for the caller's
 * own. From when every value, gradient and saved state is alive (exec_lifetimes.c) follows one
 * memory plan for all of them. After creation nothing is allocated.
 *
 * Gradients add up (every backward does +=), so each gradient buffer is zeroed at the first step
 * that writes it, not all at once: their places are shared. Operators that can overwrite are told
 * instead (struct fsn__op_ctx, fresh).
 */
#include "graph/exec_residual.h"
#include "core/clock.h"

#include <stdlib.h>
#include <string.h>

/* ---- shapes ------------------------------------------------------------------------------------
 */

static struct fsn__tensor *tensor_at(struct fsn__exec *exec, int value)
{
    return value >= 0 ? &exec->tensors[value] : NULL;
}

static enum fsn_status bind_node(struct fsn__exec *exec, int index,
                                 const struct fsn__exec_options *options, struct fsn_error *err)
{
    const struct fsn__node *node = &exec->graph->nodes[index];
    struct fsn__op_ctx *ctx = &exec->nodes[index].ctx;
    size_t slots = (size_t)(node->n_in + node->n_out);
    struct fsn__tensor **list = fsn__arena_alloc(&exec->arena, slots * 2 + 1, sizeof(void *));

    if (!list)
        return FSN__NOMEM(err);
    *ctx = (struct fsn__op_ctx){
        .op = node->op,
        .name = node->name,
        .attrs = &node->attrs,
        .n_in = node->n_in,
        .n_out = node->n_out,
        .in = list,
        .out = list + node->n_in,
        .din = list + slots,
        .dout = list + slots + node->n_in,
        .pool = options->pool,
        .training = options->training,
        .bf16 = options->bf16,
        .seed = options->seed,
        .index = (uint64_t)(exec->lowered ? exec->lowered->origin[index] : index),
    };
    for (int j = 0; j < node->n_in; j++)
        list[j] = tensor_at(exec, node->in[j]);
    for (int j = 0; j < node->n_out; j++)
        list[node->n_in + j] = tensor_at(exec, node->out[j]);
    return node->op->infer(ctx, err);
}

static enum fsn_status infer_shapes(struct fsn__exec *exec, const struct fsn__exec_options *options,
                                    struct fsn_error *err)
{
    struct fsn__graph *graph = exec->graph;
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < graph->value_count; i++) {
        exec->place_of[i] = -1;
        exec->tensors[i] = graph->values[i].tensor;
        if (graph->values[i].kind == FSN__VALUE_INPUT && exec->tensors[i].ndim > 0 &&
            exec->tensors[i].dim[0] == FSN_BATCH)
            exec->tensors[i].dim[0] = options->batch;
    }
    for (int i = 0; i < graph->node_count && status == FSN_OK; i++)
        status = bind_node(exec, i, options, err);
    for (int i = 0; i < graph->value_count && status == FSN_OK; i++)
        if (fsn__numel(&exec->tensors[i]) < 0)
            status = FSN__FAIL(err, FSN_LIMIT, "value '%s' of shape %s is too large",
                               graph->values[i].name, FSN__SHAPE(&exec->tensors[i]));
    return status;
}

/* ---- which gradients flow
 * ------------------------------------------------------------------------ */

static bool makes_reals(const struct fsn__exec *exec, const struct fsn__node *node)
{
    bool any = false;

    for (int i = 0; i < node->n_out; i++)
        any |= node->out[i] >= 0 && exec->tensors[node->out[i]].dtype == FSN__F32;
    return any;
}

static enum fsn_status find_gradients(struct fsn__exec *exec, struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;

    if (!exec->training)
        return FSN_OK;
    for (int i = 0; i < graph->value_count; i++)
        exec->wants[i] = graph->values[i].kind == FSN__VALUE_PARAM;
    for (int i = 0; i < graph->node_count; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        bool any = false;

        for (int j = 0; j < node->n_in; j++)
            any |= node->in[j] >= 0 && exec->wants[node->in[j]];
        if (!any)
            continue;
        if (!node->op->backward && !makes_reals(exec, node))
            continue; /* truth values and indices have no gradient */
        if (!node->op->backward)
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "%s '%s' lies behind trained weights but has no gradient",
                             node->op->name, node->name);
        exec->nodes[i].backward = true;
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0 && exec->tensors[node->out[j]].dtype == FSN__F32)
                exec->wants[node->out[j]] = true;
    }
    return FSN_OK;
}

/* ---- memory
 * -------------------------------------------------------------------------------------- */

static enum fsn_status alloc_param_grads(struct fsn__exec *exec, bool plan_only,
                                         struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;
    size_t floats = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            exec->param_grads_size = floats * sizeof(float);
            if (plan_only)
                return FSN_OK;
            exec->param_grads = fsn__aligned_calloc(floats, sizeof(float));
            if (!exec->param_grads)
                return FSN__NOMEM(err);
            floats = 0;
        }
        for (int i = 0; i < graph->value_count; i++) {
            if (!exec->wants[i] || graph->values[i].kind != FSN__VALUE_PARAM)
                continue;
            if (pass == 1)
                exec->grads[i].data = exec->param_grads + floats;
            floats += ((size_t)fsn__numel(&exec->tensors[i]) + 15) & ~(size_t)15;
        }
    }
    return FSN_OK;
}

static enum fsn_status alloc_buffers(struct fsn__exec *exec, const struct fsn__block *blocks,
                                     struct fsn_error *err)
{
    const int values = exec->graph->value_count, nodes = exec->graph->node_count;
    const struct fsn__block *grads = blocks + values, *saved = grads + values;

    exec->buffer = fsn__aligned_calloc(exec->buffer_size, 1);
    exec->work = fsn__aligned_calloc(exec->work_size, 1);
    if (!exec->buffer || !exec->work)
        return FSN__FAIL(err, FSN_NOMEM,
                         "out of memory: the network needs %zu bytes at this batch size",
                         exec->buffer_size + exec->work_size);
    for (int i = 0; i < values; i++) {
        if (blocks[i].size > 0)
            exec->tensors[i].data = (char *)exec->buffer + blocks[i].offset;
        fsn__shape_copy(&exec->grads[i], &exec->tensors[i]);
        if (grads[i].size > 0)
            exec->grads[i].data = (char *)exec->buffer + grads[i].offset;
    }
    for (int i = 0; i < nodes; i++) {
        exec->nodes[i].ctx.work = exec->work;
        exec->nodes[i].ctx.saved =
            saved[i].size > 0 ? (char *)exec->buffer + saved[i].offset : NULL;
    }
    return FSN_OK;
}

static enum fsn_status plan(struct fsn__exec *exec, bool plan_only, struct fsn_error *err)
{
    int count;
    struct fsn__block *blocks = fsn__find_lifetimes(exec, &count);
    enum fsn_status status;

    if (!blocks)
        return FSN__NOMEM(err);
    status = fsn__plan_memory(blocks, count, &exec->buffer_size, err);
    if (status == FSN_OK)
        status = fsn__schedule_clears(exec, blocks + exec->graph->value_count, err);
    if (status == FSN_OK && !plan_only)
        status = alloc_buffers(exec, blocks, err);
    if (status == FSN_OK && exec->training)
        status = alloc_param_grads(exec, plan_only, err);
    free(blocks);
    return status;
}

static struct fsn__tensor *grad_at(struct fsn__exec *exec, int value)
{
    return value >= 0 && exec->grads[value].data ? &exec->grads[value] : NULL;
}

static void bind_gradients(struct fsn__exec *exec)
{
    for (int i = 0; i < exec->graph->node_count; i++) {
        const struct fsn__node *node = &exec->graph->nodes[i];
        /* The lists were laid out by bind_node in this very order. */
        struct fsn__tensor **din = (struct fsn__tensor **)exec->nodes[i].ctx.din;

        for (int j = 0; j < node->n_in; j++)
            din[j] = grad_at(exec, node->in[j]);
        for (int j = 0; j < node->n_out; j++)
            din[node->n_in + j] = grad_at(exec, node->out[j]);
    }
}

/* ---- public
 * -------------------------------------------------------------------------------------- */

static bool runs_lowered(const struct fsn__exec_options *options)
{
    const char *fast = getenv("FSNET_FAST");

    return !options->reference && !(fast && strcmp(fast, "0") == 0);
}

enum fsn_status fsn__exec_create(struct fsn__graph *graph, const struct fsn__exec_options *options,
                                 struct fsn__exec **out, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;
    struct fsn__exec *exec;
    size_t values, nodes;

    if (options->batch < 1)
        return FSN__FAIL(err, FSN_INVALID, "batch must be at least 1, got %lld",
                         (long long)options->batch);
    status = fsn__graph_refuse_late(graph, err);
    if (status != FSN_OK)
        return status;
    exec = calloc(1, sizeof *exec);
    if (!exec)
        return FSN__NOMEM(err);
    exec->training = options->training;
    if (runs_lowered(options)) {
        status = fsn__lower(graph, options->batch, options->training, &exec->lowered, err);
        if (status != FSN_OK) {
            fsn__exec_destroy(exec);
            return status;
        }
        graph = exec->lowered->graph;
    }
    exec->graph = graph;
    values = (size_t)graph->value_count + 1;
    nodes = (size_t)graph->node_count + 1;
    exec->steps = graph->node_count * (options->training ? 2 : 1);
    exec->tensors = fsn__arena_alloc(&exec->arena, values, sizeof *exec->tensors);
    exec->grads = fsn__arena_alloc(&exec->arena, values, sizeof *exec->grads);
    exec->wants = fsn__arena_alloc(&exec->arena, values, sizeof *exec->wants);
    exec->place_of = fsn__arena_alloc(&exec->arena, values, sizeof *exec->place_of);
    exec->nodes = fsn__arena_alloc(&exec->arena, nodes, sizeof *exec->nodes);
    if (!exec->tensors || !exec->grads || !exec->wants || !exec->place_of || !exec->nodes)
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = infer_shapes(exec, options, err);
    if (status == FSN_OK)
        status = find_gradients(exec, err);
    if (status == FSN_OK && exec->training && exec->lowered)
        fsn__share_residual_gradients(exec);
    if (status == FSN_OK)
        status = plan(exec, options->plan_only, err);
    if (status != FSN_OK) {
        fsn__exec_destroy(exec);
        return status;
    }
    bind_gradients(exec);
    *out = exec;
    return FSN_OK;
}

void fsn__exec_destroy(struct fsn__exec *exec)
{
    if (!exec)
        return;
    free(exec->buffer);
    free(exec->work);
    free(exec->param_grads);
    fsn__lowered_destroy(exec->lowered);
    fsn__arena_free(&exec->arena);
    free(exec);
}

struct fsn__tensor *fsn__exec_input(struct fsn__exec *exec, int i)
{
    return &exec->tensors[exec->graph->inputs[i]];
}

struct fsn__tensor *fsn__exec_output(struct fsn__exec *exec, int i)
{
    return &exec->tensors[exec->graph->outputs[i]];
}

struct fsn__tensor *fsn__exec_output_grad(struct fsn__exec *exec, int i)
{
    return grad_at(exec, exec->graph->outputs[i]);
}

struct fsn__tensor *fsn__exec_param_grad(struct fsn__exec *exec, int value)
{
    if (exec->lowered) /* the caller counts values of its own graph */
        value = exec->training ? exec->lowered->value_of[value] : -1;
    if (value < 0 || exec->graph->values[value].kind != FSN__VALUE_PARAM)
        return NULL;
    return grad_at(exec, value);
}

void fsn__exec_set_timer(struct fsn__exec *exec, fsn__exec_timer_fn *timer, void *user)
{
    exec->timer = timer;
    exec->timer_user = user;
}

static enum fsn_status run_node(const struct fsn__exec *exec, const struct fsn__op_ctx *ctx,
                                bool backward, struct fsn_error *err)
{
    const double start = exec->timer ? fsn__seconds() : 0;
    const enum fsn_status status =
        backward ? ctx->op->backward(ctx, err) : ctx->op->forward(ctx, err);

    if (exec->timer)
        exec->timer(ctx->op, backward, fsn__seconds() - start, exec->timer_user);
    return status;
}

void fsn__exec_set_bf16(struct fsn__exec *exec, bool bf16)
{
    for (int i = 0; i < exec->graph->node_count; i++)
        exec->nodes[i].ctx.bf16 = bf16;
}

enum fsn_status fsn__exec_forward(struct fsn__exec *exec, uint64_t step, struct fsn_error *err)
{
    for (int i = 0; i < exec->graph->node_count; i++) {
        struct fsn__op_ctx *ctx = &exec->nodes[i].ctx;
        enum fsn_status status;

        ctx->step = step;
        status = run_node(exec, ctx, false, err);
        if (status != FSN_OK)
            return status;
    }
    for (int i = 0; i < exec->graph->output_count && exec->training; i++) {
        struct fsn__tensor *grad = grad_at(exec, exec->graph->outputs[i]);

        if (grad)
            memset(grad->data, 0, fsn__tensor_bytes(grad));
    }
    return FSN_OK;
}

enum fsn_status fsn__exec_backward(struct fsn__exec *exec, struct fsn_error *err)
{
    if (!exec->training)
        return FSN__FAIL(err, FSN_INTERNAL, "backward on an executor made for inference");
    memset(exec->param_grads, 0, exec->param_grads_size);
    for (int i = exec->graph->node_count - 1; i >= 0; i--) {
        struct fsn__exec_node *node = &exec->nodes[i];
        enum fsn_status status;

        if (!node->backward)
            continue;
        for (int j = node->clear_first; j < node->clear_first + node->clear_count; j++) {
            struct fsn__tensor *grad = &exec->grads[exec->clear[j]];

            memset(grad->data, 0, fsn__tensor_bytes(grad));
        }
        status = run_node(exec, &node->ctx, true, err);
        if (status != FSN_OK)
            return status;
    }
    return FSN_OK;
}

size_t fsn__exec_memory(const struct fsn__exec *exec)
{
    return exec->buffer_size + exec->work_size + exec->param_grads_size;
}

enum fsn_status fsn__exec_memory_bound(struct fsn__exec *exec, size_t *bytes, struct fsn_error *err)
{
    int count;
    struct fsn__block *blocks = fsn__find_lifetimes(exec, &count);

    if (!blocks)
        return FSN__NOMEM(err);
    *bytes = fsn__memory_lower_bound(blocks, count) + exec->param_grads_size;
    free(blocks);
    return FSN_OK;
}

bool fsn__exec_is_lowered(const struct fsn__exec *exec)
{
    return exec->lowered != NULL;
}

int fsn__exec_node_count(const struct fsn__exec *exec)
{
    return exec->graph->node_count;
}

const struct fsn__op_ctx *fsn__exec_node(const struct fsn__exec *exec, int i)
{
    return &exec->nodes[i].ctx;
}

const char *fsn__exec_node_name(const struct fsn__exec *exec, int i)
{
    const struct fsn__lowered *lowered = exec->lowered;

    return lowered ? lowered->source->nodes[lowered->origin[i]].name : exec->graph->nodes[i].name;
}
