#!/bin/bash
# jobs.sh BUILD NET BATCH STEPS ROUNDS - how fsnetd shares the cores among jobs: images a second of one job
# that is alone, of two at once, and of two while a third waits (a server with two workers). Jobs that run
# at once are added up. All are cut into a slice for each core, so that their results are the same bytes.
#
# STEPS: of an epoch; a job has three, of which the median counts. Rounds go through the three cases up
# and down in turns; figures are medians over the rounds.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 net=$2 batch=$3 steps=$4 rounds=$5
. tests/integration/server.sh
spec='{"finetune": {"epochs": 3, "batch_size": '$batch'}}'

median() { sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }

prepare() {
    "$fsnet" new "$net" -o "$dir/net.onnx"
    "$fsnet" draw --train $((batch * steps)) --test 10 -o "$dir/shapes.tar.gz"
    start --workers 2
    upload models "$dir/net.onnx"
    model=$id
    upload datasets "$dir/shapes.tar.gz"
    dataset=$id
}

# run JOBS: orders so many at once, waits for the first two and cancels the others.
run() {
    local jobs=() speed=0
    while [ ${#jobs[@]} -lt "$1" ]; do
        order "$spec"
        jobs+=("$job")
    done
    for job in "${jobs[@]:0:2}"; do
        finishes succeeded
        call GET "/v1/jobs/$job/metrics"
        field '.items[].images_per_second' | median >>"$dir/speeds"
    done
    for job in "${jobs[@]:2}"; do
        call POST "/v1/jobs/$job/cancel"
        wait_for 180 job_ends
    done
    awk '{ sum += $1 } END { print sum }' "$dir/speeds" >>"$dir/$1"
    rm "$dir/speeds"
}

measure() {
    prepare
    for ((round = 0; round < rounds; round++)); do
        for jobs in $( ((round % 2)) && echo 3 2 1 || echo 1 2 3); do
            run "$jobs"
        done
    done
    stop
}
measure >"$dir/said" 2>&1 || { cat "$dir/said" && exit 1; }
if [ "$failed" -gt 0 ]; then
    grep 'NOT OK' "$dir/said"
    exit 1
fi
awk -v name="$net" -v cores="$(cores)" -v one="$(median <"$dir/1")" -v two="$(median <"$dir/2")" \
    -v three="$(median <"$dir/3")" 'BEGIN {
    printf "%-13s jobs on %d cores: one %.1f img/s, two at once %.1f (%.2f x), a third waiting %.1f (%.2f x)\n",
        name, cores, one, two, two / one, three, three / one }'
