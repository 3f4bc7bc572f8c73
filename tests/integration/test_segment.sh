#!/bin/bash
# test_segment.sh [BUILD] - segmentation from a drawn set to a compressed file, on the command line and as a
# job of the service: what a set of masks is, training, mean IoU, and what is refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/fsnet.sh
start --workers 1

# ---- data -------------------------------------------------------------------------------------
run 0 draw --masks --train 64 --test 16 --seed 3 -o "$dir/set.tar.gz"
run 0 data "$dir/set.tar.gz" --json
json "a set of masks is known by its folders" '[.format, .classes, .class_names[0], .splits.train.images]' \
    '["masks",5,"background",64]'
json "pixels of each class are counted, and those of none" \
    '[.splits[] | (.per_class | add) == .pixels.labelled and .pixels.void > 0] | all' true
json "every pixel is one or the other" '.splits.test.pixels | .labelled + .void' $((16 * 96 * 96))
run 0 data "$dir/set.tar.gz"
holds "it is said what it is for" "a set of masks, for segmentation" "$out"
run 2 draw --masks --detection -o "$dir/both.tar.gz"
holds "two kinds at once are refused" "give one of them" "$err"

# ---- training and measuring -------------------------------------------------------------------
run 0 new unet --classes 5 --input-size 48 --width 6 --seed 1 -o "$dir/fresh.onnx"
train=(train "$dir/fresh.onnx" --data "$dir/set.tar.gz" --batch 4 --lr 0.1 --warmup-steps 20 --threads 2 --crop-padding 2)
run 0 "${train[@]}" --epochs 14 -o "$dir/unet.onnx" --json
json "its figures are those of pixels" 'keys' '["images","miou","model","pixel_accuracy"]'
miou=$(jq .miou <<<"$out")
same "classes are told apart" true "$(jq -n "$miou > 35")"
run 0 eval "$dir/unet.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "the file is the network that was measured" '.miou' "$miou"
json "each class has its IoU, and mIoU is their mean" \
    '(([.classes[].iou] | add / length) - .miou) | fabs < 0.001' true
json "pixels without a class do not count" '.pixels + .void' $((16 * 48 * 48))
run 0 eval "$dir/unet.onnx" --data "$dir/set.tar.gz" --threads 2
check "the table has a row for each class" grep -qE '^background +[0-9,]+ +[0-9,]+ +[0-9.]+ %' <<<"$out"
run 0 "${train[@]}" --epochs 1 -o "$dir/a.onnx"
run 0 "${train[@]}" --epochs 1 -o "$dir/b.onnx"
holds "mean IoU is printed" "mIoU " "$out"
check "the same command gives the same bytes" cmp "$dir/a.onnx" "$dir/b.onnx"
run 1 eval "$dir/unet.onnx" --data "$dir/set.tar.gz" --task classify
holds "masks are no classes of images" "whose classes are of pixels" "$err"
run 1 eval "$dir/unet.onnx" --data "$dir/set.tar.gz" --output nowhere
holds "an output that is not there is named" "the network has no 'nowhere'" "$err"

# ---- a job ------------------------------------------------------------------------------------
compress=(compress "$dir/unet.onnx" --data "$dir/set.tar.gz" --ratio 4 --batch 4 --epochs 10 --lr 0.15
    --warmup-steps 10 --clip-norm 1 --threads 2)
run 0 "${compress[@]}" --crop-padding 2 --int8 on -o "$dir/job"
holds "mean IoU of both is told" "mIoU %" "$out"
check "and the IoU of each class" grep -qE '^disc +[0-9,]+ +[0-9.]+ % +[0-9.]+ %' <<<"$out"
report=$dir/job/report.json
same "masks are distilled on" '["distill","scores"]' "$(jq -c '[.task, .outputs[0].name]' "$report")"
same "the baseline is the file that was measured" true "$(jq "(.baseline.miou - $miou) | fabs < 1e-6" "$report")"
same "the compressed file is near to it" true "$(jq '.compressed.miou > .baseline.miou - 10' "$report")"
run 0 eval "$dir/job/model.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "the figure is that of the file" "(.miou - $(jq .compressed.miou "$report")) | fabs < 1e-6" true
same "classes stand side by side" '["disc","number","number","number"]' "$(jq -c '.segmentation.classes[1] |
    [.name, (.baseline.iou | type), (.compressed.iou | type), (.change | type)]' "$report")"
same "the file of 8-bit integers is measured too" number "$(jq -r '.int8.miou | type' "$report")"
same "figures of other tasks are not there" '[null,null,null]' \
    "$(jq -c '[.baseline.top1, .compressed.map50, .detection]' "$report")"
check "the page has a table of classes" grep -q "IoU by class" "$dir/job/report.html"
run 1 "${compress[@]}" --task classify -o "$dir/refused"
holds "a job of classes is refused" "the data set is one of masks" "$err"

# ---- the service ------------------------------------------------------------------------------
upload datasets "$dir/set.tar.gz"
dataset=$id
call GET "/v1/datasets/$dataset"
same "an upload is known for masks" '["masks",5]' "$(field '[.format, .summary.classes]' | tr -d ' \n')"
upload models "$dir/unet.onnx"
model=$id
order '{"task": "distill", "output": "scores", "filter_summary": {"ratio": 4},
    "finetune": {"epochs": 0}, "threads": 2}'
finishes succeeded
call GET "/v1/jobs/$job/report"
same "the service's job measures the same baseline" true "$(field "(.baseline.miou - $miou) | fabs < 1e-6")"
order '{"output": "scores", "finetune": {"epochs": 0}, "threads": 2}'
finishes succeeded
call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" '{model_id: $m, dataset_id: $d, preprocess: {resize: 60}}')"
refused "masks are brought to the input as a whole" 422 invalid-spec "the data set has masks"
order '{"sweep": {"ratio": [2, 6]}, "finetune": {"epochs": 0}, "budget": {"max_accuracy_drop": 99}, "threads": 2}'
finishes succeeded
call GET "/v1/jobs/$job/candidates"
same "files of a sweep are judged by mean IoU" '[["number","number"],[null,null],[true,true]]' \
    "$(field '[[.items[].miou | type], [.items[].agreement], [.items[].holds]]' | tr -d ' \n')"
call GET "/v1/jobs/$job/report"
same "the smallest that holds is chosen, and told on other images" '[1,"number","number"]' \
    "$(field '[.search.chosen, (.search.unseen | (.miou | type), (.baseline_miou | type))]' | tr -d ' \n')"
call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" \
    '{model_id: $m, dataset_id: $d, task: "distill", output: "nowhere"}')"
refused "a class map that is not there" 422 invalid-spec "the network has no 'nowhere'"
mkdir -p "$dir/bad/images" "$dir/bad/masks"
tar -xf "$dir/set.tar.gz" -C "$dir" shapes/images/test/000000.png shapes/masks/test/000000.png
cp "$dir/shapes/images/test/000000.png" "$dir/bad/images/a.png"
cp "$dir/shapes/masks/test/000000.png" "$dir/bad/masks/b.png"
tar -cf "$dir/bad.tar" -C "$dir/bad" .
call POST "/v1/datasets" --data-binary "@$dir/bad.tar" -H 'Content-Type: application/octet-stream'
refused "an image without its mask" 422 malformed "images/a.png has no mask: expected one called 'a' in masks/"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
