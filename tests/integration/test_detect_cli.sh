#!/bin/bash
# test_detect_cli.sh [BUILD] - detectors on the command line: fsnet eval on a drawn set with boxes, its
# figures and its table, and what it says of networks and data sets that do not go together.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
. tests/support/fsnet.sh
build=${1:-build}
fsnet=$build/fsnet
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

run 0 draw --detection --train 6 --test 4 --seed 3 -o "$dir/boxes.tar.gz"
run 0 draw --train 20 --test 10 --seed 3 -o "$dir/classes.tar.gz"
run 0 data "$dir/boxes.tar.gz" --json
classes=$(jq .classes <<<"$out")
test_objects=$(jq '.splits.test.objects | .count - .difficult' <<<"$out")
run 0 new ssd-lite --classes "$classes" --input-size 96 --seed 1 -o "$dir/detector.onnx"
run 0 new ssd-lite --classes 9 --input-size 96 --seed 1 -o "$dir/other.onnx"
run 0 new resnet20 -o "$dir/classifier.onnx"

# ---- figures ---------------------------------------------------------------------------------
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json
json "the images are those of the test split" '[.split, .images]' '["test",4]'
json "all objects that count are counted" '.objects' "$test_objects"
json "there is a row for each class" '.classes | length' "$classes"
json "objects of the classes are those of the whole" '(.classes | map(.objects) | add) == .objects' true
json "detections too" '(.classes | map(.detections) | add) == .detections' true
json "figures are per cent" '[.map50, .map07, .coco_ap, .coco_ap50, .coco_ap75] | all(. >= 0 and . <= 100)' true
json "COCO's mean is at most that at an overlap of a half" '.coco_ap <= .coco_ap50' true
json "mAP is the mean over the classes" \
    '([.classes[].ap50 | select(. != null)] | add / length) - .map50 | fabs < 1e-9' true
whole=$(jq -c 'del(.seconds)' <<<"$out")
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --task detect --default-boxes ssd-lite \
    --locations locations --confidences confidences --threads 1 --json
json "what is found by itself is what the names say, on any number of threads" 'del(.seconds, .detections) == ('"$whole"' | del(.detections))' true
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --split train --threads 2 --json
json "--split train reads the other images" '.images' 6
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --score 0.01 --keep 3 --threads 2 --json
json "--keep bounds the detections of an image" '.detections <= 12' true
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --score 1 --threads 2 --json
json "no score is above 1" '[.detections, .map50]' '[0,0]'
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --threads 2
holds "the figures are printed" "mAP@.5 " "$out"
holds "of COCO too" "COCO AP " "$out"
holds "and the table has a heading" "detections" "$out"
same "and a row for each class" "$classes" "$(tail -n "$classes" <<<"$out" | grep -c '%')"

# ---- what was left out -----------------------------------------------------------------------
same "nothing is said of a set that is taken as it is" 0 "$(grep -c note <<<"$err")"
mkdir "$dir/bad"
tar xf "$dir/boxes.tar.gz" -C "$dir/bad"
first=$(find "$dir/bad" -name 'test-*.xml' | sort | head -1)
sed -i '0,/<xmax>[0-9]*/s//<xmax>9999/' "$first"
run 0 eval "$dir/detector.onnx" --data "$dir/bad" --threads 2 --json
holds "a box that was left out is told" "fsnet eval: note: boxes left out: 1; the first: " "$err"
holds "with its image and its fault" "$(basename "$first" .xml).png: '" "$err"
run 0 compress "$dir/detector.onnx" --data "$dir/bad" --epochs 0 --threads 2 -o "$dir/job"
holds "a job warns of it" "1 boxes of the data set cannot be used and were left out; the first, of '" \
    "$(jq -r '.warnings[]' "$dir/job/report.json")"
find "$dir/bad" -name test.txt -delete
run 0 train "$dir/detector.onnx" --data "$dir/bad" --epochs 1 --batch 2 --threads 2 -o "$dir/trained.onnx"
holds "and a test split that was made" \
    "fsnet train: note: the data set has no test images; a tenth of its train images is the test" "$err"
find "$dir/bad" -name train.txt -execdir mv {} test.txt ';'
run 1 train "$dir/detector.onnx" --data "$dir/bad" --epochs 1 -o "$dir/trained.onnx"
holds "a test list alone is nothing to train on" "the data set has no train images" "$err"
run 0 eval "$dir/detector.onnx" --data "$dir/bad" --threads 2 --json
json "but to measure on" .images 6

# ---- the rule of the boxes -------------------------------------------------------------------
cat >"$dir/spec.json" <<'END'
{"detection": {"default_boxes": {"maps": [
    {"size": 12, "step": 8, "min_size": 9.6, "max_size": 19.2, "ratios": [2]},
    {"size": [6, 6], "step": 16, "min_size": 19.2, "max_size": 38.4, "ratios": [2, 3]},
    {"size": 3, "step": 32, "min_size": 38.4, "max_size": 76.8, "ratios": [2, 3]},
    {"size": 2, "step": 64, "min_size": 76.8, "max_size": 100.8, "ratios": [2]}]}}}
END
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --spec "$dir/spec.json" --threads 2 --json
json "ssd-lite's rule written out is the same" "del(.seconds) == $whole" true
run 0 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json \
    --default-boxes "$(jq -c .detection.default_boxes "$dir/spec.json")"
json "on the command line too" "del(.seconds) == $whole" true
run 1 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --default-boxes ssd300
holds "boxes for another size are refused" "for images of 300 x 300; the network takes 96 x 96" "$err"
run 1 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" \
    --default-boxes '{"maps": [{"size": 3, "step": 32, "min_size": 20}]}'
holds "another number of boxes is refused" "gives 9 boxes for images of 96 x 96, the network has" "$err"
run 2 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --default-boxes ssd512
holds "an unknown rule is named" "must be one of auto|ssd300|ssd-lite" "$err"
run 2 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" \
    --default-boxes '{"maps": [{"size": 3, "step": 32}], "clip": 2}'
holds "a fault of a rule is named at its place" "--default-boxes at /maps/0/min_size: is missing" "$err"
holds "all faults at once" "--default-boxes at /clip: must be true or false, got 2" "$err"
run 2 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --iou 1.5
holds "a bound is named" "must be 0 to 1, got 1.5" "$err"

# ---- what does not go together ---------------------------------------------------------------
run 1 eval "$dir/classifier.onnx" --data "$dir/boxes.tar.gz"
holds "a classifier on boxes is told what a detector has" "a detector has outputs float32 [N,boxes,4]" "$err"
run 1 eval "$dir/classifier.onnx" --data "$dir/boxes.tar.gz" --task classify
holds "boxes are no classes of images" "the data set is one of boxes (voc)" "$err"
run 1 eval "$dir/detector.onnx" --data "$dir/classes.tar.gz"
holds "a detector on classes is told what a classifier has" "none of the network's outputs gives one score a class" "$err"
run 1 eval "$dir/detector.onnx" --data "$dir/classes.tar.gz" --task detect
holds "classes of images are no boxes" "the data set has no boxes (cifar10)" "$err"
run 1 eval "$dir/other.onnx" --data "$dir/boxes.tar.gz"
holds "other classes are counted" "9 classes and the background, the data set has $classes" "$err"
run 1 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --locations boxes
holds "an output that is not there is named, with those that are" "has no output 'boxes'; it has 'locations'" "$err"
run 2 eval "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --task paint
holds "a task is one of those that there are" "--task must be one of auto|classify|detect|segment" "$err"

finish
