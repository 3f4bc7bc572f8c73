/* export_fs.c - a Filter Summary layer in standard ONNX.
 *
 *   W[k] = (F[idx_k] - zero) * scale[k]
 *
 * idx is computed by integer operators on constants, so a runtime folds all of it at load and runs
 * the dense network. (DequantizeLinear instead of Cast, Sub and Mul would not be folded by ONNX
 * Runtime, and every run would pay for it.) The formulas are those of ops/fs_geometry.h:
 *   1d: idx[k,e] = (floor(k L / d) + e) mod L, d = K (even) or K - 1 (reference)
 *       or (start_k + e) mod L with the starts stored (free)
 *   3d: idx[k,c,r,s] = (((i_c t_c + c) mod D) H + (i_y t_y + r) mod H) V + (i_x t_x + s) mod V,
 *       k = (i_c g_y + i_y) g_x + i_x
 *
 * Each layout is a list of rows (export_fs_rows.c), read twice (export_rows.c): as the body of a
 * model-local function, which the small form calls once a layer, and written out per layer with the
 * caller's numbers put in. F's levels come from export_levels.c.
 */
#include "onnx/export_fs.h"

#include "ops/fs_geometry.h"

#include <stdlib.h>

/* ---- a layer ----------------------------------------------------------------------------------
 */

struct summary {
    struct fsn__fs_body body;
    struct fsn__fs_geometry g;
    int64_t divisor, elements, shape[4], segment;
};

static void add_param(struct summary *s, const char *name, size_t count, const int64_t *ints,
                      bool list)
{
    s->body.param[s->body.param_count++] = (struct fsn__fs_param){name, count, ints, list};
}

/* Fills what a layer's geometry means in the file. The params point into *s. */
static void describe(struct summary *s)
{
    const struct fsn__fs_geometry *g = &s->g;
    const bool located = g->layout == FSN_LAYOUT_1D && g->spacing == FSN_SPACING_FREE;

    fsn__fs_layer_body(g->layout,
                       located   ? FSN__FS_LOCATED
                       : g->slot ? FSN__FS_PLACED
                                 : FSN__FS_IN_ORDER,
                       s->segment > 0, &s->body);
    s->shape[0] = g->k;
    s->shape[1] = g->c;
    s->shape[2] = g->r;
    s->shape[3] = g->s;
    add_param(s, "shape", 4, s->shape, true);
    if (g->layout == FSN_LAYOUT_3D) {
        add_param(s, "size", 3, g->fs_dim, true);
        add_param(s, "grid", 3, g->grid, true);
        add_param(s, "strides", 3, g->stride, true);
    } else {
        s->elements = fsn__fs_filter_size(g);
        add_param(s, "elements", 1, &s->elements, false);
    }
    if (g->layout == FSN_LAYOUT_1D && !located) {
        s->divisor = g->spacing == FSN_SPACING_REFERENCE && g->k > 1 ? g->k - 1 : g->k;
        add_param(s, "divisor", 1, &s->divisor, false);
    }
    if (s->segment > 0)
        add_param(s, "segment", 1, &s->segment, false);
}

/* The narrowest integers that hold any slot. */
static enum fsn__dtype dtype_of_slots(const struct fsn__fs_geometry *g)
{
    const int64_t slots = g->spacing == FSN_SPACING_FREE ? g->fs_dim[0] : g->k;

    return slots <= 1 << 8 ? FSN__U8 : slots <= 1 << 16 ? FSN__U16 : FSN__I32;
}

