#!/bin/bash
# detector.sh [BUILD] - a detector's whole way on real images (blood cells, BCCD): a baseline from fresh weights by
# `fsnet train`, a job of the service at ratio 4 and 8 bits, its file measured in ONNX Runtime; a Markdown table.
# `make bench-detector` runs it (a quarter of an hour on two cores; EPOCHS=2: that it runs).
#
# Figures are the report's, which are those of model.onnx as it was read back; beside them those that
# tests/onnxruntime/detection.mjs makes of the runtime's outputs by code of its own (ORT_DIR: a folder with
# onnxruntime-node in its node_modules; without one the column is empty). BASELINE: a file that an earlier run has
# made, instead of training one; OUT: where the files stay (default BUILD/detector).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
shared=${FSNET_SHARED:-../shared}
epochs=${EPOCHS:-120}
out=${OUT:-$build/detector}
bccd=$shared/data/bccd/bccd-voc.tar.gz
mean=0.6,0.6,0.7 std=0.25,0.25,0.25
[ -e "$bccd" ] || { echo "detector.sh: $bccd is not there (FSNET_SHARED)" >&2; exit 1; }
mkdir -p "$out"

. tests/integration/server.sh

baseline=${BASELINE:-$out/baseline.onnx}
minutes=
if [ ! -e "$baseline" ]; then
    "$fsnet" new ssd-lite --input-size 300 --classes 3 --out "$out/new.onnx" >/dev/null
    began=$SECONDS
    "$fsnet" train "$out/new.onnx" --data "$bccd" --epochs "$epochs" --batch 16 --lr 0.02 --warmup-steps 50 \
        --mean $mean --std $std --out "$baseline" >"$out/train.log" 2>&1 || { tail -n 3 "$out/train.log" >&2; exit 1; }
    minutes=$(awk -v s=$((SECONDS - began)) 'BEGIN { printf "%.1f", s / 60 }')
fi

start --workers 1
upload models "$baseline"
model=$id
upload datasets "$bccd"
dataset=$id
order "$(jq -n --argjson epochs "$epochs" --argjson mean "[$mean]" --argjson std "[$std]" '{
    filter_summary: {ratio: 4}, quantize: {bits: 8, least_bits: 8}, finetune: {epochs: $epochs, batch_size: 16, lr: 0.05},
    preprocess: {mean: $mean, std: $std}}')"
until job_ends; do sleep 5; done
same "the job succeeds" succeeded "$(field .status)"
call GET "/v1/jobs/$job/report"
cp "$dir/body" "$out/report.json"
artifact model.onnx "$out/model.onnx"
same "the file is the report's" "$(jq .compressed.size_bytes "$out/report.json")" "$(stat -c %s "$out/model.onnx")"
[ "$failed" = 0 ] || exit 1

in_runtime() { # FILE: mAP@.5 in ONNX Runtime, empty without one
    [ -d "${ORT_DIR:=$build/npm}/node_modules/onnxruntime-node" ] && [ -x "$build/detection_dump" ] || return 0
    jq .spec "$out/report.json" >"$out/spec.json"
    rm -rf "$out/dump"
    "$build/detection_dump" "$1" "$bccd" "$out/dump" "$out/spec.json" >&2
    ORT_DIR=$ORT_DIR node tests/onnxruntime/detection.mjs "$1" "$out/dump" | jq -r '.map50 | . * 100 | round / 100'
}
echo
echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores"
echo
echo '| file | bytes | mAP@.5 | in ONNX Runtime | COCO AP | minutes |'
echo '|---|---|---|---|---|---|'
row() { # NAME KEY FILE MINUTES
    jq -r --arg name "$1" --arg key "$2" --arg runtime "$(in_runtime "$3")" --arg minutes "$4" '
        def round2: . * 100 | round / 100;
        "| \($name) | \(.[$key].size_bytes) | \(.[$key].map50 | round2) | \($runtime) | \(.[$key].coco_ap | round2
            ) | \($minutes) |"' "$out/report.json"
}
row baseline baseline "$baseline" "$minutes"
row "model.onnx, $epochs epochs" compressed "$out/model.onnx" "$(jq '.wall_seconds / 6 | round / 10' "$out/report.json")"
jq -r '"\n\(.ratios.disk * 10 | round / 10) times smaller, mAP@.5 changed by \(.change.map50 * 100 | round / 100) points"' \
    "$out/report.json"
