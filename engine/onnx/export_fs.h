/* export_fs.h - what the two files that write Filter Summary layers share. */
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

enum { FSN__FS_PIECES = 9, FSN__FS_MAX_ROWS = 96 };

/* A layer from its inputs to W; `function`: the name of the function with this body. */
struct fsn__fs_rows {
    const char *function;
    struct fsn__fs_piece piece[FSN__FS_PIECES];
};

/* How filters get their slots: in order; as the input of slots says; the same, and slots are the
 * elements at which they start (layout 1d with free spacing). */
enum fsn__fs_order { FSN__FS_IN_ORDER, FSN__FS_PLACED, FSN__FS_LOCATED };

/* How F is stored: as it is; as [bits,P] of packed levels (export_fs.c), of which the call's
 * attribute `size` says the shape; the same with 8 P levels, of layout 1d, which needs none. */
enum fsn__fs_levels { FSN__FS_UNPACKED, FSN__FS_PACKED, FSN__FS_PACKED_WHOLE };

/* steps: there is an input of them, and the call has the attribute `segment`. */
void fsn__fs_rows_choose(enum fsn_layout layout, enum fsn__fs_order order,
                         enum fsn__fs_levels stored, bool steps, struct fsn__fs_rows *out);

#endif
