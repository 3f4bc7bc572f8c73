/* exec.c - the executor.
 *
 * Time runs in steps: node i's forward is step i, its backward step 2n-1-i (n nodes). From this and
 * from what each operator's backward reads follows when every value, gradient and saved state is
 * alive, and from that one memory plan for all of them. After creation nothing is allocated.
 *
 * Gradients add up (every backward does +=), so each gradient buffer is zeroed at the first step
 * that writes it, not all at once: their places are shared.
 */
#include "graph/exec.h"
#include "core/clock.h"
#include "graph/memory_plan.h"

#include <stdlib.h>
#include <string.h>

struct exec_node {
    struct fsn__op_ctx ctx;
    bool backward;   /* some input wants a gradient */
    int clear_first; /* this node's backward zeroes gradients clear[clear_first ... + clear_count)
                      */
    int clear_count;
};

struct fsn__exec {
    struct fsn__graph *graph;
    struct fsn__arena arena;
    int steps; /* n, or 2n when training */
    bool training;
    struct fsn__tensor *tensors; /* [values] at the concrete batch */
    struct fsn__tensor *grads;   /* [values]; data NULL: none */
    bool *wants;                 /* [values] a gradient flows here */
    struct exec_node *nodes;
    int *clear;   /* value indices, grouped by the node that clears them */
    void *buffer; /* the planned block */
    size_t buffer_size;
    float *param_grads;      /* one block */
    size_t param_grads_size; /* bytes */
    void *work;
    size_t work_size;
    fsn__exec_timer_fn *timer; /* NULL: nodes are not timed */
    void *timer_user;
};

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
        .seed = options->seed,
        .index = (uint64_t)index,
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

/* ---- lifetimes
 * ----------------------------------------------------------------------------------- */

static void extend(struct fsn__block *block, int step)
{
    if (step > block->death)
        block->death = step;
}

static bool bit(uint64_t mask, int i)
{
    return mask >> i & 1; /* i < FSN__MAX_IO = 64 */
}

static void value_lifetimes(const struct fsn__exec *exec, struct fsn__block *values)
{
    const struct fsn__graph *graph = exec->graph;
    int n = graph->node_count, last = exec->steps;

    for (int i = 0; i < graph->value_count; i++) {
        const struct fsn__value *value = &graph->values[i];

        if (value->kind != FSN__VALUE_INPUT && value->kind != FSN__VALUE_COMPUTED)
            continue;
        values[i].size = fsn__tensor_bytes(&exec->tensors[i]);
        if (values[i].size == 0)
            values[i].size = 1; /* an empty tensor still has an address */
        values[i].birth = values[i].death = value->producer;
        if (value->kind == FSN__VALUE_INPUT) { /* filled by the caller, read again at will */
            values[i].birth = 0;
            values[i].death = last;
        }
    }
    for (int i = 0; i < n; i++) {
        const struct fsn__node *node = &graph->nodes[i];
        bool backward = exec->nodes[i].backward;

        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0)
                extend(&values[node->in[j]],
                       backward && bit(node->op->backward_in, j) ? 2 * n - 1 - i : i);
        for (int j = 0; j < node->n_out; j++)
            if (node->out[j] >= 0 && backward && bit(node->op->backward_out, j))
                extend(&values[node->out[j]], 2 * n - 1 - i);
    }
    for (int i = 0; i < graph->output_count; i++)
        values[graph->outputs[i]].death = last;
}

/* A gradient is born when its value's last reader runs backward (an output's: when forward ends)
 * and dies with its producer's backward. */
static void gradient_lifetimes(const struct fsn__exec *exec, struct fsn__block *grads)
{
    const struct fsn__graph *graph = exec->graph;
    int n = graph->node_count;

    for (int i = 0; i < graph->value_count; i++) {
        if (!exec->wants[i] || graph->values[i].kind != FSN__VALUE_COMPUTED)
            continue;
        grads[i].size = fsn__tensor_bytes(&exec->tensors[i]);
        grads[i].birth = grads[i].death = 2 * n - 1 - graph->values[i].producer;
    }
    for (int i = 0; i < n; i++) {
        const struct fsn__node *node = &graph->nodes[i];

        for (int j = 0; j < node->n_in; j++)
            if (node->in[j] >= 0 && exec->nodes[i].backward && grads[node->in[j]].size > 0 &&
                2 * n - 1 - i < grads[node->in[j]].birth)
                grads[node->in[j]].birth = 2 * n - 1 - i;
    }
    for (int i = 0; i < graph->output_count; i++)
        if (grads[graph->outputs[i]].size > 0)
            grads[graph->outputs[i]].birth = n - 1;
    for (int i = 0; i < graph->value_count; i++)
        if (grads[i].size > 0 && grads[i].birth == grads[i].death)
            grads[i].size = 0; /* nothing reads the value, so no gradient comes */
}

