/* onnx_maker.h - ONNX files for tests, right ones and wrong ones, message by message.
 *
 * Lists are written as one string: "x,w,,b" is x, w, an absent one and b. Everything lives in the
 * maker until onnx_end. */
#ifndef TESTS_SUPPORT_ONNX_MAKER_H
#define TESTS_SUPPORT_ONNX_MAKER_H

#include "core/mem.h"
#include "onnx/proto.h"

enum { ONNX_MAKER_MAX = 128, ONNX_OPEN = -1 /* a dimension with the symbol "N" */ };

struct onnx_maker {
    struct fsn__arena arena;
    FsnOnnx__ModelProto model;
    FsnOnnx__GraphProto graph;
};

/* IR 8, one opset import for ONNX's domain (opset 0: none). */
void onnx_begin(struct onnx_maker *m, int64_t opset);
void onnx_end(struct onnx_maker *m);

void onnx_input(struct onnx_maker *m, const char *name, int32_t type, int ndim, const int64_t *dim);
void onnx_output(struct onnx_maker *m, const char *name);
/* An initialiser with raw data (copied), or with none when bytes is NULL. */
FsnOnnx__TensorProto *onnx_initialiser(struct onnx_maker *m, const char *name, int32_t type,
                                       int ndim, const int64_t *dim, const void *bytes,
                                       size_t size);
void onnx_floats(struct onnx_maker *m, const char *name, int ndim, const int64_t *dim,
                 const float *values);
void onnx_ints(struct onnx_maker *m, const char *name, int64_t count, const int64_t *values);

/* A node of the graph, named like its operator and first output: "Relu_y". */
FsnOnnx__NodeProto *onnx_node(struct onnx_maker *m, const char *op, const char *in,
                              const char *out);
FsnOnnx__AttributeProto *onnx_attr(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name,
                                   FsnOnnx__AttributeProto__AttributeType type);
void onnx_attr_int(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name, int64_t value);
void onnx_attr_float(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name, float value);
void onnx_attr_ints(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name, size_t count,
                    const int64_t *values);
/* An attribute that refers to the function's attribute `reference`. */
void onnx_attr_ref(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name,
                   FsnOnnx__AttributeProto__AttributeType type, const char *reference);

/* An attribute that holds the graph of `branch`, which is ended. */
void onnx_attr_graph(struct onnx_maker *m, FsnOnnx__NodeProto *node, const char *name,
                     struct onnx_maker *branch);

/* A model-local function, and a node of its body. */
FsnOnnx__FunctionProto *onnx_function(struct onnx_maker *m, const char *domain, const char *name,
                                      const char *in, const char *out);
FsnOnnx__NodeProto *onnx_body_node(struct onnx_maker *m, FsnOnnx__FunctionProto *function,
                                   const char *op, const char *in, const char *out);

/* The file; lives in the maker. */
const unsigned char *onnx_bytes(struct onnx_maker *m, size_t *size);
const unsigned char *onnx_tensor_bytes(struct onnx_maker *m, const FsnOnnx__TensorProto *tensor,
                                       size_t *size);

#endif
