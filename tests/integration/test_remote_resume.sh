#!/bin/bash
# test_remote_resume.sh [BUILD] - fsnet remote upload-model that is ended half way: the same command goes on where it
# was, another file, name or server does not.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/remote.sh
export XDG_STATE_HOME=$dir/state XDG_CONFIG_HOME=$dir/config
states=$dir/state/fsnet/uploads

begins_anew() { check "it begins anew" sh -c "! grep -q resuming '$dir/said'"; }

"$fsnet" new resnet18 --seed 1 -o "$dir/large.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
"$fsnet" new resnet18 --seed 2 -o "$dir/changed.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
all=$(stat -c %s "$dir/large.onnx")
start --workers 1 --connection-timeout 3 # after which a server notices even what it was halted for
export FSNET_SERVER=$url

state() { find "$states" -name '*.json'; }
received_bytes() { curl -sS "$url/metrics" | sed -n 's/^fsnetd_http_received_bytes_total //p'; }
# tus METHOD: asks for the upload that the state names.
tus() { call "$1" "$upload" -H 'Tus-Resumable: 1.0.0' "${@:2}"; }
some_came() { find "$data/partial" -type f -size +0 2>"$dir/out" | grep -q .; }
# The server has noticed that nobody sends any more: a part at a wrong place is answered by 409, no longer by 423.
noticed() {
    tus PATCH -H 'Upload-Offset: 999999999' -H 'Content-Type: application/offset+octet-stream' --data-binary ''
    [ "$status" = 409 ]
}

# interrupt [CONDITION]: an upload of large.onnx that is ended by SIGKILL half way, while the server is halted so that some
# is still missing, and then what is waited for. Its path is in $upload, what came of it in $come.
interrupt() {
    local sender
    for try in 1 2 3 4 5 6 7 8; do
        "$fsnet" remote upload-model "$dir/large.onnx" >"$dir/out" 2>&1 &
        sender=$!
        until some_came || ! kill -0 "$sender" 2>"$dir/said"; do :; done
        kill -STOP "$server"
        { kill -KILL "$sender" && wait "$sender"; } 2>"$dir/said"
        kill -CONT "$server"
        upload=$(jq -r .upload "$(state)" 2>"$dir/said") && wait_for 30 "${1:-noticed}"
        come=$(cat "$data/partial/"* 2>"$dir/said" | wc -c)
        [ "$come" -gt 0 ] && [ "$come" -lt "$all" ] && break
    done
    check "an upload is interrupted half way" test "$come" -gt 0 -a "$come" -lt "$all"
}
# nothing_left: neither here nor on the server.
nothing_left() {
    same "nothing is left of it here" "" "$(state)"
    same "nor on the server" "" "$(ls -A "$data/partial")"
}

# ---- the same command again ----------------------------------------------------------------------
interrupt
same "what is kept is for its owner alone" "600 700" "$(stat -c %a "$(state)") $(stat -c %a "$states")"
before=$(received_bytes)
remote 0 upload-model "$dir/large.onnx" --json
same "it goes on where it was" "resuming at $come of $all bytes" "$(tr -d , <<<"$said" | grep -o 'resuming.*')"
same "and sends the rest alone" $((all - come)) $(($(received_bytes) - before))
same "what is stored is whole" "$(sum_of "$dir/large.onnx")" "$(jq -r .sha256 <<<"$out")"
is_said "were there"
nothing_left
remote 0 upload-model "$dir/large.onnx"
begins_anew
interrupt true
remote 0 upload-model "$dir/large.onnx" --json
is_said "resuming at "
same "before the server has noticed it is waited for" "$(sum_of "$dir/large.onnx")" "$(jq -r .sha256 <<<"$out")"
nothing_left

# ---- what is not the same upload -----------------------------------------------------------------
interrupt
remote 0 upload-model "$dir/large.onnx" --name other
begins_anew
cp "$dir/large.onnx" "$dir/kept.onnx"
cp "$dir/changed.onnx" "$dir/large.onnx"
remote 0 upload-model "$dir/large.onnx" --json
begins_anew
same "a file that was changed is sent whole" "$(sum_of "$dir/changed.onnx")" "$(jq -r .sha256 <<<"$out")"
cp "$dir/kept.onnx" "$dir/large.onnx"
exec 9<>"$(state)"
flock -n 9
remote 0 upload-model "$dir/large.onnx"
begins_anew
exec 9>&-
same "an upload that another command is at is left to it" "$upload" "$(jq -r .upload "$(state)")"
port=${url##*:}
remote 1 upload-model "$dir/large.onnx" --server "http://127.0.0.1:1"
begins_anew
remote 0 upload-model "$dir/large.onnx" --server "http://localhost:$port"
begins_anew
stop
remote 1 upload-model "$dir/large.onnx"
same "without a server all stays" "$upload" "$(jq -r .upload "$(state)")"
"$build/fsnetd" serve --listen "127.0.0.1:$port" --data-dir "$data" --workers 1 --connection-timeout 3 2>>"$dir/log" &
server=$!
wait_for 30 curl -sf -o "$dir/out" "$url/healthz"
remote 0 upload-model "$dir/large.onnx"
same "and is gone on with when it is back" "resuming at $come of $all bytes" "$(tr -d , <<<"$said" | grep -o 'resuming.*')"
nothing_left

# ---- what cannot be gone on with -----------------------------------------------------------------
interrupt
tus DELETE
remote 0 upload-model "$dir/large.onnx" --json
begins_anew
same "an upload that the server has forgotten is made anew" "$(sum_of "$dir/large.onnx")" "$(jq -r .sha256 <<<"$out")"
nothing_left
for text in '' '{"server": ' '{"server": "'"$url"'", "upload": "/v1/models/../jobs"}'; do
    interrupt
    tus DELETE
    printf %s "$text" >"$dir/text"
    cp "$dir/text" "$(state)"
    remote 0 upload-model "$dir/large.onnx"
    begins_anew
    nothing_left
done
head -c 100000 /dev/zero >"$dir/none.onnx"
remote 1 upload-model "$dir/none.onnx"
nothing_left
unset HOME XDG_STATE_HOME
FSNET_TOKEN=any remote 0 upload-model "$dir/changed.onnx" # no login is looked for
nothing_left
finish
