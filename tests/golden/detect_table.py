#!/usr/bin/env python3
"""Writes detect_table.h: default boxes, decoded boxes, suppression, the multibox loss and distillation as PyTorch
has them, for test_detect. Run by hand; the table is committed.

    python3 detect_table.py SSD_PYTORCH

is a checkout of amdegroot/ssd.pytorch, whose functions are run as they are, but for two lines of MultiBoxLoss: one
that today's PyTorch refuses (loss_c is indexed before it has the shape of the index), and one that keeps its masks
for the distillation. Its matching runs in float32, as the engine's does, its losses in float64."""

import os
import sys
import types
import warnings

import numpy as np
import torch
import torch.nn.functional as F

warnings.simplefilter("ignore")
folder = sys.argv[1]
data = types.ModuleType("data")  # what the checkout's own imports beside its settings is not installed
data.coco = data.voc = {"variance": [0.1, 0.2], "min_dim": 64}
sys.modules["data"] = data
sys.path.insert(0, folder)
from layers.box_utils import decode, match, nms  # noqa: E402
from layers.functions.prior_box import PriorBox  # noqa: E402

text = open(os.path.join(folder, "layers/modules/multibox_loss.py")).read()
for old, new in (("        loss_c[pos] = 0  #", "        loss_c[pos.view(-1, 1)] = 0  #"),
                 ("        # Confidence Loss Inc", "        self.masks = pos, neg\n        # Confidence Loss Inc"),
                 ("loss_l = F.smooth_l1_loss(loc_p, loc_t,", "loss_l = F.smooth_l1_loss(loc_p, loc_t.double(),")):
    assert text.count(old) == 1, old
    text = text.replace(old, new)
loss_module = types.ModuleType("layers.modules.multibox_loss")
loss_module.__package__ = "layers.modules"
exec(text, loss_module.__dict__)

out = []


def table(ctype, name, tensor):
    form = {"float": "%.9g", "double": "%.12g", "int32_t": "%d"}[ctype]
    rows, line = [], ""
    for v in torch.as_tensor(tensor).flatten().tolist():
        item = form % v + ("f" if ctype == "float" and ("." in form % v or "e" in form % v) else "")
        if len(line) + len(item) > 91:
            rows.append(line)
            line = ""
        line += (" " if line else "") + item + ","
    rows.append(line)
    out.append("static const %s %s[] = {\n    %s};" % (ctype, name, "\n    ".join(rows)))


def drawn(count, salt, scale):
    """As draw() of the table's header: exact in float32."""
    i = np.arange(count, dtype=np.uint64) + np.uint64(1)
    x = ((i * np.uint64(2654435761) + np.uint64(salt) * np.uint64(40503) * i * i) % np.uint64(1 << 32)) >> np.uint64(16)
    return torch.from_numpy((x.astype(np.float64) - 32768) / 32768 * scale).double()


# ---- default boxes of three maps, and offsets decoded -----------------------------------------------
standard = PriorBox({"min_dim": 64, "feature_maps": [4, 2, 1], "steps": [16, 32, 64], "min_sizes": [12, 28, 44],
                     "max_sizes": [28, 44, 60], "aspect_ratios": [[2], [2], [2]], "clip": True,
                     "variance": [0.1, 0.2], "name": "small"}).forward()
P, CLASSES, IMAGES = len(standard), 3, 4
out.append("enum { BOXES = %d, CLASSES = %d, IMAGES = %d };" % (P, CLASSES, IMAGES))
table("float", "standard_boxes", standard)
table("float", "decoded_boxes", decode(drawn(P * 4, 5, 2.0).float().view(P, 4), standard, [0.1, 0.2]))

# ---- suppression of one class: no two scores are equal ---------------------------------------------
boxes = decode(drawn(P * 4, 5, 2.0).float().view(P, 4), standard, [0.1, 0.2])
scores = (drawn(P, 7, 0.5) + 0.5).float()
assert len(scores.unique()) == P
for name, overlap, top in (("kept_all", 0.45, P), ("kept_of_20", 0.3, 20)):
    keep, count = nms(boxes, scores, overlap, top)
    table("int32_t", name, keep[:count])

# ---- matching and loss; image 2 has no object that is learned: the port has no word for it, so its
# three images are run without it ----------------------------------------------------------------------
rng = np.random.default_rng(4)
objects = []
for image, count in ((0, 3), (1, 1), (3, 5)):
    for _ in range(count):
        w, h = rng.uniform(0.08, 0.7, 2)
        x, y = rng.uniform(0, 1 - w), rng.uniform(0, 1 - h)
        objects.append([image, int(rng.integers(CLASSES)), x, y, x + w, y + h])
