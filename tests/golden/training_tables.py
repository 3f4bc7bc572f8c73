#!/usr/bin/env python3
"""Writes training_tables.h: PyTorch's own losses, gradients and SGD steps for test_loss and
test_optimizer. Run it by hand when a case changes; the table is committed."""

import os
import torch
import torch.nn.functional as F

torch.manual_seed(7)
out = []


def table(ctype, name, tensor):
    values = tensor.flatten().tolist()
    form = {"float": "%.9gf", "double": "%.17g", "int32_t": "%d"}[ctype]
    text = [form % v if ctype != "float" or "." in "%.9g" % v or "e" in "%.9g" % v
            else "%.1ff" % v for v in values]
    out.append("static const %s %s[%d] = {%s};" % (ctype, name, len(text), ", ".join(text)))


# ---- distillation: 4 images, 5 classes; the third image's logits are far apart ------------------
N, C, T, A = 4, 5, 4.0, 0.9
student = (torch.randn(N, C) * 3).float()
student[2] = torch.tensor([80.0, -80.0, 0.5, 120.0, -30.0])
teacher = (torch.randn(N, C) * 4).float()
labels = torch.tensor([1, 4, 0, 2])

z = student.double().requires_grad_()
ce = F.cross_entropy(z, labels)
(dce,) = torch.autograd.grad(ce, z)
z = student.double().requires_grad_()
kl = F.kl_div(F.log_softmax(z / T, 1), F.softmax(teacher.double() / T, 1), reduction="batchmean")
loss = (1 - A) * F.cross_entropy(z, labels) + A * T * T * kl
(dloss,) = torch.autograd.grad(loss, z)
after_losses = torch.random.get_rng_state()  # the tables of SGD stay as they were

out.append("enum { LOSS_IMAGES = %d, LOSS_CLASSES = %d };" % (N, C))
table("float", "loss_student", student)
table("float", "loss_teacher", teacher)
table("int32_t", "loss_labels", labels)
out.append("static const double loss_cross_entropy = %.17g;" % ce.item())
table("double", "loss_cross_entropy_grad", dce)
out.append("static const double loss_distill = %.17g; /* T = 4, alpha = 0.9 */" % loss.item())
table("double", "loss_distill_grad", dloss)

# ---- soft labels: smoothing 0.1, each image mixed with its mirror in the batch, own share 0.7 ------
S, M = 0.1, 0.7
z = student.double().requires_grad_()
soft = (1 - A) * (M * F.cross_entropy(z, labels, label_smoothing=S)
                  + (1 - M) * F.cross_entropy(z, labels.flip(0), label_smoothing=S))
soft = soft + A * T * T * F.kl_div(F.log_softmax(z / T, 1), F.softmax(teacher.double() / T, 1),
                                   reduction="batchmean")
(dsoft,) = torch.autograd.grad(soft, z)
out.append("static const double loss_soft = %.17g; /* smoothing 0.1, own share 0.7 */" % soft.item())
table("double", "loss_soft_grad", dsoft)

# ---- feature maps: 3 images of 7 values, weight 0.5 ----------------------------------------------
torch.manual_seed(8)
maps = torch.randn(3, 7).float()
goal = (torch.randn(3, 7) * 2 + 1).float()
s = maps.double().requires_grad_()
hint = 0.5 * F.mse_loss(s, goal.double()) / goal.double().var(unbiased=False)
(dhint,) = torch.autograd.grad(hint, s)
out.append("enum { MAP_IMAGES = 3, MAP_SIZE = 7 };")
table("float", "map_student", maps)
table("float", "map_teacher", goal)
out.append("static const double map_loss = %.17g; /* weight 0.5 */" % hint.item())
table("double", "map_grad", dhint)

# ---- torch.nn.utils.clip_grad_norm_(0.5) of two tensors ------------------------------------------
pair = [torch.nn.Parameter(torch.zeros(5)), torch.nn.Parameter(torch.zeros(3))]
for p in pair:
    p.grad = torch.randn_like(p)
table("float", "clip_grads", torch.cat([p.grad for p in pair]))
out.append("static const double clip_norm = %.9g;"
           % torch.nn.utils.clip_grad_norm_(pair, 0.5).item())
table("float", "clip_clipped", torch.cat([p.grad for p in pair]))

# ---- torch.optim.SGD(lr=0.1, momentum=0.9, nesterov=True), five steps ---------------------------
torch.random.set_rng_state(after_losses)
STEPS, W = 5, 6
start = torch.randn(W).float()
grads = torch.randn(STEPS, W).float()
out.append("enum { SGD_STEPS = %d, SGD_SIZE = %d };" % (STEPS, W))
table("float", "sgd_start", start)
table("float", "sgd_grads", grads)
for name, decay in (("sgd_decayed", 5e-2), ("sgd_plain", 0.0)):
    w = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.SGD([w], lr=0.1, momentum=0.9, nesterov=True, weight_decay=decay)
    rows = []
    for g in grads:
        w.grad = g.clone()
        optimizer.step()
        rows.append(w.detach().clone())
    out.append("/* weights after each step, weight_decay = %g */" % decay)
    table("float", name, torch.stack(rows))

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "training_tables.h")
with open(path, "w") as f:
    f.write("/* training_tables.h - made by training_tables.py with PyTorch %s; do not edit. */\n"
            % torch.__version__.split("+")[0])
    f.write("#ifndef TRAINING_TABLES_H\n#define TRAINING_TABLES_H\n\n#include <stdint.h>\n\n")
    f.write("\n".join(out) + "\n\n#endif\n")
