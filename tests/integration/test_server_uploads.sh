#!/bin/bash
# test_server_uploads.sh [BUILD] - uploads that are large, broken off, or many at once; what is too large.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
limit=$(stat -c %s "$dir/resnet8.onnx")
start --max-upload-bytes "$limit" --max-json-bytes 4K

upload models "$dir/resnet8.onnx"
same "an upload of exactly the limit fits" "$limit" "$(field .size_bytes)"
call DELETE "/v1/models/$id"

{ cat "$dir/resnet8.onnx" && printf x; } >"$dir/long.onnx"
call POST /v1/models --data-binary "@$dir/long.onnx"
refused "one byte more" 413 body-too-large "at most $limit bytes"
check "the connection stays usable" test "$(header connection)" != close
call POST /v1/models -H 'Expect: 100-continue' --data-binary "@$dir/long.onnx"
refused "one byte more, of who asks first" 413 body-too-large "at most $limit bytes"
check "who is not told to go on" test "$(grep -ci '^HTTP/1.1 100' "$dir/head")" -eq 0
call POST /v1/models -H 'Transfer-Encoding: chunked' --data-binary "@$dir/long.onnx"
refused "one byte more, of unknown length" 413 body-too-large "at most $limit bytes"
# Who sends far more hears it in the middle, and that the connection ends.
far_more() { # WHAT METHOD PATH STATUS PROBLEM TEXT
    call "$2" "$3" -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary "@$dir/far"
    refused "$1" "$4" "$5" "$6"
    same "$1: all headers are there" "close $(field .request_id) no-store" "$(header connection) $(header x-request-id) $(header cache-control)"
}
truncate -s 100M "$dir/far"
far_more "far more, of unknown length" POST /v1/models 413 body-too-large "at most $limit bytes"
far_more "far more JSON" POST /v1/jobs 413 body-too-large "at most 4096 bytes"
far_more "far more than nothing" DELETE /v1/jobs/job_0 400 unexpected-body "DELETE /v1/jobs/{id} takes no body"
far_more "far more, refused before" POST /v1/nothing 404 not-found "no resource at /v1/nothing"
call POST /v1/jobs -d "{\"name\": \"$(head -c 5000 /dev/zero | tr '\0' x)\"}"
refused "a job of more than 4 KiB" 413 body-too-large "at most 4096 bytes"

# The refusal comes on the headers alone: the body is never sent.
host=${url#http://127.0.0.1:}
exec 3<>"/dev/tcp/127.0.0.1/$host"
printf 'POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n' >&3
read -r -t 20 line <&3
exec 3>&-
holds "a length beyond the limit is refused before the body" "413" "$line"
# Who does not listen is cut off.
exec 3<>"/dev/tcp/127.0.0.1/$host"
printf 'POST /v1/models HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n6400000\r\n' >&3
check "who sends on and on is cut off" eval '! (trap "" PIPE; timeout 60 cat "$dir/far" 2>"$dir/out") >&3'
exec 3>&-

# ---- broken off ------------------------------------------------------------------------------
uploads_under_way() { [ -n "$(ls -A "$data/tmp")" ]; }
exec 3<>"/dev/tcp/127.0.0.1/$host"
printf 'POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' "$limit" >&3
head -c 1000 "$dir/resnet8.onnx" >&3
check "an upload under way has a temporary file" wait_for 20 uploads_under_way
exec 3>&-
check "a broken upload's temporary file goes" wait_for 20 no_temporary_files
call GET /v1/models
same "a broken upload leaves no model and no content" "0 0" \
    "$(field '.items | length') $(stored_blobs)"

# ---- many at once ----------------------------------------------------------------------------
senders=()
for i in 1 2 3 4 5 6 7 8; do
    curl -sS -o "$dir/answer.$i" -w '%{http_code}\n' --data-binary "@$dir/resnet8.onnx" \
        "$url/v1/models?name=net$i" >"$dir/code.$i" &
    senders+=($!)
done
wait "${senders[@]}"
same "eight uploads at once are all taken" 8 "$(cat "$dir"/code.? | grep -c '^201$')"
same "each has an id of its own" 8 "$(cat "$dir"/answer.? | jq -r .id | sort -u | wc -l)"
same "their content is stored once" 1 "$(stored_blobs)"
check "no temporary file stays" wait_for 10 no_temporary_files

# ---- left over from a crash ------------------------------------------------------------------
exec 3<>"/dev/tcp/127.0.0.1/$host"
printf 'POST /v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n' "$limit" >&3
head -c 1000 "$dir/resnet8.onnx" >&3
check "an upload is under way" wait_for 20 uploads_under_way
stop KILL
exec 3>&-
mkdir -p "$data/blobs/00" && echo orphan >"$data/blobs/00/$(printf '0%.0s' {1..64})"
start
check "the next start clears temporary files" no_temporary_files
same "the next start clears content without a row" 1 "$(stored_blobs)"
call GET /v1/models
same "what was stored is there" 8 "$(field '.items | length')"

# ---- sent twice ------------------------------------------------------------------------------
keyed() { call POST "/v1/$1" -H 'Idempotency-Key: once' --data-binary "@$2" "${@:3}"; }
for kind in models datasets; do
    file=$dir/resnet8.onnx other=$dir/shapes.tar.gz
    [ $kind = models ] || { file=$dir/shapes.tar.gz other=$dir/resnet8.onnx; }
    call GET "/v1/$kind"
    before=$(field '.items | length')
    keyed "$kind?name=a" "$file"
    id=$(field .id)
    same "an upload of $kind under a key is taken" "201 " "$status $(header idempotency-replayed)"
    keyed "$kind?name=a" "$file"
    same "sent again it is the same one" "201 $id /v1/$kind/$id true a" \
        "$status $(field .id) $(header location) $(header idempotency-replayed) $(field .name)"
    keyed "$kind?name=a" "$other"
    refused "another file under its key" 409 idempotency-key-reused "$id was made under this Idempotency-Key"
    keyed "$kind?name=b" "$file"
    refused "another name" 409 idempotency-key-reused "$id was made under this Idempotency-Key"
    call POST "/v1/$kind" -H 'Idempotency-Key: one two' --data-binary "@$file"
    refused "a key with a blank" 400 bad-header "1 to 255 visible ASCII characters, got 7, others among them"
    call GET "/v1/$kind"
    same "one is stored" $((before + 1)) "$(field '.items | length')"
    call DELETE "/v1/$kind/$id"
    for i in 1 2 3 4; do
        curl -sS -o "$dir/twin.$i" -H 'Idempotency-Key: once' --data-binary "@$file" "$url/v1/$kind" &
        senders[i]=$!
    done
    wait "${senders[@]}"
    same "with it the key is free; four at once make one" 1 "$(cat "$dir"/twin.? | jq -r .id | sort -u | wc -l)"
    call GET "/v1/$kind"
    same "and no more" $((before + 1)) "$(field '.items | length')"
    call DELETE "/v1/$kind/$(jq -r .id "$dir/twin.1")"
done
check "no temporary file is left of any" no_temporary_files

# ---- a second server -------------------------------------------------------------------------
"$build/fsnetd" serve --listen 127.0.0.1:0 --data-dir "$data" 2>"$dir/err"
same "a second server on the same folder does not start" 1 $?
holds "and says why" "another fsnetd runs on data folder" "$(<"$dir/err")"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
