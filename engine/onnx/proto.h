/* proto.h - ONNX's protobuf messages: unpacking within a memory budget, small helpers. */
#ifndef FSN_ONNX_PROTO_H
#define FSN_ONNX_PROTO_H

#include "onnx.pb-c.h"
#include "core/mem.h"
#include "tensor/tensor.h"

/* TensorProto.DataType of the ONNX specification. */
enum {
    FSN__ONNX_FLOAT = 1,
    FSN__ONNX_UINT8 = 2,
    FSN__ONNX_INT8 = 3,
    FSN__ONNX_UINT16 = 4,
    FSN__ONNX_INT16 = 5,
    FSN__ONNX_INT32 = 6,
    FSN__ONNX_INT64 = 7,
    FSN__ONNX_STRING = 8,
    FSN__ONNX_BOOL = 9,
    FSN__ONNX_FLOAT16 = 10,
    FSN__ONNX_DOUBLE = 11,
    FSN__ONNX_UINT32 = 12,
    FSN__ONNX_UINT64 = 13,
    FSN__ONNX_BFLOAT16 = 16
};

/* Unpacks a message; new, freed by fsn__proto_free. A file can make the unpacked form many times as
 * large as itself (an empty node takes two bytes), so memory is held to a multiple of the file's
 * size: LIMIT past it. FORMAT when the bytes are no such message. `what` names the source. */
FSN_NODISCARD enum fsn_status fsn__proto_unpack_model(const void *bytes, size_t size,
                                                      const char *what, FsnOnnx__ModelProto **out,
                                                      struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__proto_unpack_graph(const void *bytes, size_t size,
                                                      const char *what, FsnOnnx__GraphProto **out,
                                                      struct fsn_error *err);
FSN_NODISCARD enum fsn_status fsn__proto_unpack_tensor(const void *bytes, size_t size,
                                                       const char *what, FsnOnnx__TensorProto **out,
                                                       struct fsn_error *err);
void fsn__proto_free(void *message); /* any unpacked message, or NULL */

/* An absent string is "". */
static inline const char *fsn__proto_text(const char *text)
{
    return text ? text : "";
}

/* UTF-8 without control characters, overlong forms or surrogates (RFC 3629). */
bool fsn__proto_is_text(const char *text);

/* Whether a domain is ONNX's own. */
bool fsn__proto_is_onnx_domain(const char *domain);
/* "float16", "complex64", ...; "type N" for a number that means nothing here. */
const char *fsn__proto_dtype_text(int32_t onnx, char *text, size_t size);
#define FSN__PROTO_DTYPE(onnx) fsn__proto_dtype_text((onnx), (char[24]){0}, 24)

/* What becomes of an ONNX element type in the engine: float16 and bfloat16 are held as float32,
 * float64 too when `narrow` is set. False: the engine has no such type. */
bool fsn__proto_dtype(int32_t onnx, bool narrow, enum fsn__dtype *out);
int32_t fsn__proto_dtype_of(enum fsn__dtype dtype);

/* The version of ONNX's own operator set among imports; 0 when there is none. */
int64_t fsn__proto_opset(size_t count, FsnOnnx__OperatorSetIdProto *const *imports);

/* How a tensor is read. */
struct fsn__proto_tensor_limits {
    size_t max_elements; /* of one tensor */
    size_t *bytes_left;  /* of all together; reduced by what is read. NULL: unlimited */
    bool narrow;         /* float64 becomes float32 */
};

/* TensorProto -> tensor. Dims are checked against limits and against the data's length before
 * anything is allocated. out->data new, freed by free(). `what` names it in messages ("initialiser
 * 'w'"). Errors: FORMAT, UNSUPPORTED (element type, external data), LIMIT, NOMEM. */
FSN_NODISCARD enum fsn_status fsn__proto_tensor(const FsnOnnx__TensorProto *proto,
                                                const struct fsn__proto_tensor_limits *limits,
                                                const char *what, struct fsn__tensor *out,
                                                struct fsn_error *err);

/* IEEE 754 binary16 <-> binary32, rounding to nearest even. */
float fsn__half_to_float(uint16_t half);
uint16_t fsn__float_to_half(float value);
/* bfloat16, the upper half of a binary32, in the same way. */
float fsn__bfloat_to_float(uint16_t value);
uint16_t fsn__float_to_bfloat(float value);

#endif
