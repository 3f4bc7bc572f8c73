# server.sh - what the tests of fsnetd share; sourced after `build` is set. Starts the real server on a
# port of its own choice and a data folder of its own, and ends it however the test ends. With
# KEEP_LOG=FILE in the environment the server's log stays in FILE; END_SIGNAL=TERM asks it to end instead of killing it.
. tests/support/check.sh
fsnet=$build/fsnet
dir=$(mktemp -d)
data=$dir/data
server=
url=

at_exit() {
    # wait's status is the signal's, which would end a script with set -e in here
    [ -z "$server" ] || { kill "-${END_SIGNAL:-KILL}" "$server" && wait "$server" || true; } 2>/dev/null
    [ -z "${KEEP_LOG:-}" ] || cp "$dir/log" "$KEEP_LOG"
    rm -rf "$dir"
}
trap at_exit EXIT

# start [SETTING...]: returns when the server answers.
start() {
    rm -f "$dir/port"
    "$build/fsnetd" serve --listen 127.0.0.1:0 --data-dir "$data" --port-file "$dir/port" "$@" \
        2>>"$dir/log" &
    server=$!
    if ! wait_for 30 test -s "$dir/port"; then
        echo "the server did not start:" && cat "$dir/log"
        exit 1
    fi
    url=http://127.0.0.1:$(<"$dir/port")
}

# stop [SIGNAL]: its exit code is in $code.
stop() {
    kill "-${1:-TERM}" "$server"
    wait "$server" 2>/dev/null
    code=$?
    server=
}

# call METHOD PATH [CURL_OPTION...]: $status, $type; $dir/head, $dir/body.
call() {
    local method=$1 path=$2
    shift 2
    : >"$dir/body"
    read -r status type < <(curl -sS --max-time 60 -X "$method" -o "$dir/body" -D "$dir/head" \
        -w '%{http_code} %{content_type}\n' "$@" "$url$path")
}

field() { jq -r "$1" "$dir/body"; }
header() { tr -d '\r' <"$dir/head" | sed -nE "s/^$1: (.*)/\1/ip" | tail -n 1; }
sum_of() { sha256sum <"$1" | cut -d' ' -f1; }

# refused WHAT STATUS PROBLEM TEXT: the last call was answered by this problem, which says TEXT.
refused() {
    same "$1: answered by $2 $3" "$2 application/problem+json urn:fsnet:problem:$3 $2" \
        "$status $type $(field '"\(.type) \(.status)"' 2>&1)"
    holds "$1: the answer says why" "$4" "$(<"$dir/body")"
}

# The cores that a process may use: by affinity, and by the control group's quota, rounded up.
cores() {
    local group
    group=/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/cpu.max
    { cat "$group" 2>/dev/null || echo max; } | awk -v n="$(nproc)" '{
        if ($1 != "max" && $1 / $2 < n) n = int(($1 + $2 - 1) / $2)
        print (n > 64 ? 64 : n) }'
}

# upload models|datasets FILE [QUERY]: the id is in $id.
upload() {
    call POST "/v1/$1${3:+?$3}" --data-binary "@$2"
    id=$(field .id)
    same "$(basename "$2") is taken" 201 "$status"
}

# order JSON: a job for $model and $dataset; JSON adds to the spec. The id is in $job.
order() {
    call POST /v1/jobs -d "$(jq -c --arg m "$model" --arg d "$dataset" \
        '{model_id: $m, dataset_id: $d} + .' <<<"$1")"
    same "the job is taken" 201 "$status"
    job=$(field .id)
}

job_is() { # STATUS
    call GET "/v1/jobs/$job"
    [ "$(field .status)" = "$1" ]
}
epochs_done() { # AT_LEAST
    call GET "/v1/jobs/$job/metrics"
    [ "$(field '.items | length')" -ge "$1" ]
}
job_ends() {
    call GET "/v1/jobs/$job"
    case "$(field .status)" in queued | running) return 1 ;; esac
}

# finishes STATUS: waits for the job's end.
finishes() {
    wait_for 180 job_ends
    same "$job ends as $1" "$1" "$(field .status)"
    [ "$(field .status)" = "$1" ] || field .error
}

# artifact NAME FILE
artifact() {
    call GET "/v1/jobs/$job/artifacts/$1"
    same "$1 is there" 200 "$status"
    cp "$dir/body" "$2"
}

# like EXAMPLE: the last answer has the keys of api/examples/EXAMPLE.json, at every depth.
# Lists that may be empty, since figures decide, are the same with entries: warnings, exclude_first (whose entries
# test_explain.sh looks at). RECORD_EXAMPLES=1 writes the example from the answer instead.
keys_of() {
    jq -c '[paths | map(if type == "number" then "*" else . end) | join("/") |
        select(test("^(warnings|exclude_first)/") | not)] | unique' "$1"
}
like() {
    [ -z "${RECORD_EXAMPLES:-}" ] || jq . "$dir/body" >"api/examples/$1.json"
    same "the answer looks like api/examples/$1.json" "$(keys_of "api/examples/$1.json")" \
        "$(keys_of "$dir/body")"
}

stored_blobs() { find "$data/blobs" -type f | wc -l; }
no_temporary_files() { [ -z "$(ls -A "$data/tmp")" ]; }

# A small network and a small drawn data set.
make_inputs() { # TRAIN_IMAGES TEST_IMAGES
    "$fsnet" new resnet8 --seed 1 -o "$dir/resnet8.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
    "$fsnet" draw --train "$1" --test "$2" --seed 1 -o "$dir/shapes.tar.gz" >"$dir/out" 2>&1 ||
        cat "$dir/out"
}