static void saved_lifetimes(struct fsn__exec *exec, struct fsn__block *saved)
{
    int n = exec->graph->node_count;

    for (int i = 0; i < n; i++) {
        struct exec_node *node = &exec->nodes[i];
        size_t work = 0, keep = 0;

        if (node->ctx.op->sizes)
            node->ctx.op->sizes(&node->ctx, &work, &keep);
        if (work > exec->work_size)
            exec->work_size = work;
        saved[i].size = keep;
        saved[i].birth = i;
        saved[i].death = node->backward ? 2 * n - 1 - i : i;
    }
}

/* Lists, for each node, the gradients that its backward is the first to write. */
static enum fsn_status schedule_clears(struct fsn__exec *exec, const struct fsn__block *grads,
                                       struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;
    int n = graph->node_count, at = 0;

    exec->clear = fsn__arena_alloc(&exec->arena, (size_t)graph->value_count + 1, sizeof(int));
    if (!exec->clear)
        return FSN__NOMEM(err);
    for (int i = n - 1; i >= 0; i--) {
        const struct fsn__node *node = &graph->nodes[i];

        exec->nodes[i].clear_first = at;
        if (!exec->nodes[i].backward)
            continue;
        for (int j = 0; j < node->n_in; j++) {
            int value = node->in[j];
            bool listed = false;

            if (value < 0 || grads[value].size == 0 || grads[value].birth != 2 * n - 1 - i)
                continue;
            for (int k = exec->nodes[i].clear_first; k < at; k++)
                listed |= exec->clear[k] == value; /* x + x reads it twice */
            if (!listed)
                exec->clear[at++] = value;
        }
        exec->nodes[i].clear_count = at - exec->nodes[i].clear_first;
    }
    return FSN_OK;
}

/* ---- memory
 * -------------------------------------------------------------------------------------- */

static enum fsn_status alloc_param_grads(struct fsn__exec *exec, struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;
    size_t floats = 0;

    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            exec->param_grads_size = floats * sizeof(float);
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

static enum fsn_status plan(struct fsn__exec *exec, struct fsn_error *err)
{
    const struct fsn__graph *graph = exec->graph;
    int values = graph->value_count, nodes = graph->node_count;
    struct fsn__block *blocks = calloc((size_t)values * 2 + (size_t)nodes + 1, sizeof *blocks);
    struct fsn__block *grads = blocks + values, *saved = grads + values;
    enum fsn_status status;

    if (!blocks)
        return FSN__NOMEM(err);
    value_lifetimes(exec, blocks);
    if (exec->training)
        gradient_lifetimes(exec, grads);
    saved_lifetimes(exec, saved);
    status = fsn__plan_memory(blocks, values * 2 + nodes, &exec->buffer_size, err);
    if (status == FSN_OK)
        status = schedule_clears(exec, grads, err);
    if (status != FSN_OK)
        goto out;
    exec->buffer = fsn__aligned_calloc(exec->buffer_size, 1);
    exec->work = fsn__aligned_calloc(exec->work_size, 1);
    if (!exec->buffer || !exec->work) {
        status = FSN__FAIL(err, FSN_NOMEM,
                           "out of memory: the network needs %zu bytes at this batch size",
                           exec->buffer_size + exec->work_size);
        goto out;
    }
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
    if (exec->training)
        status = alloc_param_grads(exec, err);
out:
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

enum fsn_status fsn__exec_create(struct fsn__graph *graph, const struct fsn__exec_options *options,
                                 struct fsn__exec **out, struct fsn_error *err)
{
    struct fsn__exec *exec;
    size_t values = (size_t)graph->value_count + 1, nodes = (size_t)graph->node_count + 1;
    enum fsn_status status = FSN_OK;

    if (options->batch < 1)
        return FSN__FAIL(err, FSN_INVALID, "batch must be at least 1, got %lld",
                         (long long)options->batch);
    exec = calloc(1, sizeof *exec);
    if (!exec)
        return FSN__NOMEM(err);
    exec->graph = graph;
    exec->training = options->training;
    exec->steps = graph->node_count * (options->training ? 2 : 1);
    exec->tensors = fsn__arena_alloc(&exec->arena, values, sizeof *exec->tensors);
    exec->grads = fsn__arena_alloc(&exec->arena, values, sizeof *exec->grads);
    exec->wants = fsn__arena_alloc(&exec->arena, values, sizeof *exec->wants);
    exec->nodes = fsn__arena_alloc(&exec->arena, nodes, sizeof *exec->nodes);
    if (!exec->tensors || !exec->grads || !exec->wants || !exec->nodes)
        status = FSN__NOMEM(err);
    if (status == FSN_OK)
        status = infer_shapes(exec, options, err);
    if (status == FSN_OK)
        status = find_gradients(exec, err);
    if (status == FSN_OK)
        status = plan(exec, err);
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
    return exec->graph->values[value].kind == FSN__VALUE_PARAM ? grad_at(exec, value) : NULL;
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
        struct exec_node *node = &exec->nodes[i];
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
