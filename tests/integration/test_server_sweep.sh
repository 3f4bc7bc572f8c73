#!/bin/bash
# test_server_sweep.sh [BUILD] - a sweep over widths as a job of the service, each of its files in a place of its own;
# and what who writes a list elsewhere is told.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 200 40
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec='{"finetune": {"epochs": 2, "batch_size": 20, "warmup_steps": 2}, "threads": 1, "seed": 5}'

refused_order() { # WHAT JSON TEXT
    call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" --argjson more "$2" \
        '{model_id: $m, dataset_id: $d} + $more')"
    refused "$1" 422 invalid-spec "$3"
}
refused_order "ratios beside the settings" '{"ratios": [2, 4, 8]}' "nearest known one is /sweep/ratio"
refused_order "a list in the place of a ratio" '{"filter_summary": {"ratio": [2, 4, 8]}}' "several are given by /sweep/ratio"
refused_order "a list of sizes" '{"budget": {"size_bytes": [20000, 40000]}}' "several are given by /sweep/size_bytes"
refused_order "a list of widths" '{"quantize": {"bits": [4, 8]}}' "several are given by /sweep/bits"
refused_order "a width that there is none of" '{"sweep": {"bits": [4, 5]}}' "/sweep/bits/1"

# ---- a sweep over widths -----------------------------------------------------------------------
order "$(jq -c '.sweep = {bits: [3, 8]} | .finetune.epochs = 1000' <<<"$spec")"
long=$job
check "the first file trains" wait_for 60 epochs_done 1
call GET "/v1/jobs/$long/candidates/1"
same "it is in hand, in its stage" "1 running finetune 3 null null" \
    "$(field '"\(.number) \(.status) \(.stage) \(.budget_bits) \(.top1) \(.artifact)"')"
call GET "/v1/jobs/$long/candidates/2"
same "the second waits" "2 waiting null 8" "$(field '"\(.number) \(.status) \(.stage) \(.budget_bits)"')"
call POST "/v1/jobs/$long/cancel"
job=$long
finishes cancelled
call GET "/v1/jobs/$long/candidates/2"
same "of a cancelled job it is not made" "not-made null" "$(field '"\(.status) \(.artifact)"')"

order "$(jq -c '.sweep = {bits: [3, 8]}' <<<"$spec")"
swept=$job
finishes succeeded
call GET "/v1/jobs/$swept/candidates"
cp "$dir/body" "$dir/list.json"
same "each file has its width" "3,8 3,8" \
    "$(field '[.items[].budget_bits, .items[].bits] | map(tostring) | "\(.[:2] | join(",")) \(.[2:] | join(","))"')"
same "the narrower one is smaller" true "$(field '.items[0].size_bytes < .items[1].size_bytes')"
for number in 1 2; do
    call GET "/v1/jobs/$swept/candidates/$number"
    same "file $number is what the list says of it" "$(jq -cS ".items[$((number - 1))]" "$dir/list.json")" "$(jq -cS . "$dir/body")"
    same "it leads to itself and to its job" "/v1/jobs/$swept/candidates/$number /v1/jobs/$swept" \
        "$(field '"\(.links.self) \(.links.parent)"')"
    file=$(field '"\(.artifact.sha256) \(.size_bytes)"')
    curl -sS "$url$(field .artifact.href)" -o "$dir/file-$number"
    same "and to its bytes" "$file" "$(sum_of "$dir/file-$number") $(stat -c %s "$dir/file-$number")"
done
like candidate
call GET "/v1/jobs/$swept/report"
same "the report has the Pareto front of both" "$(jq -c '[.items[].pareto]' "$dir/list.json")" \
    "$(field '[.search.candidates[].pareto] | tojson')"
for wrong in 0 3 two 99999999999999999999; do
    call GET "/v1/jobs/$swept/candidates/$wrong"
    refused "file $wrong" 404 not-found "has no file '$wrong': it has 1 to 2"
done
call GET "/v1/jobs/job_000000000000000000000000/candidates/1"
refused "a file of an unknown job" 404 not-found "no job has the id"

order "$(jq -c '.quantize = {bits: 3}' <<<"$spec")"
finishes succeeded
call GET "/v1/jobs/$job/candidates/1"
refused "a file of a job that makes one" 404 not-found "none of a search or a sweep"
artifact model.onnx "$dir/three"
check "a file of the sweep is that of a job of its width" cmp -s "$dir/three" "$dir/file-1"
stop
finish
