#!/bin/bash
# test_server_stop.sh [BUILD] - an orderly stop: with --drain the service says that it is not ready and serves on,
# a second signal or the end of that time ends it; how long a stop takes is printed.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 400 20
not_ready() {
    call GET /readyz
    [ "$status" = 503 ]
}
# ended: its exit code is in $code.
ended() {
    wait_for 60 eval '! kill -0 "$server" 2>/dev/null' || not_ok "the server ends"
    wait "$server" 2>/dev/null
    code=$?
    server=
}
long='{"finetune": {"epochs": 1000, "batch_size": 20}, "threads": 1}'

start --workers 1 --drain 3600
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order "$long"
check "a job runs" wait_for 60 epochs_done 1
call GET /readyz
same "it is ready" 200 "$status"
kill -TERM "$server"
check "told to stop it is not ready any more" wait_for 30 not_ready
refused "and says so" 503 unavailable "the server is stopping"
call GET "/v1/jobs/$job"
same "it still answers" "200 running" "$status $(field .status)"
upload models "$dir/resnet8.onnx" name=late
call GET /healthz
same "and lives" 200 "$status"
call GET "/v1/jobs/$job/metrics"
seen=$(field '.items | length')
check "the job goes on" wait_for 60 epochs_done $((seen + 1))
before=$(date +%s%3N)
kill -TERM "$server"
ended
same "a second signal ends it in order" 0 "$code"
echo "    with a job in the middle it took $(($(date +%s%3N) - before)) ms"
check "the job went back to the queue" grep -q '"by":"release","to":"queued"' "$dir/log"

start --workers 1 --drain 1
call GET "/v1/models"
same "what came in at the end is there" "late" "$(field '.items[0].name')"
check "the job runs again" wait_for 60 job_is running
kill -TERM "$server"
ended
same "the time over it ends by itself" 0 "$code"

start --workers 1
check "the job runs again" wait_for 60 job_is running
before=$(date +%s%3N)
stop
same "without it a signal ends it at once" 0 "$code"
echo "    with a job in the middle it took $(($(date +%s%3N) - before)) ms"

# ---- predictions that wait -------------------------------------------------------------------
# A network that takes a while, more predictions than can be made in time, one thread for them.
"$fsnet" new resnet56 --seed 1 -o "$dir/resnet56.onnx" >"$dir/out"
start --validators 1
call POST "/v1/jobs/$job/cancel"
upload models "$dir/resnet56.onnx"
touch "$dir/codes"
for ((i = 0; i < 100; i++)); do
    curl -sS --max-time 120 -o "$dir/answer.$i" -w '%{http_code}\n' -X POST \
        "$url/v1/models/$id/predict?dataset_id=$dataset&split=train&index=0-63" 2>&1 >>"$dir/codes" &
done
# All have asked: who was not answered yet has a connection.
asked() { [ $(($(wc -l <"$dir/codes") + $(find "/proc/$server/fd" -lname 'socket:*' | wc -l))) -ge 100 ]; }
made() { [ "$(grep -c 200 "$dir/codes")" -gt "$1" ]; }
check "predictions wait" wait_for 60 asked
check "and are made" wait_for 60 made "$(grep -c 200 "$dir/codes")"
before=$(date +%s%3N)
stop
took=$(($(date +%s%3N) - before))
same "whoever waits, the server ends in order" 0 "$code"
check "within ten seconds (it took $took ms)" test "$took" -lt 10000
wait
same "each prediction was made or refused" "100" "$(grep -cE '^(200|503)$' "$dir/codes")"
check "those that waited were refused" test "$(grep -c 503 "$dir/codes")" -ge 10
refusal=$(grep -l '"status": *503' "$dir"/answer.* | head -n 1)
same "and told why" "urn:fsnet:problem:unavailable the server is stopping" "$(jq -r '"\(.type) \(.detail)"' "$refusal")"
same "every stop is told with its time" "3600 1 0 0" \
    "$(jq -r 'select(.event == "stopping") | .drain_seconds' "$dir/log" | paste -sd' ')"
finish
