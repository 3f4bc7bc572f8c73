/* export_fs.h - what the files that write Filter Summary layers share. */
#ifndef FSN_ONNX_EXPORT_FS_H
#define FSN_ONNX_EXPORT_FS_H

#include "onnx/export.h"

/* What stands in a row beside operator, output and inputs. */
enum fsn__fs_literal {
    NONE,
    PARAM_INT,   /* Constant: an int attribute of the call */
    PARAM_INTS,  /* Constant: a list attribute of the call */
    VALUE_INT,   /* Constant: the number at hand */
    VALUE_INTS,  /* Constant: -1 and then ones, `number` elements: the shape of a column */
    VALUE_ZEROS, /* Constant: zeros, `number` elements */
    CAST_TO,     /* Cast: the ONNX type */
    DROP_DIMS    /* ReduceSum: without the axis that it sums over */
};

/* One node. Inputs are outputs of rows before it or of the function: F, scale, zero, slots,
 * steps. */
struct fsn__fs_row {
    const char *op, *out;
    const char *in[3];
    enum fsn__fs_literal literal;
    const char *param;
    int64_t number;
};

struct fsn__fs_piece {
    const struct fsn__fs_row *row;
    size_t count;
};

enum { FSN__FS_PIECES = 8, FSN__FS_MAX_ROWS = 96, FSN__FS_MAX_INPUTS = 5, FSN__FS_MAX_PARAMS = 5 };

/* An attribute of a call. */
struct fsn__fs_param {
    const char *name;
    size_t count;
    const int64_t *ints;
    bool list;
};

/* Rows from inputs to one output, and the values of what they refer to. */
struct fsn__fs_body {
    const char *function; /* the name of the function with this body */
    const char *output;
    struct fsn__fs_piece piece[FSN__FS_PIECES];
    size_t input_count, param_count;
    const char *input[FSN__FS_MAX_INPUTS];
    struct fsn__fs_param param[FSN__FS_MAX_PARAMS];
};

/* export_fs_rows.c. How filters get their slots: in order; as the input of slots says; the same,
 * and slots are the elements at which they start (layout 1d with free spacing). */
enum fsn__fs_order { FSN__FS_IN_ORDER, FSN__FS_PLACED, FSN__FS_LOCATED };
/* From F (flat, or of any shape of so many elements), scale, zero, slots if it is placed and the
 * steps of segments if there are any, to W. The rows refer to the attributes `shape`; of layout 1d
 * `elements` (of a filter) and, if it is not located, `divisor`; of 3d `size`, `grid` and
 * `strides`; with steps `segment`. No attribute has a value yet. */
void fsn__fs_layer_body(enum fsn_layout layout, enum fsn__fs_order order, bool steps,
                        struct fsn__fs_body *out);
/* From packed levels to levels. */
void fsn__fs_unpack_body(struct fsn__fs_body *out);
/* From whole numbers and a step to the numbers' cubes, times the step. */
void fsn__fs_cubes_body(struct fsn__fs_body *out);

/* export_rows.c: the body over inputs of these names, in ex->form. */
void fsn__export_body(struct fsn__exporter *ex, struct fsn__buf *list,
                      const struct fsn__fs_body *body, const char *const *in, const char *out);

/* export_levels.c: the name of F's levels, which fsn__export_all_levels will write, flat and
 * perhaps as floats: nothing but Filter Summaries may read that. Of an F that is no levels, its own
 * name. */
const char *fsn__export_levels(struct fsn__exporter *ex, int f);
/* The fewest bits, 1 to 6 or 8, that hold every level; 8 of what is no levels. ONNX Runtime unpacks
 * integers of more than 53 bits, which eight levels of 7 make, as if they were doubles. */
int fsn__level_bits(const struct fsn__tensor *levels);

#endif
