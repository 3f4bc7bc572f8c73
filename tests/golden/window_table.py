#!/usr/bin/python3
"""Writes window_table.h: outputs of convolutions, transposed ones and poolings as PyTorch computes them.

Inputs are small integers from formulas that test_op_conv*.c and test_op_pool.c repeat, so sums are
exact in any order: x[i] = (7 i + 3) mod 11 - 5 (max pooling: (37 i + 5) mod 101), w[i] = (5 i + 2)
mod 7 - 3, b[i] = i - 1. Average pooling is multiplied by 5040, which every count here divides.
"""
import torch
import torch.nn.functional as F

CONVS = [  # name, x, w, bias, stride, pads (ONNX order), dilation, groups
    ("plain", (2, 3, 5, 4), (4, 3, 3, 2), True, (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ("same_width", (1, 2, 4, 6), (3, 2, 3, 3), False, (1, 1), (1, 1, 1, 1), (1, 1), 1),
    ("strides_uneven_pads", (1, 2, 7, 6), (3, 2, 3, 2), True, (2, 3), (2, 0, 1, 1), (1, 1), 1),
    ("dilated", (1, 2, 7, 8), (2, 2, 3, 3), False, (1, 2), (1, 2, 0, 3), (2, 3), 1),
    ("groups", (2, 6, 4, 5), (9, 2, 3, 3), False, (2, 2), (1, 1, 1, 1), (1, 1), 3),
    ("depthwise", (1, 4, 3, 5), (4, 1, 3, 3), True, (1, 1), (1, 1, 1, 1), (1, 1), 4),
    ("pointwise", (2, 5, 2, 3), (3, 5, 1, 1), True, (1, 1), (0, 0, 0, 0), (1, 1), 1),
    ("pointwise_stride_2", (1, 3, 5, 4), (2, 3, 1, 1), False, (2, 2), (0, 0, 0, 0), (1, 1), 1),
    ("larger_than_input", (1, 1, 3, 2), (2, 1, 5, 9), False, (1, 1), (4, 4, 3, 4), (1, 1), 1),
    ("one_axis", (2, 3, 9), (4, 3, 3), True, (2,), (1, 2), (1,), 1),
    ("three_axes", (1, 2, 4, 3, 5), (2, 2, 3, 2, 3), False, (2, 1, 1), (1, 0, 1, 1, 1, 1),
     (1, 1, 1), 1),
]
TRANSPOSED = [  # name, x, w, bias, stride, padding (both sides), output padding, dilation, groups
    ("plain", (2, 3, 3, 4), (3, 2, 3, 2), True, (1, 1), (0, 0), (0, 0), (1, 1), 1),
    ("doubles", (1, 2, 3, 3), (2, 3, 2, 2), False, (2, 2), (0, 0), (0, 0), (1, 1), 1),
    ("padded_to_double", (1, 2, 3, 4), (2, 2, 3, 3), True, (2, 2), (1, 1), (1, 1), (1, 1), 1),
    ("uneven_strides_and_padding", (1, 1, 4, 3), (1, 2, 4, 3), False, (3, 2), (2, 0), (1, 0),
     (1, 1), 1),
    ("dilated", (1, 2, 3, 2), (2, 2, 2, 3), False, (1, 2), (0, 1), (0, 0), (3, 2), 1),
    ("same_width", (1, 2, 4, 5), (2, 2, 3, 3), False, (1, 1), (1, 1), (0, 0), (1, 1), 1),
    ("groups", (2, 6, 2, 3), (6, 2, 3, 2), True, (2, 1), (1, 0), (0, 0), (1, 1), 3),
    ("depthwise", (1, 3, 3, 3), (3, 1, 2, 2), False, (2, 2), (0, 0), (0, 0), (1, 1), 3),
    ("one_axis", (2, 3, 4), (3, 2, 3), True, (2,), (1,), (1,), (1,), 1),
    ("three_axes", (1, 2, 2, 3, 2), (2, 1, 2, 3, 2), False, (1, 2, 2), (0, 1, 0), (0, 0, 1),
     (1, 1, 1), 1),
]
POOLS = [  # name, x, kernel, stride, padding (both sides), dilation (max only), ceil
    ("2x2", (1, 2, 4, 6), (2, 2), (2, 2), (0, 0), (1, 1), False),
    ("3x2_padded", (2, 1, 5, 7), (3, 2), (2, 1), (1, 1), (1, 1), False),
    ("ceil", (1, 2, 6, 7), (3, 3), (2, 2), (1, 0), (1, 1), True),
    ("dilated", (1, 1, 7, 6), (2, 3), (1, 2), (1, 1), (3, 2), False),
    ("one_axis", (1, 2, 9), (4,), (3,), (1,), (1,), True),
    ("three_axes", (1, 1, 3, 4, 5), (2, 3, 2), (1, 2, 2), (1, 1, 0), (1, 1, 1), False),
]


def ints(shape, formula):
    n = int(torch.tensor(shape).prod())
    return torch.tensor([formula(i) for i in range(n)], dtype=torch.float64).reshape(shape)


def padded(x, pads):
    rank = len(pads) // 2
    flat = []
    for axis in reversed(range(rank)):
        flat += [pads[axis], pads[rank + axis]]
    return F.pad(x, flat)


def conv(x_shape, w_shape, bias, stride, pads, dilation, groups):
    x = ints(x_shape, lambda i: (7 * i + 3) % 11 - 5)
    w = ints(w_shape, lambda i: (5 * i + 2) % 7 - 3)
    b = ints((w_shape[0],), lambda i: i - 1) if bias else None
    f = {3: F.conv1d, 4: F.conv2d, 5: F.conv3d}[len(x_shape)]
    return f(padded(x, pads), w, b, stride=stride, dilation=dilation, groups=groups)


def transposed(x_shape, w_shape, bias, stride, padding, more, dilation, groups):
    x = ints(x_shape, lambda i: (7 * i + 3) % 11 - 5)
    w = ints(w_shape, lambda i: (5 * i + 2) % 7 - 3)
    b = ints((w_shape[1] * groups,), lambda i: i - 1) if bias else None
    f = {3: F.conv_transpose1d, 4: F.conv_transpose2d, 5: F.conv_transpose3d}[len(x_shape)]
    return f(x, w, b, stride, padding, more, groups, dilation)


def max_pool(x_shape, kernel, stride, padding, dilation, ceil):
    x = ints(x_shape, lambda i: (37 * i + 5) % 101)
    f = {3: F.max_pool1d, 4: F.max_pool2d, 5: F.max_pool3d}[len(x_shape)]
    return f(x, kernel, stride, padding, dilation, ceil, return_indices=True)


def average_pool(x_shape, kernel, stride, padding, ceil, include):
    x = ints(x_shape, lambda i: (7 * i + 3) % 11 - 5)
    f = {3: F.avg_pool1d, 4: F.avg_pool2d, 5: F.avg_pool3d}[len(x_shape)]
    return f(x, kernel, stride, padding, ceil, include) * 5040


def braces(values):
    return "{" + ", ".join(str(v) for v in values) + "}"


def numbers(t):
    values = [round(v) for v in t.flatten().tolist()]
    assert all(abs(a - b) < 1e-6 for a, b in zip(values, t.flatten().tolist()))
    return braces(values)


def shape(dims):
    return f".ndim = {len(dims)}, .dim = {braces(dims)}"


def main():
    print("/* window_table.h - written by window_table.py; do not edit. */")
    print("#ifndef TESTS_GOLDEN_WINDOW_TABLE_H\n#define TESTS_GOLDEN_WINDOW_TABLE_H\n")
    print("#include <stdbool.h>\n#include <stdint.h>\n")
    print("enum { TABLE_MOST = 240 };\n")
    print("struct table_shape {\n    int ndim;\n    int64_t dim[5];\n};\n")
    print("struct conv_row {\n    const char *name;\n    struct table_shape x, w;\n    bool bias;")
    print("    int64_t strides[3], pads[6], dilations[3], groups;")
    print("    struct table_shape y;\n    int values[TABLE_MOST];\n};\n")
    print("static const struct conv_row conv_rows[] = {")
    for name, x, w, bias, stride, pads, dilation, groups in CONVS:
        y = conv(x, w, bias, stride, pads, dilation, groups)
        print(f'    {{"{name}", {{{shape(x)}}}, {{{shape(w)}}}, {str(bias).lower()},')
        print(f"     {braces(stride)}, {braces(pads)}, {braces(dilation)}, {groups},")
        print(f"     {{{shape(y.shape)}}}, {numbers(y)}}},")
    print("};\n")
    print("struct transposed_row {\n    const char *name;\n    struct table_shape x, w;\n    bool bias;")
    print("    int64_t strides[3], padding[3], output_padding[3], dilations[3], groups;")
    print("    struct table_shape y;\n    int values[TABLE_MOST];\n};\n")
    print("static const struct transposed_row transposed_rows[] = {")
    for name, x, w, bias, stride, padding, more, dilation, groups in TRANSPOSED:
        y = transposed(x, w, bias, stride, padding, more, dilation, groups)
        print(f'    {{"{name}", {{{shape(x)}}}, {{{shape(w)}}}, {str(bias).lower()},')
        print(f"     {braces(stride)}, {braces(padding)}, {braces(more)}, {braces(dilation)}, {groups},")
        print(f"     {{{shape(y.shape)}}}, {numbers(y)}}},")
    print("};\n")
    print("/* largest: place of each maximum within its channel. The averages are times 5040; without")
    print(" * dilation, which PyTorch's average pooling does not have. */")
    print("struct pool_row {\n    const char *name;\n    struct table_shape x;")
    print("    int64_t kernel[3], strides[3], padding[3], dilations[3];\n    bool ceil;")
    print("    struct table_shape y;")
    print("    int maximum[TABLE_MOST], largest[TABLE_MOST];")
    print("    bool has_average;\n    int average[TABLE_MOST], average_with_padding[TABLE_MOST];\n};\n")
    print("static const struct pool_row pool_rows[] = {")
    for name, x, kernel, stride, padding, dilation, ceil in POOLS:
        y, places = max_pool(x, kernel, stride, padding, dilation, ceil)
        plain = all(d == 1 for d in dilation)
        average = [average_pool(x, kernel, stride, padding, ceil, i) if plain else torch.zeros(1)
                   for i in (False, True)]
        print(f'    {{"{name}", {{{shape(x)}}}, {braces(kernel)}, {braces(stride)},')
        print(f"     {braces(padding)}, {braces(dilation)}, {str(ceil).lower()},")
        print(f"     {{{shape(y.shape)}}}, {numbers(y)}, {numbers(places)},")
        print(f"     {str(plain).lower()}, {numbers(average[0])}, {numbers(average[1])}}},")
    print("};\n\n#endif")


main()
