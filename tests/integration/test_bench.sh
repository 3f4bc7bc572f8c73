#!/bin/bash
# test_bench.sh [BUILD] - the benchmarks run and print their rows; no figure is asserted.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
build=${1:-build}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

out=$(NETS=resnet8 STEPS=1 ROUNDS=1 THREADS=1 tests/bench/bench.sh "$build" 2>&1)
same "bench.sh ends well" 0 $?
for what in train distill job infer; do
    same "bench.sh has a row for $what with every figure above 0" yes \
        "$(awk -v what=$what '$1 == "resnet8" && $2 == what {
            good = NF == 10 + (what == "distill" || what == "job")
            for (i = 3; i <= NF; i++) good = good && $i > 0
            print good ? "yes" : $0 }' <<<"$out")"
done
same "bench.sh compares one job with two, and with two before a third" yes \
    "$(awk '$1 == "resnet8" && /jobs on/ {
        print /one [0-9.]+ img.*two at once [0-9.]+ \(.*a third waiting [0-9.]+ \(/ ? "yes" : $0 }' <<<"$out")"

python=/usr/bin/python3
if ! "$python" -c 'import torch' 2>"$dir/err"; then
    skip "compare.py measures both sides" "python3-torch is not installed"
    finish
fi
out=$("$python" tests/bench/compare.py --fsnet "$build/fsnet" --out "$dir" --nets resnet20 --what infer \
    --rounds 1 --steps 1 --threads 1 2>&1)
same "compare.py ends well" 0 $?
# Beside the best instruction set stands AVX2, where that is not the best.
runners="bf16 bf16+ f32 f32+ fsnet" columns=25
if grep -qw avx512f /proc/cpuinfo; then
    runners="avx2 $runners" columns=27
fi
# ... and mixed precision, where the CPU has a unit for it.
if grep -qw amx_bf16 /proc/cpuinfo; then
    runners="$runners mixed" columns=$((columns + 2))
fi
same "compare.py has a row with img/s of all and four ratios" yes \
    "$(awk -v columns=$columns '$1 == "resnet20" && $2 == "infer" {
        print NF == columns ? "yes" : $0 }' <<<"$out")"
same "compare.py keeps every measurement" "$runners" \
    "$(jq -r 'select(.median > 0 and .cpu > 0) | .runner' "$dir/rounds.jsonl" | sort | paste -sd' ')"
# 3x3 convolutions 3-16, 6 of 16-16, 16-32, 5 of 32-32, 32-64, 5 of 64-64; two 1x1 shortcuts; 640 + 10.
# Convolution weights 432 + 6*2304 + 4608 + 5*9216 + 18432 + 5*36864 + 512 + 2048.
same "the exported network is ResNet-20, batch norm not folded" '[270256,21]' \
    "$("$build/fsnet" inspect "$dir/resnet20.onnx" --json | jq -c '[
        ([.layers[] | select(.op == "Conv") | .weight_shape | .[0]*.[1]*.[2]*.[3]] | add),
        .operators.BatchNormalization]')"
answer=$(printf '%s\n' 'train nothing f32 1 1' | "$python" tests/bench/peer.py --threads 1)
holds "peer.py names the networks it knows" "NET must be one of resnet20" "$answer"
finish
