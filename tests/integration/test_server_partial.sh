#!/bin/bash
# test_server_partial.sh [BUILD] - uploads in parts (tus.io 1.0.0): all that the protocol says of creation, parts,
# checksums, termination and expiry; a connection that breaks, a server that is killed; what is refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 600 60
start
tus=(-H 'Tus-Resumable: 1.0.0')
part=("${tus[@]}" -H 'Content-Type: application/offset+octet-stream')
base64_of() { printf %s "$1" | base64 -w0; }
size_of() { stat -c %s "$1"; }
# create KIND NAME LENGTH [CURL_OPTION...]: the upload's path is in $path.
create() {
    call POST /v1/uploads "${tus[@]}" -H "Upload-Length: $3" \
        -H "Upload-Metadata: kind $(base64_of "$1"),name $(base64_of "$2")" "${@:4}"
    path=$(header location)
}
# send OFFSET FILE [CURL_OPTION...]
send() { call PATCH "$path" "${part[@]}" -H "Upload-Offset: $1" --data-binary "@$2" "${@:3}"; }
offset() { # of $path, as HEAD tells it
    curl -sSI --max-time 60 "${tus[@]}" "$url$path" >"$dir/head"
    header upload-offset
}
slice() { tail -c "+$(($2 + 1))" "$1" | head -c "$3"; } # FILE FROM BYTES

# ---- what the server can ---------------------------------------------------------------------
call OPTIONS /v1/uploads
same "OPTIONS says which version and extensions there are" \
    "200 1.0.0 creation,creation-with-upload,checksum,expiration,termination sha1,sha256 2147483648" \
    "$status $(header tus-version) $(header tus-extension) $(header tus-checksum-algorithm) $(header tus-max-size)"

# ---- a model in three parts ------------------------------------------------------------------
model=$dir/resnet8.onnx
length=$(size_of "$model")
create model 'réseau' "$length"
same "an upload is made" "201 1.0.0 0" "$status $(header tus-resumable) $(header upload-offset)"
same "it has a path" /v1/uploads/upl_ "${path:0:16}"
check "and an end" test -n "$(header upload-expires)"
same "nothing has come yet" 0 "$(offset)"
same "HEAD has length and metadata, and is not kept" "$length kind bW9kZWw=,name csOpc2VhdQ== no-store" \
    "$(header upload-length) $(header upload-metadata) $(header cache-control)"
slice "$model" 0 1000 >"$dir/1"
slice "$model" 1000 50000 >"$dir/2"
slice "$model" 51000 "$length" >"$dir/3"
send 0 "$dir/1"
same "a part is taken" "204 1000 1.0.0" "$status $(header upload-offset) $(header tus-resumable)"
send 0 "$dir/1"
refused "the same part again" 409 upload-offset "the upload has 1000 bytes of $length"
send 1000 "$dir/2" -H "Upload-Checksum: sha1 $(openssl dgst -sha1 -binary "$dir/1" | base64)"
refused "a part with another's checksum" 460 checksum-mismatch "it was dropped"
same "what was dropped does not count" 1000 "$(offset)"
send 1000 "$dir/2" -H "Upload-Checksum: sha1 $(openssl dgst -sha1 -binary "$dir/2" | base64)"
same "a part with its SHA-1 is taken" "204 51000" "$status $(header upload-offset)"
call GET "$path"
like upload-receiving
same "the upload can be asked for" "receiving 51000 réseau null" "$(field '"\(.status) \(.offset) \(.name) \(.resource)"')"
send 51000 "$dir/3" -H "Upload-Checksum: sha256 $(openssl dgst -sha256 -binary "$dir/3" | base64)"
same "so is the last, with its SHA-256" "204 $length" "$status $(header upload-offset)"
resource=$(header location)
same "it has become a model" /v1/models/mdl_ "${resource:0:15}"
call GET "$resource"
same "of this content and name" "$(sum_of "$model") $length réseau" "$(field '"\(.sha256) \(.size_bytes) \(.name)"')"
call GET "$path"
like upload-stored
same "the upload says what it has become" "stored $resource" "$(field '"\(.status) \(.resource)"')"
send "$length" /dev/null
refused "more for it" 409 upload-offset "the upload has $length bytes"
call DELETE "$path" "${tus[@]}"
same "it can be forgotten" 204 "$status"
call GET "$path"
refused "and is then" 404 not-found "no upload has the id"
call GET "$resource"
same "the model stays" 200 "$status"

# ---- at once ---------------------------------------------------------------------------------
create model whole "$length" -H 'Content-Type: application/offset+octet-stream' --data-binary "@$model"
same "creation with all of the upload" "201 $length" "$status $(header upload-offset)"
call GET "$path"
same "makes the model too" "stored" "$(field .status)"

