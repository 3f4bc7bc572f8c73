#!/usr/bin/env python3
"""compare.py: the engine against PyTorch, each network in short rounds that take turns, so that what
else the machine does hits all alike. `make bench-peer` runs it.

Every round measures fsnet in float32, held to AVX2 (where the CPU has AVX-512), in mixed precision
(where it has AMX, which inference does not use), PyTorch f32 and PyTorch
bf16 autocast (both channels_last) one after another, the first one changing from round to round, each
for a few steps after its warm-up. PyTorch runs twice: as it is installed, and (f32+, bf16+) with a
malloc that keeps freed memory, which on some machines makes it several times as fast. fsnet runs the ONNX file that PyTorch exported: the very same
network. A ratio is the median over the rounds
of the ratio within a round; img/s are medians over the rounds of a round's median, and the best
round's fastest tenth. Ratios of CPU time (its fastest tenth) are the steadier figure beside other
work, and mean something with one thread alone: two threads that wait for each other may spin.
No figure is asserted; the targets stand beside."""

import argparse
import json
import os
import subprocess
import sys
from statistics import median

HERE = os.path.dirname(os.path.abspath(__file__))
# Images in a step, and the ratios to reach, over (f32, bf16), in training and inference.
NETS = {
    "resnet20": (128, {"train": (2.5, 1.4), "infer": (2.0, 1.3)}),
    "resnet56": (128, {"train": (2.5, 1.45), "infer": (2.0, 1.3)}),
    "resnet18": (32, {"train": (2.3, 1.25), "infer": (2.0, 1.3)}),
    "densenet_bc": (64, {"train": (1.3, 1.0), "infer": (None, None)}),
    "mobilenet_v2": (64, {"train": (1.3, 1.0), "infer": (None, None)}),
}
# glibc gives large blocks back to the system when they are freed, and PyTorch takes them anew in every
# step: new pages, up to three quarters of the time of an f32 training step on a virtual machine. fsnet
# keeps its memory; the peer is measured both ways.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
               "MALLOC_TOP_PAD_": str(256 << 20)}
# Each peer: its dtype, and what its environment has besides.
PEERS = {"f32": ("f32", {}), "bf16": ("bf16", {}),
         "f32+": ("f32", KEEP_MEMORY), "bf16+": ("bf16", KEEP_MEMORY)}


class Peer:
    def __init__(self, threads, environment):
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "peer.py"), "--threads", str(threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **environment))

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit("compare.py: PyTorch has ended; it was to %s" % " ".join(map(str, words)))
        answer = json.loads(line)
        if "error" in answer:
            sys.exit("compare.py: PyTorch cannot %s: %s"
                     % (" ".join(map(str, words)), answer["error"]))
        return answer

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def cpu_flags():
    with open("/proc/cpuinfo") as lines:
        return next((line.split() for line in lines if line.startswith("flags")), [])


# Ours: the instruction set to force, None for the best, and the precision.
OURS = {"fsnet": (None, "float32")}
if "avx512f" in cpu_flags():
    OURS["avx2"] = ("avx2", "float32")
if "amx_bf16" in cpu_flags():
    OURS["mixed"] = (None, "mixed")
RUNNERS = list(OURS) + list(PEERS)


def measure_fsnet(args, what, net, batch, isa, precision):
    """Milliseconds of a step: median, fastest tenth, fastest tenth of CPU time."""
    environment = dict(os.environ, FSNET_ISA=isa) if isa else None
    done = subprocess.run(
        [args.fsnet, "bench", what, os.path.join(args.out, net + ".onnx"), "--batch", str(batch),
         "--steps", str(args.steps), "--threads", str(args.threads), "--precision", precision, "--json"],
        stdout=subprocess.PIPE, text=True, env=environment)
    if done.returncode != 0:
        sys.exit("compare.py: fsnet has failed on %s" % net)
    row = json.loads(done.stdout)
    return {"median": row["ms_median"], "p10": row["ms_p10"], "cpu": row["cpu_ms_p10"]}


