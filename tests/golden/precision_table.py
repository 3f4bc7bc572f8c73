#!/usr/bin/env python3
"""Writes precision_table.h: average precision of random detections by the published tools, for
test_average_precision. Run by hand; the table is committed.

    python3 precision_table.py PY_FASTER_RCNN COCOAPI

are checkouts of rbgirshick/py-faster-rcnn (its lib/datasets/voc_eval.py is the known port of the VOC
development kit, with the kit's +1 in areas) and of cocodataset/cocoapi (cocoeval.py and maskApi.c). Both run as they
are, but for three things: Python 2 becomes 3, annotations and images come from this script and not from
files, and voc_eval's argsort is stable, since otherwise the order of equal scores is nobody's."""

import ctypes
import importlib
import os
import subprocess
import sys
import tempfile
import types
import warnings

import numpy as np

warnings.simplefilter("ignore")
voc_folder, coco_folder = sys.argv[1:]
np.float, np.bool = float, bool  # gone from today's numpy
out = []


# ---- the tools -------------------------------------------------------------------------------------
def load_voc():
    from lib2to3.refactor import RefactoringTool, get_fixers_from_package
    tool = RefactoringTool(get_fixers_from_package("lib2to3.fixes"))
    text = open(os.path.join(voc_folder, "lib/datasets/voc_eval.py")).read()
    module = types.ModuleType("voc_eval")
    exec(str(tool.refactor_string(text + "\n", "voc_eval.py")), module.__dict__)
    stable = types.SimpleNamespace(**{n: getattr(np, n) for n in dir(np) if not n.startswith("__")})
    stable.argsort = lambda a: np.argsort(a, kind="stable")
    module.np = stable
    module.pickle = types.SimpleNamespace(dump=lambda *a: None)
    module.print = lambda *a: None
    return module


def load_coco(work):
    library = os.path.join(work, "mask.so")
    subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", library,
                    os.path.join(coco_folder, "common/maskApi.c"), "-lm"], check=True,
                   stderr=subprocess.DEVNULL)
    mask = ctypes.CDLL(library)

    def iou(d, g, crowd):
        if not d or not g:
            return []
        d, g = np.array(d, dtype=np.float64), np.array(g, dtype=np.float64)
        crowd, o = np.array(crowd, dtype=np.uint8), np.zeros((len(g), len(d)))
        p = [ctypes.c_void_p(a.ctypes.data) for a in (d, g, crowd, o)]
        mask.bbIou(p[0], p[1], ctypes.c_ulong(len(d)), ctypes.c_ulong(len(g)), p[2], p[3])
        return o.T

    package = types.ModuleType("pycocotools")
    package.__path__ = [os.path.join(coco_folder, "PythonAPI/pycocotools")]
    package.mask = types.ModuleType("pycocotools.mask")
    package.mask.iou = iou
    sys.modules.update({"pycocotools": package, "pycocotools.mask": package.mask})
    module = importlib.import_module("pycocotools.cocoeval")
    module.print = lambda *a: None
    return module


class Annotations:
    """As much of pycocotools' COCO as COCOeval asks for."""

    def __init__(self, images, classes, rows):
        self.images, self.classes, self.rows = images, classes, rows

    def getImgIds(self):
        return list(range(self.images))

    def getCatIds(self):
        return list(range(self.classes))

    def getAnnIds(self, imgIds, catIds):
        return list(range(len(self.rows)))

    def loadAnns(self, ids):
        return [self.rows[i] for i in ids]


# ---- random sets: boxes in whole pixels from 1, both ends inclusive -----------------------------------
def random_box(rng, w, h):
    x, y = rng.integers(1, w, 2), rng.integers(1, h, 2)
    return [int(x.min()), int(y.min()), int(x.max()), int(y.max())]


def jitter(rng, box, w, h, by):
    b = np.array(box) + rng.integers(-by, by + 1, 4)
    x, y = np.clip(b[[0, 2]], 1, w), np.clip(b[[1, 3]], 1, h)
    return [int(x.min()), int(y.min()), int(x.max()), int(y.max())]


