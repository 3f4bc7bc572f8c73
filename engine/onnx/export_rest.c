/*
 * export_rest.c - constants in half or a quarter of the bytes: those that float16 holds exactly,
 * and cubes of whole numbers (struct fsn__cubes), which are stored as these numbers.
 *
 * A large one has an initialiser and a node or call of its own. The many short ones of a network
 * (scales and biases) share these, at most FSN__MAX_IO of them at a time, and cubes those of their
 * group, which have one step:
 *
 *   float16 [n]     ->  Cast   ->  Split by their lengths
 *   bytes [n], step ->  Cubes  ->  Split by their lengths
 *
 * A runtime folds all of it at load, as it does with filters. What is trained stays as it is.
 */
#include "onnx/export_fs.h"
#include "quant/quant.h"

/* Fewer elements than this are not worth the two nodes. */
enum { LEAST_ELEMENTS = 64 };

struct fsn__rest_piece {
    const char *name;
    const struct fsn__value *value;
};

static bool is_half(const struct fsn__tensor *t)
{
    const int64_t n = fsn__numel(t);

    for (int64_t i = 0; i < n; i++)
        if (fsn__half_to_float(fsn__float_to_half(fsn__f32(t)[i])) != fsn__f32(t)[i])
            return false;
    return true;
}

static bool is_cubes(const struct fsn__value *value)
{
    return value->cubes.step > 0;
}

static size_t element_bytes(const struct fsn__value *value)
{
    return is_cubes(value) ? 1 : sizeof(uint16_t);
}

/* As it is stored. Returns the place behind it. */
static unsigned char *put(const struct fsn__value *value, unsigned char *to)
{
    const struct fsn__tensor *t = &value->tensor;
    const int64_t n = fsn__numel(t);

    for (int64_t i = 0; i < n; i++)
        if (is_cubes(value))
            to[i] = (unsigned char)fsn__cube_root(fsn__f32(t)[i], &value->cubes);
        else
            ((uint16_t *)(void *)to)[i] = fsn__float_to_half(fsn__f32(t)[i]);
    return to + (size_t)n * element_bytes(value);
}

/* A scalar of its own, since training arrived at it. */
static const char *add_step(struct fsn__exporter *ex, float step)
{
    struct fsn__tensor t = {.dtype = FSN__F32};
    const char *name = fsn__export_new_name(ex);

    t.data = fsn__export_alloc(ex, 1, sizeof step);
    if (!t.data)
        return NULL;
    *fsn__f32(&t) = step;
    fsn__export_initialiser(ex, name, &t);
    return name;
}

/* An initialiser of this shape, of elements like those of the value, and in `list` what makes
 * floats of it under this name; the caller fills the elements. NULL: no memory. */
static unsigned char *add_stored(struct fsn__exporter *ex, struct fsn__buf *list,
                                 const struct fsn__tensor *shape, const struct fsn__value *like,
                                 const char *name)
{
    const size_t bytes = (size_t)fsn__numel(shape) * element_bytes(like);
    const char *in[2] = {fsn__export_new_name(ex), NULL};
    unsigned char *stored = fsn__export_alloc(ex, bytes, 1);
    FsnOnnx__TensorProto *proto = fsn__export_tensor(ex, in[0], shape);

    if (is_cubes(like)) {
        struct fsn__fs_body body;

        in[1] = add_step(ex, like->cubes.step);
        fsn__fs_cubes_body(&body);
        fsn__export_body(ex, list, &body, in, name);
    } else {
        FsnOnnx__NodeProto *cast = fsn__export_node(ex, list, "Cast", 1, in, 1, &name);

        fsn__export_attr_int(ex, cast, "to", FSN__ONNX_FLOAT);
    }
    if (!stored || !proto)
        return NULL;
    proto->data_type = !is_cubes(like)        ? FSN__ONNX_FLOAT16
                       : like->cubes.positive ? FSN__ONNX_UINT8
                                              : FSN__ONNX_INT8;
    proto->raw_data.data = stored;
    proto->raw_data.len = bytes;
    fsn__export_append(ex, &ex->initialisers, proto);
    return stored;
}

/* All pieces in one, and one Split. */
static void write_pieces(struct fsn__exporter *ex, const struct fsn__rest_piece *const *piece,
                         size_t count, int64_t elements)
{
    const struct fsn__tensor all = {.dtype = FSN__F32, .ndim = 1, .dim = {elements}};
    const char *in[2], *out[FSN__MAX_IO];
    int64_t length[FSN__MAX_IO];
    unsigned char *stored;

    in[0] = count > 1 ? fsn__export_new_name(ex) : piece[0]->name;
    stored = add_stored(ex, &ex->head, &all, piece[0]->value, in[0]);
    for (size_t i = 0; stored && i < count; i++) {
        stored = put(piece[i]->value, stored);
        out[i] = piece[i]->name;
        length[i] = piece[i]->value->tensor.dim[0];
    }
    if (count < 2 || !stored)
        return;
    in[1] = fsn__export_ints(ex, count, length);
    fsn__export_node(ex, &ex->head, "Split", 2, in, count, out);
}

bool fsn__export_as_rest(struct fsn__exporter *ex, const struct fsn__value *value, const char *name)
{
    const struct fsn__tensor *t = &value->tensor;
    const struct fsn__rest_piece piece = {name, value};
    const int64_t n = fsn__numel(t);
    unsigned char *stored;

    if (ex->form == FSN_EXPORT_DENSE || value->kind != FSN__VALUE_CONST || t->dtype != FSN__F32 ||
        n < 2 || !(is_cubes(value) || is_half(t)))
        return false;
    if (t->ndim == 1) {
        if (!fsn__buf_append(&ex->rest, &piece, sizeof piece))
            ex->out_of_memory = true;
        return true;
    }
    if (n < LEAST_ELEMENTS)
        return false;
    stored = add_stored(ex, &ex->nodes, t, value, name);
    if (stored)
        put(value, stored);
    return true;
}

/* The pieces that are together, as many as a Split has outputs. */
static void write_some(struct fsn__exporter *ex, const struct fsn__rest_piece *const *piece,
                       size_t count)
{
    int64_t elements = 0;

    for (size_t i = 0; i < count; i++)
        elements += piece[i]->value->tensor.dim[0];
    if (count == 0 || ex->out_of_memory)
        return;
    if (elements >= LEAST_ELEMENTS) {
        write_pieces(ex, piece, count, elements);
        return;
    }
    for (size_t i = 0; i < count; i++)
        fsn__export_initialiser(ex, piece[i]->name, &piece[i]->value->tensor);
}

void fsn__export_all_rest(struct fsn__exporter *ex)
{
    const struct fsn__rest_piece *piece =
        (const struct fsn__rest_piece *)(const void *)ex->rest.data;
    const size_t pieces = ex->rest.size / sizeof *piece;
    int groups = 0;

    for (size_t i = 0; i < pieces; i++)
        if (piece[i].value->cubes.group > groups)
            groups = piece[i].value->cubes.group;
    for (int group = 0; group <= groups; group++) {
        const struct fsn__rest_piece *some[FSN__MAX_IO];
        size_t count = 0;

        for (size_t i = 0; i < pieces; i++) {
            if (piece[i].value->cubes.group != group)
                continue;
            some[count++] = &piece[i];
            if (count < FSN__MAX_IO)
                continue;
            write_some(ex, some, count);
            count = 0;
        }
        write_some(ex, some, count);
    }
}
