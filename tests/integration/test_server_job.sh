#!/bin/bash
# test_server_job.sh [BUILD] - the main job through HTTP: order, watch, download; the same job twice;
# what is in use; the queue's limit; cancelling.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 200 60
start --workers 1 --max-queued-jobs 1
upload models "$dir/resnet8.onnx" name=resnet8
model=$id
upload datasets "$dir/shapes.tar.gz" name=shapes
dataset=$id
spec='{"name": "first", "labels": {"net": "resnet8"}, "priority": 1, "finetune": {"epochs": 2, "batch_size": 50, "warmup_steps": 2}, "seed": 5}'

# ---- the order -------------------------------------------------------------------------------
# One that runs until it is cancelled, so that it is in use while that is looked at.
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
like job-queued
same "Location names the job" "/v1/jobs/$job" "$(header location)"
same "ids of jobs begin with job_" job_ "${job:0:4}"
same "a new job waits" queued "$(field .status)"
same "the name comes back" first "$(field .name)"
same "so do labels and priority" '{"net":"resnet8"} 1' "$(field '"\(.labels) \(.priority)"')"
same "the spec has every default written out" "1d 4 8 0.9 5 $model" \
    "$(field '.spec | "\(.filter_summary.layout) \(.filter_summary.ratio) \(.quantize.bits) \(.finetune.distill.alpha) \(.seed) \(.model_id)"')"
same "the number of threads is fixed in the spec" "$(cores)" "$(field .spec.threads)"
same "the plan is that of fsnet plan" \
    "$("$fsnet" plan "$dir/resnet8.onnx" --ratio 4 --layout 1d --json |
        jq -c '[.parameters, .compressed_parameters, .effective_parameters]')" \
    "$(jq -c '.plan | [.parameters, .compressed_parameters, .effective_parameters]' "$dir/body")"
check "a worker takes it" wait_for 60 job_is running
like job-running
call GET "/v1/jobs/$job/report"
refused "the report of a running job" 409 job-state "$job is running"
call GET "/v1/jobs/$job/artifacts"
same "a running job has no artifacts" "200 0" "$status $(field '.items | length')"

# ---- in use ----------------------------------------------------------------------------------
call DELETE "/v1/models/$model"
refused "deleting a model in use" 409 in-use "$job needs this model"
call DELETE "/v1/datasets/$dataset"
refused "deleting a data set in use" 409 in-use "$job needs this data set"

# ---- the queue -------------------------------------------------------------------------------
first=$job
order "$spec"
waiting=$job
call POST /v1/jobs -d "$(jq -c --arg m "$model" --arg d "$dataset" \
    '{model_id: $m, dataset_id: $d} + .' <<<"$spec")"
refused "a job too many" 429 queue-full "1 jobs wait already"
call GET "/v1/jobs?status=queued"
like job-list
same "lists can be filtered by status" "$waiting" "$(field '[.items[].id] | join(" ")')"
call POST "/v1/jobs/$waiting/cancel"
same "a waiting job is cancelled at once" "200 cancelled" "$status $(field .status)"
check "and has an end" test "$(field .finished_at)" != null
call POST "/v1/jobs/$waiting/cancel"
refused "cancelling it again" 409 job-state "at its end"
call GET "/v1/jobs/$waiting/artifacts/model.onnx"
refused "a file of a cancelled job" 409 job-state "cancelled"

# ---- what is said of a job -------------------------------------------------------------------
call PATCH "/v1/jobs/$waiting" -d '{"name": "second", "labels": {"team": "vision", "run": "7"}, "priority": -3}'
same "name, labels and priority can be changed" '200 ["second",{"net":"resnet8","run":"7","team":"vision"},-3]' \
    "$status $(field '[.name, .labels, .priority] | tojson')"
call PATCH "/v1/jobs/$waiting" -d '{"labels": {"run": null}}'
same "the rest stays" '200 ["second",{"net":"resnet8","team":"vision"},-3]' "$status $(field '[.name, .labels, .priority] | tojson')"
call PATCH "/v1/jobs/$first" -d '{"labels": {"team": "robots"}}'
for filter in team=2 team:vision=1 team:nobody=0 run=0; do
    call GET "/v1/jobs?label=${filter%=*}"
    same "lists can be filtered by label: ${filter%=*}" "${filter#*=}" "$(field '.items | length')"
done
call PATCH "/v1/jobs/$waiting" -d '{"seed": 5, "priority": 101, "labels": {"a b": "c", "d": 1}}'
refused "a change of anything else" 422 invalid-spec "'seed' cannot be changed"
same "every fault has its place" "/seed /labels /labels/d /priority" "$(field '[.errors[].pointer] | join(" ")')"
same "and says what came" "'a b' 1 101" \
    "$(field '[.errors[1:][].detail | capture("got (?<got>.*)$").got] | join(" ")')"
