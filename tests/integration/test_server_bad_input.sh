#!/bin/bash
# test_server_bad_input.sh [BUILD] - what cannot be taken: models, data sets and jobs, each refused with the
# place and the reason, nothing stored, the server unharmed.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/onnx.sh
make_inputs 60 20
start

# ---- models ----------------------------------------------------------------------------------
# reject_model WHAT FILE PROBLEM TEXT
reject_model() {
    call POST /v1/models --data-binary "@$2"
    refused "$1" 422 "$3" "$4"
}
# reject_graph WHAT GRAPH PROBLEM TEXT
reject_graph() {
    onnx_model "$2" >"$dir/bad.onnx"
    reject_model "$1" "$dir/bad.onnx" "$3" "$4"
}

head -c 100000 "$dir/resnet8.onnx" >"$dir/bad.onnx"
reject_model "a truncated model" "$dir/bad.onnx" malformed "ONNX"
head -c 20000 "$dir/shapes.tar.gz" >"$dir/bad.onnx"
reject_model "garbage as a model" "$dir/bad.onnx" malformed "ONNX"
: >"$dir/bad.onnx"
reject_model "an empty body as a model" "$dir/bad.onnx" malformed "ONNX"
ends=$(onnx_value 11 x N 3 4 4)$(onnx_value 12 y N 2 4 4)
weight=$(onnx_weight w 2 3 1 1)
onnx_model "$ends$weight$(onnx_node Conv conv y x w)" >"$dir/small.onnx"
upload models "$dir/small.onnx"
call DELETE "/v1/models/$id"
reject_graph "an unknown operator" \
    "$ends$weight$(onnx_node Conv conv c x w)$(onnx_node Frobnicate strange y c)" \
    unsupported "Frobnicate"
like problem-unsupported
holds "the unknown operator's node is named" "'strange'" "$(field .detail)"
reject_graph "operators that are all unknown" \
    "$ends$(onnx_node Twist one a x)$(onnx_node Frobnicate two b a)$(onnx_node Twist three y b)" \
    unsupported "operators 'Twist' of nodes 'one', 'three', 'Frobnicate' of node 'two'"
reject_graph "a cyclic graph" \
    "$ends$weight$(onnx_node Conv conv c x w)$(onnx_node Add first a c b)$(onnx_node Relu second b a)$(onnx_node Relu third y a)" \
    malformed "cycl"
reject_graph "an input that nothing makes" "$ends$weight$(onnx_node Conv conv y nowhere w)" \
    malformed "nowhere"
reject_graph "a weight for other channels" \
    "$ends$(onnx_weight w 2 5 1 1)$(onnx_node Conv conv y x w)" \
    shape-mismatch "'conv'"
holds "expected channels are told" "3" "$(field .detail)"
holds "actual channels are told" "5" "$(field .detail)"
for kind in models datasets; do
    call POST "/v1/$kind" -F "file=@$dir/resnet8.onnx" -H 'Expect: 100-continue'
    refused "a form with a file, of $kind" 415 media-type "curl --data-binary @FILE"
    holds "what came is named" "multipart/form-data" "$(field .detail)"
    check "before the file comes" test "$(grep -ci '^HTTP/1.1 100' "$dir/head")" -eq 0
done
call GET /v1/models
same "no refused model is stored" "0 0" "$(field '.items | length') $(stored_blobs)"

# ---- data sets -------------------------------------------------------------------------------
# reject_data WHAT FILE PROBLEM TEXT [QUERY]
reject_data() {
    call POST "/v1/datasets${5:+?$5}" --data-binary "@$2"
    refused "$1" 422 "$3" "$4"
}
mkdir "$dir/unpacked"
tar -xzf "$dir/shapes.tar.gz" -C "$dir/unpacked"
# pack TAR_OPTION...: the unpacked set as an archive in $dir/bad.tar.gz.
pack() { tar -czf "$dir/bad.tar.gz" -C "$dir/unpacked" "$@" . ; }

