/* tensor.c - shapes and tensors; see tensor.h for the contracts. */
#include "tensor/tensor.h"
#include "core/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t fsn__dtype_bytes(enum fsn__dtype dtype)
{
    static const size_t bytes[] = {
#define FSN__BYTES(code, name, size, type) [FSN__##code] = size,
        FSN__DTYPE_LIST(FSN__BYTES)
#undef FSN__BYTES
    };
    return bytes[dtype];
}

const char *fsn__dtype_name(enum fsn__dtype dtype)
{
    static const char *const names[] = {
#define FSN__NAME(code, name, size, type) [FSN__##code] = name,
        FSN__DTYPE_LIST(FSN__NAME)
#undef FSN__NAME
    };
    return names[dtype];
}

int64_t fsn__numel(const struct fsn__tensor *t)
{
    int64_t n = 1;
    bool empty = false;

    for (int i = 0; i < t->ndim; i++) {
        if (t->dim[i] == 0)
            empty = true;
        else if (t->dim[i] < 0 || !fsn__mul_i64(n, t->dim[i], &n))
            return -1;
    }
    return empty ? 0 : n;
}

int64_t fsn__numel_bound(const struct fsn__tensor *t)
{
    struct fsn__tensor full = *t;

    for (int i = 0; i < full.ndim; i++)
        if (full.dim[i] == FSN_BATCH || full.dim[i] == 0)
            full.dim[i] = 1;
    return fsn__numel(&full);
}

int64_t fsn__numel_range(const struct fsn__tensor *t, int from, int to)
{
    int64_t n = 1;

    for (int i = from; i < to; i++)
        n *= t->dim[i];
    return n;
}

size_t fsn__tensor_bytes(const struct fsn__tensor *t)
{
    int64_t n = fsn__numel(t);
    size_t bytes;

    if (n < 0 || !fsn__mul_size((size_t)n, fsn__dtype_bytes(t->dtype), &bytes))
        return 0;
    return bytes;
}

bool fsn__same_shape(const struct fsn__tensor *a, const struct fsn__tensor *b)
{
    if (a->ndim != b->ndim)
        return false;
    for (int i = 0; i < a->ndim; i++)
        if (a->dim[i] != b->dim[i])
            return false;
    return true;
}

const char *fsn__shape_text(const struct fsn__tensor *t, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "[");

    for (int i = 0; i < t->ndim && used < size; i++) {
        const char *comma = i > 0 ? "," : "";

        if (t->dim[i] == FSN_BATCH)
            used += (size_t)snprintf(text + used, size - used, "%sN", comma);
        else
            used +=
                (size_t)snprintf(text + used, size - used, "%s%lld", comma, (long long)t->dim[i]);
    }
    if (used < size)
        snprintf(text + used, size - used, "]");
    return text;
}

void fsn__shape_set(struct fsn__tensor *t, enum fsn__dtype dtype, int ndim, const int64_t *dim)
{
    t->dtype = dtype;
    t->ndim = ndim;
    for (int i = 0; i < ndim; i++)
        t->dim[i] = dim[i];
}

void fsn__shape_copy(struct fsn__tensor *to, const struct fsn__tensor *from)
{
    fsn__shape_set(to, from->dtype, from->ndim, from->dim);
}

enum fsn_status fsn__tensor_alloc(struct fsn__tensor *t, struct fsn_error *err)
{
    int64_t n = fsn__numel(t);

    if (n < 0)
        return FSN__FAIL(err, FSN_LIMIT, "tensor of shape %s has no storable size", FSN__SHAPE(t));
    t->data = fsn__aligned_calloc((size_t)n, fsn__dtype_bytes(t->dtype));
    return t->data ? FSN_OK : FSN__NOMEM(err);
}

enum fsn_status fsn__tensor_clone(struct fsn__tensor *to, const struct fsn__tensor *from,
                                  struct fsn_error *err)
{
    struct fsn__tensor copy = *from;

    copy.data = NULL;
    if (from->data) {
        enum fsn_status status = fsn__tensor_alloc(&copy, err);

        if (status != FSN_OK)
            return status;
        memcpy(copy.data, from->data, fsn__tensor_bytes(from));
    }
    *to = copy;
    return FSN_OK;
}

bool fsn__broadcast_shape(const struct fsn__tensor *a, const struct fsn__tensor *b, int64_t *dim,
                          int *ndim)
{
    int n = a->ndim > b->ndim ? a->ndim : b->ndim;

    for (int i = 0; i < n; i++) {
        int ia = i - (n - a->ndim), ib = i - (n - b->ndim);
        int64_t da = ia >= 0 ? a->dim[ia] : 1, db = ib >= 0 ? b->dim[ib] : 1;

        if (da != db && da != 1 && db != 1)
            return false;
        dim[i] = da == 1 ? db : da;
    }
    *ndim = n;
    return true;
}

int64_t fsn__get_i64(const struct fsn__tensor *t, int64_t i)
{
    switch (t->dtype) {
    case FSN__I8:
        return ((const int8_t *)t->data)[i];
    case FSN__U8:
    case FSN__BOOL:
        return ((const uint8_t *)t->data)[i];
    case FSN__I16:
        return ((const int16_t *)t->data)[i];
    case FSN__U16:
        return ((const uint16_t *)t->data)[i];
    case FSN__I32:
        return ((const int32_t *)t->data)[i];
    case FSN__U32:
        return ((const uint32_t *)t->data)[i];
    case FSN__I64:
        return ((const int64_t *)t->data)[i];
    case FSN__U64:
        return (int64_t)((const uint64_t *)t->data)[i];
    case FSN__F32:
    case FSN__F64:
    case FSN__DTYPE_COUNT:
        break;
    }
    return 0;
}

double fsn__get_f64(const struct fsn__tensor *t, int64_t i)
{
    if (t->dtype == FSN__F32)
        return (double)fsn__f32(t)[i];
    if (t->dtype == FSN__F64)
        return ((const double *)t->data)[i];
    if (t->dtype == FSN__U64)
        return (double)((const uint64_t *)t->data)[i];
    return (double)fsn__get_i64(t, i);
}