static const char *add_slots(struct fsn__exporter *ex, const struct fsn__fs_geometry *g)
{
    const char *name = fsn__export_new_name(ex);
    struct fsn__tensor t = {.dtype = dtype_of_slots(g), .ndim = 1, .dim = {g->k}};

    t.data = fsn__export_alloc(ex, (size_t)g->k, sizeof(int64_t));
    for (int64_t k = 0; k < g->k && t.data; k++)
        if (t.dtype == FSN__U8)
            ((uint8_t *)t.data)[k] = (uint8_t)g->slot[k];
        else if (t.dtype == FSN__U16)
            ((uint16_t *)t.data)[k] = (uint16_t)g->slot[k];
        else
            ((int32_t *)t.data)[k] = (int32_t)g->slot[k];
    if (t.data)
        fsn__export_initialiser(ex, name, &t);
    return name;
}

/* A constant that layers share: slots in order (the number of them, their type), or a zero. */
struct shared {
    double what;
    enum fsn__dtype dtype;
    const char *name;
};

static const char *find_shared(const struct fsn__exporter *ex, double what, enum fsn__dtype dtype)
{
    const struct shared *known = (const struct shared *)(const void *)ex->shared.data;

    for (size_t i = 0; i < ex->shared.size / sizeof *known; i++)
        if (known[i].what == what && known[i].dtype == dtype)
            return known[i].name;
    return NULL;
}

static const char *share(struct fsn__exporter *ex, double what, enum fsn__dtype dtype,
                         const char *name)
{
    const struct shared shared = {what, dtype, name};

    if (!fsn__buf_append(&ex->shared, &shared, sizeof shared))
        ex->out_of_memory = true;
    return name;
}

/* Filters side by side have their slots in order; these are written once for all layers. */
static const char *write_slots(struct fsn__exporter *ex, const struct fsn__fs_geometry *g)
{
    const enum fsn__dtype dtype = dtype_of_slots(g);
    const char *name;

    for (int64_t k = 0; k < g->k; k++)
        if (g->slot[k] != k)
            return add_slots(ex, g);
    name = find_shared(ex, (double)g->k, dtype);
    return name ? name : share(ex, (double)g->k, dtype, add_slots(ex, g));
}

/* The zero of levels, of which a file has few (quant/steps.c). Their names, unlike any that is
 * invented, have one length, whichever layer is the first to have which, so that no file is larger
 * than its plan's. */
static const char *zero_name(struct fsn__exporter *ex, int value)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const struct fsn__tensor *t = &ex->graph->values[value].tensor;
    const char *name = t->data ? find_shared(ex, (double)fsn__f32(t)[0], FSN__F32) : NULL;

    for (const char *digit = digits; t->data && !name && *digit; digit++) {
        const char text[] = {'z', *digit, 0};

        if (fsn__names_find(&ex->taken, text) >= 0)
            continue;
        name = share(ex, (double)fsn__f32(t)[0], FSN__F32, fsn__export_text(ex, text));
        if (!name || !fsn__names_put(&ex->taken, name, value)) {
            ex->out_of_memory = true;
            return NULL;
        }
        fsn__export_initialiser(ex, name, t);
    }
    return name ? name : fsn__export_value(ex, value);
}

/* The names of the summary's inputs; what a node lacks of scale and zero is a shared constant of
 * the file. */
static void input_names(struct fsn__exporter *ex, const struct fsn__node *node,
                        const struct summary *s, const char **in)
{
    struct fsn__tensor t = {.dtype = FSN__F32};

    in[0] = fsn__export_levels(ex, node->in[0]);
    if (node->n_in > 1 && node->in[1] >= 0) {
        in[1] = fsn__export_value(ex, node->in[1]);
    } else {
        if (!ex->one) {
            static float one = 1;

            t = (struct fsn__tensor){.dtype = FSN__F32, .ndim = 1, .dim = {1}, .data = &one};
            ex->one = fsn__export_new_name(ex);
            fsn__export_initialiser(ex, ex->one, &t);
        }
        in[1] = ex->one;
    }
    if (node->n_in > 2 && node->in[2] >= 0) {
        in[2] = fsn__level_bits(&ex->graph->values[node->in[0]].tensor) < 8
                    ? zero_name(ex, node->in[2])
                    : fsn__export_value(ex, node->in[2]);
    } else {
        if (!ex->zero) {
            static float zero = 0;

            t = (struct fsn__tensor){.dtype = FSN__F32, .data = &zero};
            ex->zero = fsn__export_new_name(ex);
            fsn__export_initialiser(ex, ex->zero, &t);
        }
        in[2] = ex->zero;
    }
    if (s->g.slot)
        in[3] = write_slots(ex, &s->g);
    if (s->segment > 0)
        in[s->body.input_count - 1] = fsn__export_value(ex, node->in[FSN__FS_STEPS]);
}

