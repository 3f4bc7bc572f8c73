#!/bin/bash
# test_server_predict.sh [BUILD] - images through models and through the files of a job: the same answers as
# fsnet predict, counts that agree with the job's report, what is refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 400 60
"$build/photo_maker" "$dir/photo.jpg"
start
upload models "$dir/resnet8.onnx" name=resnet8
model=$id
upload datasets "$dir/shapes.tar.gz" name=shapes
dataset=$id
mean=0.5,0.4,0.3 std=0.25,0.2,0.3

# ---- a file as the body ----------------------------------------------------------------------
# probabilities and classes, from the service's answer or from that of fsnet predict.
top() { jq -c '[.items[0].top[] | [.class, .name, (.probability * 1e9 | round), (.logit * 1e9 | round)]]'; }
call POST "/v1/models/$model/predict?k=3&mean=$mean&std=$std" --data-binary "@$dir/photo.jpg" -H 'Content-Type: image/jpeg'
same "a JPEG file is classified" "200 application/json" "$status $type"
same "as fsnet predict does it" \
    "$("$fsnet" predict "$dir/resnet8.onnx" "$dir/photo.jpg" --top 3 --mean $mean --std $std --json | top)" \
    "$(top <"$dir/body")"
same "three classes were asked for" 3 "$(field '.items[0].top | length')"
same "the answer says what it takes and what was done" '{"channels":3,"height":32,"width":32} [0.25,0.2,0.3] softmax 10' \
    "$(field '"\(.input) \(.preprocess.std | map(. * 100 | round / 100)) \(.probabilities) \(.classes)"')"
same "no data set is named, so no class is" null "$(field '.items[0].top[0].name')"
first=$(<"$dir/body")
call POST "/v1/models/$model/predict?k=3&mean=$mean&std=$std" --data-binary "@$dir/photo.jpg"
same "the model that is kept gives the same answer" "$first" "$(<"$dir/body")"
call POST "/v1/models/$model/predict?k=100&dataset_id=$dataset" --data-binary "@$dir/photo.jpg"
same "all ten classes come" 10 "$(field '.items[0].top | length')"
same "their probabilities add up to one" true "$(field '([.items[0].top[].probability] | add) - 1 | fabs < 1e-9')"
check "a data set beside the image gives names" grep -q '"checker"' "$dir/body"

# ---- images of a data set --------------------------------------------------------------------
order '{"finetune": {"epochs": 2, "batch_size": 50, "warmup_steps": 2}, "files": {"int8": "on"},
    "preprocess": {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}, "seed": 5}'
finishes succeeded
artifact report.json "$dir/report.json"
# confusion PATH: [label][choice] counts of the 60 test images.
confusion() {
    {
        call POST "$1?dataset_id=$dataset&index=0-29&k=1$2" && cat "$dir/body"
        call POST "$1?dataset_id=$dataset&index=30-59&split=test&k=1$2" && cat "$dir/body"
    } | jq -cs '[.[].items[] | [.label, .top[0].class]] as $seen |
        [range(10) as $l | [range(10) as $c | [$seen[] | select(. == [$l, $c])] | length]]'
}
same "a model's choices are those of the report's confusion matrix" "$(jq -c .confusion.baseline "$dir/report.json")" \
    "$(confusion "/v1/models/$model/predict" "&mean=$mean&std=$std")"
same "so are those of the small file, prepared as the job has it" \
    "$(jq -c .confusion.compressed "$dir/report.json")" \
    "$(confusion "/v1/jobs/$job/artifacts/model.onnx/predict" "")"
same "each image comes with its index and its label by name" '[59,true]' \
    "$(field '[.items[-1].index, (.items[-1].label_name | type == "string")]' | jq -c .)"
for name in model-dense.onnx model-int8.onnx; do
    artifact "$name" "$dir/$name"
    call POST "/v1/jobs/$job/artifacts/$name/predict" --data-binary "@$dir/photo.jpg"
    same "$name classifies" \
        "$("$fsnet" predict "$dir/$name" "$dir/photo.jpg" --mean $mean --std $std --data "$dir/shapes.tar.gz" --json | top)" \
        "$(top <"$dir/body")"
