/* export_levels.c - the levels of all Filter Summaries of one width, in one tensor (or as many as
 * Split's outputs need).
 *
 *   levels in few bits [bits,P]  ->  UnpackLevels  ->  Split by their lengths
 *   levels in bytes [n]          ->                    Split by their lengths
 *
 * Eight levels have as many bytes as a level has bits. How many that is, the levels themselves say.
 * A tensor for each layer, each unpacked by itself, would take more bytes, and a runtime half as
 * long again to load (165 ms instead of 100 for ResNet-56's 55 layers in ONNX Runtime).
 */
#include "onnx/export_fs.h"

#include <string.h>

struct fsn__levels_piece {
    const char *name;
    const uint8_t *level;
    int64_t count;
    int bits; /* that it is stored in */
};

/* About what a width takes beside its levels: a tensor, a call, a Split; and where it is the only
 * one that is packed, the function that unpacks. */
enum { WIDTH_BYTES = 128, FUNCTION_BYTES = 896 };

int fsn__level_bits(const struct fsn__tensor *levels)
{
    const int64_t n = fsn__numel(levels);
    const uint8_t *level = levels->data;
    int bits = 1;

    if (!level || levels->dtype != FSN__U8)
        return 8;
    for (int64_t i = 0; i < n; i++)
        while (level[i] >> bits != 0)
            bits++;
    return bits == 7 ? 8 : bits; /* words of 56 bits are not exact in every runtime */
}

/* Levels as [bits,P], P = ceil(n / 8): level i has its place in column i % P, as the digit i / P to
 * the base 2^bits of the integer whose bytes the column is, least first. */
static void pack(const uint8_t *level, int64_t n, int bits, uint8_t *bytes)
{
    const int64_t columns = (n + 7) / 8;

    for (int64_t p = 0; p < columns; p++) {
        uint64_t word = 0;

        for (int64_t digit = 0; digit < 8 && digit * columns + p < n; digit++)
            word |= (uint64_t)level[digit * columns + p] << (digit * bits);
        for (int b = 0; b < bits; b++)
            bytes[b * columns + p] = (uint8_t)(word >> (8 * b));
    }
}

const char *fsn__export_levels(struct fsn__exporter *ex, int f)
{
    const struct fsn__tensor *t = &ex->graph->values[f].tensor;
    struct fsn__levels_piece piece = {.count = fsn__numel(t)};

    if (!t->data || t->dtype != FSN__U8)
        return fsn__export_value(ex, f);
    if (!ex->value_name[f]) {
        piece.name = ex->value_name[f] = fsn__export_new_name(ex);
        piece.level = t->data;
        piece.bits = fsn__level_bits(t);
        if (!fsn__buf_append(&ex->levels, &piece, sizeof piece))
            ex->out_of_memory = true;
    }
    return ex->value_name[f];
}

/* One initialiser for the levels [n], under `name` when it is what they come to. */
static void write_levels(struct fsn__exporter *ex, const uint8_t *level, int64_t n, int bits,
                         const char *name)
{
    const char *stored = bits < 8 ? fsn__export_new_name(ex) : name;
    struct fsn__tensor t = {.dtype = FSN__U8};

    if (bits < 8) {
        struct fsn__fs_body body;

        fsn__shape_set(&t, FSN__U8, 2, (int64_t[]){bits, (n + 7) / 8});
        t.data = fsn__export_alloc(ex, (size_t)t.dim[1], (size_t)bits);
        if (!t.data)
            return;
        pack(level, n, bits, t.data);
        fsn__fs_unpack_body(&body);
        fsn__export_body(ex, &ex->head, &body, &stored, name);
    } else {
        fsn__shape_set(&t, FSN__U8, 1, &n);
        t.data = (void *)(uintptr_t)level;
    }
    fsn__export_initialiser(ex, stored, &t);
}

/* Pieces of one width; what fills the last bytes is a piece that nobody reads. */
static void write_pieces(struct fsn__exporter *ex, const struct fsn__levels_piece *const *piece,
                         size_t count, int64_t n)
{
    const int bits = piece[0]->bits;
    const int64_t padding = bits < 8 ? (8 - n % 8) % 8 : 0;
    const char *in[2], *out[FSN__MAX_IO];
    int64_t length[FSN__MAX_IO], at = 0;
    uint8_t *all = fsn__export_alloc(ex, (size_t)n, 1);

    for (size_t i = 0; all && i < count; i++) {
        memcpy(all + at, piece[i]->level, (size_t)piece[i]->count);
        at += length[i] = piece[i]->count;
        out[i] = piece[i]->name;
    }
    if (!all)
        return;
    if (count == 1 && padding == 0) {
        write_levels(ex, all, n, bits, piece[0]->name);
        return;
    }
    if (padding > 0) {
        length[count] = padding;
        out[count++] = fsn__export_new_name(ex);
    }
    in[0] = fsn__export_new_name(ex);
    write_levels(ex, all, n, bits, in[0]);
    in[1] = fsn__export_ints(ex, count, length);
    fsn__export_node(ex, &ex->head, "Split", 2, in, count, out);
}

/* A few levels of a width that no other summary has are stored in the next width that there is:
 * one of their own would take more. */
static void join_widths(struct fsn__levels_piece *piece, size_t pieces)
{
    int64_t levels[9] = {0};
    int widths = 0;

    for (size_t i = 0; i < pieces; i++)
        levels[piece[i].bits] += piece[i].count;
    for (int bits = 1; bits < 8; bits++)
        widths += levels[bits] > 0;
    for (int bits = 1; bits < 8; bits++) {
        int next = bits + 1;

        while (next < 8 && levels[next] == 0)
            next++;
        if (levels[bits] == 0 || levels[next] == 0 ||
            levels[bits] * (next - bits) / 8 >= WIDTH_BYTES + (widths == 1 ? FUNCTION_BYTES : 0))
            continue;
        for (size_t i = 0; i < pieces; i++)
            if (piece[i].bits == bits)
                piece[i].bits = next;
        levels[next] += levels[bits];
        widths--;
    }
}

void fsn__export_all_levels(struct fsn__exporter *ex)
{
    struct fsn__levels_piece *piece = (struct fsn__levels_piece *)(void *)ex->levels.data;
    const size_t pieces = ex->levels.size / sizeof *piece;

    join_widths(piece, pieces);
    for (int bits = 1; bits <= 8; bits++) {
        const struct fsn__levels_piece *some[FSN__MAX_IO - 1];
        int64_t n = 0;
        size_t count = 0;

        for (size_t i = 0; i < pieces && !ex->out_of_memory; i++) {
            if (piece[i].bits != bits)
                continue;
            some[count++] = &piece[i];
            n += piece[i].count;
            if (count < sizeof some / sizeof *some)
                continue;
            write_pieces(ex, some, count, n);
            count = 0;
            n = 0;
        }
        if (count > 0 && !ex->out_of_memory)
            write_pieces(ex, some, count, n);
    }
}
