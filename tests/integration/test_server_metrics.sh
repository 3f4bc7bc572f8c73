#!/bin/bash
# test_server_metrics.sh [BUILD] - /metrics: it counts what happened, in a form that Prometheus reads.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 100 20
start --workers 1
# value SERIES: from the last answer.
value() { grep -v '^#' "$dir/body" | grep -F "fsnetd_$1 " | awk '{ print $NF }'; }

call GET /metrics
same "it is the text format" "200 text/plain; version=0.0.4; charset=utf-8" "$status $(header content-type)"
same "no job is there" 0 "$(value 'jobs{status="succeeded"}')"
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order '{"finetune": {"epochs": 2, "batch_size": 20}, "threads": 1}'
finishes succeeded
order '{"finetune": {"epochs": 1000, "batch_size": 20}, "threads": 1}'
check "the job runs" wait_for 60 epochs_done 1
it_has_a_speed() {
    call GET /metrics
    awk -v x="$(value images_per_second)" 'BEGIN { exit !(x > 0) }'
}
check "the speed of what runs is there" wait_for 30 it_has_a_speed
call POST "/v1/jobs/$job/cancel"
finishes cancelled
call GET /v1/models/mdl_no
call GET /nowhere

call GET /metrics
cp "$dir/body" "$dir/metrics"
same "jobs by status" "1 1 0" \
    "$(value 'jobs{status="succeeded"}') $(value 'jobs{status="cancelled"}') $(value 'jobs{status="running"}')"
same "what happened to them" "2 1 1" \
    "$(value 'job_events_total{event="claim"}') $(value 'job_events_total{event="succeed"}') $(value 'job_events_total{event="cancel"}')"
check "epochs are counted" test "$(value job_epochs_total)" -ge 3
check "stages have times" awk -v x="$(value 'job_stage_seconds_total{stage="finetune"}')" 'BEGIN { exit !(x > 0) }'
same "requests by route and status" "2 1 1" \
    "$(value 'http_requests_total{method="POST",route="/v1/jobs",status="201"}') $(value 'http_requests_total{method="GET",route="/v1/models/{id}",status="404"}') $(value 'http_requests_total{method="",route="",status="404"}')"
uploaded=$(($(stat -c %s "$dir/resnet8.onnx") + $(stat -c %s "$dir/shapes.tar.gz")))
check "the bytes that came in: the files, and a little for the orders" \
    awk -v x="$(value http_received_bytes_total)" -v files="$uploaded" 'BEGIN { exit !(x > files && x < files + 1000) }'
same "bytes stored" "$(find "$data/blobs" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }')" \
    "$(value stored_bytes)"
same "the histogram adds up" "$(value 'http_request_duration_seconds_count{method="POST",route="/v1/jobs"}')" \
    "$(value 'http_request_duration_seconds_bucket{method="POST",route="/v1/jobs",le="+Inf"}')"
process() { awk -v name="process_$1" '$1 == name { print $2 }' "$dir/body"; }
check "the process's memory is that of /proc" awk -v x="$(process resident_memory_bytes)" \
    -v kb="$(awk '/^VmRSS/ { print $2 }' "/proc/$server/status")" 'BEGIN { exit !(x > 0.7 * kb * 1024 && x < 1.4 * kb * 1024) }'
check "so are its descriptors" awk -v x="$(process open_fds)" -v n="$(ls "/proc/$server/fd" | wc -l)" \
    'BEGIN { exit !(x >= n - 3 && x <= n + 3) }'
check "it has used the processor, and began a while ago" awk -v cpu="$(process cpu_seconds_total)" \
    -v start="$(process start_time_seconds)" -v now="$(date +%s)" 'BEGIN { exit !(cpu > 0 && now - start > 0 && now - start < 3600) }'
same "every line is a comment or a sample" "" \
    "$(grep -vE '^(# (HELP|TYPE) (fsnetd|process)_[a-z_]+ .+|(fsnetd|process)_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$' "$dir/metrics")"
same "each name is described once" "" "$(grep '^# TYPE' "$dir/metrics" | awk '{ print $3 }' | sort | uniq -d)"
same "the size of the data folder's disk" "$(df -B1 --output=size "$data" | tail -n 1 | tr -d ' ')" \
    "$(awk '$1 == "fsnetd_disk_size_bytes" { printf "%.0f", $2 }' "$dir/metrics")"
check "and what is free of it" awk -v x="$(value disk_free_bytes)" 'BEGIN { exit !(x > 0) }'
if command -v promtool >/dev/null; then
    check "promtool finds nothing" promtool check metrics <"$dir/metrics"
else
    skip "promtool on what is served" "promtool is not installed"
fi
stop
same "SIGTERM ends it in order" 0 "$code"
finish
