/* export_fs_rows.c - the tables of a Filter Summary layer in standard ONNX (export_fs.c says what
 * they compute and what they are read for).
 *
 * A layer is a list of pieces: what both layouts begin with, the places idx, F as it is stored, the
 * steps of segments, the gather.
 */
#include "onnx/export_fs.h"

#include <stddef.h>

#define CONST_PARAM(out, kind, name)                       \
    {                                                      \
        "Constant", out, {NULL, NULL, NULL}, kind, name, 0 \
    }
#define CONST_VALUE(out, kind, value)                          \
    {                                                          \
        "Constant", out, {NULL, NULL, NULL}, kind, NULL, value \
    }
#define ROW1(out, op, a)                        \
    {                                           \
        op, out, {a, NULL, NULL}, NONE, NULL, 0 \
    }
#define ROW2(out, op, a, b)                  \
    {                                        \
        op, out, {a, b, NULL}, NONE, NULL, 0 \
    }
#define ROW3(out, op, a, b, c)            \
    {                                     \
        op, out, {a, b, c}, NONE, NULL, 0 \
    }
#define CAST(out, in, type)                                \
    {                                                      \
        "Cast", out, {in, NULL, NULL}, CAST_TO, NULL, type \
    }

/* Small numbers, the filters' shape; K, C, R, S where they are needed. */
static const struct fsn__fs_row rows_shape[] = {
    CONST_VALUE("0", VALUE_INT, 0),
    CONST_VALUE("1", VALUE_INT, 1),
    CONST_PARAM("shape", PARAM_INTS, "shape"),
};
static const struct fsn__fs_row rows_channels[] = {
    CONST_VALUE("2", VALUE_INT, 2),    CONST_VALUE("3", VALUE_INT, 3),
    ROW2("C", "Gather", "shape", "1"), ROW2("R", "Gather", "shape", "2"),
    ROW2("S", "Gather", "shape", "3"),
};

/* The slots of the filters: in order, or as the call's input has them; or that has the starts. */
static const struct fsn__fs_row rows_order[] = {
    ROW2("K", "Gather", "shape", "0"),
    ROW3("k", "Range", "0", "K", "1"),
};
static const struct fsn__fs_row rows_slots[] = {CAST("k", "slots", FSN__ONNX_INT64)};
static const struct fsn__fs_row rows_located[] = {CAST("s", "slots", FSN__ONNX_INT64)};

/* ---- places -----------------------------------------------------------------------------------
 */

static const struct fsn__fs_row rows_size_1d[] = {ROW1("size", "Shape", "F")}; /* [L] */

/* Starts from slots. */
static const struct fsn__fs_row rows_starts[] = {
    CONST_PARAM("d", PARAM_INT, "divisor"),
    ROW2("kL", "Mul", "k", "size"),
    ROW2("s", "Div", "kL", "d"),
};

static const struct fsn__fs_row rows_1d[] = {
    CONST_PARAM("n", PARAM_INT, "elements"), CONST_VALUE("col", VALUE_INTS, 2),
    ROW2("s1", "Reshape", "s", "col"), /* starts, [K,1] */
    ROW3("e", "Range", "0", "n", "1"),       ROW2("se", "Add", "s1", "e"),
    ROW2("i", "Mod", "se", "size"), /* [K,n] */
};