def measure_peer(args, peers, what, net, peer, batch):
    answer = peers[peer].ask(what, net, PEERS[peer][0], batch, args.steps)
    # The same ranks as fsnet takes.
    wall, cpu = sorted(answer["ms"]), sorted(answer["cpu_ms"])
    return {"median": wall[args.steps // 2], "p10": wall[args.steps // 10],
            "cpu": cpu[args.steps // 10]}


def run_rounds(args, peers, what, net, batch, log):
    """RUNNERS -> measurements, one a round."""
    rows = {runner: [] for runner in RUNNERS}
    for index in range(args.rounds):
        first = index % len(RUNNERS)
        for runner in RUNNERS[first:] + RUNNERS[:first]:
            row = (measure_fsnet(args, what, net, batch, *OURS[runner]) if runner in OURS
                   else measure_peer(args, peers, what, net, runner, batch))
            rows[runner].append(row)
            print(json.dumps({"what": what, "net": net, "batch": batch, "runner": runner,
                              "threads": args.threads, "round": index, **row}), file=log, flush=True)
    return rows


def ratio(rows, peer, key):
    """How many times as fast as the peer fsnet is: the median of the rounds."""
    return median(theirs[key] / ours[key] for ours, theirs in zip(rows["fsnet"], rows[peer]))


def print_row(args, what, net, batch, rows):
    speeds = ""
    for runner in RUNNERS:
        middle = median(row["median"] for row in rows[runner])
        best = min(row["p10"] for row in rows[runner])
        speeds += " %8.1f %8.1f" % (1e3 * batch / middle, 1e3 * batch / best)
    ratios = ""
    for peer in PEERS:
        target = NETS[net][1][what][PEERS[peer][0] == "bf16"]
        ratios += "  %5.2f %5s" % (ratio(rows, peer, "median"), target or "-")
        if args.threads == 1:
            ratios += " %5.2f" % ratio(rows, peer, "cpu")
    print("%-13s %-5s %5d %s %s" % (net, what, batch, speeds, ratios), flush=True)


def print_heading(args):
    with open("/proc/cpuinfo") as lines:
        cpu = next((line.split(":", 1)[1].strip() for line in lines
                    if line.startswith("model name")), "unknown")
    print("CPU: %s, %d cores; load %.1f; %d thread%s, %d rounds of %d steps"
          % (cpu, os.cpu_count(), os.getloadavg()[0], args.threads,
             "" if args.threads == 1 else "s", args.rounds, args.steps))
    columns = "img/s: median and fastest tenth; ratios: fsnet over PyTorch, and the target"
    heads = "".join(" %8s %8s" % (runner, "best") for runner in RUNNERS)
    print(columns + (", and of CPU time" if args.threads == 1 else "") + "\n")
    over = "  /%-5s want" + ("   CPU" if args.threads == 1 else "")
    print(("%-13s %-5s %5s %s " + over * len(PEERS)) % ("network", "", "batch", heads, *PEERS),
          flush=True)


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0])
    parser.add_argument("--fsnet", default="build/fsnet", help="the program to measure")
    parser.add_argument("--out", default="build/bench", help="folder for networks and rounds.jsonl")
    parser.add_argument("--nets", default=" ".join(NETS), help="which networks, in which order")
    parser.add_argument("--what", default="train infer")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=5, help="timed steps of each in a round")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    args.nets, args.what = args.nets.split(), args.what.split()
    if min(args.rounds, args.steps, args.threads) < 1:
        parser.error("rounds, steps and threads must be at least 1")
    for word, known in [(w, NETS) for w in args.nets] + [(w, ("train", "infer")) for w in args.what]:
        if word not in known:
            parser.error("'%s' is none of %s" % (word, ", ".join(known)))
    return args


def main():
    args = parse()
    os.makedirs(args.out, exist_ok=True)
    installed, keeping = Peer(args.threads, {}), Peer(args.threads, KEEP_MEMORY)
    peers = {name: keeping if environment else installed
             for name, (_, environment) in PEERS.items()}
    print_heading(args)
    with open(os.path.join(args.out, "rounds.jsonl"), "a") as log:
        for net in args.nets:
            installed.ask("export", net, os.path.join(args.out, net + ".onnx"))
            for what in args.what:
                batch = NETS[net][0]
                print_row(args, what, net, batch, run_rounds(args, peers, what, net, batch, log))
    installed.close()
    keeping.close()


if __name__ == "__main__":
    main()