head -c 50000 "$dir/shapes.tar.gz" >"$dir/bad.tar.gz"
reject_data "a corrupt archive" "$dir/bad.tar.gz" malformed "archive"
printf 'no archive at all' >"$dir/bad.tar.gz"
reject_data "text as an archive" "$dir/bad.tar.gz" malformed "no data set recognised"
: >"$dir/bad.tar.gz"
reject_data "an empty body as an archive" "$dir/bad.tar.gz" malformed "holds no files"
pack --transform 's,^\./,../../evil/,'
reject_data "a path that leaves the archive" "$dir/bad.tar.gz" malformed "'..' in the name"
pack -P --transform 's,^\./,/etc/,'
reject_data "an absolute path in the archive" "$dir/bad.tar.gz" malformed "absolute name"
batch=$(find "$dir/unpacked" -name 'test_batch*.bin' -o -name 'test_batch.bin' | head -n 1)
cp "$batch" "$dir/batch"
printf '\x63' | dd of="$batch" bs=1 seek=3073 conv=notrunc 2>"$dir/out"
pack
reject_data "a label out of range" "$dir/bad.tar.gz" malformed "record 1 has label 99, expected 0..9"
head -c 5000 "$dir/batch" >"$batch"
pack
reject_data "a file with a broken record" "$dir/bad.tar.gz" malformed "test_batch.bin"
cp "$dir/batch" "$batch"
reject_data "another format than the one stated" "$dir/shapes.tar.gz" malformed "IDX" format=idx
call GET /v1/datasets
same "no refused data set is stored" "0 0" "$(field '.items | length') $(stored_blobs)"
check "nothing was written outside the data folder" test ! -e "$dir/evil" -a ! -e /etc/test_batch.bin

# ---- jobs: the JSON --------------------------------------------------------------------------
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id

# reject_job WHAT STATUS PROBLEM BODY TEXT
reject_job() {
    call POST /v1/jobs -d "$4"
    refused "$1" "$2" "$3" "$5"
}
# reject_spec WHAT JSON POINTER TEXT: JSON added to a good order.
reject_spec() {
    call POST /v1/jobs -d "$(jq -c --arg m "$model" --arg d "$dataset" \
        '{model_id: $m, dataset_id: $d} + .' <<<"$2")"
    refused "$1" 422 invalid-spec "$4"
    check "$1: the place is told" jq -e --arg p "$3" '.errors[] | select(.pointer == $p)' \
        "$dir/body" >"$dir/out"
}
reject_job "an empty body" 400 malformed-json '' "line 1"
reject_job "broken JSON" 400 malformed-json '{"model_id": ' "line 1"
like problem-malformed-json
reject_job "a key given twice" 400 malformed-json '{"seed": 1, "seed": 2}' "duplicate"
reject_job "bytes that are not UTF-8" 400 malformed-json $'{"name": "\xff"}' "0xff"
reject_job "deep nesting" 422 limit-exceeded "$(printf '[%.0s' {1..5000})" "nested"
reject_job "an array" 422 invalid-spec '[]' "must be an object"
reject_job "no ids" 422 invalid-spec '{}' "is required"
like problem-invalid-spec
same "both missing ids are told" "/model_id /dataset_id" "$(field '[.errors[].pointer] | join(" ")')"
reject_job "ids of wrong types" 422 invalid-spec '{"model_id": 3, "dataset_id": null}' "must be a string"
reject_job "unknown ids" 422 invalid-spec '{"model_id": "mdl_0", "dataset_id": "dst_0"}' \
    "no model has the id 'mdl_0'"
holds "the unknown data set is told as well" "no data set has the id 'dst_0'" "$(<"$dir/body")"
reject_job "an id of the wrong kind" 422 invalid-spec \
    "{\"model_id\": \"$dataset\", \"dataset_id\": \"$model\"}" "no model has the id '$dataset'"

# ---- jobs: the spec --------------------------------------------------------------------------
reject_spec "an unknown field" '{"colour": "red"}' /colour "unknown"
reject_spec "an unknown field inside" '{"finetune": {"epochz": 3}}' /finetune/epochz "epochs"
reject_spec "a wrong type" '{"finetune": {"epochs": "3"}}' /finetune/epochs "string"
reject_spec "an object that is a number" '{"finetune": 3}' /finetune "must be an object"
reject_spec "a ratio below one" '{"filter_summary": {"ratio": 0.5}}' /filter_summary/ratio "0.5"
convolutions=$("$fsnet" plan "$dir/resnet8.onnx" --json | jq -c '[.layers[].name]')
reject_spec "a ratio that no layer can reach" \
    "{\"filter_summary\": {\"ratio\": 9999, \"exclude\": $(jq -c '.[1:]' <<<"$convolutions")}}" \
    /filter_summary/ratio "ratio 9999 leaves less than one weight in every layer"
reject_spec "nothing left to compress" "{\"filter_summary\": {\"exclude\": $convolutions}}" \
    "" "none of the model's 9 convolutions can be compressed"
reject_spec "a layout that does not exist" '{"filter_summary": {"layout": "4d"}}' \
    /filter_summary/layout "1d"
