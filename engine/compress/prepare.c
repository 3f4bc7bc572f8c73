/* prepare.c - rewrites between import and compression.
 *
 * The user's file is what the baseline is measured on, as it stands. What is planned, taught from
 * and trained is a copy without the marks that exporters leave (graph/fold_affine.c,
 * graph/transposes.c), into which batch norm is put back (graph/restore_bn.c). */
#include "compress/prepare.h"
#include "graph/fold_affine.h"
#include "graph/transposes.h"

static enum fsn_status rewrite(struct fsn__graph *graph, struct fsn_error *err)
{
    enum fsn_status status = fsn__graph_push_transposes(graph, err);

    return status == FSN_OK ? fsn__graph_fold_affine(graph, err) : status;
}

static enum fsn_status find_head(struct fsn__prepared *out, const struct fsn_spec *spec,
                                 int64_t classes, struct fsn_error *err)
{
    struct fsn_error none = {0};
    enum fsn_status status =
        fsn__graph_find_head(out->graph, spec->output, classes, &out->head, &none);

    out->has_head = status == FSN_OK;
    if (status != FSN_OK && spec->output)
        return FSN__FAIL(err, status, "%s", none.text);
    return FSN_OK;
}

static enum fsn_status find_bare(struct fsn__prepared *out, enum fsn_restore_bn rule,
                                 struct fsn_error *err)
{
    struct fsn__ends ends;

    fsn__prepared_ends(out, out->graph, &ends);
    if (out->has_head)
        ends.value[0] = out->head.logits;
    return fsn__graph_find_bare_convs(out->graph, &ends, rule, &out->bare, err);
}

/* As outputs they keep their names and what they are, whatever is rewritten around them. */
static enum fsn_status keep_ends(struct fsn__prepared *out, const struct fsn__ends *ends,
                                 struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (int i = 0; i < ends->count && status == FSN_OK; i++)
        status =
            fsn__graph_add_inner(out->graph, ends->value[i], &out->end_at[out->end_count++], err);
    return status;
}

enum fsn_status fsn__prepare(const struct fsn__graph *model, const struct fsn_spec *spec,
                             int64_t classes, const struct fsn__ends *ends,
                             struct fsn__prepared *out, struct fsn_error *err)
{
    enum fsn_restore_bn rule =
        spec->finetune.epochs > 0 ? spec->finetune.restore_bn : FSN_RESTORE_BN_NONE;
    enum fsn_status status = fsn__graph_clone(model, &out->graph, err);

    if (status == FSN_OK)
        status = keep_ends(out, ends, err);
    if (status == FSN_OK)
        status = rewrite(out->graph, err);
    if (status == FSN_OK && out->graph->output_count > 0 && classes != FSN__NO_HEAD)
        status = find_head(out, spec, classes, err);
    if (status == FSN_OK)
        status = find_bare(out, rule, err);
    return status;
}

void fsn__prepared_ends(const struct fsn__prepared *prepared, const struct fsn__graph *graph,
                        struct fsn__ends *out)
{
    *out = (struct fsn__ends){.count = 0};
    if (prepared->has_head)
        out->value[out->count++] = graph->outputs[prepared->head.output];
    for (int i = 0; i < prepared->end_count; i++)
        out->value[out->count++] = graph->outputs[prepared->end_at[i]];
}

void fsn__prepared_clear(struct fsn__prepared *prepared)
{
    fsn__graph_destroy(prepared->graph);
    fsn__bare_convs_free(&prepared->bare);
    *prepared = (struct fsn__prepared){0};
}
