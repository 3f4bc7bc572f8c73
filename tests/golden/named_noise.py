"""Weights and images by a formula over the tensor's name, the same as tests/support/named_noise.c makes,
so that a golden table needs no weights beside it; and the layers that read them."""

import torch
import torch.nn.functional as F


def noise(name, *shape):
    """Between -1 and 1: a multiplicative hash of the index, offset by FNV-1a of the name."""
    seed = 2166136261
    for byte in name.encode():
        seed = (seed ^ byte) * 16777619 % 2**32
    count = 1
    for size in shape:
        count *= size
    bits = (torch.arange(count, dtype=torch.int64) * 2654435761 + seed) % 2**32
    return ((bits >> 8).float() / 2**23 - 1).reshape(shape)


def conv(name, x, filters, size, stride=1, padding=0, bias=False, dilation=1, leaf=lambda name, w: w):
    c = x.shape[1]
    w = leaf(name + ".weight", noise(name + ".weight", filters, c, size, size) * (1.5 / (c * size * size) ** 0.5))
    b = leaf(name + ".bias", noise(name + ".bias", filters) * 0.1) if bias else None
    return F.conv2d(x, w, b, stride, padding, dilation)


def bn(name, x):
    c = x.shape[1]
    return F.batch_norm(x, noise(name + ".running_mean", c) * 0.1,
                        1 + 0.2 * noise(name + ".running_var", c),
                        1 + 0.2 * noise(name + ".weight", c), noise(name + ".bias", c) * 0.1)