def halves(box):
    """Shares exactly half, if an even number of columns: the threshold itself."""
    x0, y0, x1, y1 = box
    return [x0, y0, x0 + (x1 - x0 + 1) // 2 - 1, y1] if x1 > x0 else box


def make(seed, images, classes, objects, ties, strays, difficult):
    rng = np.random.default_rng(seed)
    sizes = [[int(v) for v in rng.integers(40, 500, 2)] for _ in range(images)]
    truth, found = [], []
    for i, (w, h) in enumerate(sizes):
        for _ in range(int(rng.integers(0, objects + 1))):
            label, box = int(rng.integers(classes)), random_box(rng, w, h)
            hard = rng.random() < difficult or (label == classes - 1 and seed == 2)
            truth.append([i, label, int(hard), box])
            for _ in range(int(rng.integers(0, 4))):
                which = rng.random()
                near = box if which < 0.15 else halves(box) if which < 0.3 else \
                    jitter(rng, box, w, h, int(rng.integers(1, 16)))
                found.append([i, label, near])
        for _ in range(int(rng.integers(0, strays + 1))):
            found.append([i, int(rng.integers(classes)), random_box(rng, w, h)])
    for row in found:
        row.insert(2, float(np.float32(rng.integers(1, 20) / 20 if ties else rng.random())))
    return sizes, truth, found


def by_voc(voc, sizes, truth, found, label):
    with tempfile.TemporaryDirectory() as work:
        path = lambda name: os.path.join(work, name)
        open(path("set"), "w").write("".join("%d\n" % i for i in range(len(sizes))))
        open(path("det"), "w").write("".join(
            "%d %.17g %d %d %d %d\n" % (i, score, *box)
            for i, c, score, box in found if c == label))
        voc.parse_rec = lambda name: [
            {"name": str(c), "bbox": box, "difficult": hard}
            for i, c, hard, box in truth if i == int(name)]
        run = lambda old: voc.voc_eval(path("det"), "{}", path("set"), str(label), path("cache%d" % old),
                                       0.5, old)
        rec, prec, old = run(True)
        return rec, prec, old, run(False)[2]


def by_coco(coco, sizes, truth, found, classes):
    corner = lambda b: [b[0] - 1, b[1] - 1, b[2] - b[0] + 1, b[3] - b[1] + 1]
    row = lambda n, i, c, b: {"id": n + 1, "image_id": i, "category_id": c, "bbox": corner(b),
                              "area": corner(b)[2] * corner(b)[3]}
    gt = [dict(row(n, i, c, b), iscrowd=hard) for n, (i, c, hard, b) in enumerate(truth)]
    dt = [dict(row(n, i, c, b), score=score) for n, (i, c, score, b) in enumerate(found)]
    judge = coco.COCOeval(Annotations(len(sizes), classes, gt),
                          Annotations(len(sizes), classes, dt), "bbox")
    judge.evaluate()
    judge.accumulate()
    judge.summarize()
    return judge.eval["precision"][:, :, :, 0, 2], judge.eval["recall"][:, :, 0, 2], judge.stats


def table(ctype, name, values, form="%.17g"):
    rows, line = [], ""
    for v in values:
        text = form % v + ","
        if len(line) + len(text) > 92:
            rows.append(line)
            line = ""
        line += (" " if line else "") + text
    rows.append(line)
    out.append("static const %s %s[] = {\n    %s};" % (ctype, name, "\n    ".join(rows)))


def write(name, voc, coco, classes, sizes, truth, found):
    table("int32_t", name + "_sizes", np.ravel(sizes), "%d")
    table("int32_t", name + "_objects", [v for i, c, d, b in truth for v in (i, c, d, *b)], "%d")
    table("int32_t", name + "_detections", [v for i, c, _, b in found for v in (i, c, *b)], "%d")
    table("double", name + "_scores", [r[2] for r in found], "%.9g")
    old, new, recall, precision = [], [], [], []
    for c in range(classes):
        rec, prec, ap07, ap = by_voc(voc, sizes, truth, found, c)
        none = not any(t[1] == c and not t[2] for t in truth)
        old.append(-1 if none else ap07)
        new.append(-1 if none else ap)
        recall += [0] * len(rec) if none else list(rec)
        precision += list(prec)
    table("double", name + "_voc07", old)
    table("double", name + "_voc", new)
    table("double", name + "_voc_recall", recall)
    table("double", name + "_voc_precision", precision)
    p, r, stats = by_coco(coco, sizes, truth, found, classes)
    table("double", name + "_coco", stats[:3])
    table("double", name + "_coco_ap", p.mean(axis=1).T.ravel())  # [classes][10]
    table("double", name + "_coco_recall", r.T.ravel())
    table("double", name + "_coco_precision50", p[0].T.ravel())  # [classes][101]
    out.append("static const struct precision_set %s = {%d, %d, %d, %d, %s};\n" % (
        name, len(sizes), classes, len(truth), len(found), ", ".join(
            name + "_" + part for part in (
                "sizes", "objects", "detections", "scores", "voc07", "voc", "voc_recall",
                "voc_precision", "coco", "coco_ap", "coco_recall", "coco_precision50"))))


with tempfile.TemporaryDirectory() as work:
    voc, coco = load_voc(), load_coco(work)
    # many ties; all different and a class without objects that count; more than 100 in an image and class
    for name, case in {"ties": (1, 14, 3, 4, True, 4, 0.25), "apart": (2, 20, 4, 4, False, 5, 0.2),
                       "crowded": (3, 3, 2, 40, True, 240, 0.15)}.items():
        write(name, voc, coco, case[2], *make(*case))

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "precision_table.h"), "w") as f:
    f.write("""/* precision_table.h - made by precision_table.py with voc_eval.py and cocoeval.py; do not edit. */
#ifndef PRECISION_TABLE_H
#define PRECISION_TABLE_H

#include <stdint.h>

/* Boxes in whole pixels from 1, both ends inclusive: xmin, ymin, xmax, ymax. */
struct precision_set {
    int images, classes, objects, detections;
    const int32_t *size;      /* [images][2] width, height */
    const int32_t *object;    /* [objects][7] image, label, difficult, box */
    const int32_t *detection; /* [detections][6] image, label, box */
    const double *score;
    const double *voc07, *voc;                 /* [classes]; -1: no object counts */
    const double *voc_recall, *voc_precision;  /* [detections], class by class */
    const double *coco;                        /* ap, ap50, ap75 */
    const double *coco_ap, *coco_recall;       /* [classes][10] */
    const double *coco_precision50;            /* [classes][101] */
};

/* It would give each number a line of its own. */
/* clang-format off */
""" + "\n".join(out) + "\n#endif\n")
