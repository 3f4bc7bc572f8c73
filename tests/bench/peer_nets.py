"""The networks that the engine is measured on, in PyTorch: made for 32x32 images of three channels and
ten classes, fresh weights."""

import torch
from torch import nn
from torch.nn import functional

CLASSES = 10
SHAPE = (3, 32, 32)


class ReLU6(nn.Module):
    """nn.ReLU6, whose backward PyTorch 1.13 lacks for bfloat16 on the CPU; clamp's is there."""

    def forward(self, x):
        return x.clamp(0, 6) if x.dtype == torch.bfloat16 else functional.hardtanh(x, 0, 6, True)


def conv_bn(c_in, c_out, size, stride=1, groups=1, act=None):
    layers = [
        nn.Conv2d(c_in, c_out, size, stride, size // 2, groups=groups, bias=False),
        nn.BatchNorm2d(c_out),
    ]
    return nn.Sequential(*layers, *([act] if act else []))


def head(c_in):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(c_in, CLASSES))


class BasicBlock(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = conv_bn(c_in, c_out, 3, stride, act=nn.ReLU(inplace=True))
        self.conv2 = conv_bn(c_out, c_out, 3)
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else conv_bn(c_in, c_out, 1, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        return self.relu(self.conv2(self.conv1(x)) + self.shortcut(x))


def resnet(width, blocks):
    """He et al., arXiv 1512.03385; the stem is CIFAR's."""
    layers = [conv_bn(3, width, 3, act=nn.ReLU(inplace=True))]
    c = width
    for stage, count in enumerate(blocks):
        for i in range(count):
            planes = width * 2**stage
            layers.append(BasicBlock(c, planes, 2 if stage > 0 and i == 0 else 1))
            c = planes
    return nn.Sequential(*layers, head(c))


class DenseLayer(nn.Module):
    def __init__(self, c_in, growth):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(c_in), nn.ReLU(inplace=True),
            nn.Conv2d(c_in, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(inplace=True),
            nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False))

    def forward(self, x):
        return torch.cat((x, self.layers(x)), 1)


def densenet_bc(depth, growth, compression):
    """Huang et al., arXiv 1608.06993: bottlenecks, compressing transitions."""
    c = 2 * growth
    layers = [nn.Conv2d(3, c, 3, padding=1, bias=False)]
    for block in range(3):
        for _ in range((depth - 4) // 6):
            layers.append(DenseLayer(c, growth))
            c += growth
        if block < 2:
            c_out = int(c * compression)
            layers += [nn.BatchNorm2d(c), nn.ReLU(inplace=True),
                       nn.Conv2d(c, c_out, 1, bias=False), nn.AvgPool2d(2)]
            c = c_out
    return nn.Sequential(*layers, nn.BatchNorm2d(c), nn.ReLU(inplace=True), head(c))


class InvertedResidual(nn.Module):
    def __init__(self, c_in, c_out, stride, expand):
        super().__init__()
        hidden = c_in * expand
        layers = [conv_bn(c_in, hidden, 1, act=ReLU6())] if expand > 1 else []
        self.layers = nn.Sequential(
            *layers, conv_bn(hidden, hidden, 3, stride, hidden, ReLU6()),
            conv_bn(hidden, c_out, 1))
        self.residual = stride == 1 and c_in == c_out

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


def mobilenet_v2():
    """Sandler et al., arXiv 1801.04381; the stem and the first two stages keep the 32x32 pixels."""
    layers = [conv_bn(3, 32, 3, act=ReLU6())]
    c = 32
    for expand, c_out, count, stride in [(1, 16, 1, 1), (6, 24, 2, 1), (6, 32, 3, 2), (6, 64, 4, 2),
                                         (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(count):
            layers.append(InvertedResidual(c, c_out, stride if i == 0 else 1, expand))
            c = c_out
    return nn.Sequential(*layers, conv_bn(c, 1280, 1, act=ReLU6()), head(1280))


NETS = {
    "resnet20": lambda: resnet(16, [3, 3, 3]),
    "resnet56": lambda: resnet(16, [9, 9, 9]),
    "resnet18": lambda: resnet(64, [2, 2, 2, 2]),
    "densenet_bc": lambda: densenet_bc(100, 12, 0.5),
    "mobilenet_v2": mobilenet_v2,
}
