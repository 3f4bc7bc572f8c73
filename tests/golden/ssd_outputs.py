#!/usr/bin/env python3
"""Writes ssd_outputs_table.h: what PyTorch computes with the detectors of engine/zoo/ssd.c, written down here a
second time, SSD300 from amdegroot/ssd.pytorch (names apart), for weights and images by a formula over names.

    ssd_outputs.py [WIDTH [FILE]]    WIDTH: of SSD300's first layers, 4 in the committed table, 64 in the network

The table has samples of every map's outputs, and of the gradients of g = sum(noise * outputs)."""

import os
import sys
import torch
import torch.nn.functional as F

from named_noise import bn, conv, noise

BATCH = 2
WIDTH = int(sys.argv[1]) if len(sys.argv) > 1 else 4
FILE = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                          "ssd_outputs_table.h")
leaves = {}


def leaf(name, w):
    leaves[name] = w.requires_grad_()
    return w


def head(scope, x, boxes, classes):
    """The port's permute(0, 2, 3, 1) and view, one map's rows."""
    def rows(name, width):
        y = conv(scope + "." + name, x, boxes * width, 3, 1, 1, True, leaf=leaf)
        return y.permute(0, 2, 3, 1).contiguous().view(y.shape[0], -1, width)
    return rows("locations", 4), rows("confidences", classes + 1)


def ssd300(x, classes):
    w = WIDTH

    def layer(name, x, filters, size=3, stride=1, padding=1, dilation=1):
        return F.relu(conv("conv" + name, x, filters, size, stride, padding, True, dilation, leaf))

    x = layer("1_2", layer("1_1", x, w), w)
    x = F.max_pool2d(x, 2, 2)
    x = layer("2_2", layer("2_1", x, 2 * w), 2 * w)
    x = F.max_pool2d(x, 2, 2)
    x = layer("3_3", layer("3_2", layer("3_1", x, 4 * w), 4 * w), 4 * w)
    x = F.max_pool2d(x, 2, 2, ceil_mode=True)
    x = layer("4_3", layer("4_2", layer("4_1", x, 8 * w), 8 * w), 8 * w)
    scale = leaf("conv4_3.norm.weight", 20 + 4 * noise("conv4_3.norm.weight", 8 * w))
    normed = scale.view(1, -1, 1, 1) * (x / (x.pow(2).sum(dim=1, keepdim=True).sqrt() + 1e-10))
    maps = [head("conv4_3", normed, 4, classes)]
    x = F.max_pool2d(x, 2, 2)
    x = layer("5_3", layer("5_2", layer("5_1", x, 8 * w), 8 * w), 8 * w)
    x = F.max_pool2d(x, 3, 1, 1)
    x = layer("6", x, 16 * w, 3, 1, 6, 6)
    x = layer("7", x, 16 * w, 1, 1, 0)
    maps.append(head("conv7", x, 6, classes))
    for i, (filters, stride, padding, boxes) in enumerate([(8, 2, 1, 6), (4, 2, 1, 6), (4, 1, 0, 4), (4, 1, 0, 4)]):
        x = layer("%d_1" % (8 + i), x, filters * w // 2, 1, 1, 0)
        x = layer("%d_2" % (8 + i), x, filters * w, 3, stride, padding)
        maps.append(head("conv%d_2" % (8 + i), x, boxes, classes))
    return maps


def ssd_lite(x, classes):
    x = F.relu(bn("bn1", conv("conv1", x, 16, 3, 2, 1)))
    maps = []
    for stage, (width, blocks, boxes) in enumerate([(32, 1, 0), (64, 2, 4), (96, 1, 6), (96, 1, 6), (96, 1, 4)]):
        for i in range(blocks):
            q = "layer%d.%d." % (stage + 1, i)
            stride = 2 if i == 0 else 1
            y = F.relu(bn(q + "bn1", conv(q + "conv1", x, width, 3, stride, 1)))
            y = bn(q + "bn2", conv(q + "conv2", y, width, 3, 1, 1))
            if i == 0:
                x = bn(q + "downsample.bn", conv(q + "downsample.conv", x, width, 1, 2))
            x = F.relu(x + y)
        if boxes:
            maps.append(head("head%d" % stage, x, boxes, classes))
    return maps


def samples(values, count):
    """`count` places of a flat tensor, the first and the last among them."""
    return sorted({round(i * (values.numel() - 1) / (count - 1)) for i in range(count)})


def write_outputs(out, name, maps):
    out.write("static const struct sample %s[] = {\n" % name)
    for output in range(2):
        joined = torch.cat([m[output] for m in maps], 1)
        first = 0
        for m in maps:
            rows = joined[:, first:first + m[output].shape[1]]
            places = torch.arange(joined.numel()).view(joined.shape)[:, first:first + m[output].shape[1]].flatten()
            for i in samples(places, 10):
                out.write('    {"%s", %d, %.9g, %.3g},\n' % (["locations", "confidences"][output], places[i],
                                                            rows.flatten()[i], rows.abs().max()))
            first += m[output].shape[1]
    out.write("};\n")


def write_gradients(out, name, maps, weights):
    g = 0
    for output, value in enumerate(["locations", "confidences"]):
        joined = torch.cat([m[output] for m in maps], 1)
        g = g + (joined * noise("gradient." + value, *joined.shape)).sum()
    g.backward()
    out.write("static const struct sample %s[] = {\n" % name)
    for weight in weights:
        gradient = leaves[weight].grad
        for i in samples(gradient, 5):
            out.write('    {"%s", %d, %.9g, %.3g},\n' % (weight, i, gradient.flatten()[i], gradient.abs().max()))
    out.write("};\n")


with open(FILE, "w") as out:
    out.write("/* Written by ssd_outputs.py with PyTorch %s; not edited by hand. */\n" % torch.__version__.split("+")[0])
    out.write("enum { SSD300_WIDTH = %d };\n" % WIDTH)
    maps = ssd300(noise("input", BATCH, 3, 300, 300), 20)
    write_outputs(out, "ssd300_outputs", maps)
    write_gradients(out, "ssd300_gradients", maps,
                    ["conv1_1.weight", "conv1_1.bias", "conv3_3.weight", "conv4_3.norm.weight", "conv5_3.weight",
                     "conv6.weight", "conv7.weight", "conv9_2.weight", "conv11_2.weight",
                     "conv4_3.locations.weight", "conv7.confidences.weight", "conv11_2.confidences.bias"])
    write_outputs(out, "ssd_lite_outputs", ssd_lite(noise("input", BATCH, 3, 72, 72), 3))