static const struct fsn__fs_row rows_3d[] = {
    CONST_PARAM("size", PARAM_INTS, "size"),
    CONST_PARAM("grid", PARAM_INTS, "grid"),
    CONST_PARAM("t", PARAM_INTS, "strides"),
    ROW2("D", "Gather", "size", "0"),
    ROW2("H", "Gather", "size", "1"),
    ROW2("V", "Gather", "size", "2"),
    ROW2("gy", "Gather", "grid", "1"),
    ROW2("gx", "Gather", "grid", "2"),
    ROW2("tc", "Gather", "t", "0"),
    ROW2("ty", "Gather", "t", "1"),
    ROW2("tx", "Gather", "t", "2"),
    CONST_VALUE("c4", VALUE_INTS, 4),
    CONST_VALUE("c3", VALUE_INTS, 3),
    CONST_VALUE("c2", VALUE_INTS, 2),
    CONST_VALUE("c1", VALUE_INTS, 1),
    ROW2("k4", "Reshape", "k", "c4"), /* [K,1,1,1] */
    ROW2("yk", "Div", "k4", "gx"),
    ROW2("ic", "Div", "yk", "gy"),
    ROW2("iy", "Mod", "yk", "gy"),
    ROW2("ix", "Mod", "k4", "gx"),
    ROW2("sc", "Mul", "ic", "tc"),
    ROW2("sy", "Mul", "iy", "ty"),
    ROW2("sx", "Mul", "ix", "tx"),
    ROW3("c", "Range", "0", "C", "1"),
    ROW3("r", "Range", "0", "R", "1"),
    ROW3("s", "Range", "0", "S", "1"),
    ROW2("cc", "Reshape", "c", "c3"), /* [C,1,1] */
    ROW2("rr", "Reshape", "r", "c2"), /* [R,1] */
    ROW2("ac", "Add", "sc", "cc"),
    ROW2("ay", "Add", "sy", "rr"),
    ROW2("ax", "Add", "sx", "s"),
    ROW2("mc", "Mod", "ac", "D"),
    ROW2("my", "Mod", "ay", "H"),
    ROW2("mx", "Mod", "ax", "V"),
    ROW2("cH", "Mul", "mc", "H"),
    ROW2("cy", "Add", "cH", "my"),
    ROW2("yV", "Mul", "cy", "V"),
    ROW2("i", "Add", "yV", "mx"), /* [K,C,R,S] */
};

/* ---- levels, flat, as float -------------------------------------------------------------------
 */

static const struct fsn__fs_row rows_levels_1d[] = {CAST("Ff", "F", FSN__ONNX_FLOAT)};
static const struct fsn__fs_row rows_levels_3d[] = {
    CAST("Fx", "F", FSN__ONNX_FLOAT),
    ROW2("Ff", "Reshape", "Fx", "c1"),
};

static const struct fsn__fs_row rows_center[] = {ROW2("F0", "Sub", "Ff", "zero")};

/* The same times the step of each segment. */
static const struct fsn__fs_row rows_steps[] = {
    CONST_PARAM("seg", PARAM_INT, "segment"),
    ROW2("Fz", "Sub", "Ff", "zero"),
    ROW1("sz", "Shape", "Fz"),
    ROW2("nz", "Gather", "sz", "0"),
    ROW3("j", "Range", "0", "nz", "1"),
    ROW2("js", "Div", "j", "seg"),
    ROW2("st", "Gather", "steps", "js"),
    CAST("sf", "st", FSN__ONNX_FLOAT),
    ROW2("F0", "Mul", "Fz", "sf"),
};

/* ---- filters ----------------------------------------------------------------------------------
 */

static const struct fsn__fs_row rows_end_1d[] = {
    ROW2("q", "Gather", "F0", "i"),
    CAST("zf", "scale", FSN__ONNX_FLOAT), /* from float16, mostly */
    ROW2("z", "Reshape", "zf", "col"),
    ROW2("w", "Mul", "q", "z"),
    ROW2("W", "Reshape", "w", "shape"),
};
static const struct fsn__fs_row rows_end_3d[] = {
    ROW2("q", "Gather", "F0", "i"),
    CAST("zf", "scale", FSN__ONNX_FLOAT),
    ROW2("z", "Reshape", "zf", "c4"),
    ROW2("W", "Mul", "q", "z"),
};

/* ---- packed levels -----------------------------------------------------------------------------
 */

/* F is [bits,P]: column p is one integer of bits bytes, least first, and its digits to the base
 * 2^bits are the levels p, P + p, ..., 7 P + p. (All of it on constants, folded at load, in
 * operators that every set since 13 has; BitwiseAnd came with 18.) */
