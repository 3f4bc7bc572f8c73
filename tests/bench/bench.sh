#!/bin/bash
# bench.sh [BUILD] - how fast fsnet trains and runs the networks that it can make itself: one table, then
# how the service shares the cores among jobs (jobs.sh, the first network). `make bench` runs it. Asserts
# nothing.
#
# NETS, STEPS (timed steps of a measurement), ROUNDS, THREADS set its length. A network's four cases take
# turns, round after round, up and down; figures are medians over the rounds, the ratio of two that of the
# median round's. ROUNDS=0: one round, and no comparison of jobs.
# Columns: images a second in the median step and in the fastest tenth; GFLOP a second as a direct
# convolution would need them; MB that the engine plans, over the least that any plan needs, and MB that
# the process held; plain: a distillation step, with the network itself as its teacher, over a plain
# step of the same round; likewise a job's step, which distils into the network with Filter Summaries at
# ratio 4.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
fsnet=$build/fsnet
nets=${NETS:-resnet20 resnet56 resnet18 densenet100}
steps=${STEPS:-5} rounds=${ROUNDS:-3} threads=${THREADS:-0}
dir=$build/bench/fresh
mkdir -p "$dir"

batch_of() {
    case $1 in
    resnet18) echo 32 ;;
    densenet*) echo 64 ;;
    *) echo 128 ;;
    esac
}

# measure train|infer NET [OPTION...]: the JSON of fsnet bench.
measure() {
    local what=$1 net=$2
    shift 2
    "$fsnet" bench "$what" "$dir/$net.onnx" --batch "$(batch_of "$net")" --steps "$steps" \
        --threads "$threads" --json "$@"
}

# measure_case NET train|distill|job|infer: a line more in the case's file.
measure_case() {
    local net=$1 options=()
    case $2 in
    distill) options=(--teacher "$dir/$net.onnx") ;;
    job) options=(--teacher "$dir/$net.onnx" --ratio 4) ;;
    esac
    case $2 in
    infer) measure infer "$net" ;;
    *) measure train "$net" "${options[@]}" ;;
    esac | jq -c . >>"$dir/$net.$2"
}

# row NET WHAT: what was measured of one case, in the rounds that its file and that of `train` have.
row() {
    jq -nr --arg net "$1" --arg what "$2" --slurpfile all "$dir/$1.$2" --slurpfile plain "$dir/$1.train" '
        def median: sort | .[(length - 1) / 2 | floor];
        def of(field): [$all[] | field] | median;
        [$net, $what, of(.batch_size), of(.threads), of(.images_per_second_median), of(.images_per_second_p10),
         of(.gflops), of(.memory_bytes) / 1e6, of(.memory_over_bound), of(.peak_rss_bytes) / 1e6,
         (if $what == "distill" or $what == "job"
          then [range($all | length) | $all[.].ms_median / $plain[.].ms_median] | median else "" end)] |
        @tsv' | awk -F'\t' '{
            printf "%-13s %-8s %5d %8d %10.1f %10.1f %9.1f %8.1f %7.3f %8.1f %6s\n", $1, $2, $3, $4, $5, $6, $7,
                $8, $9, $10, $11 == "" ? "" : sprintf("%.2f", $11) }'
}

echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores;" \
    "load $(cut -d' ' -f1 /proc/loadavg); $steps steps, $rounds rounds"
printf '\n%-13s %-8s %5s %8s %10s %10s %9s %8s %7s %8s %6s\n' network "" batch threads img/s best GFLOP/s \
    MB "/ least" "MB held" plain
for net in $nets; do
    "$fsnet" new "$net" -o "$dir/$net.onnx" >/dev/null
    rm -f "$dir/$net".{train,distill,job,infer}
    for ((round = 0; round < (rounds ? rounds : 1); round++)); do
        for what in $( ((round % 2)) && echo infer job distill train || echo train distill job infer); do
            measure_case "$net" "$what"
        done
    done
    for what in train distill job infer; do
        row "$net" "$what"
    done
done
[ "$rounds" -gt 0 ] || exit 0
echo
net=${nets%% *}
tests/bench/jobs.sh "$build" "$net" "$(batch_of "$net")" "$steps" "$rounds"
