/* import_tensor.c - TensorProto to tensor.
 *
 * Elements stand either in raw_data (little endian, as the file's type has them) or in one of the
 * typed lists; the specification says which list holds which type. Either way they become one
 * packed block in the file's element type and from there to the engine's: float16 and bfloat16
 * widen to float32, float64 narrows to it when the caller asks.
 */
#include "onnx/proto.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "raw_data is little endian");

/* ---- half precision -------------------------------------------------------------------------- */

float fsn__half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t exponent = (half >> 10) & 0x1fu, mantissa = half & 0x3ffu, bits;
    float value;

    if (exponent == 0) { /* zero or subnormal: mantissa * 2^-24, exact in binary32 */
        value = (float)mantissa * 0x1.0p-24f;
        return sign ? -value : value;
    }
    bits = exponent == 31 ? 0x7f800000u : (exponent + 112) << 23;
    bits |= sign | mantissa << 13;
    memcpy(&value, &bits, sizeof value);
    return value;
}

uint16_t fsn__float_to_half(float value)
{
    uint32_t bits, magnitude, kept, lost, shift = 13;
    uint16_t sign;

    memcpy(&bits, &value, sizeof bits);
    sign = (uint16_t)(bits >> 16 & 0x8000u);
    magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) /* NaN stays NaN */
        return (uint16_t)(sign | 0x7e00u);
    if (magnitude >= 0x47800000u) /* 2^16 and beyond */
        return (uint16_t)(sign | 0x7c00u);
    if (magnitude >= 0x38800000u) { /* normal in half precision: rebias 127 -> 15 */
        kept = magnitude - (112u << 23);
    } else { /* subnormal: the leading one becomes explicit and shifts down */
        uint32_t exponent = magnitude >> 23;

        if (exponent < 102) /* below half of the smallest subnormal */
            return sign;
        kept = (magnitude & 0x7fffffu) | 0x800000u;
        shift = 126 - exponent;
    }
    lost = kept & ((1u << shift) - 1);
    kept >>= shift;
    if (lost > 1u << (shift - 1) || (lost == 1u << (shift - 1) && (kept & 1)))
        kept++; /* a carry runs into the exponent, up to infinity: that is the right result */
    return (uint16_t)(sign | kept);
}

float fsn__bfloat_to_float(uint16_t value)
{
    uint32_t bits = (uint32_t)value << 16;
    float wide;

    memcpy(&wide, &bits, sizeof wide);
    return wide;
}

uint16_t fsn__float_to_bfloat(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) /* NaN stays NaN */
        return (uint16_t)(bits >> 16 | 0x40u);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1)) >> 16); /* half to even */
}

/* ---- where the elements stand ---------------------------------------------------------------- */

/* Bytes of one element in raw_data. */
static size_t file_bytes(int32_t onnx)
{
    enum fsn__dtype dtype;

    if (onnx == FSN__ONNX_FLOAT16 || onnx == FSN__ONNX_BFLOAT16)
        return 2;
    return fsn__proto_dtype(onnx, false, &dtype) ? fsn__dtype_bytes(dtype) : 0;
}

/* How many elements the typed list for this element type holds. */
static size_t typed_count(const FsnOnnx__TensorProto *proto)
{
    switch (proto->data_type) {
    case FSN__ONNX_FLOAT:
        return proto->n_float_data;
    case FSN__ONNX_DOUBLE:
        return proto->n_double_data;
    case FSN__ONNX_INT64:
        return proto->n_int64_data;
    case FSN__ONNX_UINT32:
    case FSN__ONNX_UINT64:
        return proto->n_uint64_data;
    default:
        return proto->n_int32_data;
    }
}

/* The elements where the file already has them packed; NULL, with *widened set, where they stand in
 * a list of wider integers. */
static const void *packed_elements(const FsnOnnx__TensorProto *proto, bool *widened)
{
    *widened = false;
    if (proto->raw_data.len > 0)
        return proto->raw_data.data;
    switch (proto->data_type) {
    case FSN__ONNX_FLOAT:
        return proto->float_data;
    case FSN__ONNX_DOUBLE:
        return proto->double_data;
    case FSN__ONNX_INT64:
        return proto->int64_data;
    case FSN__ONNX_UINT64:
        return proto->uint64_data;
    case FSN__ONNX_INT32:
        return proto->int32_data;
    default:
        *widened = true;
        return NULL;
    }
}

/* Copies a list of wider integers, checking that each value fits. */
#define COPY_INTEGERS(type, list)                                                                 \
    do {                                                                                          \
        type *to = packed;                                                                        \
                                                                                                  \
        for (size_t i = 0; i < n; i++) {                                                          \
            to[i] = (type)proto->list[i];                                                         \
            if (proto->list[i] != (__typeof__(proto->list[i]))to[i])                              \
                return FSN__FAIL(err, FSN_FORMAT, "%s: element %zu, %lld, does not fit %s", what, \
                                 i, (long long)proto->list[i],                                    \
                                 FSN__PROTO_DTYPE(proto->data_type));                             \
        }                                                                                         \
    } while (0)

static enum fsn_status copy_typed(const FsnOnnx__TensorProto *proto, size_t n, const char *what,
                                  void *packed, struct fsn_error *err)
{
    switch (proto->data_type) {
    case FSN__ONNX_UINT32:
        COPY_INTEGERS(uint32_t, uint64_data);
        break;
    case FSN__ONNX_INT8:
        COPY_INTEGERS(int8_t, int32_data);
        break;
    case FSN__ONNX_INT16:
        COPY_INTEGERS(int16_t, int32_data);
        break;
    case FSN__ONNX_UINT8:
    case FSN__ONNX_BOOL:
        COPY_INTEGERS(uint8_t, int32_data);
        break;
    default: /* uint16, and the bit patterns of the two half precisions */
        COPY_INTEGERS(uint16_t, int32_data);
        break;
    }
    return FSN_OK;
}

