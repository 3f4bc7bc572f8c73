#!/bin/bash
# jobs.sh FSNET MODEL BATCH STEPS ROUNDS - two jobs of one thread each against one job of two threads:
# images a second of both jobs together, over those of the one. Processes stand for the jobs, which in
# fsnetd are threads that share nothing. The two ways take turns; figures are medians over the rounds.
set -euo pipefail
fsnet=$1 model=$2 batch=$3 steps=$4 rounds=$5
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

train() { # THREADS
    "$fsnet" bench train "$model" --batch "$batch" --steps "$steps" --threads "$1" --json |
        jq .images_per_second_median
}

median() { sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }

one_job() { train 2 >>"$dir/one"; }
two_jobs() {
    train 1 >"$dir/first" &
    local first=$!
    train 1 >"$dir/second"
    wait "$first"
    cat "$dir/first" "$dir/second" | awk '{ sum += $1 } END { print sum }' >>"$dir/two"
}

for ((round = 0; round < rounds; round++)); do
    if ((round % 2)); then
        two_jobs
        one_job
    else
        one_job
        two_jobs
    fi
done
one=$(median <"$dir/one")
two=$(median <"$dir/two")
awk -v name="$(basename "$model" .onnx)" -v one="$one" -v two="$two" 'BEGIN {
    printf "%-13s training: one job of two threads %.1f img/s, two jobs of one thread %.1f: %.2f x\n",
        name, one, two, two / one }'