reject_spec "an excluded layer that does not exist" '{"filter_summary": {"exclude": ["nope"]}}' \
    /filter_summary/exclude/0 "nope"
reject_spec "bits that do not exist" '{"quantize": {"bits": 5}}' /quantize/bits "8"
reject_spec "a mean for the wrong channels" '{"preprocess": {"mean": [0.5], "std": [0.5]}}' \
    /preprocess/mean "channels"
reject_spec "a name that is no string" '{"name": 5}' /name "must be a string, got 5"
reject_spec "labels that are none" '{"labels": "x"}' /labels 'must be an object of strings, got \"x\"'
reject_spec "a priority in words" '{"priority": "high"}' /priority 'from -100 to 100, got \"high\"'
reject_spec "what only a change can say" '{"keep": true}' /keep "PATCH /v1/jobs/{id} sets it"
reject_spec "a name that is too long" "{\"name\": \"$(printf 'x%.0s' {1..201})\"}" /name "200 bytes"
call POST /v1/jobs -d '{"model_id": "mdl_0", "dataset_id": 1, "seed": "x", "quantize": {"bits": 5}, "size": 1}'
same "every fault is told at once" "/dataset_id /model_id /quantize/bits /seed /size" \
    "$(field '[.errors[].pointer] | sort | join(" ")')"

# ---- jobs: data that does not fit the model ------------------------------------------------------
# big_endian NUMBER: four bytes.
big_endian() {
    printf "\\x$(printf %02x $(($1 >> 24 & 255)))\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))\\x$(printf %02x $(($1 & 255)))"
}
mkdir "$dir/idx"
for split in train t10k; do
    { big_endian 2051 && big_endian 10 && big_endian 28 && big_endian 28 && head -c 7840 /dev/zero; } \
        >"$dir/idx/$split-images-idx3-ubyte"
    { big_endian 2049 && big_endian 10 && printf '\0\1\2\3\4\5\6\7\10\11'; } \
        >"$dir/idx/$split-labels-idx1-ubyte"
done
tar -cf "$dir/digits.tar" -C "$dir/idx" .
upload datasets "$dir/digits.tar"
good_dataset=$dataset dataset=$id
reject_spec "grey images for a model of colour images" '{}' /dataset_id "channel"
reject_spec "what model and data object to" '{"filter_summary": {"exclude": ["nope"]}}' /dataset_id "channel"
same "is told at once" "/dataset_id /filter_summary/exclude/0" \
    "$(field '[.errors[].pointer] | unique | join(" ")')"
dataset=$good_dataset

call GET /v1/jobs
same "no refused job is queued" 0 "$(field '.items | length')"
call GET /v1/jobs/job_0
refused "an unknown job" 404 not-found "no job has the id 'job_0'"
call POST /v1/jobs/job_0/cancel -d ''
refused "cancelling an unknown job" 404 not-found "no job"
# A body where none is taken would be ignored, and with it what the client wants.
for route in "POST /v1/jobs/{id}/retry" "POST /v1/jobs/{id}/cancel" "DELETE /v1/jobs/{id}" "DELETE /v1/models/{id}" "GET /v1/jobs/{id}"; do
    path=${route#* }
    call "${route% *}" "${path/\{id\}/job_0}" -d '{"max_run_seconds": 100}'
    refused "$route with a body" 400 unexpected-body "$route takes no body, got one of 24 bytes"
    call "${route% *}" "${path/\{id\}/job_0}" -d '{}' -H 'Transfer-Encoding: chunked'
    refused "$route with a body of unknown length" 400 unexpected-body "$route takes no body, got one of 2 bytes"
done
call POST /v1/jobs/job_0/retry --data-binary "@$dir/shapes.tar.gz" -H 'Expect: 100-continue'
refused "before it is sent" 400 unexpected-body "got one of $(stat -c %s "$dir/shapes.tar.gz") bytes"
for part in metrics report artifacts artifacts/model.onnx; do
    call GET "/v1/jobs/job_0/$part"
    refused "$part of an unknown job" 404 not-found "no job has the id 'job_0'"
done
call GET /v1/jobs -H "X-Long: $(printf 'x%.0s' {1..12000})"
same "long headers are read" 200 "$status"
call GET /v1/jobs -H "X-Long: $(printf 'x%.0s' {1..40000})"
same "longer ones are refused" 431 "$status"
check "no temporary file stays" wait_for 10 no_temporary_files
call GET /readyz
same "the server is as ready as before" "200 ready" "$status $(field .status)"
stop
same "and stops in order" 0 "$code"
finish