# ---- a connection that breaks, a server that is killed ---------------------------------------
set_file=$dir/shapes.tar.gz
length=$(size_of "$set_file")
create dataset shapes "$length"
send_slowly() { # its process is $sender
    curl -sS "${part[@]}" -X PATCH -H "Upload-Offset: $(offset)" -H 'Expect:' --limit-rate 100k \
        --data-binary @<(slice "$set_file" "$(offset)" "$length") "$url$path" >"$dir/out" 2>&1 &
    sender=$!
}
grows_from() { [ "$(offset)" -gt "$1" ]; }
send_slowly
check "bytes are there while they come" wait_for 30 grows_from 0
kill -KILL "$sender"
wait "$sender" 2>/dev/null
taken() { # the next 10000 bytes from where the upload ends
    come=$(offset)
    slice "$set_file" "$come" 10000 >"$dir/part"
    send "$come" "$dir/part"
    [ "$status" = 204 ]
}
check "after a broken connection the upload goes on where it ended" wait_for 30 taken
check "what had come was kept" test "$come" -gt 0 -a "$come" -lt "$length"
send_slowly
wait_for 30 grows_from $((come + 10000))
slice "$set_file" 0 10 >"$dir/1"
send "$(offset)" "$dir/1"
refused "a second sender" 423 upload-locked "try again in a second"
same "it is told when" 1 "$(header retry-after)"
wait "$sender" 2>/dev/null
check "the first is cut off" test $? -ne 0
check "the second goes on" wait_for 10 taken
# Says that it will send, begins, and is silent: what a client leaves behind whose network is gone.
hold() {
    local from
    from=$(offset)
    exec {silent}<>"/dev/tcp/127.0.0.1/${url##*:}"
    printf '%s\r\n' "PATCH $path HTTP/1.1" 'Host: localhost' "${part[1]}" "${part[3]}" "Upload-Offset: $from" \
        'Content-Length: 1000' '' >&"$silent"
    slice "$set_file" "$from" 10 >&"$silent"
    wait_for 10 locked
}
locked() {
    send 0 /dev/null
    [ "$status" = 423 ]
}
hold
check "a silent connection keeps nobody waiting" wait_for 10 taken
exec {silent}>&-
id_of_set=$path come_of_set=$come
create model silent 1000
hold
deleted() {
    call DELETE "$path" "${tus[@]}"
    [ "$status" = 204 ]
}
check "nor one that deletes" wait_for 10 deleted
exec {silent}>&-
path=$id_of_set come=$come_of_set
stop KILL
start
same "a killed server has what was acknowledged" $((come + 10000)) "$(offset)"
slice "$set_file" $((come + 10000)) "$length" >"$dir/rest"
send $((come + 10000)) "$dir/rest"
same "the rest is taken" "204 $length" "$status $(header upload-offset)"
call GET "$(header location)"
same "it has become the data set" "$(sum_of "$set_file") cifar10 600" \
    "$(field '"\(.sha256) \(.format) \(.summary.splits.train.images)"')"
same "no part is left behind" "" "$(ls -A "$data/partial")"

# ---- a server that is killed while a part with a checksum comes ------------------------------
head -c 2000000 /dev/urandom >"$dir/random"
create dataset unverified 2000000
head -c 1000 "$dir/random" >"$dir/1"
send 0 "$dir/1" -H "Upload-Checksum: sha1 $(openssl dgst -sha1 -binary "$dir/1" | base64)"
same "a part with its checksum" "204 1000" "$status $(header upload-offset)"
curl -sS "${part[@]}" -X PATCH -H 'Upload-Offset: 1000' -H 'Expect:' -H "Upload-Checksum: sha1 $(openssl dgst -sha1 -binary "$dir/1" | base64)" \
    --limit-rate 1M --data-binary @<(head -c 1999000 "$dir/random") "$url$path" >"$dir/out" 2>&1 &
