#!/bin/bash
# test_server_connections.sh [BUILD] - connections are few: who connects and says nothing, or watches by the dozen, does
# not lock the others out.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
start --workers 1 --max-connections 32
port=${url##*:}

# ---- who says nothing ------------------------------------------------------------------------
# One that has asked already may be silent for longer.
exec 3<>"/dev/tcp/127.0.0.1/$port"
# asks: a request over this connection; its status line is in $line.
asks() {
    printf 'GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n' >&3
    read -r -t 20 line <&3
    while read -r -t 20 header <&3 && [ "$header" != $'\r' ]; do
        [[ $header != Content-Length:* ]] || length=$(tr -dc 0-9 <<<"$header")
    done
    read -r -t 20 -N "$length" rest <&3
}
asks
same "a connection is used" "HTTP/1.1 200 OK" "${line%$'\r'}"
silent=()
for ((i = 0; i < 60; i++)); do
    exec {fd}<>"/dev/tcp/127.0.0.1/$port"
    silent+=("$fd")
done
before=$SECONDS
call GET /healthz
took=$((SECONDS - before))
same "who asks behind 60 connections that say nothing is answered" 200 "$status"
check "in less than the time that an idle connection has (it took $took s)" test "$took" -lt 35
for fd in "${silent[@]}"; do exec {fd}>&-; done
[ "$took" -ge 11 ] || sleep $((12 - took))
asks
same "the one that had asked before is still there" "HTTP/1.1 200 OK" "${line%$'\r'}"
exec 3>&-

# ---- who watches -----------------------------------------------------------------------------
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order '{"finetune": {"epochs": 5000, "batch_size": 20}, "threads": 1}'
order '{}' # waits for that one
watchers=()
# watch COUNT [CURL_OPTION...]: so many streams of the job, which all have begun.
watch() {
    local count=$1
    shift
    rm -f "$dir"/stream.*
    for ((i = 0; i < count; i++)); do
        curl -sSN --max-time 120 -o "$dir/stream.$i" "$@" "$url/v1/jobs/$job/events" &
        watchers+=($!)
    done
    check "$count streams begin" wait_for 30 all_begin "$count"
}
all_begin() { [ "$(grep -ls '"queued"' "$dir"/stream.* | wc -l)" = "$1" ]; }
watch 29
call GET "/v1/jobs/$job/events"
refused "a stream too many" 503 unavailable "29 event streams are open"
call GET "/v1/jobs/$job"
same "the job can be asked for" "200 queued" "$status $(field .status)"
kill "${watchers[0]}"
again() {
    call GET "/v1/jobs/$job/events" --max-time 1
    [ "$status" = 200 ]
}
check "when one has gone, another may come" wait_for 30 again 2>"$dir/out"
kill "${watchers[@]}" 2>"$dir/out"
wait "${watchers[@]}" 2>"$dir/out"
stop

# Where there are tokens, each has half of the connections.
for name in first second; do
    declare "$name=$("$build/fsnetd" token create --name $name --role viewer --data-dir "$data" 2>"$dir/out")"
done
start --workers 1 --max-connections 32
watchers=()
watch 16 -H "Authorization: Bearer $first"
call GET "/v1/jobs/$job/events" -H "Authorization: Bearer $first"
refused "a stream too many of a token" 429 quota-exceeded "the token has 16 event streams open"
watch 13 -H "Authorization: Bearer $second"
call GET "/v1/jobs/$job/events" -H "Authorization: Bearer $second"
refused "another's streams stop at all that there may be" 503 unavailable "29 event streams are open"
call GET /readyz
same "and who asks whether it is ready is told" 200 "$status"
stop
same "the service ends in order" 0 "$code"
wait "${watchers[@]}"
finish