/* Packed elements in the file's type -> the engine's. Either may be unaligned. */
static void convert(const void *packed, int32_t onnx, struct fsn__tensor *out, size_t n)
{
    const unsigned char *from = packed;

    if (onnx == FSN__ONNX_FLOAT16 || onnx == FSN__ONNX_BFLOAT16) {
        for (size_t i = 0; i < n; i++) {
            uint16_t half;

            memcpy(&half, from + 2 * i, sizeof half);
            fsn__f32(out)[i] =
                onnx == FSN__ONNX_FLOAT16 ? fsn__half_to_float(half) : fsn__bfloat_to_float(half);
        }
    } else if (onnx == FSN__ONNX_DOUBLE && out->dtype == FSN__F32) {
        for (size_t i = 0; i < n; i++) {
            double wide;

            memcpy(&wide, from + sizeof wide * i, sizeof wide);
            fsn__f32(out)[i] = (float)wide;
        }
    } else if (onnx == FSN__ONNX_BOOL) {
        for (size_t i = 0; i < n; i++)
            ((uint8_t *)out->data)[i] = from[i] != 0;
    } else if (n > 0) {
        memcpy(out->data, from, n * fsn__dtype_bytes(out->dtype));
    }
}

/* Dims and type, checked; no data yet. */
static enum fsn_status read_shape(const FsnOnnx__TensorProto *proto,
                                  const struct fsn__proto_tensor_limits *limits, const char *what,
                                  struct fsn__tensor *out, struct fsn_error *err)
{
    int64_t n;

    if (!fsn__proto_dtype(proto->data_type, limits->narrow, &out->dtype))
        return FSN__FAIL(err, FSN_UNSUPPORTED, "%s: element type %s is not supported", what,
                         FSN__PROTO_DTYPE(proto->data_type));
    if (proto->n_dims > FSN_MAX_DIMS)
        return FSN__FAIL(err, FSN_LIMIT, "%s: %zu dimensions, at most %d can be taken", what,
                         proto->n_dims, FSN_MAX_DIMS);
    out->ndim = (int)proto->n_dims;
    for (int i = 0; i < out->ndim; i++) {
        out->dim[i] = proto->dims[i];
        if (out->dim[i] < 0)
            return FSN__FAIL(err, FSN_FORMAT, "%s: dimension %d is %lld", what, i,
                             (long long)out->dim[i]);
    }
    n = fsn__numel(out);
    if (n < 0 || (uint64_t)n > limits->max_elements || (uint64_t)n > SIZE_MAX / sizeof(double))
        return FSN__FAIL(err, FSN_LIMIT, "%s: shape %s has more than %zu elements", what,
                         FSN__SHAPE(out), limits->max_elements);
    return FSN_OK;
}

enum fsn_status fsn__proto_tensor(const FsnOnnx__TensorProto *proto,
                                  const struct fsn__proto_tensor_limits *limits, const char *what,
                                  struct fsn__tensor *out, struct fsn_error *err)
{
    struct fsn__tensor t = {0};
    enum fsn_status status;
    const void *packed;
    void *narrowed = NULL;
    size_t n, file, bytes;
    bool raw, widened;

    if (proto->data_location == FSN_ONNX__TENSOR_PROTO__DATA_LOCATION__EXTERNAL)
        return FSN__FAIL(err, FSN_UNSUPPORTED,
                         "%s: its data lies in another file; save the model as one file", what);
    status = read_shape(proto, limits, what, &t, err);
    if (status != FSN_OK)
        return status;
    n = (size_t)fsn__numel(&t);
    file = file_bytes(proto->data_type);
    raw = proto->raw_data.len > 0;
    if (raw && proto->raw_data.len != n * file)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu bytes of data, shape %s of %s needs %zu", what,
                         proto->raw_data.len, FSN__SHAPE(&t), FSN__PROTO_DTYPE(proto->data_type),
                         n * file);
    if (!raw && typed_count(proto) != n)
        return FSN__FAIL(err, FSN_FORMAT, "%s: %zu elements of data, shape %s of %s needs %zu",
                         what, typed_count(proto), FSN__SHAPE(&t),
                         FSN__PROTO_DTYPE(proto->data_type), n);
    bytes = n * fsn__dtype_bytes(t.dtype);
    if (limits->bytes_left && bytes > *limits->bytes_left)
        return FSN__FAIL(err, FSN_LIMIT, "%s: the model's constants are larger than the limit",
                         what);
    status = fsn__tensor_alloc(&t, err);
    if (status != FSN_OK)
        goto out;
    packed = packed_elements(proto, &widened);
    if (widened && n > 0) {
        narrowed = fsn__aligned_calloc(n, file);
        status = narrowed ? copy_typed(proto, n, what, narrowed, err) : FSN__NOMEM(err);
        if (status != FSN_OK)
            goto out;
        packed = narrowed;
    }
    convert(packed, proto->data_type, &t, n);
    if (limits->bytes_left)
        *limits->bytes_left -= bytes;
    *out = t;
    t.data = NULL;
out:
    free(t.data);
    free(narrowed);
    return status;
}
