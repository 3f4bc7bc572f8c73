"""Loss, gradients and IoU of a class map, by PyTorch: writes segment_table.h.

    /usr/bin/python3 tests/golden/segment_table.py > tests/golden/segment_table.h

Scores are named noise, masks a formula that C has too; 255 is void. Half of the maps are smaller than
the masks: their scores are enlarged before the choice, and learned from the mask's pixels at their
middles."""

import torch
import torch.nn.functional as F

from named_noise import noise

IMAGES, CLASSES, SIDE = 3, 4, 8


def mask():
    """Classes 0..2 of 4 in patches; every 11th pixel is void."""
    p = torch.arange(IMAGES * SIDE * SIDE)
    row, column, image = p // SIDE % SIDE, p % SIDE, p // (SIDE * SIDE)
    y = (row // 3 + column // 4 + image) % 3
    y[p % 11 == 5] = 255
    return y.reshape(IMAGES, SIDE, SIDE)


def table(name, side):
    z = (noise(name, IMAGES, CLASSES, side, side) * 3).requires_grad_()
    y = mask()
    step = SIDE // side
    middle = y[:, step // 2::step, step // 2::step]
    loss = F.cross_entropy(z, middle, ignore_index=255)
    loss.backward()
    said = F.interpolate(z.detach(), size=(SIDE, SIDE), mode="bilinear", align_corners=False).argmax(1)
    print(f"static const double {name}_loss = {loss.item():.9g};")
    print(f"static const float {name}_gradient[] = {{{', '.join(f'{g:.7e}f' for g in z.grad.flatten().tolist())}}};")
    iou, kept = [], y != 255
    for c in range(CLASSES):
        both = ((y == c) & (said == c) & kept).sum().item()
        either = (((y == c) | (said == c)) & kept).sum().item()
        iou.append(100.0 * both / either if either else None)
    known = [x for x in iou if x is not None]
    print(f"static const double {name}_iou[] = {{{', '.join('-1' if x is None else f'{x:.9g}' for x in iou)}}};")
    print(f"static const double {name}_miou = {sum(known) / len(known):.9g};")
    print(f"static const double {name}_accuracy = {100.0 * ((y == said) & kept).sum().item() / kept.sum().item():.9g};")


print("/* segment_table.h - made by segment_table.py with PyTorch", torch.__version__.split("+")[0] + "; do not edit. */")
print("#ifndef SEGMENT_TABLE_H\n#define SEGMENT_TABLE_H\n")
for name, side in (("same", 8), ("half", 4)):
    table(name, side)
print("\n#endif")
