#!/usr/bin/env python3
"""peer.py [--threads N]: times PyTorch, as a process that is told what to do line by line, so that its
start and its warm-up are paid once while another program is measured in between.

    train NET DTYPE BATCH STEPS    steps of training: forward, cross-entropy, backward, SGD
    infer NET DTYPE BATCH STEPS    forward passes
    export NET FILE                writes the network as ONNX, batch norm kept, batch axis free

NET: peer_nets.NETS. DTYPE: f32, or bf16 (autocast). Each answer is a line of JSON: milliseconds of
every step on the wall and of CPU time of all threads; or {"error": ...}. Both dtypes run with
channels_last, the faster layout here. Eager mode; compare.py may set malloc so that freed memory is
kept.
"""

import argparse
import contextlib
import json
import sys
import time
import warnings

import torch
from torch.nn import functional

import peer_nets

FIRST_WARMUP, WARMUP = 3, 1
# Small: the random images are not to be learnt by heart, which would make gradients vanish.
RATE = 1e-4


class Subject:
    """One network with its images and its optimiser."""

    def __init__(self, net, dtype, batch):
        if dtype not in ("f32", "bf16"):
            raise ValueError("DTYPE must be f32 or bf16, got '%s'" % dtype)
        torch.manual_seed(1)
        self.model = make(net).to(memory_format=torch.channels_last)
        self.images = torch.randn(batch, *peer_nets.SHAPE)
        self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(peer_nets.CLASSES, (batch,))
        self.bf16 = dtype == "bf16"
        self.warm = set()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=RATE, momentum=0.9,
                                         nesterov=True, weight_decay=1e-4)

    def autocast(self):
        if self.bf16:
            return torch.autocast("cpu", dtype=torch.bfloat16)
        return contextlib.nullcontext()

    def train(self):
        self.optimizer.zero_grad(set_to_none=True)
        with self.autocast():
            loss = functional.cross_entropy(self.model(self.images), self.labels)
        loss.backward()
        self.optimizer.step()

    def infer(self):
        with torch.inference_mode(), self.autocast():
            self.model(self.images)

    def measure(self, what, steps):
        step = self.train if what == "train" else self.infer
        self.model.train(what == "train")
        for _ in range(WARMUP if what in self.warm else FIRST_WARMUP):
            step()
        self.warm.add(what)
        wall, cpu = [], []
        for _ in range(steps):
            cpu_start, start = time.process_time(), time.perf_counter()
            step()
            wall.append(1e3 * (time.perf_counter() - start))
            cpu.append(1e3 * (time.process_time() - cpu_start))
        return {"ms": wall, "cpu_ms": cpu}


def make(net):
    if net not in peer_nets.NETS:
        raise ValueError("NET must be one of %s, got '%s'" % (", ".join(peer_nets.NETS), net))
    return peer_nets.NETS[net]()


def export(net, path):
    torch.manual_seed(1)
    model = make(net).eval()
    torch.onnx.export(model, torch.zeros(1, *peer_nets.SHAPE), path, opset_version=13,
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                      input_names=["images"], output_names=["logits"],
                      dynamic_axes={"images": {0: "N"}, "logits": {0: "N"}})
    return {"file": path}


class Worker:
    def __init__(self):
        self.net = None
        self.subjects = {}

    def measure(self, what, net, dtype, batch, steps):
        if net != self.net:  # one network at a time: memory, and oneDNN's cache of primitives
            self.net, self.subjects = net, {}
        key = (dtype, batch)
        if key not in self.subjects:
            self.subjects[key] = Subject(net, dtype, int(batch))
        return self.subjects[key].measure(what, int(steps))

    def answer(self, line):
        word, *rest = line.split()
        if word in ("train", "infer") and len(rest) == 4:
            return self.measure(word, *rest)
        if word == "export" and len(rest) == 2:
            return export(*rest)
        raise ValueError("not a command: %s" % line.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    warnings.simplefilter("ignore")
    worker = Worker()
    for line in sys.stdin:
        try:
            answer = worker.answer(line)
        except (ValueError, RuntimeError, OSError) as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
