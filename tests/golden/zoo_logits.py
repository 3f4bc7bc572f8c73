#!/usr/bin/env python3
"""Writes zoo_logits_table.h: what PyTorch computes with the networks of engine/zoo, written down here
a second time from their papers. Weights and input follow a formula over the tensor's name, so that
test_zoo_logits.c can fill in the same ones. Run it by hand when a network changes; the table is
committed."""

import os
import torch
import torch.nn.functional as F

from named_noise import bn, conv, noise

CLASSES = 10


def linear(name, x, features):
    w = noise(name + ".weight", features, x.shape[1]) * (1.5 / x.shape[1] ** 0.5)
    return F.linear(x, w, noise(name + ".bias", features) * 0.1)


def resnet(x, width, blocks, bottleneck):
    if x.shape[2] >= 64:
        x = F.max_pool2d(F.relu(bn("bn1", conv("conv1", x, width, 7, 2, 3))), 3, 2, 1)
    else:
        x = F.relu(bn("bn1", conv("conv1", x, width, 3, 1, 1)))
    for stage, count in enumerate(blocks):
        planes = width * 2**stage
        for i in range(count):
            q = "layer%d.%d." % (stage + 1, i)
            stride = 2 if stage > 0 and i == 0 else 1
            if bottleneck:
                y = F.relu(bn(q + "bn1", conv(q + "conv1", x, planes, 1)))
                y = F.relu(bn(q + "bn2", conv(q + "conv2", y, planes, 3, stride, 1)))
                y = bn(q + "bn3", conv(q + "conv3", y, 4 * planes, 1))
            else:
                y = F.relu(bn(q + "bn1", conv(q + "conv1", x, planes, 3, stride, 1)))
                y = bn(q + "bn2", conv(q + "conv2", y, planes, 3, 1, 1))
            if stride != 1 or x.shape[1] != y.shape[1]:
                x = bn(q + "downsample.bn", conv(q + "downsample.conv", x, y.shape[1], 1, stride))
            x = F.relu(x + y)
    return linear("fc", x.mean((2, 3)), CLASSES)


def densenet(x, growth):
    x = conv("conv1", x, 2 * growth, 3, 1, 1)
    for block in range(1, 4):
        for i in range(16):
            q = "dense%d.%d." % (block, i)
            y = conv(q + "conv1", F.relu(bn(q + "bn1", x)), 4 * growth, 1)
            y = conv(q + "conv2", F.relu(bn(q + "bn2", y)), growth, 3, 1, 1)
            x = torch.cat((x, y), 1)
        if block < 3:
            q = "trans%d." % block
            x = F.avg_pool2d(conv(q + "conv1", F.relu(bn(q + "bn1", x)), x.shape[1], 1), 2)
    return linear("fc", F.relu(bn("bn1", x)).mean((2, 3)), CLASSES)


def vgg16(x):
    imagenet = x.shape[2] >= 64
    for i, (count, width) in enumerate([(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]):
        for j in range(count):
            name = "%d_%d" % (i + 1, j + 1)
            x = F.relu(bn("bn" + name, conv("conv" + name, x, width, 3, 1, 1, bias=True)))
        x = F.max_pool2d(x, 2)
    if not imagenet:
        return linear("fc", x.mean((2, 3)), CLASSES)
    x = F.relu(linear("fc6", x.flatten(1), 4096))
    x = F.relu(linear("fc7", x, 4096))
    return linear("fc8", x, CLASSES)


CASES = [
    ("resnet20", 32, lambda x: resnet(x, 16, [3, 3, 3], False)),
    ("resnet164", 32, lambda x: resnet(x, 16, [18, 18, 18], True)),
    ("resnet18", 32, lambda x: resnet(x, 64, [2, 2, 2, 2], False)),
    ("resnet50", 64, lambda x: resnet(x, 64, [3, 4, 6, 3], True)),
    ("densenet100", 32, lambda x: densenet(x, 12)),
    ("vgg16-bn", 32, vgg16),
    ("vgg16-bn", 64, vgg16),
]

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "zoo_logits_table.h")
with open(path, "w") as out:
    out.write("/* Written by zoo_logits.py with PyTorch %s; not edited by hand. */\n"
              % torch.__version__.split("+")[0])
    out.write("static const struct golden table[] = {\n")
    for arch, size, network in CASES:
        logits = network(noise("input", 1, 3, size, size))[0].tolist()
        out.write('    {"%s", %d, {%s}},\n' % (arch, size, ", ".join("%.9g" % v for v in logits)))
    out.write("};\n")
