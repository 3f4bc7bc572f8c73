#!/bin/bash
# test_server_if_match.sh [BUILD] - changes on condition (RFC 9110, 13.1.1): what has changed since it was read stays.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
other="\"$(printf 'f%.0s' {1..64})\""

tag_of() { # PATH
    call GET "$1"
    header etag
}
is_there() { # PATH
    call GET "$1"
    [ "$status" = 200 ]
}

order '{"finetune": {"epochs": 5000, "batch_size": 20}, "threads": 1}'
call POST "/v1/jobs/$job/cancel"
finishes cancelled
path=/v1/jobs/$job
before=$(tag_of "$path")
call PATCH "$path" -H "If-Match: $before" -d '{"name": "one"}'
same "who has the job as it is changes it" "200 one" "$status $(field .name)"
call PATCH "$path" -H "If-Match: $before" -d '{"name": "two"}'
refused "who has it as it was" 412 precondition-failed "If-Match does not name"
now=$(tag_of "$path")
check "the tag has changed with the job" test "$now" != "$before"
same "and the name has not" one "$(field .name)"
call PATCH "$path" -H "If-Match: $before, $now" -d '{"name": "three"}'
same "one tag of a list is enough" "200 three" "$status $(field .name)"
now=$(tag_of "$path")
call PATCH "$path" -H "If-Match: W/$now" -d '{"name": "four"}'
refused "a weak tag" 412 precondition-failed "If-Match"
call PATCH "$path" -H 'If-Match: *' -d '{"name": "five"}'
same "a star is any state" "200 five" "$status $(field .name)"
call PATCH /v1/jobs/job_000000000000000000000000 -H 'If-Match: *' -d '{"name": "six"}'
refused "but not of what is not there" 404 not-found "no job has the id"
call DELETE "$path" -H "If-Match: $now"
refused "a job that has changed is not deleted" 412 precondition-failed "If-Match"
now=$(tag_of "$path")
check "it is there" is_there "$path"

call POST "$path/retry"
call DELETE "$path" -H "If-Match: $other"
refused "a job that could not be deleted anyhow" 409 job-state "cancel it before it is deleted"
call POST "$path/cancel"
finishes cancelled
call DELETE "$path" -H "If-Match: $(tag_of "$path")"
same "one that is as it was read is deleted" "204 0" "$status $(stat -c %s "$dir/body")"
call GET "$path"
same "and gone" 404 "$status"

for path in "/v1/models/$model" "/v1/datasets/$dataset"; do
    call DELETE "$path" -H "If-Match: $other"
    refused "$path under another tag" 412 precondition-failed "If-Match"
    check "it is there" is_there "$path"
    call DELETE "$path" -H "If-Match: $(tag_of "$path")"
    same "and goes under its own" 204 "$status"
    call DELETE "$path" -H "If-Match: *"
    refused "once" 404 not-found "has the id"
done
stop
same "SIGTERM ends it in order" 0 "$code"
finish
