#!/bin/bash
# test_server_restart.sh [BUILD] - a job goes on where it was when the server is killed or stopped, and its
# result is that of a job that nothing disturbed.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 1000 60 # an epoch takes long enough to be interrupted in
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec='{"finetune": {"epochs": 5, "batch_size": 50, "warmup_steps": 5}, "seed": 9, "threads": 2}'

order "$spec"
finishes succeeded
artifact model.onnx "$dir/undisturbed.onnx"
artifact training.csv "$dir/undisturbed.csv"

# curve FILE: epoch, learning rate, loss and accuracy of training.csv, without the times.
curve() { cut -d, -f1-4 "$1"; }

# went_on ATTEMPTS: the job of $job ended as if nothing had happened.
went_on() {
    finishes succeeded
    same "attempts are counted" "$1" "$(field .attempts)"
    artifact model.onnx "$dir/resumed.onnx"
    check "its bytes are those of an undisturbed job" \
        cmp -s "$dir/undisturbed.onnx" "$dir/resumed.onnx"
    artifact training.csv "$dir/resumed.csv"
    same "its curve is that of an undisturbed job" "$(curve "$dir/undisturbed.csv")" \
        "$(curve "$dir/resumed.csv")"
    call GET "/v1/jobs/$job/metrics"
    same "every epoch is in the metrics once" "1 2 3 4 5" "$(field '[.items[].epoch] | join(" ")')"
    same "the work folder is gone" "" "$(ls -A "$data/work")"
}

# ---- kill -9 ---------------------------------------------------------------------------------
order "$spec"
check "two epochs are done" wait_for 120 epochs_done 2
job_is running
same "it is still running" running "$(field .status)"
stop KILL
check "the checkpoint is there" test -s "$data/work/$job/checkpoint/train.checkpoint"
start --workers 2
call GET "/v1/jobs/$job/metrics"
check "finished epochs are not forgotten" test "$(field '.items | length')" -ge 1
killed=$job # it was alone; now it shares the cores
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
check "another job runs beside it" wait_for 60 epochs_done 1
beside=$job
job=$killed
finishes succeeded
job=$beside
call POST "/v1/jobs/$job/cancel"
finishes cancelled
job=$killed
went_on 2
stop
start --workers 1

# ---- an orderly stop -------------------------------------------------------------------------
order "$spec"
check "an epoch is done" wait_for 120 epochs_done 1
stop
same "SIGTERM ends it in order, in the middle of a job" 0 "$code"
check "the log tells that the job went back to the queue" \
    grep -q '"by":"release","to":"queued"' "$dir/log"
start --workers 1
went_on 1

# ---- killed while cancelling, killed while waiting ---------------------------------------------
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
check "a long job runs" wait_for 60 epochs_done 1
long=$job
order "$spec"
stop KILL
start --workers 1
call GET "/v1/jobs/$job"
same "a waiting job still waits" queued "$(field .status)"
call POST "/v1/jobs/$job/cancel"
same "and can be cancelled" "200 cancelled" "$status $(field .status)"
job=$long
check "the long job runs again" wait_for 60 job_is running
call POST "/v1/jobs/$job/cancel"
finishes cancelled
stop

# ---- tried too often ---------------------------------------------------------------------------
start --workers 1 --max-attempts 2
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
for attempt in 1 2; do
    check "attempt $attempt runs" wait_for 60 job_is running
    stop KILL
    start --workers 1 --max-attempts 2
done
finishes failed
same "a job that kills the server again and again is given up" \
    "urn:fsnet:problem:retry-limit 2" "$(field '"\(.error.type) \(.attempts)"')"
holds "the error says so" "started 2 times" "$(field .error.detail)"
same "nothing of its work stays" "" "$(ls -A "$data/work")"

# ---- cancelled between two attempts ------------------------------------------------------------
order "$spec"
check "an epoch is done" wait_for 120 epochs_done 1
stop
check "the stopped job's checkpoint waits" test -d "$data/work/$job"
start --workers 1 --lease 3
call POST "/v1/jobs/$job/cancel"
check "a job that was stopped can be cancelled" test "$status" -lt 300
finishes cancelled
check "its checkpoint goes" wait_for 20 test ! -e "$data/work/$job"
stop
finish
