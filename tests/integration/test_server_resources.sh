#!/bin/bash
# test_server_resources.sh [BUILD] - models and data sets over HTTP: upload, list, get, download, delete;
# routes, methods, conditional and partial downloads.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
start

# ---- the service itself ----------------------------------------------------------------------
call GET /healthz
same "the process is alive" "200 ok" "$status $(field .status)"
like health
same "health names the version" "$("$build/fsnetd" --version)" "fsnetd $(field .version)"
call GET /readyz
same "it is ready" "200 ready" "$status $(field .status)"
call GET /
holds "the index points to the API" "POST /v1/jobs" "$(<"$dir/body")"

# ---- models ----------------------------------------------------------------------------------
call GET /v1/models
same "there is no model at first" "200 0" "$status $(field '.items | length')"
upload models "$dir/resnet8.onnx" "name=my%20net"
model=$id
like model
same "Location names the model" "/v1/models/$model" "$(header location)"
same "ids of models begin with mdl_" mdl_ "${model:0:4}"
same "the name comes back" "my net" "$(field .name)"
same "the digest is that of the file" "$(sum_of "$dir/resnet8.onnx")" "$(field .sha256)"
same "the size is that of the file" "$(stat -c %s "$dir/resnet8.onnx")" "$(field .size_bytes)"
same "the summary is that of fsnet inspect" \
    "$("$fsnet" inspect "$dir/resnet8.onnx" --json | jq -Sc '[.inputs, .parameters, .macs, .layers]')" \
    "$(jq -Sc '.summary | [.inputs, .parameters, .macs, .layers]' "$dir/body")"
check "created_at is an RFC 3339 time in UTC" \
    grep -qE '"created_at": "[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z"' "$dir/body"
cp "$dir/body" "$dir/created"
call GET "/v1/models/$model"
same "get gives what post gave" "$(jq -Sc . "$dir/created")" "$(jq -Sc . "$dir/body")"
etag=$(header etag)
call GET "/v1/models/$model" -H "If-None-Match: $etag"
same "who has it as it is gets 304 and nothing more" "304 0 $etag" \
    "$status $(stat -c %s "$dir/body") $(header etag)"
call GET /v1/models -H "If-None-Match: $etag"
same "a list has a tag of its own" 200 "$status"
call GET "/v1/models/$model/content"
same "its digest comes along (RFC 9530)" \
    "sha-256=:$(printf "$(sum_of "$dir/resnet8.onnx" | sed 's/../\\x&/g')" | base64):" "$(header repr-digest)"
check "the content is the file" cmp -s "$dir/resnet8.onnx" "$dir/body"
same "the content's type" application/octet-stream "$type"
same "the content's length" "$(stat -c %s "$dir/resnet8.onnx")" "$(header content-length)"
etag=$(header etag)
same "the tag is the digest" "\"$(sum_of "$dir/resnet8.onnx")\"" "$etag"
call GET "/v1/models/$model/content" -H "If-None-Match: $etag"
same "a client that has it gets 304 and nothing more" "304 0" "$status $(stat -c %s "$dir/body")"
call GET "/v1/models/$model/content" -H 'If-None-Match: "other"'
same "another tag gets all" 200 "$status"
call GET "/v1/models/$model/content" -H 'Range: bytes=10-19'
same "a range is given as asked" \
    "206 bytes 10-19/$(stat -c %s "$dir/resnet8.onnx") $(head -c 20 "$dir/resnet8.onnx" | tail -c 10 | sha256sum)" \
    "$status $(header content-range) $(sha256sum <"$dir/body")"
call GET "/v1/models/$model/content" -H 'Range: bytes=-7'
same "the last bytes can be asked for" "206 $(tail -c 7 "$dir/resnet8.onnx" | sha256sum)" \
    "$status $(sha256sum <"$dir/body")"
call GET "/v1/models/$model/content" -H 'Range: bytes=999999999-'
refused "a range outside the content" 416 range-not-satisfiable "bytes"
status=$(curl -sS -I -o "$dir/head" -w '%{http_code}' "$url/v1/models/$model/content")
same "HEAD answers as GET without the body" "200 $(stat -c %s "$dir/resnet8.onnx")" \
    "$status $(header content-length)"