done
call POST "/v1/jobs/$job/artifacts/model.onnx/predict?mean=0,0,0&std=1,1,1" --data-binary "@$dir/photo.jpg"
like prediction
same "the query goes over the job's preprocessing" '[0,0,0]' "$(field '.preprocess.mean | map(round)' | jq -c .)"

# ---- what is refused -------------------------------------------------------------------------
predict() { call POST "/v1/models/$model/predict$1" "${@:2}"; }
photo=(--data-binary "@$dir/photo.jpg")
predict ""
refused "no image" 400 bad-query "there is no image"
head -c 400 "$dir/photo.jpg" >"$dir/half.jpg"
predict "" --data-binary "@$dir/half.jpg"
refused "half a JPEG" 422 malformed "the image"
predict "" -F "file=@$dir/photo.jpg"
refused "an image in a form" 415 media-type "curl --data-binary @FILE"
predict "" --data-binary "GIF89a, of no use"
refused "another format" 422 unsupported "neither JPEG nor PNG"
# A PNG whose header claims 60000 x 60000 pixels.
printf '\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x02\0\0\0\x7f\x4d\x8d\x8c' >"$dir/bomb.png"
predict "" --data-binary "@$dir/bomb.png"
same "a picture too large for its bytes" 422 "$status"
truncate -s 33M "$dir/large.jpg"
predict "" --data-binary "@$dir/large.jpg" -H 'Expect: 100-continue'
refused "a body beyond 32 MiB" 413 body-too-large "33554432 bytes"
predict "?k=0" "${photo[@]}"
refused "no class" 400 bad-query "k: expected a whole number from 1 to 100"
predict "?mean=1,2" "${photo[@]}"
refused "a mean without a std" 400 bad-query "mean has 2, std has 0"
predict "?mean=a&std=1" "${photo[@]}"
refused "a mean that is none" 400 bad-query "mean: "
predict "?mean=0,0,0&std=1,0,1&crop=sideways&scale=7" "${photo[@]}"
refused "a std that is none is named with its place" 400 bad-query "std, value 2: must be 1e-06 to 1000, got 0"
same "so is every other fault" "crop scale std, value 2" \
    "$(field '.detail | [splits("; ") | split(":")[0]] | sort | join(" ")')"
predict "?mean=0.5&std=0.5" "${photo[@]}"
refused "a mean for one channel" 422 data-mismatch "for 1 channels, the images have 3"
predict "?index=0" "${photo[@]}"
refused "an index beside a body" 400 bad-query "there is no body"
predict "?dataset_id=$dataset&index=0-64"
refused "too many images" 400 bad-query "at most 64 images"
predict "?dataset_id=$dataset&index=60"
refused "an image that is not there" 422 invalid-argument "the test split has 60 images"
predict "?dataset_id=dst_none"
refused "an unknown data set" 404 not-found "no data set has the id 'dst_none'"
call POST "/v1/models/mdl_none/predict" "${photo[@]}"
refused "an unknown model" 404 not-found "no model has the id"
"$fsnet" new ssd-lite --classes 4 --input-size 96 --seed 1 -o "$dir/detector.onnx" >"$dir/log" 2>&1 || cat "$dir/log"
upload models "$dir/detector.onnx" name=detector
call POST "/v1/models/$id/predict?keep=2" "${photo[@]}"
like prediction-objects
same "a detector finds objects" "200 detect 2" "$status $(field '"\(.task) \(.items[0].objects | length)"')"
call POST "/v1/jobs/$job/artifacts/report.json/predict" "${photo[@]}"
refused "a file that is no network" 422 unsupported "report.json is no network"
call GET "/v1/models/$model/predict"
refused "another method" 405 method-not-allowed "only POST"
# ---- many at once ------------------------------------------------------------------------------
# Predictions that take a while, more than there are threads for them: an order does not wait for all of them.
"$fsnet" new resnet56 --seed 1 -o "$dir/resnet56.onnx" >"$dir/out"
upload models "$dir/resnet56.onnx" name=resnet56
slow=$id
predictions=()
touch "$dir/codes"
for ((i = 0; i < 60; i++)); do
    curl -sS --max-time 170 -o "$dir/answer.$i" -w '%{http_code}\n' -X POST \
        "$url/v1/models/$id/predict?dataset_id=$dataset&split=train&index=0-63" 2>&1 >>"$dir/codes" &
    predictions+=($!)