x0, y0, x1, y1 = objects[-1][2:]  # its twin wants the same default box: the later has it
objects.append([3, (objects[-1][1] + 1) % CLASSES, x0, y0, x1, y1])
used = [0, 1, 3]
table("int32_t", "object_images", [o[0] for o in objects])
table("int32_t", "object_labels", [o[1] for o in objects])
table("float", "object_boxes", torch.tensor([o[2:] for o in objects], dtype=torch.float32))
targets = [torch.tensor([o[2:] + [o[1]] for o in objects if o[0] == i], dtype=torch.float32) for i in used]

loc = drawn(IMAGES * P * 4, 11, 3.0).view(IMAGES, P, 4)
conf = drawn(IMAGES * P * (CLASSES + 1), 13, 4.0).view(IMAGES, P, CLASSES + 1)
loc_t, conf_t = torch.zeros(3, P, 4), torch.zeros(3, P, dtype=torch.long)
for n in range(3):
    match(0.5, targets[n][:, :4], standard, [0.1, 0.2], targets[n][:, 4], loc_t, conf_t, n)
table("int32_t", "matched_labels", conf_t)  # images 0, 1, 3; label + 1, 0: background
table("float", "matched_offsets", loc_t[conf_t > 0])


def gradients(loss, *of):
    return [torch.zeros(IMAGES, *g.shape[1:]).double().index_copy(0, torch.tensor(used), g)
            for g in torch.autograd.grad(loss, of)]


l, c = loc[used].clone().requires_grad_(), conf[used].clone().requires_grad_()
criterion = loss_module.MultiBoxLoss(CLASSES + 1, 0.5, True, 0, True, 3, 0.5, False, False)
loss_l, loss_c = criterion((l, c, standard), targets)
out.append("static const double loss_location = %.15g, loss_confidence = %.15g;" % (loss_l, loss_c))
pos, neg = criterion.masks
assert torch.equal(pos, conf_t > 0)
out.append("enum { MATCHED = %d, HARD = %d };" % (pos.sum(), (neg & ~pos).sum()))
for name, grad in zip(("location_grad", "confidence_grad"), gradients(loss_l + loss_c, l, c)):
    table("double", name, grad)

# ---- distillation: alpha 0.7, temperature 3 ----------------------------------------------------------
A, T = 0.7, 3.0
teacher_l = drawn(IMAGES * P * 4, 17, 3.0).view(IMAGES, P, 4)[used]
teacher_c = drawn(IMAGES * P * (CLASSES + 1), 19, 4.0).view(IMAGES, P, CLASSES + 1)[used]
l, c = loc[used].clone().requires_grad_(), conf[used].clone().requires_grad_()
loss_l, loss_c = criterion((l, c, standard), targets)
N, both = pos.sum(), pos | neg
taught_l = F.smooth_l1_loss(l[both], teacher_l[both], reduction="sum") / N
taught_c = T * T * F.kl_div(F.log_softmax(c[both] / T, 1), F.softmax(teacher_c[both] / T, 1), reduction="sum") / N
out.append("static const double loss_teacher_location = %.15g, loss_teacher_confidence = %.15g;" % (taught_l, taught_c))
loss = (1 - A) * (loss_l + loss_c) + A * (taught_l + taught_c)
out.append("static const double loss_distilled = %.15g; /* alpha 0.7, T 3 */" % loss)
for name, grad in zip(("distilled_location_grad", "distilled_confidence_grad"), gradients(loss, l, c)):
    table("double", name, grad)

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "detect_table.h"), "w") as f:
    f.write("/* detect_table.h - made by detect_table.py with PyTorch %s and ssd.pytorch; do not edit. */\n"
            % torch.__version__.split("+")[0])
    f.write("#ifndef DETECT_TABLE_H\n#define DETECT_TABLE_H\n\n#include <stdint.h>\n\n")
    f.write("""/* x[0..count): drawn() of detect_table.py. */
static inline void draw(float *x, int count, uint64_t salt, double scale)
{
    for (uint64_t i = 1; i <= (uint64_t)count; i++) {
        const uint32_t bits = (uint32_t)(i * 2654435761U + salt * 40503U * i * i);

        x[i - 1] = (float)(((double)(bits >> 16) - 32768) / 32768 * scale);
    }
}

/* It would give each number a line of its own. */
/* clang-format off */
""")
    f.write("\n".join(out) + "\n\n#endif\n")
