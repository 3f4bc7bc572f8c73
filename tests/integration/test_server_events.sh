#!/bin/bash
# test_server_events.sh [BUILD] - a job as server-sent events: all of it, from where one left off, to its
# end, also when that is the server's.
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
spec='{"finetune": {"epochs": 3, "batch_size": 20}, "threads": 1}'

# watch JOB FILE [CURL_OPTION...]: in the background; its process is in $watcher.
watch() {
    local watched=$1 file=$2
    shift 2
    curl -sSN --max-time 170 -D "$file.head" -o "$file" "$@" "$url/v1/jobs/$watched/events" &
    watcher=$!
}
names() { sed -n 's/^event: //p' "$1"; }
# data NAME FILE FILTER: of all events of this name.
data() { grep -A2 "^event: $1$" "$2" | sed -n 's/^data: //p' | jq -r "$3"; }
ids() { grep -A1 "^event: $1$" "$2" | sed -n 's/^id: //p' | tr '\n' ' '; }

call GET /v1/jobs/job_000000000000000000000000/events
refused "the events of an unknown job" 404 not-found "no job has the id"

order "$spec"
first=$job
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
long=$job
watch "$first" "$dir/all"
all=$watcher
watch "$long" "$dir/waiting"
waiting=$watcher
watch "$first" "$dir/dropped"
check "one more watches" wait_for 20 test -s "$dir/dropped"
kill "$watcher"
wait "$watcher" 2>/dev/null

check "the stream ends by itself with the job" wait "$all"
same "it is a stream of events" "200 text/event-stream" \
    "$(sed -nE 's/^HTTP[^ ]* ([0-9]+).*/\1/p' "$dir/all.head" | tr -d '\r') $(sed -nE 's/^content-type: (.*)/\1/ip' "$dir/all.head" | tr -d '\r')"
same "each epoch comes once, with its candidate and number as the id" "0.1 0.2 0.3 " "$(ids epoch "$dir/all")"
job=$first
call GET "/v1/jobs/$job/metrics"
same "as the curve has it" "$(jq -Sc '.items[]' "$dir/body")" "$(data epoch "$dir/all" . | jq -Sc .)"
call GET "/v1/jobs/$job"
same "the last event is the job as it ended" "$(jq -Sc 'del(.spec, .plan)' "$dir/body")" \
    "$(data job "$dir/all" . | jq -Sc . | tail -n 1)"
same "and its id says that it is the last" end "$(ids job "$dir/all" | awk '{ print $NF }')"
check "the job's stages went by" \
    test "$(data job "$dir/all" .stage | uniq | grep -cE 'finetune|verify|report')" -ge 2

watch "$first" "$dir/rest" -H 'Last-Event-ID: 0.2'
check "a stream of a job that has ended, ends" wait "$watcher"
same "who comes back gets what is missing" "epoch job" "$(names "$dir/rest" | tr '\n' ' ' | sed 's/ $//')"
same "which is the third epoch" "0.3 " "$(ids epoch "$dir/rest")"
call GET "/v1/jobs/$first/events" -H 'Last-Event-ID: end'
same "who has the end is told not to come back" "204 0" "$status $(stat -c %s "$dir/body")"
call GET "/v1/jobs/$first/events" -H 'Last-Event-ID: nonsense'
same "an id that was never sent is none" "0.1 0.2 0.3 " "$(ids epoch "$dir/body")"

# ---- cancelling, deleting ----------------------------------------------------------------------
order "$spec"
watch "$job" "$dir/cancelled"
check "a waiting job is shown at once" wait_for 20 grep -qs '"queued"' "$dir/cancelled"
check "a stream without news says that it is alive" wait_for 30 grep -q '^: alive' "$dir/cancelled"
call POST "/v1/jobs/$job/cancel"
check "cancelling ends the stream" wait "$watcher"
same "with the job cancelled" cancelled "$(data job "$dir/cancelled" .status | tail -n 1)"

# ---- the server's end --------------------------------------------------------------------------
job=$long
check "the long job runs" wait_for 60 epochs_done 1
began=$SECONDS
stop
same "SIGTERM ends the server in order, whoever watches" 0 "$code"
check "and soon" test $((SECONDS - began)) -lt 20
check "the watcher is let go" wait "$waiting"
same "it saw the job run" running "$(data job "$dir/waiting" .status | tail -n 1)"
finish
