#!/bin/bash
# test_server_workers.sh [BUILD] - several jobs at once: workers share the cores, and jobs do not disturb
# each other's results.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 1000 60 # long enough for two jobs to be seen running
start --workers 2
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec='{"finetune": {"epochs": 3, "batch_size": 50, "warmup_steps": 2}, "seed": 5}'
share=$(($(nproc) / 2))
[ "$share" -ge 1 ] || share=1

order "$spec"
first=$job
same "a job gets its share of the cores" "$share" "$(field .spec.threads)"
order "$spec"
second=$job
two_run() {
    call GET "/v1/jobs?status=running"
    [ "$(field '.items | length')" = 2 ]
}
check "two workers run two jobs at once" wait_for 60 two_run
job=$first
finishes succeeded
artifact model.onnx "$dir/first.onnx"
job=$second
finishes succeeded
artifact model.onnx "$dir/second.onnx"
check "the same job beside itself gives the same bytes" cmp -s "$dir/first.onnx" "$dir/second.onnx"
same "their small files are stored once" 1 \
    "$(find "$data/blobs" -name "$(sum_of "$dir/first.onnx")" | wc -l)"

order "$(jq -c '.threads = 3' <<<"$spec")"
same "threads that are asked for are kept" 3 "$(field .spec.threads)"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
stop
same "SIGTERM ends it in order" 0 "$code"
finish
