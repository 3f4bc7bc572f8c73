#!/bin/bash
# quality.sh [--quick] [BUILD] - accuracy at a size: jobs on CIFAR-10, one row of a Markdown table each.
# `make bench-quality` runs it (hours; SETS, SEEDS, EPOCHS, OUT bound it; QUICK=1: two epochs on one seed,
# which shows that the rows run and nothing of what they reach).
#
# SETS: which rows of quality_rows.txt, by the word they begin with (default: targets). A row is
#
#     set | name | baseline | epochs | options of `fsnet compress` | must reach | aim
#
# Accuracy is that of the exported file, read back, on the test images, which nothing but this figure is
# made from; of a search half of them choose, and what the others say is search.unseen in its report. A row that is done stays in OUT (default BUILD/quality) and is not run again.
set -euo pipefail
cd "$(dirname "$0")/../.."
quick=${QUICK:-}
[ "${1:-}" = --quick ] && { quick=1; shift; }
build=${1:-build}
shared=${FSNET_SHARED:-../shared}
sets=${SETS:-targets} seeds=${SEEDS:-1 2 3}
out=${OUT:-$build/quality}
cifar=$shared/data/cifar10/cifar-10-binary.tar.xz
normal=(--mean 0.485,0.456,0.406 --std 0.229,0.224,0.225)
[ -e "$cifar" ] || { echo "quality.sh: $cifar is not there (FSNET_SHARED)" >&2; exit 1; }
[ -n "$quick" ] && seeds=1

trim() { sed -E 's/^ +| +$//g' <<<"$1"; }

# job ROW SEED EPOCHS BASELINE OPTION...: the report's path, after the job.
job() {
    local folder=$out/$1-$3-$2 seed=$2 epochs=$3 model=$shared/models/$4-cifar10.onnx
    shift 4
    if [ ! -e "$folder/report.json" ]; then
        "$build/fsnet" compress "$model" --data "$cifar" "${normal[@]}" --epochs "$epochs" --seed "$seed" \
            "$@" --out "$folder" --checkpoint "$folder.checkpoint" >"$folder.log" 2>&1 ||
            { tail -n 5 "$folder.log" >&2; return 1; }
        rm -rf "$folder.checkpoint"
    fi
    echo "$folder/report.json"
}

mkdir -p "$out"
echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
echo
echo '| row | baseline | options | epochs | seeds | bytes | top-1, each seed | mean | must | aim | minutes |'
echo '|---|---|---|---|---|---|---|---|---|---|---|'
failed=0
while IFS='|' read -r set name baseline epochs options must aim; do
    set=$(trim "$set")
    [ -z "$set" ] || [ "${set:0:1}" = '#' ] && continue
    grep -qw -- "$set" <<<"$sets" || continue
    name=$(trim "$name") baseline=$(trim "$baseline") epochs=${EPOCHS:-$(trim "$epochs")}
    [ -n "$quick" ] && epochs=2
    read -ra words <<<"$options"
    reports=()
    for seed in $seeds; do
        if report=$(job "$name" "$seed" "$epochs" "$baseline" "${words[@]}"); then
            reports+=("$report")
        else
            failed=1
        fi
    done
    [ "${#reports[@]}" -gt 0 ] || continue
    jq -rs --arg name "$name" --arg baseline "$baseline" --arg options "$(trim "$options")" \
        --arg must "$(trim "$must")" --arg aim "$(trim "$aim")" '
        def round2: . * 100 | round / 100;
        "| \($name) | \($baseline) \(.[0].baseline.top1) | `\($options)` | \(.[0].spec.finetune.epochs) | \(
            [.[].seed] | map(tostring) | join(" ")) | \([.[].compressed.size_bytes] | max) | \(
            [.[].compressed.top1] | map(round2 | tostring) | join(" ")) | \(
            [.[].compressed.top1] | add / length | round2) | \($must) | \($aim) | \(
            [.[].wall_seconds] | add / length / 60 | round) |"' "${reports[@]}"
done <tests/bench/quality_rows.txt
exit $failed