# ---- data sets -------------------------------------------------------------------------------
upload datasets "$dir/shapes.tar.gz" "name=shapes&format=cifar10"
dataset=$id
like dataset
same "ids of data sets begin with dst_" dst_ "${dataset:0:4}"
same "the summary counts the splits" "60 20" \
    "$(field '"\(.summary.splits.train.images) \(.summary.splits.test.images)"')"
same "the summary counts the classes" "60" "$(field '.summary.splits.train.per_class | add')"
same "the summary has the image's shape" "3 32 32" \
    "$(field '.summary.image | "\(.channels) \(.height) \(.width)"')"
upload datasets "$dir/shapes.tar.gz"
same "the format is recognised by content" cifar10 "$(field .format)"
second=$id
call GET /v1/datasets
same "lists have the newest first" "$second $dataset" "$(field '[.items[].id] | join(" ")')"
call GET "/v1/datasets?limit=1"
same "lists can be limited" "$second" "$(field '[.items[].id] | join(" ")')"
call GET "/v1/datasets?limit=1&cursor=$(field .next_cursor)"
same "the next page has the rest, and is the last" "$dataset null" \
    "$(field '[.items[].id, .next_cursor] | map(tostring) | join(" ")')"
call GET "/v1/datasets?cursor=1x"
refused "a cursor that no page gave" 400 bad-query "cursor: expected a next_cursor of this list, got '1x'"

# ---- one content, several names --------------------------------------------------------------
same "equal content is stored once" 2 "$(stored_blobs)"
call DELETE "/v1/datasets/$second"
same "delete answers 204 without a body" "204 0" "$status $(stat -c %s "$dir/body")"
same "content that another row names stays" 2 "$(stored_blobs)"
call DELETE "/v1/datasets/$dataset"
same "content that nothing names goes" 1 "$(stored_blobs)"
call GET "/v1/datasets/$dataset"
refused "a deleted data set" 404 not-found "$dataset"
call DELETE "/v1/datasets/$dataset"
refused "a data set deleted twice" 404 not-found "$dataset"
call DELETE "/v1/models/$model"
same "the model is deleted" "204 0" "$status $(stored_blobs)"

# ---- routes, methods, query ------------------------------------------------------------------
call GET /v1/nothing
refused "an unknown path" 404 not-found "/v1/nothing"
call GET /v1/models/mdl_000000000000000000000000
refused "an unknown model" 404 not-found "no model has the id 'mdl_000000000000000000000000'"
call GET /v1/models/mdl_000000000000000000000000/content
refused "the content of an unknown model" 404 not-found "no model"
call GET "/v1/models/..%2f..%2fetc%2fpasswd"
refused "a path as an id" 404 not-found "etc/passwd"
call PUT /v1/models -d x
refused "a wrong method" 405 method-not-allowed "does not take PUT"
same "Allow lists the right ones" "POST, GET, HEAD" "$(header allow)"
call POST /healthz -d ''
refused "posting to health" 405 method-not-allowed "only GET, HEAD"
call GET "/v1/models?colour=red"
refused "an unknown query parameter" 400 bad-query "unknown query parameter 'colour'"
call GET "/v1/models?limit=many"
refused "a limit that is no number" 400 bad-query "limit: expected a whole number from 1 to 1000, got 'many'"
call GET "/v1/models?limit=0"
refused "a limit of nothing" 400 bad-query "got '0'"
call POST "/v1/datasets?format=jpeg" --data-binary "@$dir/shapes.tar.gz"
refused "an unknown format" 400 bad-query "format: expected one of cifar10, cifar100, idx, npz, voc, coco, masks, imagefolder, images, got 'jpeg'"
call POST "/v1/models?name=%ff%fe" --data-binary "@$dir/resnet8.onnx"
refused "a name that is not UTF-8" 400 bad-query "name: expected a value of at most 200 bytes in UTF-8"
call POST "/v1/models?name=$(printf 'x%.0s' {1..201})" --data-binary "@$dir/resnet8.onnx"
refused "a name that is too long" 400 bad-query "200 bytes"
call POST "/v1/models?name=a%0ab" --data-binary "@$dir/resnet8.onnx"
refused "a name with a line break" 400 bad-query "control characters"
same "nothing was stored by what was refused" 0 "$(stored_blobs)"
check "no temporary file stays" wait_for 10 no_temporary_files

stop
same "SIGTERM ends it in order" 0 "$code"
check "every line of the log is JSON" jq -e '.event' "$dir/log" >"$dir/out"
finish
