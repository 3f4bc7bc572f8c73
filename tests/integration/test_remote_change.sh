#!/bin/bash
# test_remote_change.sh [BUILD] - fsnet remote change, retry and again: what is said of a job, another go at it, another
# like it.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/remote.sh

make_inputs 60 20
start --workers 1
export FSNET_SERVER=$url
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
echo '{"name": "file", "labels": {"from": "file", "old": "1"}, "priority": 3, "max_run_seconds": 60, "threads": 1,
    "finetune": {"epochs": 5000, "batch_size": 20}}' >"$dir/spec.json"

# ---- an order with labels ------------------------------------------------------------------------
remote 2 submit --label team
is_said "--label must be KEY=VALUE, got 'team'"
remote 2 submit --label =x
is_said "--label must be KEY=VALUE, got '=x'"
remote 2 change job_0 --label a=b --remove-label a=b
is_said "--remove-label must be KEY, got 'a=b'"
remote 2 change job_0 --label $'a=\xff'
is_said "a label must be UTF-8"
remote 1 change job_0 --name $'\xff'
is_said "--name must be UTF-8"
remote 2 submit --priority 101
is_said "--priority must be -100 to 100"
remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --name first --label team=vision=2 \
    --label empty= --label from=option --remove-label old --remove-label none --priority -1 --max-run-seconds 0
job=$out
said_of() { field '"\(.name) \(.labels | tojson) \(.priority) \(.max_run_seconds) \(.keep)"'; }
wait_for 60 job_is running
same "options go over the file's name, labels, priority and bound" \
    'first {"empty":"","from":"option","team":"vision=2"} -1 null false' "$(said_of)"
echo '{"labels": 5}' >"$dir/wrong.json"
remote 1 submit --spec "$dir/wrong.json" --model "$model" --data "$dataset" --label a=b
is_said "/labels: must be an object of strings"

# ---- change --------------------------------------------------------------------------------------
remote 2 change "$job"
is_said "nothing is to be changed"
remote 0 change "$job" --name second --label team=speech --remove-label empty --remove-label none --keep on
holds "the job is shown as it is now" "second" "$out"
holds "with its labels" "label          team=speech" "$out"
check "and that it is kept" grep -qE '^keep +yes$' <<<"$out"
call GET "/v1/jobs/$job"
same "what was given is changed, and the rest stays" 'second {"from":"option","team":"speech"} -1 null true' "$(said_of)"
remote 0 change "$job" --priority 7 --max-run-seconds 90 --keep off --json
same "as are priority, bound and whether it is kept" 'second {"from":"option","team":"speech"} 7 90 false' \
    "$(jq -r '"\(.name) \(.labels | tojson) \(.priority) \(.max_run_seconds) \(.keep)"' <<<"$out")"
remote 0 change "$job" --max-run-seconds 0
call GET "/v1/jobs/$job"
same "the bound goes" "7 null" "$(field '"\(.priority) \(.max_run_seconds)"')"
remote 1 change "$job" --label 'a b=c'
is_said "/labels: a label's key has 1 to 63 letters"
remote 1 change job_none --name x
is_said "no job has the id 'job_none'"
remote 2 change ../models --name x
is_said "is no id of a job"

# ---- again ---------------------------------------------------------------------------------------
remote 0 again "$job" --remove-label from --label as="another one" --epochs 4000 --exclude conv1
other=$out
job=$other job_is queued
same "another job is as the first, but for what was asked" \
    "queued second {\"as\":\"another one\",\"team\":\"speech\"} 7 4000 20 [\"conv1\"] $model" \
    "$(field '"\(.status) \(.name) \(.labels | tojson) \(.priority) \(.spec.finetune.epochs) \(.spec.finetune.batch_size) \(.spec.filter_summary.exclude) \(.spec.model_id)"')"
remote 0 again "$job" --ratio 8 --dry-run
holds "a dry run shows the plan" "model.onnx, expected, bytes" "$out"
remote 0 jobs --json
same "and orders nothing" 2 "$(jq '.items | length' <<<"$out")"
remote 1 again "$job" --ratio 0.5 --epochs many
is_said "/filter_summary/ratio: "
is_said "/finetune/epochs: "
remote 1 again job_none
is_said "no job has the id 'job_none'"
remote 2 again "a/b"
is_said "is no id of a job"
remote 0 again "$job" --epochs 1 --priority 100
quick=$out

# ---- retry ---------------------------------------------------------------------------------------
remote 1 retry "$job"
is_said "what has failed or was cancelled can be tried again"
remote 0 cancel "$other"
remote 0 retry "$other"
same "a job that was cancelled waits again" "$other queued" "$out"
remote 0 cancel "$job"
remote 0 cancel "$other" # or it would run before what is waited for below
remote 0 watch "$quick"
is_said "$quick has succeeded"
remote 0 again "$quick" --wait
is_said "has succeeded"
remote 0 retry "$job" --json
same "and is shown in the service's form" "$job queued 0" "$(jq -r '"\(.id) \(.status) \(.attempts)"' <<<"$out")"
remote 2 retry "a b"
is_said "is no id of a job"
finish
