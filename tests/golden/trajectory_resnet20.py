#!/usr/bin/env python3
"""Writes trajectory_resnet20_table.h: the losses of ten training steps of ResNet-20 (engine/zoo/resnet.c)
in PyTorch, for test_trajectory_resnet20. Weights, images and labels come from the engine's random
streams (engine/core/rng.h), so that the test can draw the same ones. The losses are those of a run in
float64; how far PyTorch's own float32 run departs from them is written beside, for the tolerance. Twenty
layers of Relu let rounding grow with every step, the more the larger the steps (at a rate of 0.05 float32
is off by a hundredth after ten); at 0.001 four digits are left to compare. Run it by hand when the network
changes; the table is committed."""

import os

import numpy as np
import torch
import torch.nn.functional as F

GOLDEN = np.uint64(0x9E3779B97F4A7C15)
RNG_TEST, DATA_SEED, WEIGHT_SEED = 7, 21, 22
BATCH, CLASSES, SIZE, STEPS = 32, 10, 32, 10
LR, MOMENTUM, DECAY = 0.001, 0.9, 1e-4


def mix(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def bits(seed, stream, count):
    """The first numbers of stream (seed, RNG_TEST, stream, 0)."""
    state = mix(np.array([seed], dtype=np.uint64) + GOLDEN)
    for name in (RNG_TEST, stream, 0):
        state = mix((state ^ np.uint64(name)) + GOLDEN)
    return mix(state + np.arange(1, count + 1, dtype=np.uint64) * GOLDEN)


def draw(seed, stream, bound, *shape):
    uniform = (bits(seed, stream, int(np.prod(shape))) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return torch.from_numpy(((2 * uniform - 1) * float(np.float32(bound))).astype(np.float32)).reshape(shape)


def labels_of(step):
    return torch.from_numpy((bits(DATA_SEED, 2 * step, BATCH) % np.uint64(CLASSES)).astype(np.int64))


def images_of(step):
    """A pattern for each class, and noise over it."""
    patterns = torch.stack([draw(DATA_SEED, 1000 + c, 1, 3, SIZE, SIZE) for c in range(CLASSES)])
    return patterns[labels_of(step)] + draw(DATA_SEED, 2 * step + 1, 2, BATCH, 3, SIZE, SIZE)


def fnv(name):
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


class Network:
    def __init__(self, dtype):
        self.dtype, self.parameters = dtype, {}

    def parameter(self, name, make):
        if name not in self.parameters:
            self.parameters[name] = torch.nn.Parameter(make().to(self.dtype))
        return self.parameters[name]

    def weight(self, name, *shape):
        bound = np.sqrt(np.float32(6) / np.float32(np.prod(shape[1:])))  # He: variance 2 / fan-in
        return self.parameter(name + ".weight", lambda: draw(WEIGHT_SEED, fnv(name + ".weight"), bound, *shape))

    def conv(self, name, x, filters, size, stride=1):
        return F.conv2d(x, self.weight(name, filters, x.shape[1], size, size), None, stride, size // 2)

    def bn(self, name, x):
        c = x.shape[1]
        scale = self.parameter(name + ".weight", lambda: torch.ones(c))
        shift = self.parameter(name + ".bias", lambda: torch.zeros(c))
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=1e-5)

    def __call__(self, x):
        x = F.relu(self.bn("bn1", self.conv("conv1", x, 16, 3)))
        for stage in range(3):
            for i in range(3):
                q, width, stride = "layer%d.%d." % (stage + 1, i), 16 << stage, 2 if stage > 0 and i == 0 else 1
                y = F.relu(self.bn(q + "bn1", self.conv(q + "conv1", x, width, 3, stride)))
                y = self.bn(q + "bn2", self.conv(q + "conv2", y, width, 3))
                if stride != 1:
                    x = self.bn(q + "downsample.bn", self.conv(q + "downsample.conv", x, width, 1, stride))
                x = F.relu(x + y)
        bias = self.parameter("fc.bias", lambda: torch.zeros(CLASSES))
        return F.linear(x.mean((2, 3)), self.weight("fc", CLASSES, 64), bias)


def train(dtype):
    network = Network(dtype)
    network(images_of(0).to(dtype))  # makes the parameters
    decayed = [p for p in network.parameters.values() if p.ndim > 1]
    plain = [p for p in network.parameters.values() if p.ndim == 1]
    optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": DECAY}, {"params": plain}], lr=LR,
                                momentum=MOMENTUM, nesterov=True)
    losses = []
    for step in range(STEPS):
        loss = F.cross_entropy(network(images_of(step).to(dtype)), labels_of(step))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


exact, single = train(torch.float64), train(torch.float32)
apart = ["%.1e" % (abs(s - e) / e) for s, e in zip(single, exact)]
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "trajectory_resnet20_table.h")
with open(path, "w") as f:
    f.write("/* trajectory_resnet20_table.h - by trajectory_resnet20.py with PyTorch %s; do not edit.\n"
            % torch.__version__.split("+")[0])
    f.write(" * Loss of each step, before its update, in float64. PyTorch's float32 run departs from it by\n")
    f.write(" * %s,\n * %s. */\n" % (", ".join(apart[:5]), ", ".join(apart[5:])))
    f.write("static const double resnet20_loss[%d] = {%s};\n"
            % (STEPS, ", ".join("%.9g" % v for v in exact)))
