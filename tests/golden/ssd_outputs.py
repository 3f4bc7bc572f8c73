#!/usr/bin/env python3
"""Writes ssd_outputs_table.h: what PyTorch computes with the detectors of engine/zoo/ssd.c, written down here a
second time, SSD300 from amdegroot/ssd.pytorch (names apart), for weights and images by a formula over names.

    ssd_outputs.py [WIDTH [FILE [SAMPLES]]]    WIDTH: of SSD300's first layers, 4 in the committed table, 64 in the
                                               network; SAMPLES: of each map and weight; then all weights are there

The table has samples of every map's outputs, and of the gradients of g = sum(noise * outputs) and of the loss of a
training step on a few objects (Liu et al., arXiv 1512.02325, section 2.2). SSD300 is computed in float64; how far
PyTorch's own float32 is from that stands beside each value, for its map or weight: where rounding turns a ReLU, or
which element of a window is its largest, a gradient goes elsewhere, and the whole network has millions of these."""

import math
import os
import sys
import torch
import torch.nn.functional as F

from named_noise import bn, conv, noise

BATCH = 2
WIDTH = int(sys.argv[1]) if len(sys.argv) > 1 else 4
FILE = sys.argv[2] if len(sys.argv) > 2 else os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                                          "ssd_outputs_table.h")
SAMPLES = int(sys.argv[3]) if len(sys.argv) > 3 else 0
SOME = ["conv1_1.weight", "conv1_1.bias", "conv3_3.weight", "conv4_3.norm.weight", "conv5_3.weight", "conv6.weight",
        "conv7.weight", "conv9_2.weight", "conv11_2.weight", "conv4_3.locations.weight", "conv7.confidences.weight",
        "conv11_2.confidences.bias"]
OBJECTS = [[(3, 0.1, 0.2, 0.45, 0.7), (14, 0.5, 0.35, 0.58, 0.5), (0, 0.55, 0.05, 0.95, 0.3)],  # label, corners
           [(7, 0.05, 0.1, 0.9, 0.95), (19, 0.3, 0.6, 0.36, 0.64)]]
leaves = {}
precision = torch.float32


def leaf(name, w):
    leaves[name] = w.to(precision).requires_grad_()
    return leaves[name]


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


# ---- the loss of a training step --------------------------------------------------------------------------
def standard_boxes():
    """SSD300's default boxes, [8732, 4] of centre and size."""
    boxes = []
    maps = ((38, 8, 30, 60, [2]), (19, 16, 60, 111, [2, 3]), (10, 32, 111, 162, [2, 3]), (5, 64, 162, 213, [2, 3]),
            (3, 100, 213, 264, [2]), (1, 300, 264, 315, [2]))
    for cells, step, least, most, ratios in maps:
        sizes = [(least, least), (math.sqrt(least * most),) * 2]
        for ratio in ratios:
            wide, narrow = least * math.sqrt(ratio), least / math.sqrt(ratio)
            sizes += [(wide, narrow), (narrow, wide)]
        boxes += [((j + 0.5) * step, (i + 0.5) * step, w, h)
                  for i in range(cells) for j in range(cells) for w, h in sizes]
    return (torch.tensor(boxes, dtype=torch.float64) / 300).clamp(0, 1).float()