done
made() { [ -s "$dir/codes" ]; }
check "predictions are made" wait_for 60 made
call POST "/v1/jobs?dry_run=true" -d "{\"model_id\": \"$model\", \"dataset_id\": \"$dataset\"}"
before=$(wc -l <"$dir/codes")
same "an order is checked meanwhile" 200 "$status"
check "and before most of them are made ($before of 60)" test "$before" -lt 40
wait "${predictions[@]}"
same "they all are" 60 "$(grep -c 200 "$dir/codes")"
# ---- who may ---------------------------------------------------------------------------------
token=$("$build/fsnetd" token create --name someone --role user --data-dir "$data")
auth=(-H "Authorization: Bearer $token")
call POST /v1/models --data-binary "@$dir/resnet8.onnx" "${auth[@]}"
model=$(field .id)
predict "" "${photo[@]}" "${auth[@]}"
same "a user's model is theirs to ask" 200 "$status"
predict "?dataset_id=$dataset" "${auth[@]}"
refused "another's data set" 404 not-found "no data set has the id '$dataset'"
check "nothing is left of what was sent" no_temporary_files
# ---- several callers at once -------------------------------------------------------------------
# ask_often TOKEN COUNT NAME: so many slow predictions at once; their statuses come into $dir/NAME, and their answers,
# with the heads, into $dir/NAME.1 and so on.
ask_often() {
    touch "$dir/$3"
    predictions=()
    for ((i = 1; i <= $2; i++)); do
        curl -sS -i --max-time 170 -o "$dir/$3.$i" -w '%{http_code}\n' -X POST -H "Authorization: Bearer $1" \
            "$url/v1/models/$slow/predict?dataset_id=$dataset&split=train&index=0-63" 2>&1 >>"$dir/$3" &
        predictions+=($!)
    done
}
# has N FILE: at least so many lines.
has() { [ "$(wc -l <"$dir/$2")" -ge "$1" ]; }
often=$("$build/fsnetd" token create --name often --role admin --data-dir "$data")
seldom=$("$build/fsnetd" token create --name seldom --role admin --data-dir "$data")
ask_often "$often" 40 many
check "one caller's predictions are made" wait_for 60 has 2 many
before=$(wc -l <"$dir/many")
call POST "/v1/models/$slow/predict?dataset_id=$dataset&split=train&index=0-63" -H "Authorization: Bearer $seldom"
after=$(wc -l <"$dir/many")
same "another's is made meanwhile" 200 "$status"
check "it waits for few of the 40 ($before were made before it came, $after when it was)" test $((after - before)) -le 12
wait "${predictions[@]}"
same "all of them are made" 40 "$(grep -c 200 "$dir/many")"
stop
start --max-connections 32 --http-threads 1 --validators 1
ask_often "$often" 28 most
refusals() { grep -c 429 "$dir/most"; }
check "of one token, half as many wait as there may be connections" wait_for 60 eval '[ "$(refusals)" -ge 1 ]'
call POST "/v1/models/$slow/predict?k=1" "${photo[@]}" -H "Authorization: Bearer $seldom"
same "another finds room" 200 "$status"
wait "${predictions[@]}"
same "and all others are made" 28 $(($(grep -c 200 "$dir/most") + $(refusals)))
tr -d '\r' <"$(grep -l quota-exceeded "$dir"/most.* | head -n 1)" >"$dir/refusal"
holds "the others are told why" "16 predictions of the token wait" "$(<"$dir/refusal")"
check "and when to come again" grep -q '^Retry-After: 1$' "$dir/refusal"
stop
finish
