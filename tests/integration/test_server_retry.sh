#!/bin/bash
# test_server_retry.sh [BUILD] - another go at a job and another job like it, and the bound on a job's running time.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 200 40
mkdir "$dir/got"
"$build/hook_receiver" "$dir/hook.port" "$dir/got" &
receiver=$!
trap 'kill "$receiver"; at_exit' EXIT
check "the receiver is up" wait_for 30 test -s "$dir/hook.port"
hook=http://127.0.0.1:$(<"$dir/hook.port")
start --workers 1 --webhook-allow-private on
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
quick='{"finetune": {"epochs": 1, "batch_size": 20}, "threads": 1}'
endless=$(jq -c '.finetune.epochs = 5000' <<<"$quick")

log_is() { # EVENTS but for stages
    call GET "/v1/jobs/$job/log"
    same "its log" "$1" "$(field '[.items[].event | select(. != "stage")] | join(" ")')"
}
told() { # IN ORDER: what was told of $job, when all of it has been
    call GET "/v1/jobs/$job/deliveries"
    [ "$(field '[.items[] | "\(.event) \(.status)"] | join(" ")')" = "$1" ]
}
ids_told() { # EVENT: ids under which the receiver was told this of $job
    local file
    for file in "$dir"/got/*.body; do
        [ "$(jq -r '"\(.data.id) \(.type)"' "$file")" != "$job $1" ] || sed -n 's/^webhook-id: //p' "${file%.body}.head"
    done | sort -u
}

# ---- a bound on the running time, and retry --------------------------------------------------------
for wrong in 0 -1 1.5 '"60"' 31622401 null; do
    call POST /v1/jobs -d "$(jq -c --arg m "$model" --arg d "$dataset" --argjson w "$wrong" \
        '{model_id: $m, dataset_id: $d, max_run_seconds: $w} + .' <<<"$quick")"
    refused "max_run_seconds of $wrong" 422 invalid-spec "must be a whole number from 1 to 31622400"
    same "its place" /max_run_seconds "$(field '.errors[0].pointer')"
done
order "$(jq -c --arg url "$hook/" '.webhook = {url: $url} | .max_run_seconds = 1' <<<"$endless")"
same "the bound is shown, and that it has not run" "1 0" "$(field '"\(.max_run_seconds) \(.run_seconds)"')"
finishes failed
same "it has run too long" urn:fsnet:problem:run-time-exceeded "$(field .error.type)"
holds "as the reason says" "max_run_seconds is 1" "$(field .error.detail)"
same "its running time is above the bound" true "$(field '.run_seconds > 1')"
check "its end is told" wait_for 60 told "job.started delivered job.failed delivered"
call POST "/v1/jobs/$job/retry"
same "a failed job is queued again" 200 "$status"
same "as if it had never run" "queued 0 null 0 0 null null" \
    "$(field '"\(.status) \(.attempts) \(.error) \(.run_seconds) \(.progress) \(.stage) \(.started_at)"')"
finishes failed
same "and has another end" "urn:fsnet:problem:run-time-exceeded 1" "$(field '"\(.error.type) \(.attempts)"')"
log_is "ordered started failed retried started failed"
check "which is told again" wait_for 60 told "job.started delivered job.failed delivered"
same "under ids of its own" "2 2" "$(ids_told job.started | wc -l) $(ids_told job.failed | wc -l)"

call PATCH "/v1/jobs/$job" -d '{"max_run_seconds": null}'
same "the bound can be taken away" "200 null" "$status $(field .max_run_seconds)"
call PATCH "/v1/jobs/$job" -d '{"max_run_seconds": 0}'
refused "a bound of nothing" 422 invalid-spec "must be a whole number"
call POST "/v1/jobs/$job/retry"
check "it trains again" wait_for 60 epochs_done 1
call POST "/v1/jobs/$job/retry"
refused "a job that runs" 409 job-state "is running; what has failed or was cancelled can be tried again"
call PATCH "/v1/jobs/$job" -d '{"max_run_seconds": 1}'
same "a bound can be set while it runs" "200 1" "$status $(field .max_run_seconds)"
finishes failed
same "and holds" urn:fsnet:problem:run-time-exceeded "$(field .error.type)"

call PATCH "/v1/jobs/$job" -d '{"max_run_seconds": 3600}'
call POST "/v1/jobs/$job/retry"
ran() { job_is running && [ "$(field '.run_seconds > 0.5')" = true ]; }
check "it runs" wait_for 60 ran
stop
start --workers 1 --webhook-allow-private on
call GET "/v1/jobs/$job"
same "its running time is kept over a restart" true "$(field '.run_seconds > 0.5')"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
check "its folder is gone" wait_for 30 eval '[ -z "$(ls -A "$data/work")" ]'
call POST "/v1/jobs/$job/retry"
same "a cancelled job is queued again" "200 queued" "$status $(field .status)"
check "and is not cancelled at once" wait_for 60 ran
call POST "/v1/jobs/$job/cancel"
finishes cancelled
call POST /v1/jobs/job_000000000000000000000000/retry
refused "an unknown job" 404 not-found "no job has the id"

# ---- duplicate -------------------------------------------------------------------------------------
order "$(jq -c '. + {name: "first", labels: {team: "a", run: "1"}, priority: 3, max_run_seconds: 3600}' <<<"$quick")"
first=$job
finishes succeeded
artifact model.onnx "$dir/first.onnx"
call POST "/v1/jobs/$first/retry"
refused "a job that has succeeded" 409 job-state "is succeeded"
call PATCH "/v1/jobs/$first" -d '{"name": "renamed", "labels": {"run": null}}'
call POST "/v1/jobs/$first/duplicate"
same "a job is ordered again without a body" 201 "$status"
job=$(field .id)
same "Location names the new job" "/v1/jobs/$job" "$(header location)"
check "it is another" test "$job" != "$first"
same "as the job is now" 'renamed {"team":"a"} 3 3600' \
    "$(field '"\(.name) \(.labels | tojson) \(.priority) \(.max_run_seconds)"')"
finishes succeeded
artifact model.onnx "$dir/second.onnx"
check "and gives the same bytes" cmp -s "$dir/first.onnx" "$dir/second.onnx"

call POST "/v1/jobs/$first/duplicate?dry_run=true" -d '{"seed": 9}'
same "a dry run shows what it would be" "200 9 1" "$status $(field '"\(.spec.seed) \(.spec.finetune.epochs)"')"
call POST "/v1/jobs/$first/duplicate" -H 'Idempotency-Key: again' \
    -d '{"finetune": {"epochs": 2}, "name": "longer", "labels": {"team": null, "x": "y"}, "max_run_seconds": null}'
same "with changes (RFC 7396)" '201 longer {"x":"y"} null 2 20' \
    "$status $(field '"\(.name) \(.labels | tojson) \(.max_run_seconds) \(.spec.finetune.epochs) \(.spec.finetune.batch_size)"')"
changed=$(field .id)
call POST "/v1/jobs/$first/duplicate" -H 'Idempotency-Key: again' \
    -d '{"finetune": {"epochs": 2}, "name": "longer", "labels": {"team": null, "x": "y"}, "max_run_seconds": null}'
same "sent twice under a key it is one job" "201 $changed true" "$status $(field .id) $(header idempotency-replayed)"
call POST "/v1/jobs/$job/duplicate" -H 'Idempotency-Key: again' \
    -d '{"finetune": {"epochs": 2}, "name": "longer", "labels": {"team": null, "x": "y"}, "max_run_seconds": null}'
refused "the same changes of another job" 409 idempotency-key-reused "by another request"
call POST "/v1/jobs/$first/duplicate" -d '{"filter_summary": {"ratio": 0.5}, "priority": 1000}'
refused "what an order may not have" 422 invalid-spec "(and 1 more)"
same "each has its place" "/filter_summary/ratio /priority" "$(field '[.errors[].pointer] | sort | join(" ")')"
call POST "/v1/jobs/$first/duplicate" -d '{"dataset_id": null}'
refused "an order without data" 422 invalid-spec "/dataset_id: is required"
call POST "/v1/jobs/$first/duplicate" -d '[1]'
refused "an order that is no object" 422 invalid-spec "must be"
call POST "/v1/jobs/$first/duplicate" -d '{"name":'
refused "changes that are no JSON" 400 malformed-json "not valid JSON"
call POST /v1/jobs/job_000000000000000000000000/duplicate
refused "the duplicate of an unknown job" 404 not-found "no job has the id"

# ---- without its inputs ----------------------------------------------------------------------------
job=$changed
finishes succeeded
order "$endless"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
call DELETE "/v1/datasets/$dataset"
same "nothing needs the data any more" 204 "$status"
call POST "/v1/jobs/$job/retry"
refused "a job whose data is gone" 422 invalid-spec "the job's data set was deleted"
check "it stays as it was" job_is cancelled
call POST "/v1/jobs/$job/duplicate"
refused "an order for data that is gone" 422 invalid-spec "no data set has the id"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
