#!/bin/bash
# bench.sh [BUILD] - how fast fsnet trains and runs the networks that it can make itself: one table, then
# how the service shares the cores among jobs (jobs.sh, the first network). `make bench` runs it. Asserts
# nothing.
#
# NETS, STEPS (timed steps of a row), ROUNDS (of the comparison of jobs; 0: none), THREADS set its length.
# Columns: images a second in the median step and in the fastest tenth; GFLOP a second as a direct
# convolution would need them; MB that the engine plans, over the least that any plan needs, and MB that
# the process held; plain: a distillation step, with the network itself as its teacher, over a plain
# step; likewise a job's step, which distils into the network with Filter Summaries at ratio 4.
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

# row NET WHAT JSON [PLAIN_MS]
row() {
    jq -r --arg net "$1" --arg what "$2" --argjson plain "${4:-null}" '
        [$net, $what, .batch_size, .threads, .images_per_second_median, .images_per_second_p10, .gflops,
         .memory_bytes / 1e6, .memory_over_bound, .peak_rss_bytes / 1e6, (if $plain then .ms_median / $plain else "" end)] |
        @tsv' <<<"$3" | awk -F'\t' '{
            printf "%-13s %-8s %5d %8d %10.1f %10.1f %9.1f %8.1f %7.3f %8.1f %6s\n", $1, $2, $3, $4, $5, $6, $7,
                $8, $9, $10, $11 == "" ? "" : sprintf("%.2f", $11) }'
}

echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores;" \
    "load $(cut -d' ' -f1 /proc/loadavg); $steps steps a row"
printf '\n%-13s %-8s %5s %8s %10s %10s %9s %8s %7s %8s %6s\n' network "" batch threads img/s best GFLOP/s \
    MB "/ least" "MB held" plain
for net in $nets; do
    "$fsnet" new "$net" -o "$dir/$net.onnx" >/dev/null
    train=$(measure train "$net")
    row "$net" train "$train"
    row "$net" distill "$(measure train "$net" --teacher "$dir/$net.onnx")" "$(jq .ms_median <<<"$train")"
    row "$net" job "$(measure train "$net" --ratio 4 --teacher "$dir/$net.onnx")" "$(jq .ms_median <<<"$train")"
    row "$net" infer "$(measure infer "$net")"
done
[ "$rounds" -gt 0 ] || exit 0
echo
net=${nets%% *}
tests/bench/jobs.sh "$build" "$net" "$(batch_of "$net")" "$steps" "$rounds"
