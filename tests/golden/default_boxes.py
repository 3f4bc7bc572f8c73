#!/usr/bin/env python3
"""Writes default_boxes_table.h: default boxes by the formulas of SSD (arXiv 1512.02325, section 2.2) in numpy, in
the port's order (amdegroot/ssd.pytorch, PriorBox: square, larger square, each ratio and its inverse)."""

import os
import numpy as np


def boxes(image, cells, steps, smallest, largest, ratios):
    out = []
    for f, step, s, t, aspect in zip(cells, steps, smallest, largest, ratios):
        shapes = [(s, s), (np.sqrt(s * t), np.sqrt(s * t))]
        for a in aspect:
            shapes += [(s * np.sqrt(a), s / np.sqrt(a)), (s / np.sqrt(a), s * np.sqrt(a))]
        y, x = np.mgrid[0:f, 0:f]
        centres = np.stack([(x + 0.5) * step, (y + 0.5) * step], -1).reshape(-1, 1, 2)
        sizes = np.broadcast_to(np.array(shapes), (f * f, len(shapes), 2))
        out.append(np.concatenate([np.broadcast_to(centres, sizes.shape), sizes], -1).reshape(-1, 4) / image)
    return np.clip(np.concatenate(out), 0, 1)


SETS = {
    "ssd300": boxes(300, [38, 19, 10, 5, 3, 1], [8, 16, 32, 64, 100, 300], [30, 60, 111, 162, 213, 264],
                    [60, 111, 162, 213, 264, 315], [[2], [2, 3], [2, 3], [2, 3], [2], [2]]),
    "ssd_lite_160": boxes(160, [20, 10, 5, 3], [8, 16, 32, 64], [16, 32, 64, 128], [32, 64, 128, 168],
                          [[2], [2, 3], [2, 3], [2]]),
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "default_boxes_table.h"), "w") as out:
    out.write("/* Written by default_boxes.py with numpy %s; not edited by hand. */\n" % np.__version__)
    for name, rows in SETS.items():
        out.write("static const double %s_sums[] = {%s};\n" % (name, ", ".join("%.9g" % v for v in rows.sum(0))))
        out.write("enum { %s_count = %d };\n" % (name, len(rows)))
        out.write("static const struct row %s_rows[] = {\n" % name)
        for i in sorted(set(range(0, len(rows), 149)) | set(range(len(rows) - 10, len(rows)))):
            out.write("    {%d, {%s}},\n" % (i, ", ".join("%.9g" % v for v in rows[i])))
        out.write("};\n")