call PATCH "/v1/jobs/$waiting" -d '{"a/b~": 1}'
same "a key is escaped in its pointer" /a~1b~0 "$(field '.errors[0].pointer')"
call PATCH "/v1/jobs/$waiting" -d '{"labels": [1], "priority": "high", "keep": null, "name": "a\nb", "max_run_seconds": 0}'
same "whatever it is" 'an array, "a\nb", "high", null, 0' \
    "$(field '[.errors | sort_by(.pointer)[] | .detail | capture("got (?<got>.*)$").got] as $g | [$g[1], $g[3], $g[4], $g[0], $g[2]] | join(", ")')"
call PATCH "/v1/jobs/$waiting" -d "$(jq -nc '{labels: ([range(16) | {"k\(.)": "v"}] | add)}')"
refused "a label too many" 422 invalid-spec "more than 16 labels"
call PATCH "/v1/jobs/$waiting" -d '{'
refused "a change that is not JSON" 400 malformed-json "line 1"
call PATCH /v1/jobs/job_nobody -d '{"name": "x"}'
refused "a change of a job that is not there" 404 not-found "no job"
call GET "/v1/jobs/$waiting"
same "nothing of what was refused is done" '["second",{"net":"resnet8","team":"vision"},-3]' \
    "$(field '[.name, .labels, .priority] | tojson')"

job=$first
call POST "/v1/jobs/$job/cancel"
finishes cancelled

# ---- an order sent twice -----------------------------------------------------------------------
body=$(jq -c --arg m "$model" --arg d "$dataset" '{model_id: $m, dataset_id: $d} + .' <<<"$spec")
call POST /v1/jobs -d "$body" -H 'Idempotency-Key: once'
job=$(field .id)
same "an order under a key is taken" "201 " "$status $(header idempotency-replayed)"
call POST /v1/jobs -d "$body" -H 'Idempotency-Key: once'
same "sent again it is the same job" "201 $job /v1/jobs/$job true" \
    "$status $(field .id) $(header location) $(header idempotency-replayed)"
call POST /v1/jobs -d "$(jq -c '.seed = 7' <<<"$body")" -H 'Idempotency-Key: once'
refused "another order under its key" 409 idempotency-key-reused "$job was made under this Idempotency-Key"
call POST /v1/jobs -d "$body" -H 'Idempotency-Key: one two'
refused "a key with a blank" 400 bad-header "Idempotency-Key: expected 1 to 255 visible ASCII"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
call POST /v1/jobs -d "$body" -H 'Idempotency-Key: once'
same "after its end too" "201 $job cancelled" "$status $(field .id) $(field .status)"
call DELETE "/v1/jobs/$job"
for i in 1 2 3 4; do
    curl -sS -o "$dir/twin.$i" -H 'Idempotency-Key: once' -d "$body" "$url/v1/jobs" &
    senders[i]=$!
done
wait "${senders[@]}"
job=$(jq -r .id "$dir/twin.1")
same "with the job the key is free; four at once make one job" "$job" "$(cat "$dir"/twin.? | jq -r .id | sort -u)"
call POST "/v1/jobs/$job/cancel"
finishes cancelled

# ---- the result ------------------------------------------------------------------------------
order "$(jq -c '.files.int8 = "on"' <<<"$spec")"
first=$job
finishes succeeded
like job-succeeded
same "the last stage was the report" report "$(field .stage)"
same "progress is complete" 1 "$(field .progress)"
same "the epochs are counted" "2 2" "$(field '"\(.epoch) \(.epochs)"')"
same "there is no error" null "$(field .error)"
same "it took one attempt" 1 "$(field .attempts)"
check "the times are in order" jq -e '.created_at <= .started_at and .started_at <= .finished_at' \
    "$dir/body" >"$dir/out"
call GET "/v1/jobs/$job/metrics"
like metrics
same "the curve has a row for each epoch" "1 2" "$(field '[.items[].epoch] | join(" ")')"
call GET "/v1/jobs/$job/artifacts"
like artifacts
same "the artifacts" "model-dense.onnx model-int8.onnx model.onnx report.html report.json training.csv" \
    "$(field '[.items[].name] | join(" ")')"
cp "$dir/body" "$dir/artifacts"
for name in model.onnx model-dense.onnx model-int8.onnx report.html report.json training.csv; do
    artifact "$name" "$dir/$name"
    same "$name has the digest and size that the list states" \
        "$(jq -r --arg n "$name" '.items[] | select(.name == $n) | "\(.sha256) \(.size_bytes)"' "$dir/artifacts")" \
        "$(sum_of "$dir/$name") $(stat -c %s "$dir/$name")"
done
call GET "/v1/jobs/$job/artifacts/model.onnx"
same "a file is saved, and taken as what it is" 'attachment; filename="model.onnx" nosniff ' \
    "$(header content-disposition) $(header x-content-type-options) $(header content-security-policy)"
call GET "/v1/jobs/$job/artifacts/report.html"
same "the page is shown, and can do nothing" \
    "text/html; charset=utf-8 inline; filename=\"report.html\" nosniff default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox" \
    "$(header content-type) $(header content-disposition) $(header x-content-type-options) $(header content-security-policy)"
