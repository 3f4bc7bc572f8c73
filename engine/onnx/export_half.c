/*
 * export_half.c - constants that float16 holds exactly, in half the bytes.
 *
 * A large one is a float16 initialiser and a Cast. The many short ones of a network (scales and
 * biases) share these, at most FSN__MAX_IO of them at a time:
 *
 *   float16 [n]  ->  Cast  ->  Split by their lengths
 *
 * A runtime folds all of it at load, as it does with filters. What is trained stays as it is.
 */
#include "onnx/export.h"

/* Fewer elements than this are not worth the two nodes. */
enum { LEAST_ELEMENTS = 64 };

struct fsn__half_piece {
    const char *name;
    const struct fsn__tensor *t;
};

static bool is_half(const struct fsn__tensor *t)
{
    const int64_t n = fsn__numel(t);

    for (int64_t i = 0; i < n; i++)
        if (fsn__half_to_float(fsn__float_to_half(fsn__f32(t)[i])) != fsn__f32(t)[i])
            return false;
    return true;
}

static uint16_t *put_half(const struct fsn__tensor *t, uint16_t *to)
{
    const int64_t n = fsn__numel(t);

    for (int64_t i = 0; i < n; i++)
        *to++ = fsn__float_to_half(fsn__f32(t)[i]);
    return to;
}

/* A float16 initialiser of this shape, and a Cast of it in `list`; the caller fills the elements.
 * name: of the Cast's output. NULL: no memory. */
static uint16_t *add_cast(struct fsn__exporter *ex, struct fsn__buf *list,
                          const struct fsn__tensor *shape, const char *name)
{
    const size_t n = (size_t)fsn__numel(shape);
    const char *stored = fsn__export_new_name(ex);
    uint16_t *half = fsn__export_alloc(ex, n, sizeof *half);
    FsnOnnx__TensorProto *proto = fsn__export_tensor(ex, stored, shape);
    FsnOnnx__NodeProto *cast = fsn__export_node(ex, list, "Cast", 1, &stored, 1, &name);

    fsn__export_attr_int(ex, cast, "to", FSN__ONNX_FLOAT);
    if (!half || !proto)
        return NULL;
    proto->data_type = FSN__ONNX_FLOAT16;
    proto->raw_data.data = (uint8_t *)half;
    proto->raw_data.len = n * sizeof *half;
    fsn__export_append(ex, &ex->initialisers, proto);
    return half;
}

/* One Cast and one Split for the pieces. */
static void write_pieces(struct fsn__exporter *ex, const struct fsn__half_piece *piece,
                         size_t count, int64_t elements)
{
    const struct fsn__tensor all = {.dtype = FSN__F32, .ndim = 1, .dim = {elements}};
    const char *in[2], *out[FSN__MAX_IO];
    int64_t length[FSN__MAX_IO];
    uint16_t *half;

    in[0] = count > 1 ? fsn__export_new_name(ex) : piece[0].name;
    half = add_cast(ex, &ex->head, &all, in[0]);
    for (size_t i = 0; half && i < count; i++) {
        half = put_half(piece[i].t, half);
        out[i] = piece[i].name;
        length[i] = piece[i].t->dim[0];
    }
    if (count < 2 || !half)
        return;
    in[1] = fsn__export_ints(ex, count, length);
    fsn__export_node(ex, &ex->head, "Split", 2, in, count, out);
}

bool fsn__export_as_half(struct fsn__exporter *ex, const struct fsn__value *value, const char *name)
{
    const struct fsn__tensor *t = &value->tensor;
    const struct fsn__half_piece piece = {name, t};
    const int64_t n = fsn__numel(t);
    uint16_t *half;

    if (ex->form == FSN_EXPORT_DENSE || value->kind != FSN__VALUE_CONST || t->dtype != FSN__F32 ||
        n < 2 || !is_half(t))
        return false;
    if (t->ndim == 1) {
        if (!fsn__buf_append(&ex->halves, &piece, sizeof piece))
            ex->out_of_memory = true;
        return true;
    }
    if (n < LEAST_ELEMENTS)
        return false;
    half = add_cast(ex, &ex->nodes, t, name);
    if (half)
        put_half(t, half);
    return true;
}

void fsn__export_halves(struct fsn__exporter *ex)
{
    const struct fsn__half_piece *piece = (const struct fsn__half_piece *)(void *)ex->halves.data;
    size_t left = ex->halves.size / sizeof *piece;

    while (left > 0 && !ex->out_of_memory) {
        const size_t count = left < FSN__MAX_IO ? left : FSN__MAX_IO;
        int64_t elements = 0;

        for (size_t i = 0; i < count; i++)
            elements += piece[i].t->dim[0];
        if (elements >= LEAST_ELEMENTS)
            write_pieces(ex, piece, count, elements);
        else
            for (size_t i = 0; i < count; i++)
                fsn__export_initialiser(ex, piece[i].name, piece[i].t);
        piece += count;
        left -= count;
    }
}
