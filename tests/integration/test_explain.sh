#!/bin/bash
# test_explain.sh [BUILD] - what a report says of layers, and of jobs that are fed wrong data.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
build=${1:-build}
fsnet=$build/fsnet
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
records=cifar-10-batches-bin

# compress NAME OPTION..: a job on $set; its report in $report, what it printed in $out.
compress() {
    local name=$1
    shift
    "$fsnet" compress "$dir/base.onnx" --data "$set" --batch 32 --lr 0.05 --warmup-steps 4 --threads 2 \
        --out "$dir/$name" "$@" >"$dir/$name.out" 2>"$dir/$name.err"
    same "exit code of the job $name" 0 $?
    out=$(<"$dir/$name.out") report=$dir/$name/report.json
}

# json WHAT FILTER EXPECTED: what jq's filter makes of the report.
json() {
    same "$1" "$3" "$(jq -rc "$2" "$report" 2>&1)"
}

warned() { # WHAT TEXT: the only warning
    same "$1: one warning" 1 "$(jq '.warnings | length' "$report")"
    holds "$1" "$2" "$(jq -r '.warnings[0]' "$report")"
}

# repacked NAME FILES SCRIPT: the drawn set with the records of FILES passed through a Perl script.
repacked() {
    local file
    cp -r "$dir/drawn" "$dir/$1"
    for file in "$dir/$1/$records/"$2; do
        perl -0777 -ne "$3" "$dir/drawn/$records/$(basename "$file")" >"$file"
    done
    set=$dir/$1.tar
    tar -cf "$set" -C "$dir/$1" "$records"
}

set=$dir/set.tar.gz
"$fsnet" draw -o "$set" --train 1000 --test 200 --seed 3 >/dev/null
mkdir "$dir/drawn"
tar -xzf "$set" -C "$dir/drawn"
"$fsnet" new resnet8 -o "$dir/fresh.onnx" >/dev/null
"$fsnet" train "$dir/fresh.onnx" --data "$set" --epochs 10 --batch 32 --lr 0.05 --warmup-steps 20 \
    --threads 2 -o "$dir/base.onnx" --json >"$dir/eval" 2>"$dir/err"
check "the baseline has learnt its task" test "$(jq '.top1 > 50' "$dir/eval")" = true

# ---- layers ------------------------------------------------------------------------------------
compress even --ratio 8 --epochs 1 --distribution even
json "each layer has the error of its output, before training and in the file" \
    '[.layers[] | (.start_output_error, .output_error) | . > 0 and . < 1] | [length, all]' '[18,true]'
json "a layer has lost more of its output than the first, whose input is the image" \
    '.layers | map(.start_output_error) | .[0] == min' true
json "layers to exclude are named, with what each costs alone" '(.layers | map({(.name): .alone_top1_drop}) | add) as $alone |
    .exclude_first | length >= 1 and length <= 3 and all(.alone_top1_drop == $alone[.name] and .added_bytes > 0)' true
holds "... and printed" "to exclude first" "$out"
first=$(jq -r '.exclude_first[0].name' "$report")
json "the first costs most alone" \
    "(.layers | max_by(.alone_divergence).name) == .exclude_first[0].name" true
bytes() { "$fsnet" plan "$dir/base.onnx" --ratio 8 --json "$@" | jq .expected_bytes; }
same "excluding it costs the bytes that the report states" \
    "$(($(bytes --exclude "$first") - $(bytes)))" "$(jq '.exclude_first[0].added_bytes' "$report")"
before=$(jq .compressed.size_bytes "$report")
added=$(jq '.exclude_first[0].added_bytes' "$report")
compress without --ratio 8 --epochs 1 --distribution even --exclude "$first"
json "... which the file without it has, but for constants that are written once" \
    "(.compressed.size_bytes - $before - $added) | fabs < 300" true

compress shared --ratio 1.3 --epochs 1 --least-bits 8
json "what a layer costs alone is measured at the ratio that it got, which is none for some" \
    '[.layers[] | select(.fit_error < 1e-6) | [.alone_top1_drop, (.alone_divergence < 1e-6)]] | unique' '[[0,true]]'
json "so is what of its output is lost before training, if nothing is lost before it" \
    '.layers[0].fit_error < 1e-6 and .layers[0].start_output_error < 1e-4' true
compress fitted --ratio 2 --epochs 0
json "without training the file alone is compared" \
    '[.layers[] | .start_output_error, (.output_error > 0)] | unique' '[null,true]'
json "... and nothing is said of what to exclude" '.exclude_first' '[]'

# ---- traps -------------------------------------------------------------------------------------
compress sound --ratio 2 --epochs 3
json "a sound job is not warned of" '.warnings' '[]'
compress bytes --ratio 2 --epochs 1 --mean 123.7,116.3,103.5 --std 58.4,57.1,57.4
warned "mean and std of 0..255 are told" "mean 123.7 and std 58.4 seem to be of pixels in 0..255"
holds "... in print too" "warning: preprocess.mean 123.7" "$out"
compress unit --ratio 2 --epochs 1 --scale 0..255 --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225
holds "... and those of 0..1" "seem to be of pixels in 0..1" "$(jq -r '.warnings[0]' "$report")"
repacked labels 'data_batch_*' 'for (/.{3073}/gs) { s/^(.)/chr((ord($1) + 1) % 10)/se; print }'
compress labels --ratio 2 --epochs 1
warned "wrong labels of the training images are told" "are the labels of the training images right"
compress labels_alone --ratio 2 --epochs 1 --alpha 0
warned "... without a teacher too" "are the labels of the training images right"
repacked order '*batch*.bin' 'for (/.{3073}/gs) { s/^(.)/chr((ord($1) + 1) % 10)/se; print }'
compress order --ratio 2 --epochs 1
warned "another order of the classes is told" "the order of the classes"
repacked one 'test_batch.bin' 'print grep { ord == 4 } /.{3073}/gs'
compress one --ratio 2 --epochs 1
holds "test images of one class are told" "the test images are of 1 of 10 classes" \
    "$(jq -r '.warnings[0]' "$report")"
set=$dir/set.tar.gz
compress little --ratio 100 --epochs 1 --lr 0.001
warned "a training that ended far below the baseline is told" "training ended with"
finish
