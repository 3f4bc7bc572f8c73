#!/bin/bash
# test_server_retention.sh [BUILD] - what goes because of its age, and says so: files, jobs, uploads; what is kept or
# in use stays; `fsnetd check` agrees.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 100 20
quick='{"finetune": {"epochs": 1, "batch_size": 20}, "threads": 1}'
answers() { # STATUS PATH
    call GET "$2"
    [ "$status" = "$1" ]
}
sound() { # WHAT
    same "$1: fsnetd check finds nothing wrong" 0 \
        "$("$build/fsnetd" check --data-dir "$data" --deep --max-upload-bytes 1M >"$dir/out" 2>&1; echo $?)"
}
value() { awk -v name="fsnetd_$1" '$1 == name { print $2 }' "$dir/body"; }

start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order "$quick"
old=$job
finishes succeeded
artifact report.json "$dir/report-before"
order "$(jq -c '.seed = 7' <<<"$quick")"
kept=$job
finishes succeeded
same "nothing expires by itself" "false null null" "$(field '"\(.keep) \(.artifacts_expire_at) \(.expires_at)"')"
call PATCH "/v1/jobs/$kept" -d '{"keep": true}'
same "a job can be kept" "200 true" "$status $(field .keep)"
call PATCH "/v1/jobs/$kept" -d '{"keep": "yes"}'
refused "a keep that is neither true nor false" 422 invalid-spec "must be true or false"
call PATCH "/v1/jobs/$kept" -d '{"name": "best"}'
same "it stays kept" "true best" "$(field '"\(.keep) \(.name)"')"
stop

start --workers 1 --expire-artifacts 30d --expire-jobs 20d
call GET "/v1/jobs/$old"
same "a job says when it goes, and its files with it" "20 20" \
    "$(field 'def s: sub("\\.[0-9]+Z$"; "Z") | fromdate;
        "\(((.expires_at | s) - (.finished_at | s)) / 86400) \(((.artifacts_expire_at | s) - (.finished_at | s)) / 86400)"')"
call GET "/v1/jobs/$kept"
same "one that is kept does not" "null null" "$(field '"\(.artifacts_expire_at) \(.expires_at)"')"
stop

# ---- files ---------------------------------------------------------------------------------------
before=$(stored_blobs)
start --workers 1 --expire-artifacts 1s
check "files go" wait_for 60 answers 410 "/v1/jobs/$old/artifacts/model.onnx"
refused "a file that has gone" 410 expired "were removed at"
call GET "/v1/jobs/$old/report"
same "its report stays" "200 $(sum_of "$dir/report-before")" "$status $(sum_of "$dir/body")"
call GET "/v1/jobs/$old/artifacts/report.html"
refused "the same as a page does not" 410 expired "--expire-artifacts"
call GET "/v1/jobs/$old/artifacts"
refused "the list of them" 410 expired "were removed at"
call GET "/v1/jobs/$old"
same "the job is there, and knows when" "succeeded string" "$(field '"\(.status) \(.artifacts_expire_at | type)"')"
call GET "/v1/jobs/$old/metrics"
same "with its curve" "200 1" "$status $(field '.items | length')"
call GET "/v1/jobs/$kept/artifacts"
same "the files of the other are there" 200 "$status"
files=$(field '.items | length')
check "the disk has room again" test "$(stored_blobs)" -lt "$before"
same "what is left: two uploads, the files that are kept, and the report" $((3 + files)) "$(stored_blobs)"
call GET /metrics
same "it is counted" "1" "$(value 'expired_total{what="artifacts"}')"
sound "after files went"
stop

# ---- jobs ----------------------------------------------------------------------------------------
start --workers 1 --expire-jobs 1s
check "jobs go" wait_for 60 answers 404 "/v1/jobs/$old"
call GET "/v1/jobs/$kept"
same "the one that is kept stays" 200 "$status"
same "the other's report went with it" $((2 + files)) "$(stored_blobs)"
stop

# ---- uploads -------------------------------------------------------------------------------------
start --workers 1
order "$(jq -c '.finetune.epochs = 1000' <<<"$quick")"
check "a job runs" wait_for 60 epochs_done 1
running=$job
order "$quick"
call DELETE "/v1/models/$model"
refused "a model that two jobs need" 409 in-use "$running, $job need this model"
call POST "/v1/jobs/$job/cancel"
upload models "$dir/resnet8.onnx" name=idle
idle=$id
stop
start --workers 1 --expire-uploads 1s
check "a model that no job uses goes" wait_for 60 answers 404 "/v1/models/$idle"
call GET "/v1/models/$model"
same "one that a job uses stays" 200 "$status"
job=$running
check "the job runs on" wait_for 60 job_is running
call POST "/v1/jobs/$running/cancel"
check "when it has ended, its model goes" wait_for 60 answers 404 "/v1/models/$model"
check "and its data set" wait_for 60 answers 404 "/v1/datasets/$dataset"
same "what is left: the files that are kept" "$files" "$(stored_blobs)"
sound "after uploads went"
artifact_is_whole() {
    call GET "/v1/jobs/$kept/artifacts"
    [ "$(field '.items[] | select(.name == "model.onnx") | .sha256')" = \
        "$(curl -sS "$url/v1/jobs/$kept/artifacts/model.onnx" | sha256sum | cut -d' ' -f1)" ]
}
check "and they are whole" artifact_is_whole
same "the log tells what went" "artifacts jobs uploads" \
    "$(jq -r 'select(.event == "expired") | .what' "$dir/log" | sort -u | paste -sd' ')"
stop
same "SIGTERM ends it in order" 0 "$code"
for wrong in 30 1w -1d 36501d; do
    "$build/fsnetd" config --data-dir "$data" --expire-jobs=$wrong >"$dir/out" 2>&1
    same "--expire-jobs $wrong is refused" "2 fsnetd: --expire-jobs=$wrong: expected a number and d, h, m or s, at most 36500d, or 0, got '$wrong'" \
        "$? $(<"$dir/out")"
done
finish
