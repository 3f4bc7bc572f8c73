#!/bin/bash
# test_remote_predict.sh [BUILD] - fsnet remote predict: as fsnet predict says it, of models, of a job's files and of a
# detector; what is refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/remote.sh

make_inputs 60 20
"$build/photo_maker" "$dir/photo.jpg"
cp "$dir/photo.jpg" "$dir/two words.jpg"
"$fsnet" new ssd-lite --classes 4 --input-size 96 --seed 1 -o "$dir/detector.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
start --workers 1
export FSNET_SERVER=$url
upload models "$dir/resnet8.onnx"
model=$id
upload models "$dir/detector.onnx"
detector=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
photo=$dir/photo.jpg other="$dir/two words.jpg"
mean=0.5,0.4,0.3 std=0.25,0.2,0.3
order '{"finetune": {"epochs": 0}, "preprocess": {"mean": [0.5, 0.4, 0.3], "std": [0.25, 0.2, 0.3]}, "threads": 1}'
# here WORD...: what fsnet predict says.
here() { "$fsnet" predict "$@" 2>&1; }

# ---- classes -------------------------------------------------------------------------------------
remote 0 predict "$model" "$photo"
same "an image's classes are those that fsnet predict tells" "$(here "$dir/resnet8.onnx" "$photo")" "$out"
same "five of them" 6 "$(wc -l <<<"$out")"
remote 0 predict "$model" "$photo" "$other" --top 2 --mean $mean --std $std --crop none
same "of several images, with settings" \
    "$(here "$dir/resnet8.onnx" "$photo" "$other" --top 2 --mean $mean --std $std --crop none)" "$out"
remote 0 predict "$model" "$photo" "$other" --json
call POST "/v1/models/$model/predict" --data-binary "@$photo" -H 'Content-Type: image/jpeg'
same "in the service's form, each with its image" \
    "$(jq -c --arg a "$photo" --arg b "$other" '.items |= [.[0] + {image: $a}, .[0] + {image: $b}]' "$dir/body")" "$(jq -c . <<<"$out")"
remote 0 predict "$model" "$photo" --data "$dataset" --top 10
holds "a data set names the classes" "vertical bars" "$out"

# ---- a job's files -------------------------------------------------------------------------------
finishes succeeded
remote 0 download "$job" --out "$dir/result"
remote 0 predict "$job" "$photo" --top 3
same "a job's file predicts as its spec prepares images" \
    "$(here "$dir/result/model.onnx" "$photo" --top 3 --mean $mean --std $std --data "$dir/shapes.tar.gz")" "$out"
remote 0 predict "$job" "$photo" --file model-dense.onnx --top 1
same "as does another of its files" \
    "$(here "$dir/result/model-dense.onnx" "$photo" --top 1 --mean $mean --std $std --data "$dir/shapes.tar.gz")" "$out"
remote 1 predict "$job" "$photo" --file report.json
is_said "report.json is no network"
remote 2 predict "$job" "$photo" --file ../report
is_said "'../report' is no name of a job's file"
remote 2 predict "$model" "$photo" --file model.onnx
is_said "--file names one of a job's files"

# ---- objects -------------------------------------------------------------------------------------
remote 0 predict "$detector" "$photo" --keep 3
same "a detector's objects are those that fsnet predict tells" \
    "$(here "$dir/detector.onnx" "$photo" --keep 3)" "$out"
remote 0 predict "$detector" "$photo" --score 1
same "or nothing" "$photo   nothing" "$(paste -sd' ' <<<"$out")"
remote 0 predict "$detector" "$photo" --keep 2 --default-boxes ssd-lite --json
same "in the service's form" "detect 2 $photo" "$(jq -r '"\(.task) \(.items[0].objects | length) \(.items[0].image)"' <<<"$out")"
remote 1 predict "$detector" "$photo" --top 3
is_said "k: "
remote 1 predict "$detector" "$photo" --default-boxes '{"maps": "a&b=c"}'
is_said "default_boxes/maps: must be an array, got the string \"a&b=c\""

# ---- what is refused -----------------------------------------------------------------------------
remote 2 predict "$model"
is_said "an operand is missing"
remote 2 predict "$dataset" "$photo"
is_said "is a data set"
remote 2 predict "mdl_/x" "$photo"
is_said "is no id of a model"
remote 1 predict mdl_none "$photo"
is_said "no model has the id 'mdl_none'"
remote 1 predict "$model" "$dir/none.jpg"
is_said "$dir/none.jpg: No such file"
remote 1 predict "$model" "$dir"
is_said "$dir is a folder; images are sent one by one"
: >"$dir/empty"
remote 1 predict "$model" "$dir/empty"
is_said "is empty"
remote 1 predict "$model" "$photo" "$dir/shapes.tar.gz"
is_said "image: $dir/shapes.tar.gz"
holds "the image before is told" "class " "$out"
remote 1 predict "$model" "$photo" --std 0,1,1 --crop corner
is_said "crop: "
remote 2 predict "$model" "$photo" --output "$(printf 'a%.0s' {1..5000})"
is_said "the options are too long"

# ---- servers that answer otherwise ---------------------------------------------------------------
mkdir "$dir/got"
"$build/hook_receiver" "$dir/hook.port" "$dir/got" &
receiver=$!
trap 'kill "$receiver"; at_exit' EXIT
wait_for 30 test -s "$dir/hook.port"
export FSNET_SERVER=http://127.0.0.1:$(<"$dir/hook.port")/said
# strange ANSWER WORD...: the command does not take this answer.
strange() {
    printf '%s' "$1" >"$dir/got/said"
    shift
    remote 1 "$@"
    is_said "answers HTTP 20"
}
for answer in '' '[]' '{"items": ' '{}' '{"items": {}}' '{"items": []}' '{"items": [5]}' '{"items": [{"top": 5}]}' '{"items": [{"top": []}, {"top": []}]}'; do
    strange "$answer" predict "$model" "$photo"
done
for answer in '[]' '{}' '{"items": {}}' '{"items": null}'; do
    strange "$answer" models
    strange "$answer" jobs
done
strange '{"id": 5}' again "$job"
strange '{"id": "job_1"}' submit --dry-run
strange '[]' retry "$job"
strange 'null' change "$job" --name x
printf '{"items": [{"top": [7, {"class": "x", "name": "\\u001b[2Jred", "probability": "y"}]}]}' >"$dir/got/said"
remote 0 predict "$model" "$photo"
same "what is of another type is nothing, and moves no cursor" "$photo     0.00 %  class 0     0.00 %  class 0   [2Jred" \
    "$(paste -sd' ' <<<"$out" | sed 's/  class 0  *\[/  class 0   [/')"
printf '{"items": [7, {"id": 7, "size_bytes": "\\u001b"}, {"id": "\\u001b]0;x\\u0007"}], "next_cursor": "&limit=1"}' >"$dir/got/said"
remote 0 datasets --limit 4
check "nor in a list" test -z "$(tr -d '[:print:]\n' <<<"$out")"
printf '{"id": "job_1", "labels": {"b": "\\u001b", "a": 5}, "priority": [], "name": {}}' >"$dir/got/said"
remote 0 change "$job" --name x
check "nor in a job" test -z "$(tr -d '[:print:]\n' <<<"$out")"
strange '{"id": "job_1", "labels": {"\u001b[2J": "x"}}' change "$job" --name x
finish
