/* missing.c - which operators of a file the engine lacks, and where: all of them in one message.
 *
 *     operators 'Foo' of nodes 'a', 'b' and 7 more, 'Bar' (domain 'com.example') of node 'c' are
 * not supported
 *
 * An error's text is bounded, so names are cut and nodes past the first few are counted; operators
 * that find no room any more are counted too.
 */
#include "onnx/import.h"

#include <stdio.h>
#include <string.h>

enum { NODES_NAMED = 4, OPERATORS_NAMED = 32, ROOM_TO_COUNT = 40 };

/* One operator that is missing. */
struct missing {
    const char *op, *domain;
    const char *node[NODES_NAMED];
    int count; /* of its nodes */
};

struct search {
    struct fsn__importer *im;
    struct fsn__names seen; /* "domain\nop" -> its number */
    struct missing item[OPERATORS_NAMED];
    int count; /* of the operators, those that are not in item too */
};

static enum fsn_status note(struct search *search, const FsnOnnx__NodeProto *node,
                            struct fsn_error *err)
{
    const char *op = fsn__proto_text(node->op_type), *domain = fsn__proto_text(node->domain);
    const char *label = fsn__proto_text(node->name);
    const size_t size = strlen(op) + strlen(domain) + 2;
    char *key = fsn__arena_alloc(&search->im->arena, size, 1);
    struct missing *missing;
    int index;

    if (!key)
        return FSN__NOMEM(err);
    snprintf(key, size, "%s\n%s", domain, op);
    index = fsn__names_find(&search->seen, key);
    if (index < 0) {
        index = search->count++;
        if (!fsn__names_put(&search->seen, key, index))
            return FSN__NOMEM(err);
    }
    if (index >= OPERATORS_NAMED)
        return FSN_OK;
    missing = &search->item[index];
    missing->op = op;
    missing->domain = domain;
    if (!*label && node->n_output > 0)
        label = node->output[0];
    if (missing->count < NODES_NAMED)
        missing->node[missing->count] = label;
    missing->count++;
    return FSN_OK;
}

static enum fsn_status look_through(struct search *search, size_t count,
                                    FsnOnnx__NodeProto *const *nodes, struct fsn_error *err)
{
    enum fsn_status status = FSN_OK;

    for (size_t i = 0; i < count && status == FSN_OK; i++) {
        const char *op = fsn__proto_text(nodes[i]->op_type);
        const char *domain = fsn__proto_text(nodes[i]->domain);

        if (fsn__op_find(domain, op) || fsn__import_find_function(search->im, domain, op) >= 0)
            continue;
        if (fsn__proto_is_onnx_domain(domain) &&
            (strcmp(op, "Constant") == 0 || fsn__import_is_if(nodes[i]) || fsn__import_renames(op)))
            continue;
        status = note(search, nodes[i], err);
    }
    return status;
}

/* Appends what fits in whole; false when it does not. */
static bool append(char *text, size_t size, const char *more)
{
    const size_t used = strlen(text);

    if (used + strlen(more) >= size)
        return false;
    memcpy(text + used, more, strlen(more) + 1);
    return true;
}

static void describe(const struct missing *missing, const char *separator, char *text, size_t size)
{
    const bool foreign = *missing->domain != 0;
    const int named = missing->count < NODES_NAMED ? missing->count : NODES_NAMED;
    size_t used = (size_t)snprintf(text, size, "%s'%s'%s%s%s of node%s", separator, missing->op,
                                   foreign ? " (domain '" : "", missing->domain,
                                   foreign ? "')" : "", missing->count > 1 ? "s" : "");

    for (int i = 0; i < named && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s '%.60s'", i > 0 ? "," : "",
                                 missing->node[i]);
    if (missing->count > named && used < size)
        snprintf(text + used, size - used, " and %d more", missing->count - named);
}

static enum fsn_status fail(const struct search *search, struct fsn_error *err)
{
    char text[900] = "", one[700];
    int told = 0;

    while (told < search->count && told < OPERATORS_NAMED) {
        describe(&search->item[told], told > 0 ? ", " : "", one, sizeof one);
        if (!append(text, sizeof text - ROOM_TO_COUNT, one))
            break;
        told++;
    }
    if (told < search->count) {
        snprintf(one, sizeof one, " and %d other operators", search->count - told);
        (void)append(text, sizeof text, one);
    }
    return FSN__FAIL(err, FSN_UNSUPPORTED, "%s %s %s not supported",
                     search->count > 1 ? "operators" : "operator", text,
                     search->count > 1 ? "are" : "is");
}

enum fsn_status fsn__import_check_branch_operators(struct fsn__importer *im,
                                                   const FsnOnnx__GraphProto *branch,
                                                   struct fsn_error *err)
{
    struct search search = {.im = im};
    enum fsn_status status = look_through(&search, branch->n_node, branch->node, err);

    if (status == FSN_OK && search.count > 0)
        status = fail(&search, err);
    fsn__names_free(&search.seen);
    return status;
}

enum fsn_status fsn__import_check_operators(struct fsn__importer *im, struct fsn_error *err)
{
    const FsnOnnx__ModelProto *model = im->model;
    struct search search = {.im = im};
    enum fsn_status status = look_through(&search, model->graph->n_node, model->graph->node, err);
    for (size_t i = 0; i < model->n_functions && status == FSN_OK; i++)
        status = look_through(&search, model->functions[i]->n_node, model->functions[i]->node, err);
    if (status == FSN_OK && search.count > 0)
        status = fail(&search, err);
    fsn__names_free(&search.seen);
    return status;
}