def corners(boxes):
    return torch.cat([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)


def overlaps(a, b):
    shared = (torch.min(a[:, None, 2:], b[:, 2:]) - torch.max(a[:, None, :2], b[:, :2])).clamp(min=0).prod(2)
    return shared / ((a[:, 2:] - a[:, :2]).prod(1)[:, None] + (b[:, 2:] - b[:, :2]).prod(1) - shared)


def matched(standard, boxes):
    """The object of each default box, -1: none; each object has the one that it overlaps most."""
    shared = overlaps(boxes, corners(standard))
    most, which = shared.max(0)
    which[most < 0.5] = -1
    for i in range(len(boxes)):
        which[shared[i].argmax()] = i
    return which


def step_loss(locations, confidences):
    """Loss, matched and hard default boxes of the batch."""
    standard, loss, matched_count, hard_count = standard_boxes(), 0, 0, 0
    for image, objects in enumerate(OBJECTS):
        boxes = torch.tensor([o[1:] for o in objects])
        which = matched(standard, boxes)
        positive = which >= 0
        of, default = boxes[which[positive]], standard[positive]
        size = of[:, 2:] - of[:, :2]
        offsets = torch.cat([((of[:, 2:] + of[:, :2]) / 2 - default[:, :2]) / (0.1 * default[:, 2:]),
                             torch.log(size / default[:, 2:]) / 0.2], 1)
        labels = torch.tensor([o[0] + 1 for o in objects])[which.clamp(min=0)] * positive
        each = F.cross_entropy(confidences[image], labels, reduction="none")
        hard = each[~positive].topk(3 * int(positive.sum()))[0]
        loss = loss + F.smooth_l1_loss(locations[image][positive], offsets, reduction="sum")
        loss = loss + each[positive].sum() + hard.sum()
        matched_count += int(positive.sum())
        hard_count += len(hard)
    return loss / matched_count, matched_count, hard_count


# ---- the table --------------------------------------------------------------------------------------------
def samples(values, count):
    """`count` places of a flat tensor, the first and the last among them."""
    return sorted({round(i * (values.numel() - 1) / (count - 1)) for i in range(count)})


class Computed:
    """SSD300 in one precision: each map's outputs, all weights' gradients of g and of the loss."""

    def __init__(self, dtype):
        global precision
        precision = dtype
        leaves.clear()
        self.maps = ssd300(noise("input", BATCH, 3, 300, 300).to(dtype), 20)
        outputs = [torch.cat([m[i] for m in self.maps], 1) for i in range(2)]
        self.gradients = self.backward(sum((output * noise("gradient." + name, *output.shape)).sum()
                                           for name, output in zip(("locations", "confidences"), outputs)))
        self.loss, self.matched, self.hard = step_loss(*outputs)
        self.step_gradients = self.backward(self.loss)

    @staticmethod
    def backward(loss):
        return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()), retain_graph=True)))


def write_samples(out, name, first, exact, single, places):
    """A row for each of the places; first[i]: where place i is in the output or weight."""
    largest = exact.abs().max()
    own = (single - exact).abs().max() / largest
    for i in places:
        out.write('    {"%s", %d, %.9g, %.3g, %.2g},\n' % (name, first[i], exact.flatten()[i], largest, own))


def write_outputs(out, name, exact, single):
    out.write("static const struct sample %s[] = {\n" % name)
    for output in range(2):
        shape = torch.cat([m[output] for m in exact], 1).shape
        first = 0
        for m, other in zip(exact, single):
            rows = m[output]
            places = torch.arange(shape.numel()).view(shape)[:, first:first + rows.shape[1]].flatten()
            write_samples(out, ["locations", "confidences"][output], places, rows, other[output],
                          samples(rows, SAMPLES or 10))
            first += rows.shape[1]
    out.write("};\n")


def write_gradients(out, name, exact, single):
    out.write("static const struct sample %s[] = {\n" % name)
    for weight in list(exact) if SAMPLES else SOME:
        write_samples(out, weight, range(exact[weight].numel()), exact[weight], single[weight],
                      samples(exact[weight], SAMPLES or 5))
    out.write("};\n")


def write_step(out, exact, single):
    out.write("static const struct fsn__object ssd300_objects[] = {\n")
    for label, *box in sum(OBJECTS, []):
        out.write("    {{%s}, %d, false},\n" % (", ".join("%gF" % x for x in box), label))
    out.write("};\nstatic const int64_t ssd300_first_object[] = {0, %d, %d};\n"
              % (len(OBJECTS[0]), len(OBJECTS[0]) + len(OBJECTS[1])))
    out.write("enum { SSD300_MATCHED = %d, SSD300_HARD = %d };\n" % (exact.matched, exact.hard))
    out.write("static const double ssd300_loss = %.9g;\n" % exact.loss)
    write_gradients(out, "ssd300_step_gradients", exact.step_gradients, single.step_gradients)


with torch.no_grad():
    lite = ssd_lite(noise("input", BATCH, 3, 72, 72), 3)
exact, single = Computed(torch.float64), Computed(torch.float32)
with open(FILE, "w") as out:
    out.write("/* Written by ssd_outputs.py with PyTorch %s; not edited by hand. */\n"
              % torch.__version__.split("+")[0])
    out.write("enum { SSD300_WIDTH = %d };\n" % WIDTH)
    write_outputs(out, "ssd300_outputs", exact.maps, single.maps)
    write_gradients(out, "ssd300_gradients", exact.gradients, single.gradients)
    write_step(out, exact, single)
    write_outputs(out, "ssd_lite_outputs", lite, lite)
