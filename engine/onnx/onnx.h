/* onnx.h - ONNX files in and out. */
#ifndef FSN_ONNX_ONNX_H
#define FSN_ONNX_ONNX_H

#include "graph/graph.h"

/* A graph input to be read as a constant (a test case's int64 "starts", say). */
struct fsn__binding {
    const char *name;
    const struct fsn__tensor *tensor;
};

/* fsn_model_load_memory with bindings. An output that folds to a constant stays one. */
FSN_NODISCARD enum fsn_status fsn__onnx_import(const void *bytes, size_t size,
                                               const struct fsn_import_limits *limits,
                                               const struct fsn__binding *bindings,
                                               size_t binding_count, struct fsn_model **out,
                                               struct fsn_error *err);

/* The model as ONNX bytes; *bytes new, freed by free(). The graph is written as it stands: fold BN
 * first (compress/ does). */
FSN_NODISCARD enum fsn_status fsn__onnx_export(const struct fsn_model *model,
                                               enum fsn_export_form form, unsigned char **bytes,
                                               size_t *size, struct fsn_error *err);

/* Reads a serialized TensorProto file (test data). tensor->data new, freed by free(). */
FSN_NODISCARD enum fsn_status fsn__onnx_read_tensor(const char *path, struct fsn__tensor *tensor,
                                                    struct fsn_error *err);

#endif