call GET "/v1/jobs/$job/artifacts/report.html" -H 'Range: bytes=0-14'
same "a part of it too" "206 default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox <!DOCTYPE html>" \
    "$status $(header content-security-policy) $(head -c 15 "$dir/body")"
call GET "/v1/jobs/$job/artifacts/model.onnx" -H "If-None-Match: \"$(sum_of "$dir/model.onnx")\""
same "a client that has the artifact gets 304" 304 "$status"
call GET "/v1/jobs/$job/artifacts/weights.bin"
refused "an artifact that is not there" 404 not-found "has no artifact 'weights.bin'"
call GET "/v1/jobs/$job/report"
like report
same "the report is JSON" "200 application/json" "$status $type"
check "the report is the artifact" cmp -s "$dir/report.json" "$dir/body"
same "the report's size is that of the file" "$(stat -c %s "$dir/model.onnx")" \
    "$(field .compressed.size_bytes)"
same "every test image is in the matrix of both networks, or outside" "60 60" \
    "$(field '.confusion | "\((.baseline | flatten | add) + .outside.baseline) \((.compressed | flatten | add) + .outside.compressed)"')"
same "whose diagonals are the accuracies" true "$(field '. as $r | [["baseline", "compressed"][] | . as $side |
    [$r.confusion[$side] | to_entries[] | .value[.key]] | add * 100 / 60 - $r[$side].top1 | fabs < 1e-6] | all')"
same "... and those of the classes" true "$(field '. as $r | [["baseline", "compressed"][] | . as $side |
    [$r.classes[] | select(.images > 0) | .images * .[$side + "_top1"]] | add / 60 - $r[$side].top1 | fabs < 1e-6] | all')"
check "the page has the accuracy of the report" \
    grep -q ">$(printf '%.2f' "$(field .compressed.top1)").%<" "$dir/report.html"
"$fsnet" eval "$dir/model.onnx" --data "$dir/shapes.tar.gz" --threads 1 --json >"$dir/eval" 2>"$dir/err"
# the report writes nine digits
same "the report's accuracy is that of the file" "$(jq '.top1 * 1e6 | round' "$dir/eval")" \
    "$(field '.compressed.top1 * 1e6 | round')"
check "model.onnx is less than a fifth of the baseline" \
    test $((5 * $(stat -c %s "$dir/model.onnx"))) -lt "$(stat -c %s "$dir/resnet8.onnx")"
same "the work folder is gone" "" "$(ls -A "$data/work")"

# ---- the same again --------------------------------------------------------------------------
order "$spec"
finishes succeeded
artifact model.onnx "$dir/again.onnx"
call GET "/v1/jobs/$job/artifacts/model-int8.onnx"
refused "a file that was not asked for" 404 not-found "has no artifact 'model-int8.onnx'"
check "the same job gives the same bytes, whatever files were asked for beside them" cmp -s "$dir/model.onnx" "$dir/again.onnx"
again=$job
order "$(jq -c '.seed = 6' <<<"$spec")"
finishes succeeded
artifact model.onnx "$dir/other.onnx"
check "another seed gives other bytes" test "$(sum_of "$dir/model.onnx")" != "$(sum_of "$dir/other.onnx")"

# ---- cancelling a running job ----------------------------------------------------------------
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
check "the long job runs" wait_for 60 epochs_done 1
call DELETE "/v1/jobs/$job"
refused "deleting a running job" 409 job-state "is running; cancel it before it is deleted"
call POST "/v1/jobs/$job/cancel"
same "cancelling a running job is accepted" 202 "$status"
finishes cancelled
call GET "/v1/jobs/$job/report"
refused "the report of a cancelled job" 409 job-state "cancelled"
same "nothing of its work stays" "" "$(ls -A "$data/work")"

# ---- after the end ---------------------------------------------------------------------------
call DELETE "/v1/models/$model"
same "a model that no waiting job needs can go" 204 "$status"
call GET "/v1/jobs/$first"
same "the job remembers its model" "200 $model" "$status $(field .model_id)"
call GET /v1/jobs
same "the newest job is first" "$job" "$(field '.items[0].id')"
same "lists leave out spec and plan" false "$(field '.items[0] | has("spec") or has("plan")')"
# ---- deleting --------------------------------------------------------------------------------
kept=$(stored_blobs)
call DELETE "/v1/jobs/$first"
same "a job at its end can be deleted" "204 0" "$status $(stat -c %s "$dir/body")"
call GET "/v1/jobs/$first/report"
refused "the report of a deleted job" 404 not-found "$first"
call DELETE "/v1/jobs/$first"
refused "deleting it again" 404 not-found "$first"
job=$again
artifact model.onnx "$dir/again.onnx"
check "files that another job has too stay" cmp -s "$dir/model.onnx" "$dir/again.onnx"
check "files that it alone had go" test "$(stored_blobs)" -lt "$kept"
call GET "/v1/jobs?limit=1000"
for job in $(field '.items[].id'); do
    call DELETE "/v1/jobs/$job"
done
same "with the last jobs their files go" 1 "$(stored_blobs)" # the data set's
stop
same "SIGTERM ends it in order" 0 "$code"
finish
