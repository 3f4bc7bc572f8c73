#!/bin/bash
# test_detect_train.sh [BUILD] - a detector is trained on the command line: from a drawn set and fresh weights
# to a file that is measured, the same bytes again and after an interruption, and what is refused.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
. tests/support/fsnet.sh
. tests/support/interrupt.sh
build=${1:-build}
fsnet=$build/fsnet
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

run 0 draw --detection --train 40 --test 10 --seed 3 -o "$dir/boxes.tar.gz"
run 0 draw --train 20 --test 10 --seed 3 -o "$dir/classes.tar.gz"
run 0 new ssd-lite --classes 4 --input-size 96 --seed 1 -o "$dir/fresh.onnx"
run 0 new resnet8 -o "$dir/classifier.onnx"

# ---- training --------------------------------------------------------------------------------
train=(train "$dir/fresh.onnx" --data "$dir/boxes.tar.gz" --epochs 2 --batch 8 --lr 0.01 --threads 2)
run 0 "${train[@]}" --holdout 0.2 -o "$dir/one.onnx" --json
json "the figures are those of detectors" 'keys' '["coco_ap","coco_ap50","coco_ap75","images","map07","map50","model"]'
json "on the test images" '.images' 10
figures=$(jq -c '[.map50, .map07, .coco_ap, .coco_ap50, .coco_ap75]' <<<"$out")
same "an epoch has a line" 2 "$(grep -c '^epoch ./2 ' <<<"$err")"
same "which says loss, matched boxes and the loss of held-back images" 2 \
    "$(grep -cE 'loss [0-9.]+  matched [0-9.]+ boxes/img  held back: loss [0-9.]+  [0-9]+ img/s' <<<"$err")"
same "no accuracy is told" "" "$(grep top1 <<<"$err")"
run 0 eval "$dir/one.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json
json "the file is the network that was measured" '[.map50, .map07, .coco_ap, .coco_ap50, .coco_ap75]' "$figures"
run 0 inspect "$dir/one.onnx" --json
json "it keeps both outputs" '[.outputs[].name]' '["locations","confidences"]'
check "its weights have changed" test "$(cmp "$dir/fresh.onnx" "$dir/one.onnx" 2>&1 | wc -l)" -gt 0
run 0 "${train[@]}" --holdout 0.2 -o "$dir/again.onnx"
holds "mean precision is printed" "mAP@.5 " "$out"
check "the same command gives the same bytes" cmp "$dir/one.onnx" "$dir/again.onnx"
run 0 "${train[@]}" --augment "" -o "$dir/plain.onnx"
check "without augmentation it is another network" test "$(cmp "$dir/one.onnx" "$dir/plain.onnx" 2>&1 | wc -l)" -gt 0

# ---- interruption ----------------------------------------------------------------------------
long=("${train[@]}" --epochs 15)
run 0 "${long[@]}" -o "$dir/whole.onnx"
interrupt 1 'epoch 2/15' "$dir/cut.err" "$dir/cut.onnx $dir/cut.checkpoint" \
    "$fsnet" "${long[@]}" -o "$dir/cut.onnx" --checkpoint "$dir/cut.checkpoint"
same "training was interrupted in its midst" "yes 1" "$reached $code"
run 0 "${long[@]}" -o "$dir/cut.onnx" --checkpoint "$dir/cut.checkpoint"
check "some epochs were there" test "$(grep -c '^epoch' <<<"$err")" -lt 15
check "what was interrupted ends with the same bytes" cmp "$dir/whole.onnx" "$dir/cut.onnx"
run 1 "${long[@]}" -o "$dir/cut.onnx" --checkpoint "$dir/cut.checkpoint" --seed 9
holds "a checkpoint of another seed is another run's" "belongs to another run" "$err"

# ---- what does not go together ---------------------------------------------------------------
run 1 train "$dir/classifier.onnx" --data "$dir/boxes.tar.gz" -o "$dir/x.onnx"
holds "a classifier on boxes is told what a detector has" "a detector has outputs float32 [N,boxes,4]" "$err"
run 1 train "$dir/fresh.onnx" --data "$dir/classes.tar.gz" -o "$dir/x.onnx"
holds "a detector on classes is told what a classifier has" "none of the network's outputs gives one score a class" "$err"
run 1 "${train[@]}" --mixup 0.2 -o "$dir/x.onnx"
holds "mixup is for classifiers" "--mixup: is for classifiers" "$err"
run 1 "${train[@]}" --crop-padding 2 -o "$dir/x.onnx"
holds "so is padding" "--crop-padding: is for classifiers" "$err"
printf '{"output": "locations", "preprocess": {"resize": 120}}' >"$dir/spec.json"
run 1 "${train[@]}" --spec "$dir/spec.json" -o "$dir/x.onnx"
holds "an output of class scores too" "--output: is for classifiers" "$err"
holds "and a shorter side before a crop" "--resize: is for classifiers; the data set has boxes" "$err"
run 1 new ssd-lite --width 8 -o "$dir/x.onnx"
holds "what an architecture has not is not chosen" "ssd-lite: has no width to choose, got 8" "$err"
run 1 "${train[@]}" --default-boxes ssd300 -o "$dir/x.onnx"
holds "boxes for another size are refused" "for images of 300 x 300; the network takes 96 x 96" "$err"
check "nothing was written" test ! -e "$dir/x.onnx"

# ---- a test split in which no object counts ----------------------------------------------------
mkdir "$dir/unseen" && tar -xf "$dir/boxes.tar.gz" -C "$dir/unseen"
while read -r name; do
    sed -i 's/<difficult>0/<difficult>1/' "$(find "$dir/unseen" -name "$name.xml")"
done <"$(find "$dir/unseen" -path '*/Main/test.txt')"
run 0 train "$dir/fresh.onnx" --data "$dir/unseen" --epochs 1 --batch 8 --lr 0.001 --threads 2 -o "$dir/unseen.onnx"
same "has no mAP" "mAP@.5 -, COCO AP - on 10 test images" "${out#*: }"

# ---- a train split in which no object counts ---------------------------------------------------
while read -r name; do
    sed -i 's/<difficult>0/<difficult>1/' "$(find "$dir/unseen" -name "$name.xml")"
done <"$(find "$dir/unseen" -path '*/Main/train.txt')"
run 1 train "$dir/fresh.onnx" --data "$dir/unseen" --epochs 1 --batch 8 -o "$dir/x.onnx"
holds "has nothing to train with" "no countable object in 40 train images: all " "$err"
run 0 compress "$dir/fresh.onnx" --data "$dir/unseen" --epochs 0 --ratio 4 --threads 2 --out "$dir/unmeasured"
holds "a job that does not train says that nothing is measured" "no object of the test images counts" \
    "$(jq -r '.warnings[]' "$dir/unmeasured/report.json")"
run 1 compress "$dir/fresh.onnx" --data "$dir/unseen" --epochs 0 --max-accuracy-drop 1 --out "$dir/x"
holds "and none can search by it" "no countable object in 10 test images" "$err"

finish
