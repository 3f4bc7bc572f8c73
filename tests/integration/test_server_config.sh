#!/bin/bash
# test_server_config.sh [BUILD] - fsnetd's settings from a file, the environment and flags, on the real
# program: what `fsnetd config` prints is what serve runs with.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
cat >"$dir/conf" <<CONF
# of the test
data-dir = $data
listen = 127.0.0.1:0
port-file = $dir/port
max-upload-bytes = 1K  # a model is larger
max-json-bytes = 2K
CONF

# run ARG...: fsnetd's exit code in $code, its output in $out and $err.
run() {
    "$build/fsnetd" "$@" >"$dir/out" 2>"$dir/err"
    code=$?
    out=$(<"$dir/out") err=$(<"$dir/err")
}
setting() { jq -c --arg name "$1" '.[$name] | [.value, .source, .line]' <<<"$out"; }

export FSNETD_MAX_JSON_BYTES=3K
run config --json --config "$dir/conf" --workers=1
same "fsnetd config --json" 0 "$code"
same "from a flag" '[1,"flag",null]' "$(setting workers)"
same "from the environment, over the file" '[3072,"environment",null]' "$(setting max-json-bytes)"
same "from the file" '[1024,"file",5]' "$(setting max-upload-bytes)"
same "from nowhere" '["info","default",null]' "$(setting log-level)"
run config --config "$dir/conf" --workers=1
same "every setting has a line" \
    "$("$build/fsnetd" --help | sed -nE 's/^  --([a-z-]+) .*/\1/p' | grep -vx config)" \
    "$(sed -nE 's/^([a-z-]+) += .*/\1/p' <<<"$out")"
unset FSNETD_MAX_JSON_BYTES
cp "$dir/out" "$dir/printed"
run config --json --config "$dir/printed"
same "what it prints is a settings file" '[3072,"file"]' "$(setting max-json-bytes | jq -c '.[:2]')"

FSNETD_CONFIG=$dir/conf "$build/fsnetd" serve 2>"$dir/log" &
server=$!
check "serve reads the file that the environment names" wait_for 30 test -s "$dir/port"
url=http://127.0.0.1:$(<"$dir/port")
head -c 2000 /dev/zero >"$dir/large"
call POST /v1/models --data-binary "@$dir/large"
refused "an upload over the file's limit" 413 body-too-large 1024
stop
same "SIGTERM ends it in order" 0 "$code"

for command in serve config; do
    echo 'lease = 2' >"$dir/bad"
    run $command --config "$dir/bad" --data-dir "$data"
    same "$command: a value out of bounds" "2 fsnetd: $dir/bad:1: lease: expected a whole number from 3 to 86400, got '2'" \
        "$code $err"
done
run config --data-dir "$data" --json=yes
same "an option that takes no value" "2 fsnetd: --json takes no value, got 'yes'" "$code $err"
for command in serve config check; do
    run $command --data-dir "$data" --listen 127.0.0.1:99999
    holds "$command: a port that is none" "--listen: expected HOST:PORT with a port from 0 to 65535, got '127.0.0.1:99999'" "$out$err"
    check "$command: it is refused" test "$code" -ne 0
done
FSNETD_LSITEN=127.0.0.1:1 FSNETD_XYZZY=1 "$build/fsnetd" serve --config "$dir/conf" 2>"$dir/log" &
server=$!
check "serve starts beside variables that it does not know" wait_for 30 grep -q listening "$dir/log"
stop
same "and warns of them" "FSNETD_LSITEN FSNETD_LISTEN; FSNETD_XYZZY " \
    "$(grep 'is no setting' "$dir/log" | jq -r '"\(.variable) \(.nearest)"' | sort | paste -sd';' | sed 's/;/; /')"
TMPDIR=$dir/nowhere run serve --listen 127.0.0.1:0 --data-dir "$data"
same "serve: photographs could not be unpacked" \
    "1 fsnetd: cannot make a temporary file in $dir/nowhere (TMPDIR): No such file or directory; photographs are unpacked there" \
    "$code $(sed -nE '$s/: let user.*//p' <<<"$err")"
run config --help
same "help is there" 0 "$code"
holds "and knows the command" "fsnetd config [--json]" "$out"
finish