/* Runs the operator once and writes the filters. */
static enum fsn_status write_dense(struct fsn__exporter *ex, const struct fsn__node *node,
                                   struct fsn_error *err)
{
    const struct fsn__value *values = ex->graph->values;
    struct fsn__tensor inputs[FSN__FS_INPUTS], w = values[node->out[0]].tensor;
    struct fsn__tensor *in[FSN__FS_INPUTS] = {NULL}, *out[1] = {&w};
    struct fsn__op_ctx ctx = {.op = node->op,
                              .name = node->name,
                              .attrs = &node->attrs,
                              .n_in = node->n_in,
                              .n_out = 1,
                              .in = in,
                              .out = out};
    size_t work = 0, saved = 0; /* nothing is saved outside training */
    enum fsn_status status;

    for (int i = 0; i < node->n_in; i++) {
        if (node->in[i] < 0)
            continue;
        inputs[i] = values[node->in[i]].tensor;
        in[i] = &inputs[i];
        if (!inputs[i].data)
            return FSN__FAIL(err, FSN_UNSUPPORTED,
                             "FilterSummary '%s': input '%s' is not constant; its filters cannot "
                             "be written out",
                             node->name, values[node->in[i]].name);
    }
    status = node->op->infer(&ctx, err);
    if (status != FSN_OK)
        return status;
    if (node->op->sizes)
        node->op->sizes(&ctx, &work, &saved);
    w.data = fsn__export_alloc(ex, fsn__tensor_bytes(&w), 1);
    ctx.work = fsn__aligned_calloc(work, 1);
    status = w.data && ctx.work ? node->op->forward(&ctx, err) : FSN__NOMEM(err);
    free(ctx.work);
    if (status == FSN_OK)
        fsn__export_initialiser(ex, fsn__export_value(ex, node->out[0]), &w);
    return status;
}

enum fsn_status fsn__export_filter_summary(struct fsn__exporter *ex, int node,
                                           struct fsn_error *err)
{
    const struct fsn__node *from = &ex->graph->nodes[node];
    const char *in[FSN__FS_MAX_INPUTS];
    struct summary s = {.divisor = 0};
    enum fsn_status status;

    if (ex->form == FSN_EXPORT_DENSE)
        return write_dense(ex, from, err);
    status = fsn__fs_geometry_read(&from->attrs, &ex->graph->values[from->in[0]].tensor, from->name,
                                   &s.g, err);
    if (status == FSN_OK && ((from->n_in > FSN__FS_BASE && from->in[FSN__FS_BASE] >= 0) ||
                             (from->n_in > FSN__FS_OFFSET && from->in[FSN__FS_OFFSET] >= 0)))
        status = FSN__FAIL(err, FSN_UNSUPPORTED,
                           "FilterSummary '%s': its filters are still in training", from->name);
    if (status != FSN_OK)
        return status;
    if (from->n_in > FSN__FS_STEPS && from->in[FSN__FS_STEPS] >= 0)
        s.segment = fsn__attr_int(&from->attrs, "segment", 0);
    describe(&s);
    input_names(ex, from, &s, in);
    fsn__export_body(ex, &ex->nodes, &s.body, in, fsn__export_value(ex, from->out[0]));
    return ex->out_of_memory ? FSN__NOMEM(err) : FSN_OK;
}
