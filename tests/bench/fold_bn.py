#!/usr/bin/env python3
"""fold_bn.py IN.onnx OUT.onnx - folds every BatchNormalization behind a Conv into it, as exporters do.

y = gamma (w*x + b - mean) / sqrt(var + eps) + beta becomes one convolution with weight w f and bias
(b - mean) f + beta, f = gamma / sqrt(var + eps). Written with the onnx package alone, so that what the
engine makes of a folded file is not judged by the engine's own fold.
"""
import sys

import numpy as np
import onnx
from onnx import numpy_helper


def main(source, target):
    model = onnx.load(source)
    graph = model.graph
    constants = {t.name: t for t in graph.initializer}
    producer = {node.output[0]: node for node in graph.node}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers[name] = readers.get(name, 0) + 1

    def array(name):
        return numpy_helper.to_array(constants[name]).astype(np.float64)

    kept = []
    for node in graph.node:
        conv = producer.get(node.input[0]) if node.input else None
        if (node.op_type != "BatchNormalization" or conv is None or conv.op_type != "Conv"
                or readers[node.input[0]] != 1):
            kept.append(node)
            continue
        gamma, beta, mean, var = (array(name) for name in node.input[1:5])
        epsilon = next((a.f for a in node.attribute if a.name == "epsilon"), 1e-5)
        factor = gamma / np.sqrt(var + epsilon)
        weight = array(conv.input[1]) * factor[:, None, None, None]
        bias = array(conv.input[2]) if len(conv.input) > 2 else 0.0
        name = conv.input[1] + ".bias"
        constants[conv.input[1]].CopyFrom(
            numpy_helper.from_array(weight.astype(np.float32), conv.input[1]))
        graph.initializer.append(
            numpy_helper.from_array(((bias - mean) * factor + beta).astype(np.float32), name))
        del conv.input[2:]
        conv.input.append(name)
        conv.output[0] = node.output[0]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    initialisers = [t for t in graph.initializer if t.name in used]
    del graph.initializer[:]
    graph.initializer.extend(initialisers)
    onnx.checker.check_model(model)
    onnx.save(model, target)


if __name__ == "__main__":
    main(*sys.argv[1:3])
