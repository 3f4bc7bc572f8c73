/* proto.c - ONNX's protobuf messages: unpacking within a memory budget, small helpers.
 *
 * protobuf-c takes an allocator; ours counts. Every block carries its size in front, so that what
 * the parser gives back is counted back.
 */
#include "onnx/proto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Real files need two to ten times their size (nodes and attributes are small on the wire). */
enum { BUDGET_FACTOR = 32, BUDGET_BASE = 64 * 1024 * 1024 };

struct budget {
    size_t left;
    bool exceeded, out_of_memory;
};

union block_header {
    size_t size;
    _Alignas(16) unsigned char pad[16];
};

static void *budget_alloc(void *data, size_t size)
{
    struct budget *budget = data;
    union block_header *block;

    if (size > SIZE_MAX - sizeof *block || size + sizeof *block > budget->left) {
        budget->exceeded = true;
        return NULL;
    }
    block = malloc(size + sizeof *block);
    if (!block) {
        budget->out_of_memory = true;
        return NULL;
    }
    block->size = size + sizeof *block;
    budget->left -= block->size;
    return block + 1;
}

static void budget_free(void *data, void *pointer)
{
    struct budget *budget = data;
    union block_header *block = pointer;

    if (!pointer)
        return;
    block--;
    if (budget)
        budget->left += block->size;
    free(block);
}

static enum fsn_status unpack(const ProtobufCMessageDescriptor *descriptor, const void *bytes,
                              size_t size, const char *what, void **out, struct fsn_error *err)
{
    struct budget budget = {0};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};

    if (!fsn__mul_size(size, BUDGET_FACTOR, &budget.left) ||
        !fsn__add_size(budget.left, BUDGET_BASE, &budget.left))
        budget.left = SIZE_MAX;
    *out = protobuf_c_message_unpack(descriptor, &allocator, size, bytes);
    if (*out)
        return FSN_OK;
    if (budget.out_of_memory)
        return FSN__NOMEM(err);
    if (budget.exceeded)
        return FSN__FAIL(err, FSN_LIMIT,
                         "%s: its messages unpack to more than %d times the file's %zu bytes", what,
                         BUDGET_FACTOR, size);
    return FSN__FAIL(err, FSN_FORMAT,
                     "%s: not an ONNX file, or cut short: the %zu bytes are no complete protobuf "
                     "message",
                     what, size);
}

enum fsn_status fsn__proto_unpack_model(const void *bytes, size_t size, const char *what,
                                        FsnOnnx__ModelProto **out, struct fsn_error *err)
{
    void *message = NULL;
    enum fsn_status status =
        unpack(&fsn_onnx__model_proto__descriptor, bytes, size, what, &message, err);

    if (status == FSN_OK)
        *out = message;
    return status;
}

enum fsn_status fsn__proto_unpack_graph(const void *bytes, size_t size, const char *what,
                                        FsnOnnx__GraphProto **out, struct fsn_error *err)
{
    void *message = NULL;
    enum fsn_status status =
        unpack(&fsn_onnx__graph_proto__descriptor, bytes, size, what, &message, err);

    if (status == FSN_OK)
        *out = message;
    return status;
}

enum fsn_status fsn__proto_unpack_tensor(const void *bytes, size_t size, const char *what,
                                         FsnOnnx__TensorProto **out, struct fsn_error *err)
{
    void *message = NULL;
    enum fsn_status status =
        unpack(&fsn_onnx__tensor_proto__descriptor, bytes, size, what, &message, err);

    if (status == FSN_OK)
        *out = message;
    return status;
}

void fsn__proto_free(void *message)
{
    ProtobufCAllocator allocator = {budget_alloc, budget_free, NULL};

    protobuf_c_message_free_unpacked(message, &allocator);
}

bool fsn__proto_is_text(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;

    while (*s) {
        int more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : *s >= 0xe0 && *s < 0xf0 ? 2 : 3;

        if (*s < 0x20 || *s == 0x7f || (*s >= 0x80 && *s < 0xc2) || *s > 0xf4)
            return false;
        if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
            (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
            return false;
        for (s++; more > 0; more--, s++)
            if ((*s & 0xc0) != 0x80)
                return false;
    }
    return true;
}

bool fsn__proto_is_onnx_domain(const char *domain)
{
    return !domain || !*domain || strcmp(domain, "ai.onnx") == 0;
}

int64_t fsn__proto_opset(size_t count, FsnOnnx__OperatorSetIdProto *const *imports)
{
    for (size_t i = 0; i < count; i++)
        if (fsn__proto_is_onnx_domain(imports[i]->domain))
            return imports[i]->version;
    return 0;
}

/* ---- element types ------------------------------------------------------------------------- */

const char *fsn__proto_dtype_text(int32_t onnx, char *text, size_t size)
{
    static const char *const names[] = {
        "undefined", "float32", "uint8",     "int8",       "uint16",   "int16",
        "int32",     "int64",   "string",    "bool",       "float16",  "float64",
        "uint32",    "uint64",  "complex64", "complex128", "bfloat16",
    };

    if (onnx >= 0 && (size_t)onnx < sizeof names / sizeof names[0])
        snprintf(text, size, "%s", names[onnx]);
    else
        snprintf(text, size, "type %d", (int)onnx);
    return text;
}

/* X(ONNX's type, ours). The two that only the file knows are widened. */
#define DTYPE_MAP(X) \
    X(FLOAT, F32)    \
    X(DOUBLE, F64)   \
    X(INT8, I8)      \
    X(UINT8, U8)     \
    X(INT16, I16)    \
    X(UINT16, U16)   \
    X(INT32, I32)    \
    X(UINT32, U32)   \
    X(INT64, I64)    \
    X(UINT64, U64)   \
    X(BOOL, BOOL)

bool fsn__proto_dtype(int32_t onnx, bool narrow, enum fsn__dtype *out)
{
    if (onnx == FSN__ONNX_FLOAT16 || onnx == FSN__ONNX_BFLOAT16 ||
        (narrow && onnx == FSN__ONNX_DOUBLE))
        onnx = FSN__ONNX_FLOAT;
    switch (onnx) {
#define MAP(theirs, ours)    \
    case FSN__ONNX_##theirs: \
        *out = FSN__##ours;  \
        return true;
        DTYPE_MAP(MAP)
#undef MAP
    default:
        return false;
    }
}

int32_t fsn__proto_dtype_of(enum fsn__dtype dtype)
{
    static const int32_t types[] = {
#define MAP(theirs, ours) [FSN__##ours] = FSN__ONNX_##theirs,
        DTYPE_MAP(MAP)
#undef MAP
    };
    return types[dtype];
}