static const struct fsn__fs_row rows_unpack[] = {
    CONST_VALUE("0", VALUE_INT, 0),
    CONST_VALUE("1", VALUE_INT, 1),
    CONST_VALUE("2", VALUE_INT, 2),
    CONST_VALUE("8", VALUE_INT, 8),
    CONST_VALUE("256", VALUE_INT, 256),
    CONST_VALUE("p1", VALUE_INTS, 1),
    CONST_VALUE("p2", VALUE_INTS, 2),
    CONST_VALUE("a0", VALUE_ZEROS, 1),
    ROW1("sF", "Shape", "F"),
    ROW2("b", "Gather", "sF", "0"),
    ROW2("base", "Pow", "2", "b"),
    ROW3("rb", "Range", "0", "b", "1"),
    ROW2("wb", "Pow", "256", "rb"),
    ROW2("wc", "Reshape", "wb", "p2"), /* [bits,1] */
    CAST("Fi", "F", FSN__ONNX_INT64),
    ROW2("Fw", "Mul", "Fi", "wc"),
    {"ReduceSum", "word", {"Fw", "a0", NULL}, DROP_DIMS, NULL, 0}, /* [P] */
    ROW3("r8", "Range", "0", "8", "1"),
    ROW2("w8", "Pow", "base", "r8"),
    ROW2("v8", "Reshape", "w8", "p2"), /* [8,1] */
    ROW2("sh", "Div", "word", "v8"),
    ROW2("q8", "Mod", "sh", "base"),
    ROW2("qf", "Reshape", "q8", "p1"),
    CAST("Ff", "qf", FSN__ONNX_FLOAT),
};

/* ---- cubes ------------------------------------------------------------------------------------
 */

static const struct fsn__fs_row rows_cubes[] = {
    CAST("c", "C", FSN__ONNX_FLOAT),
    ROW2("cc", "Mul", "c", "c"),
    ROW2("ccc", "Mul", "cc", "c"),
    ROW2("X", "Mul", "ccc", "step"),
};

#define PIECE(rows)                         \
    {                                       \
        rows, sizeof(rows) / sizeof *(rows) \
    }

void fsn__fs_layer_body(enum fsn_layout layout, enum fsn__fs_order order, bool steps,
                        struct fsn__fs_body *out)
{
    static const char *const names[3][2][2] = {
        /* [order][3d][steps] */
        {{"FilterSummary1d", "SegmentSummary1d"}, {"FilterSummary3d", "SegmentSummary3d"}},
        {{"PlacedFilterSummary1d", "PlacedSegmentSummary1d"},
         {"PlacedFilterSummary3d", "PlacedSegmentSummary3d"}},
        {{"LocatedFilterSummary1d", "LocatedSegmentSummary1d"}},
    };
    const bool three = layout == FSN_LAYOUT_3D;
    const struct fsn__fs_piece shape = PIECE(rows_shape), nothing = {NULL, 0};
    const struct fsn__fs_piece before[2] = {PIECE(rows_size_1d), PIECE(rows_channels)};
    const struct fsn__fs_piece slots[3] = {PIECE(rows_order), PIECE(rows_slots),
                                           PIECE(rows_located)};
    const struct fsn__fs_piece starts = PIECE(rows_starts);
    const struct fsn__fs_piece places[2] = {PIECE(rows_1d), PIECE(rows_3d)};
    const struct fsn__fs_piece levels[2] = {PIECE(rows_levels_1d), PIECE(rows_levels_3d)};
    const struct fsn__fs_piece center = PIECE(rows_center), segments = PIECE(rows_steps);
    const struct fsn__fs_piece ends[2] = {PIECE(rows_end_1d), PIECE(rows_end_3d)};

    *out = (struct fsn__fs_body){
        .function = names[order][three][steps],
        .output = "W",
        .piece = {shape, before[three], slots[order],
                  three || order == FSN__FS_LOCATED ? nothing : starts, places[three],
                  levels[three], steps ? segments : center, ends[three]},
        .input = {"F", "scale", "zero"},
        .input_count = 3,
    };
    if (order != FSN__FS_IN_ORDER)
        out->input[out->input_count++] = "slots";
    if (steps)
        out->input[out->input_count++] = "steps";
}

void fsn__fs_cubes_body(struct fsn__fs_body *out)
{
    *out = (struct fsn__fs_body){
        .function = "Cubes",
        .output = "X",
        .piece = {PIECE(rows_cubes)},
        .input = {"C", "step"},
        .input_count = 2,
    };
}

void fsn__fs_unpack_body(struct fsn__fs_body *out)
{
    *out = (struct fsn__fs_body){
        .function = "UnpackLevels",
        .output = "Ff",
        .piece = {PIECE(rows_unpack)},
        .input = {"F"},
        .input_count = 1,
    };
}
