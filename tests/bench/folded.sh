#!/bin/bash
# folded.sh [BUILD] - the same job on ResNet-20 as it was trained and as exporters write it, with batch
# norm folded away: two epochs, one seed. Passes when the folded one ends within 0.3 points of the
# other or above it. Takes some minutes of two cores.
#
# Wants $FSNET_SHARED/models/resnet20-cifar10.onnx, $FSNET_SHARED/data/cifar10 and Python with onnx
# ($PYTHON).
set -eu
cd "$(dirname "$0")/../.."
fsnet=${1:-build}/fsnet
shared=${FSNET_SHARED:-../shared}
model=$shared/models/resnet20-cifar10.onnx
data=$shared/data/cifar10/cifar-10-binary.tar.xz
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"${PYTHON:-python3}" tests/bench/fold_bn.py "$model" "$dir/folded.onnx"
cp "$model" "$dir/plain.onnx"
for form in plain folded; do
    "$fsnet" compress "$dir/$form.onnx" --data "$data" --mean 0.485,0.456,0.406 \
        --std 0.229,0.224,0.225 --epochs 2 --seed 1 --threads 2 --out "$dir/$form"
done
jq -rn --slurpfile plain "$dir/plain/report.json" --slurpfile folded "$dir/folded/report.json" '
    ($plain[0].compressed.top1) as $a | ($folded[0].compressed.top1) as $b |
    "as trained \($a) %, folded \($b) %, apart \(($b - $a) * 100 | round / 100)",
    if $b >= $a - 0.3 then "1 passed, 0 failed" else "0 passed, 1 failed\n" | halt_error(1) end'