sender=$!
has_more() { [ "$(size_of "$data/partial/${path##*/}")" -gt 1000 ]; }
check "a part with another's checksum is on its way" wait_for 30 has_more
same "what has not been compared does not count" 1000 "$(offset)"
stop KILL
wait "$sender" 2>/dev/null
check "its bytes are in the file" has_more
start
same "nor does it when the server was killed" 1000 "$(offset)"
slice "$dir/random" 1000 2000 >"$dir/1"
send 1000 "$dir/1"
same "the next part begins where the last one ended that counts" "204 3000" "$status $(header upload-offset)"
check "with the right bytes" cmp "$data/partial/${path##*/}" <(head -c 3000 "$dir/random")
call DELETE "$path" "${tus[@]}"

# ---- what is refused -------------------------------------------------------------------------
# leaves_nothing WHAT: of the last upload that was to be made.
in_list() { call GET /v1/uploads && field '.items | length'; }
known=$(in_list)
leaves_nothing() { same "$1: no upload is left" "$known none" "$(in_list) $(find "$data/partial" -type f -printf %f | grep . || echo none)"; }
create model bad 16 "${part[@]:2}" -d 'not a model at al'
refused "more bytes than were announced" 413 body-too-large "at most 16 bytes"
leaves_nothing "more bytes than were announced"
create model in-chunks 16 "${part[@]:2}" -H 'Transfer-Encoding: chunked' -d 'not a model at al'
refused "more than that, in chunks" 413 body-too-large "at most 16 bytes"
same "it is told what is spoken" 1.0.0 "$(header tus-resumable)"
call GET /v1/uploads
same "it leaves nothing" 0 "$(field '[.items[] | select(.name == "in-chunks")] | length')"
create model long 16
send 0 <(printf 'not a model at al')
refused "a part of more bytes than are missing" 413 body-too-large "at most 16 bytes"
same "nothing of it is kept" 0 "$(offset)"
call DELETE "$path" "${tus[@]}"
create model bad 16 "${part[@]:2}" -d 'not a model at a'
same "content that is no model" 422 "$status"
leaves_nothing "content that is no model"
create model bad 16 -H 'Upload-Checksum: md5 AAAA'
refused "a creation with another checksum" 400 bad-header "sha1"
leaves_nothing "a creation with another checksum"
create model bad 16 "${part[@]:2}" -d 'not a model at a' -H "Upload-Checksum: sha1 $(openssl dgst -sha1 -binary /dev/null | base64)"
refused "a creation with a part that is not its checksum's" 460 checksum-mismatch "it was dropped"
leaves_nothing "a creation with a part that is not its checksum's"
create model bad 16
send 0 <(printf 'not a model at a')
refused "the same, as a part" 422 malformed "protobuf"
call GET "$path"
same "the upload says so" "refused urn:fsnet:problem:malformed null" "$(field '"\(.status) \(.error.type) \(.resource)"')"
call POST /v1/uploads -H 'Upload-Length: 5'
refused "no version" 412 tus-version "expected 1.0.0"
same "it is told which there are" 1.0.0 "$(header tus-version)"
call POST /v1/uploads "${tus[@]}" -H 'Upload-Length: 0'
refused "no length" 400 bad-header "Upload-Length"
call POST /v1/uploads "${tus[@]}" -H 'Upload-Length: 9999999999'
refused "too long" 413 body-too-large "at most 2147483648 bytes"
call POST /v1/uploads "${tus[@]}" -H 'Upload-Length: 5' -H 'Upload-Metadata: kind eA=='
refused "another kind" 400 bad-header "'model' or 'dataset'"
call POST /v1/uploads "${tus[@]}" -H 'Upload-Length: 5' -H 'Upload-Metadata: kind bW9kZWw=,name AAE='
refused "a name of control bytes" 400 bad-header "UTF-8"
create model x 5
call PATCH "$path" "${tus[@]}" -H 'Upload-Offset: 0' -d hello
refused "another type of body" 415 media-type "application/offset+octet-stream"
call PATCH "$path" "${part[@]}" -d hello
refused "no offset" 400 bad-header "Upload-Offset"
send 0 <(echo) -H 'Upload-Checksum: md5 AAAA'
refused "another checksum" 400 bad-header "sha1"

# ---- the list --------------------------------------------------------------------------------
create model first 5
create model second 7
call GET '/v1/uploads?limit=1'
like upload-list
same "the newest comes first, a page at a time" "second 0 7" "$(field '.items[] | "\(.name) \(.offset) \(.length)"')"
call GET "/v1/uploads?limit=1&cursor=$(field .next_cursor)"
same "then the one before" first "$(field '.items[].name')"

# ---- quotas and owners -----------------------------------------------------------------------
length=$(size_of "$model")
token=$("$build/fsnetd" token create --name a --role user --max-stored-bytes $((length + 10)) --data-dir "$data" 2>"$dir/out")
other=$("$build/fsnetd" token create --name b --role user --data-dir "$data" 2>"$dir/out")
auth=(-H "Authorization: Bearer $token")
create model first "$length" "${auth[@]}"
same "an upload within the quota" 201 "$status"
create model second 20 "${auth[@]}"
refused "another, which would go beyond it" 429 quota-exceeded "are to have"
create model second 10 "${auth[@]}"
same "and one that would not" 201 "$status"
call HEAD "$path" -I -H "Authorization: Bearer $other"
same "another token does not see it" 404 "$status"
call GET /v1/uploads -H "Authorization: Bearer $other"
same "nor in its list" 0 "$(field '.items | length')"
call GET /v1/uploads "${auth[@]}"
same "the owner's has both of theirs" "second first" "$(field '[.items[].name] | join(" ")')"
send 0 <(printf x) -H "Authorization: Bearer $other"
refused "nor write to it" 404 not-found "no upload has the id"
call DELETE "$path" "${tus[@]}" "${auth[@]}"
same "its owner may delete it" 204 "$status"

# ---- expiry ----------------------------------------------------------------------------------
stop
start --upload-expiry 1 --lease 3
auth=(-H "Authorization: Bearer $other")
create model gone 100000 "${auth[@]}"
send 0 "$dir/2" "${auth[@]}"
forgotten() { call GET "$path" "${auth[@]}" && [ "$status" = 404 ]; }
check "an upload to which nothing comes is forgotten" wait_for 30 forgotten
check "with its file" test ! -e "$data/partial/${path##*/}"
stop
finish
