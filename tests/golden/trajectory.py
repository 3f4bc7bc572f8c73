#!/usr/bin/env python3
"""Writes trajectory_table.h: ten training steps of a small residual network in PyTorch (float32), for
test_trajectory. The network, its weights and the data are those of test_trajectory.c: the same random
streams (engine/core/rng.h), the same formulas. Run it by hand when the network changes; the table is
committed."""

import math
import os
import torch
import torch.nn.functional as F

M64 = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
RNG_TEST = 7
SEED, DATA_SEED = 11, 12
BATCH, CLASSES, SIZE, STEPS = 8, 5, 8, 10
LR, MOMENTUM, DECAY, ALPHA, T = 0.1, 0.9, 5e-3, 0.7, 4.0


def mix(z):
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & M64
    return z ^ (z >> 31)


class Stream:
    def __init__(self, seed, stream):
        self.state = mix((seed + GOLDEN) & M64)
        for name in (RNG_TEST, stream, 0):
            self.state = mix(((self.state ^ name) + GOLDEN) & M64)

    def next(self):
        self.state = (self.state + GOLDEN) & M64
        return mix(self.state)

    def uniform(self):
        return (self.next() >> 11) * 2.0 ** -53

    def below(self, n):
        return (self.next() * n) >> 64


def draw(seed, stream, bound, *shape):
    s = Stream(seed, stream)
    bound = torch.tensor(bound, dtype=torch.float32).item()
    values = [(2 * s.uniform() - 1) * bound for _ in range(math.prod(shape))]
    return torch.tensor(values, dtype=torch.float64).float().reshape(shape)


drawn = 0
decayed, plain = [], []


def weight(bound, *shape, decay=True):
    global drawn
    w = torch.nn.Parameter(draw(SEED, drawn, bound, *shape))
    drawn += 1
    (decayed if decay else plain).append(w)
    return w


def conv_weight(c_in, c_out, kernel):
    return weight(1.5 / math.sqrt(c_in * kernel * kernel), c_out, c_in, kernel, kernel)


class Norm:
    def __init__(self, c):
        self.scale, self.shift = torch.nn.Parameter(torch.ones(c)), torch.nn.Parameter(torch.zeros(c))
        plain.extend([self.scale, self.shift])

    def __call__(self, x):
        return F.batch_norm(x, None, None, self.scale, self.shift, training=True, eps=1e-5)


def summary_weight(f, k, c, kernel):
    n = c * kernel * kernel
    starts = torch.tensor([i * f.numel() // k for i in range(k)])
    return f[(starts[:, None] + torch.arange(n)) % f.numel()].reshape(k, c, kernel, kernel)


stem, stem_bn = conv_weight(3, 4, 3), Norm(4)
a1, a1_bn = conv_weight(4, 4, 3), Norm(4)
a2, a2_bn = weight(1.5 / 6, 36), Norm(4)  # a Filter Summary: 4 filters of 36 from 36 elements
b1, b1_bn = conv_weight(4, 8, 3), Norm(8)
b2, b2_bn = conv_weight(8, 8, 3), Norm(8)
bs, bs_bn = conv_weight(4, 8, 1), Norm(8)
fc = weight(1 / math.sqrt(8), CLASSES, 8)
fc_bias = weight(1 / math.sqrt(8), CLASSES, decay=False)


def forward(x):
    x = F.relu(stem_bn(F.conv2d(x, stem, padding=1)))
    y = F.relu(a1_bn(F.conv2d(x, a1, padding=1)))
    y = a2_bn(F.conv2d(y, summary_weight(a2, 4, 4, 3), padding=1))
    x = F.relu(y + x)
    y = F.relu(b1_bn(F.conv2d(x, b1, padding=1, stride=2)))
    y = b2_bn(F.conv2d(y, b2, padding=1))
    x = F.relu(y + bs_bn(F.conv2d(x, bs, stride=2)))
    return F.linear(x.mean((2, 3)), fc, fc_bias)


optimizer = torch.optim.SGD([{"params": decayed, "weight_decay": DECAY}, {"params": plain}],
                            lr=LR, momentum=MOMENTUM, nesterov=True)
losses = []
for step in range(STEPS):
    x = draw(DATA_SEED, 3 * step, 1.0, BATCH, 3, SIZE, SIZE)
    teacher = draw(DATA_SEED, 3 * step + 1, 5.0, BATCH, CLASSES)
    s = Stream(DATA_SEED, 3 * step + 2)
    labels = torch.tensor([s.below(CLASSES) for _ in range(BATCH)])
    z = forward(x)
    kl = F.kl_div(F.log_softmax(z / T, 1), F.softmax(teacher / T, 1), reduction="batchmean")
    loss = (1 - ALPHA) * F.cross_entropy(z, labels) + ALPHA * T * T * kl
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())


def table(name, values):
    body = ", ".join("%.9g" % v for v in values)
    return "static const double %s[%d] = {%s};\n" % (name, len(values), body)


here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "trajectory_table.h"), "w") as f:
    f.write("/* trajectory_table.h - made by trajectory.py with PyTorch %s; do not edit. */\n"
            % torch.__version__.split("+")[0])
    f.write("#ifndef TRAJECTORY_TABLE_H\n#define TRAJECTORY_TABLE_H\n\n")
    f.write("/* Loss of each step, before its update. */\n" + table("trajectory_loss", losses))
    f.write("/* Weights after the last step. */\n")
    f.write(table("trajectory_stem", stem.flatten().tolist()[:12]))
    f.write(table("trajectory_summary", a2.tolist()))
    f.write(table("trajectory_scale", b2_bn.scale.tolist()))
    f.write(table("trajectory_fc_bias", fc_bias.tolist()))
    f.write("\n#endif\n")
