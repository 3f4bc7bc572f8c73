#!/bin/bash
# http.sh [BUILD] - what the service costs a client, beside nginx in the same run; `make bench-http` runs it.
# One table: what was measured, fsnetd's figure, nginx's, their ratio, and what is wanted. Asserts nothing.
#
# For polling the client (wrk) has the first core, the server that is measured the last one, one thread each; files go
# between programs that have every core. JOBS, SECONDS_EACH, ROUNDS (medians), TRANSFERS (the fastest), CLIENTS,
# MEGABYTES set the length; fsnetd and nginx take turns.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build}")
. tests/integration/server.sh
jobs=${JOBS:-1000} seconds=${SECONDS_EACH:-5} rounds=${ROUNDS:-3} transfers=${TRANSFERS:-5}
clients=${CLIENTS:-2000} megabytes=${MEGABYTES:-1024}
here="taskset -c 0" there="taskset -c $(($(nproc) - 1))"
nginx=
stop_all() {
    [ -z "$nginx" ] || kill "$nginx" 2>/dev/null
    at_exit
}
trap stop_all EXIT

median() { sort -g | awk '{ x[NR] = $1 } END { print x[int((NR + 1) / 2)] }'; }
fastest() { sort -g | head -n 1; } # what disturbs a transfer only ever adds to its time
quiet() { "$@" >"$dir/said" 2>&1 || { cat "$dir/said" && exit 1; }; }
line() { # WHAT OURS NGINX RATIO WANTED
    printf '%-46s %14s %14s %8s  %s\n' "$@"
}
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# ---- the two servers -------------------------------------------------------------------------

start_nginx() { # serves and takes files in $dir/www
    mkdir -p "$dir/www" "$dir/nginx"
    chmod 755 "$dir" "$dir/www"
    local port=$((20000 + RANDOM % 20000))
    cat >"$dir/nginx.conf" <<EOF
daemon off; worker_processes 1; pid $dir/nginx/pid; error_log $dir/nginx/log;
$([ "$(id -u)" != 0 ] || echo "user root;")
events { worker_connections 1024; }
http {
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; client_max_body_size 0; etag on;
    client_body_temp_path $dir/nginx/body;
    server { listen 127.0.0.1:$port; root $dir/www; default_type application/json;
             location /put/ { dav_methods PUT; create_full_put_path on; } }
}
EOF
    $there /usr/sbin/nginx -p "$dir/nginx" -c "$dir/nginx.conf" &
    nginx=$!
    peer=http://127.0.0.1:$port
    wait_for 10 curl -so "$dir/said" "$peer/" || { cat "$dir/nginx/log" && exit 1; }
}

# requests URL [HEADER]: requests a second and the 99th percentile in ms, of answers that are as wanted.
requests() {
    # wrk counts what is neither 2xx nor 3xx as an error
    $here wrk --latency -t1 -c16 -d"${seconds}s" ${2:+-H "$2"} "$1" >"$dir/wrk"
    if grep -q 'Non-2xx' "$dir/wrk"; then cat "$dir/wrk" >&2 && exit 1; fi
    awk '/Requests\/sec/ { rate = $2 }
         $1 == "99%" { p = $2 + 0; if ($2 ~ /us$/) p /= 1000; else if ($2 !~ /ms$/) p *= 1000 }
         END { print rate, p }' "$dir/wrk"
}

# kb: what the server holds. Nothing is started for it, nor for a pause: on two cores that would be time of those
# that are measured.
look() {
    local key
    while read -r key kb _; do [ "$key" != VmRSS: ] || return 0; done <"/proc/$server/status"
}
exec {never}<> <(:)
pause() { read -rt 0.05 -u "$never" || :; }

# watched COMMAND...: seconds that it takes, and KB by which the server grows meanwhile at most.
watched() {
    local before most start
    look
    before=$kb most=$kb start=$EPOCHREALTIME
    "$@" &
    while kill -0 $! 2>/dev/null; do
        look
        [ "$kb" -le "$most" ] || most=$kb
        pause
    done
    wait $! || { echo "failed: $*" >&2 && exit 1; }
    awk -v a="$start" -v b="$EPOCHREALTIME" -v grown=$((most - before)) 'BEGIN { print b - a, grown }'
}

# ---- polling ---------------------------------------------------------------------------------

polling() {
    local etag ours=() theirs=()
    call GET "/v1/jobs/$job"
    etag=$(header ETag)
    cp "$dir/body" "$dir/www/job.json"
    for ((round = 0; round < rounds; round++)); do
        requests "$url/v1/jobs/$job" >>"$dir/ours.200"
        requests "$peer/job.json" >>"$dir/theirs.200"
        requests "$url/v1/jobs/$job" "If-None-Match: $etag" >>"$dir/ours.304"
    done
    ours=("$(cut -d' ' -f1 "$dir/ours.200" | median)" "$(cut -d' ' -f1 "$dir/ours.304" | median)")
    theirs=("$(cut -d' ' -f1 "$dir/theirs.200" | median)")
    line "GET a job, $jobs stored, $(wc -c <"$dir/www/job.json") bytes: req/s" "${ours[0]}" "${theirs[0]}" \
        "$(ratio "${ours[0]}" "${theirs[0]}")" ">= 0.5"
    line "the same, 304: req/s (ratio: over 200)" "${ours[1]}" "" "$(ratio "${ours[1]}" "${ours[0]}")" ">= 1"
}

# While a job trains with every core.
load() {
    local idle busy
    idle=$(cut -d' ' -f2 "$dir/ours.200" | median)
    quiet order '{"finetune": {"epochs": 1000, "batch_size": 100}}'
    wait_for 60 epochs_done 1
    for ((round = 0; round < rounds; round++)); do requests "$url/v1/jobs/$1" >>"$dir/busy"; done
    busy=$(cut -d' ' -f2 "$dir/busy" | median)
    line "99th percentile while a job trains, ms (idle)" "$busy" "($idle)" "$(ratio "$busy" "$idle")" "<= 2"
}

# Of a job that waits behind that one.
watchers() {
    local before
    quiet order '{}'
    look
    before=$kb
    "$build/idle_clients" "${url##*:}" "/v1/jobs/$job/events" "$clients" >"$dir/idle" &
    wait_for 60 grep -qs connected "$dir/idle"
    line "$clients idle clients of events hold, MB" "$(look && ratio $((kb - before)) 1024)" "" "" "< 100"
    kill $!
}

# ---- files -----------------------------------------------------------------------------------

# seconds that COMMAND takes, with nothing left of what was written before (the first to write would leave its pages
# for the second to wait for); `watched` adds the growth.
after_sync() {
    sync
    watched "$@"
}

# The same of what writes the large file, into memory just used: a host that lends memory may have taken back what was
# free, and gives it again a page fault at a time.
into_used_memory() {
    cp "$dir/www/large.onnx" "$dir/spare"
    rm "$dir/spare"
    after_sync "$@"
}

everywhere() { # both servers may use every core
    local pid
    for pid in "$server" "$nginx" $(pgrep -P "$nginx"); do
        taskset -a -p -c 0-$(($(nproc) - 1)) "$pid"
    done >"$dir/said"
}

transfer() {
    local size=$((megabytes << 20))
    everywhere
    # A network whose text field is large: real bytes to store and to send, quick to check.
    { cat "$dir/resnet8.onnx" && printf '\x32' && varint "$size" && head -c "$size" /dev/zero | tr '\0' x; } \
        >"$dir/www/large.onnx"
    for ((round = 0; round < transfers; round++)); do
        into_used_memory curl -sf -T "$dir/www/large.onnx" "$peer/put/large.onnx" >>"$dir/theirs.up"
        rm -f "$dir/www/put/large.onnx"
        into_used_memory curl -s -o "$dir/said" -X POST "$url/v1/datasets" -T "$dir/www/large.onnx" >>"$dir/ours.up"
    done
    moved "upload of $megabytes MB (no data set: refused): MB/s" up
    # -T sends the file as it reads it; --data-binary would hold all of it in memory.
    curl -sf -o "$dir/said" -X POST "$url/v1/models" -T "$dir/www/large.onnx"
    id=$(jq -r .id "$dir/said")
    for ((round = 0; round < transfers; round++)); do
        after_sync curl -sf -o /dev/null "$peer/large.onnx" >>"$dir/theirs.down"
        after_sync curl -sf -o /dev/null "$url/v1/models/$id/content" >>"$dir/ours.down"
    done
    moved "download of $megabytes MB: MB/s" down
}

moved() { # WHAT up|down: two lines of the table
    local ours theirs
    ours=$(cut -d' ' -f1 "$dir/ours.$2" | fastest)
    theirs=$(cut -d' ' -f1 "$dir/theirs.$2" | fastest)
    line "$1" "$(ratio "$megabytes" "$ours")" "$(ratio "$megabytes" "$theirs")" "$(ratio "$theirs" "$ours")" ">= 0.8"
    line "  grows by, MB" "$(ratio "$(cut -d' ' -f2 "$dir/ours.$2" | sort -g | tail -n 1)" 1024)" "" "" "< 16"
}

varint() {
    local n=$1
    while [ "$n" -ge 128 ]; do
        printf "\\x$(printf %x $((n % 128 + 128)))"
        n=$((n / 128))
    done
    printf "\\x$(printf %x "$n")"
}

# ---- the run ---------------------------------------------------------------------------------

prepare() {
    ulimit -n $((clients + 1000))
    make_inputs 2000 10
    start --workers 1 --http-threads 1 --max-connections $((clients + 200)) --log-level warn
    taskset -a -p -c $(($(nproc) - 1)) "$server"
    start_nginx
    upload models "$dir/resnet8.onnx"
    model=$id
    upload datasets "$dir/shapes.tar.gz"
    dataset=$id
    for ((i = 0; i < jobs; i++)); do
        order '{}'
        call POST "/v1/jobs/$job/cancel"
    done
    wait_for 60 job_ends
}

quiet prepare
echo "CPU: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1), $(nproc) cores;" \
    "load $(cut -d' ' -f1 /proc/loadavg); fsnetd $("$build/fsnetd" --version | cut -d' ' -f2)," \
    "$(/usr/sbin/nginx -v 2>&1 | cut -d' ' -f3)"
line measured fsnetd nginx ratio wanted
polling
stored=$job
load "$stored"
trains=$job
watchers
call POST "/v1/jobs/$job/cancel"
job=$trains
call POST "/v1/jobs/$job/cancel"
wait_for 60 job_ends
transfer # last: the kernel still writes its gigabytes when it is done
quiet stop
