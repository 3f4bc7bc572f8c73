#!/bin/bash
# test_detect_job.sh [BUILD] - a detector is compressed, on the command line and by the service: its report says of
# every file what `fsnet eval` says of it; the same files from both; a sweep; what does not go together.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/fsnet.sh
. tests/support/interrupt.sh

run 0 draw --detection --train 48 --test 12 --seed 3 -o "$dir/boxes.tar.gz"
run 0 draw --train 20 --test 10 --seed 3 -o "$dir/shapes.tar.gz"
run 0 new resnet8 -o "$dir/classifier.onnx"
run 0 new ssd-lite --classes 4 --input-size 96 --seed 1 -o "$dir/fresh.onnx"
# (In one precision whatever the CPU: so few steps end well or not by chance.)
run 0 train "$dir/fresh.onnx" --data "$dir/boxes.tar.gz" --epochs 60 --batch 8 --lr 0.05 --threads 2 --precision float32 \
    -o "$dir/detector.onnx"

# ---- on the command line -----------------------------------------------------------------------
job=(compress "$dir/detector.onnx" --data "$dir/boxes.tar.gz" --epochs 3 --batch 8 --lr 0.02 --ratio 4 --threads 2)
# (One width: which layer gets which of several turns on bytes, and a file with a tail has more of them.)
run 0 "${job[@]}" --least-bits 8 --sharing 0.5 --int8 on --detections nms --holdout 0.2 --out "$dir/one" --json
# Held-back images are judged once the filters are those of the summaries alone.
same "an epoch has a line, without accuracy" "2 0" "$(grep -c '^epoch ./3 .*matched.*held back: loss' <<<"$err") $(grep -c top1 <<<"$err")"
report=$dir/one/report.json
figures='[.map50, .map07, .coco_ap, .coco_ap50, .coco_ap75] | map(. * 1e4 | round)'
measured() { # WHAT FILE PATH_IN_REPORT FIGURES
    run 0 eval "$2" --data "$dir/boxes.tar.gz" --threads 2 --json
    same "$1 is what fsnet eval says of the file" "$(jq -c "$4" <<<"$out")" "$(jq -c "$3 | $4" "$report")"
}
measured "the report's baseline" "$dir/detector.onnx" .baseline "$figures"
measured "the report's file" "$dir/one/model.onnx" .compressed "$figures"
measured "the report's int8 file" "$dir/one/model-int8.onnx" .int8 '[.map50, .coco_ap] | map(. * 1e4 | round)'
of() { jq -c "$1" "$report"; }
same "the task is told" '"detect"' "$(of .task)"
check "the baseline finds something" test "$(of '.baseline.map50 > 5')" = true
same "figures of classifiers are none" '[null,null,null,null,null,null,null,[]]' \
    "$(of '[.baseline.top1, .compressed.loss, .change.top1, .change.top5, .int8.top1, .training[0].train_top1, .confusion, .classes]')"
same "the change is in points" true "$(of '(.change.map50 - (.compressed.map50 - .baseline.map50)) | fabs < 1e-4')"
same "the file is measured in bytes" "$(stat -c %s "$dir/one/model.onnx")" "$(of .compressed.size_bytes)"
check "it is a quarter of the baseline at most" test "$(of '.ratios.disk > 4')" = true
check "the dense file computes the same" test "$(of '.dense.max_difference < 1e-3')" = true
same "the file that finds boxes by itself is told" "$(stat -c %s "$dir/one/model-detections.onnx") true true" \
    "$(of '.with_boxes | "\(.size_bytes) \(.suppressed) \(.max_difference < 1e-5)"' | tr -d '"')"
check "boxes and suppression cost it little" test "$(of '.with_boxes.size_bytes < .compressed.size_bytes + 4000')" = true
run 0 inspect "$dir/one/model-detections.onnx" --json
json "it ends in detections" '[.outputs[].name] | join(" ")' \
    "detection_images detection_classes detection_scores detection_boxes"
same "each class has its figures and curves" '[4,101,101]' \
    "$(of '.detection.classes | [length, (.[0].curves.baseline | length), (.[0].curves.compressed | length)]')"
same "and the objects that there are" "$(of .baseline.objects)" "$(of '[.detection.classes[].objects] | add')"
same "the mean is that of the classes" true \
    "$(of '([.detection.classes[] | select(.objects > 0) | .compressed.ap50] | add / length) - .compressed.map50 | fabs < 1e-3')"
same "some images are drawn" '[8,true,true]' \
    "$(of '.detection | [(.drawn | length), all(.drawn[]; .width > 0 and (.objects | length) > 0), (.drawn_score as $least | all(.drawn[].compressed[].score; . >= $least))]')"
same "as JPEG files" ffd8ff "$(of '.detection.drawn[0].jpeg' | tr -d '"' | base64 -d | head -c 3 | od -An -tx1 | tr -d ' ')"
same "each layer has an error alone and of its output" true \
    "$(of '[.layers[] | select(.layout != "dense")] | all(.alone_divergence >= 0 and .output_error >= 0 and .alone_top1_drop == null)')"
same "the curve has matched boxes" '[3,true,true]' "$(of '.training | [length, all(.matched > 0), .[2].held_loss > 0]')"
same "as has training.csv" "matched 3" "$(head -n 1 "$dir/one/training.csv" | sed 's/.*,//') $(grep -cE ',[0-9.]+$' "$dir/one/training.csv")"
holds "report.html shows precision" "mAP" "$(<"$dir/one/report.html")"

# ---- decoded and suppressed inside ---------------------------------------------------------------
"$build/tail_maker" "$dir/detector.onnx" 96 suppress "$dir/whole.onnx"
job[1]=$dir/whole.onnx
run 0 plan "$dir/whole.onnx"
holds "the plan says where a network is cut" "19 nodes kept as they are, behind raw_boxes, raw_scores" "$out"
run 0 plan "$dir/whole.onnx" --locations raw_boxes
holds "one of the two names is enough" "behind raw_boxes, raw_scores" "$out"
run 1 plan "$dir/whole.onnx" --confidences raw_boxes
holds "a name in the wrong place is said once, without classes" \
    "[N,boxes,4] and [N,boxes,classes + 1], the background first, and 'raw_boxes' is named" "$err"
run 0 plan "$dir/detector.onnx" --distill-outputs locations
run 0 "${job[@]}" --least-bits 8 --sharing 0.5 --int8 on --detections decode --holdout 0.2 --out "$dir/cut"
job[1]=$dir/detector.onnx
for side in baseline compressed int8; do
    same "the $side of a network that goes on behind is that of the raw one" \
        "$(jq -c ".$side | [.map50, .coco_ap]" "$dir/one/report.json")" "$(jq -c ".$side | [.map50, .coco_ap]" "$dir/cut/report.json")"
done
same "the report says where it was cut, and that the files agree behind" '[["raw_boxes","raw_scores"],19,3,4,true,true]' \
    "$(jq -c '.cut | [.values, .tail_nodes, .outputs.compared, .outputs.images, .outputs.same_shapes, .outputs.max_difference < 1e-3]' "$dir/cut/report.json")"
same "a network that ends in its raw outputs is not cut" null "$(of .cut)"
holds "report.html says it too" "the 19 nodes behind are in the files as they were" "$(<"$dir/cut/report.html")"
for file in model model-dense model-int8; do
    run 0 inspect "$dir/cut/$file.onnx" --json
    same "$file.onnx has the outputs of the upload" '["chosen","kept","kept_scores"]' "$(jq -c '[.outputs[].name]' <<<"$out")"
    same "$file.onnx still suppresses" 1 "$(jq .operators.NonMaxSuppression <<<"$out")"
done
run 0 inspect "$dir/cut/model-detections.onnx" --json
json "a file with boxes has them in place of what the upload made of its raw outputs" '[([.outputs[].name] | join(" ")), .operators.NonMaxSuppression]' \
    '["detection_boxes detection_scores",null]'
run 0 eval "$dir/cut/model.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json --locations raw_boxes --confidences raw_scores
same "its raw values are found by their names" "$(jq -c ".compressed | $figures" "$dir/cut/report.json")" "$(jq -c "$figures" <<<"$out")"
run 0 compress "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --epochs 0 --ratio 4 --threads 2 --out "$dir/values" \
    --task distill --distill-outputs '["raw_boxes", {"name": "raw_scores", "loss": "kl"}]'
same "values inside are distilled" '["raw_boxes","raw_scores",19,true]' \
    "$(jq -c '[.outputs[].name, .cut.tail_nodes, all(.outputs[]; .error > 0)]' "$dir/values/report.json")"
run 1 compress "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --out "$dir/none" --locations chosen
holds "what cannot be a raw output is told what can" "and inside it 'raw_boxes' float32 [N," "$err"

# What only decoding reads is no part of the cut network, nor, under its name, of the files; the job knows it.
tensors='{"tensor": ["centres", "sizes"]}'
run 0 eval "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json
rule=$(jq -c "$figures" <<<"$out")
run 0 eval "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --threads 2 --json --default-boxes "$tensors"
same "default boxes by tensors of the model are those of the rule" "$rule" "$(jq -c "$figures" <<<"$out")"
run 0 compress "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --epochs 0 --ratio 4 --threads 2 --out "$dir/by-tensors" --default-boxes "$tensors"
same "a job measures by them" "$rule" "$(jq -c ".baseline | $figures" "$dir/by-tensors/report.json")"
same "the report says so" '["centres","sizes"]' "$(jq -c .spec.detection.default_boxes.tensor "$dir/by-tensors/report.json")"
run 1 eval "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --default-boxes '{"tensor": "centres"}'
boxes=$(jq -n '12*12*4+6*6*6+3*3*6+2*2*4')
holds "half of them is refused" "'centres' is [$boxes,2], the network needs [$boxes,4]" "$err"
run 1 eval "$dir/whole.onnx" --data "$dir/boxes.tar.gz" --default-boxes '{"tensor": ["centres", "sizes"], "form": "corner"}'
holds "boxes without area too" "has no area as corners in fractions of the image" "$err"

# ---- interrupted -------------------------------------------------------------------------------
long=("${job[@]}" --epochs 6)
run 0 "${long[@]}" --out "$dir/whole"
interrupt 1 'epoch 2/6' "$dir/broken.err" "$dir/broken $dir/broken.checkpoint" \
    "$fsnet" "${long[@]}" --out "$dir/broken" --checkpoint "$dir/broken.checkpoint"
same "the job was interrupted in its midst" "yes 1" "$reached $code"
run 0 "${long[@]}" --out "$dir/broken" --checkpoint "$dir/broken.checkpoint"
check "what was interrupted ends with the same bytes" cmp "$dir/whole/model.onnx" "$dir/broken/model.onnx"

# ---- several files -----------------------------------------------------------------------------
run 0 "${job[@]}" --sweep-bits 3,8 --out "$dir/swept"
report=$dir/swept/report.json
same "files of a sweep are judged by precision" '[2,true,true]' \
    "$(of '.search.candidates | [length, all(.map50 >= 0), all(.top1 == null and .drop_error == null)]')"
same "against the baseline's on the same images" true \
    "$(of '.search as $s | all($s.candidates[]; (.map50 + .drop - $s.selection.baseline_map50) | fabs < 1e-3)')"
same "the others say what was chosen" '[12,true,true]' \
    "$(of '.search | [.selection.images + .unseen.images, (.unseen.map50 >= 0), ((.unseen.baseline_map50 - .unseen.map50 - .unseen.drop) | fabs < 1e-3)]')"
run 0 "${job[@]}" --epochs 1 --max-accuracy-drop 90 --search-candidates 2 --out "$dir/found"
same "a search holds what may be lost of the precision" '[90,true]' "$(jq -c '.search | [.max_accuracy_drop, .holds]' "$dir/found/report.json")"

# ---- by the service ----------------------------------------------------------------------------
start --workers 1
upload models "$dir/detector.onnx"
model=$id
upload models "$dir/classifier.onnx"
classifier=$id
upload datasets "$dir/boxes.tar.gz"
dataset=$id
upload datasets "$dir/shapes.tar.gz"
shapes=$id
spec='{"finetune": {"epochs": 3, "batch_size": 8, "lr": 0.02, "holdout": 0.2, "sharing": 0.5}, "quantize": {"least_bits": 8}, "files": {"int8": "on", "detections": "nms"}, "threads": 2}'
order "$spec"
finishes succeeded
artifact model.onnx "$dir/served.onnx"
check "the service makes the same file" cmp "$dir/one/model.onnx" "$dir/served.onnx"
artifact model-detections.onnx "$dir/served.onnx"
check "and the same one with suppression" cmp "$dir/one/model-detections.onnx" "$dir/served.onnx"
call GET "/v1/jobs/$job/report"
same "with the same report" "$(jq -cS '[.task, .compressed, .detection]' "$dir/one/report.json" | sha256sum)" \
    "$(jq -cS '[.task, .compressed, .detection]' "$dir/body" | sha256sum)"
call GET "/v1/jobs/$job/metrics"
same "each epoch says how many boxes were matched" '[3,true,true]' \
    "$(field '[(.items | length), all(.items[]; .matched > 0), all(.items[]; .train_top1 == null)] | tojson')"

# ---- what it finds in single images --------------------------------------------------------------
report=$dir/one/report.json
# Detections of each class in all test images, as the service's answer has them.
found() { field '[.items[].objects[].class] as $all | [range(4) as $c | [$all[] | select(. == $c)] | length] | tojson'; }
call POST "/v1/jobs/$job/artifacts/model.onnx/predict?dataset_id=$dataset&index=0-11"
same "what a file finds in the test images is what its precision was computed of" \
    "$(of '[.detection.classes[].compressed.detections]')" "$(found)"
same "boxes lie in the images, the best come first" true \
    "$(field 'all(.items[]; .width as $w | .height as $h | (.objects | map(-.score) | . == sort) and
        all(.objects[]; .box[0] >= 0 and .box[0] <= .box[2] and .box[2] <= $w and .box[1] >= 0 and .box[1] <= .box[3] and .box[3] <= $h))')"
same "classes have their names" true \
    "$(field "([.items[].objects[].name] | unique) - $(of '[.detection.classes[].name]') == []")"
same "it says how it was judged" '["detect",0.45,200,4]' "$(field '[.task, .detection.iou, .detection.keep, .classes] | tojson')"
call POST "/v1/jobs/$job/artifacts/model-detections.onnx/predict?dataset_id=$dataset&index=0-11"
same "a file that suppresses by itself is looked at where its raw outputs are" \
    "$(of '[.detection.classes[].compressed.detections]')" "$(found)"
call POST "/v1/models/$model/predict?dataset_id=$dataset&index=0-11"
same "so is what the baseline finds" "$(of '[.detection.classes[].baseline.detections]')" "$(found)"
tar -xzf "$dir/boxes.tar.gz" -O shapes/JPEGImages/test-000003.png >"$dir/photo.png"
call POST "/v1/models/$model/predict?keep=3&score=0.05" --data-binary "@$dir/photo.png"
same "fewer may be asked for" "200 true" "$status $(field '.items[0].objects | length <= 3 and all(.[]; .score > 0.05)')"
run 0 predict "$dir/detector.onnx" "$dir/photo.png" --keep 3 --score 0.05 --json
same "fsnet predict finds the same" "$(field '[.items[0].objects[] | [.class, (.score * 1e6 | round)]] | tojson')" \
    "$(jq -c '[.items[0].objects[] | [.class, (.score * 1e6 | round)]]' <<<"$out")"
run 0 predict "$dir/detector.onnx" "$dir/photo.png" --keep 1 --data "$dir/boxes.tar.gz"
one_line='^  [01]\.[0-9]{3}  class [0-3]  [a-z]+  from [0-9.]+, [0-9.]+ to [0-9.]+, [0-9.]+$'
same "and prints them, one a line" 1 "$(grep -cE "$one_line" <<<"$out")"
call POST "/v1/models/$model/predict?k=3" --data-binary "@$dir/photo.png"
refused "what is asked of classifiers" 400 bad-query "k: the network finds objects"
call POST "/v1/models/$classifier/predict?iou=0.3" --data-binary "@$dir/photo.png"
refused "what is asked of detectors" 400 bad-query "iou: the network classifies images"
call POST "/v1/models/$model/predict?score=nan" --data-binary "@$dir/photo.png"
refused "a score that is no number" 400 bad-query "score: "
call POST "/v1/models/$model/predict?keep=0" --data-binary "@$dir/photo.png"
refused "all objects at once" 400 bad-query "keep: expected a whole number from 1 to 1000, got 0"
call POST "/v1/models/$model/predict?default_boxes=%7B%22maps%22%3A%5B%7B%7D%5D%7D" --data-binary "@$dir/photo.png"
refused "a rule without sizes" 400 bad-query "default_boxes/maps/0/"
run 1 predict "$dir/detector.onnx" "$dir/photo.png" --top 3
holds "fsnet predict refuses what is for classifiers" "--top: the network finds objects" "$err"
run 1 predict "$dir/detector.onnx" "$dir/photo.png" --task classify
holds "and takes the task that is stated" "outputs gives one score a class" "$err"
call POST "/v1/models/$model/predict?default_boxes=ssd300" --data-binary "@$dir/photo.png"
refused "default boxes of another network" 422 data-mismatch "the network takes 96 x 96"

refused_order() { # WHAT MODEL DATASET JSON POINTER TEXT
    call POST /v1/jobs -d "$(jq -nc --arg m "$2" --arg d "$3" --argjson more "$4" '{model_id: $m, dataset_id: $d} + $more')"
    refused "$1" 422 invalid-spec "$6"
    same "$1: the fault has its place" "$5" "$(field '[.errors[].pointer] | join(" ")')"
}
refused_order "a classifier on boxes" "$classifier" "$dataset" '{}' /model_id "a detector has outputs float32 [N,boxes,4]"
refused_order "a detector on classes" "$model" "$shapes" '{}' "/dataset_id /model_id" "none of the network's outputs gives one score a class"
refused_order "boxes of a classifier" "$classifier" "$shapes" '{"files": {"detections": "decode"}}' /files/detections "is for detectors"
refused_order "what is for classifiers" "$model" "$dataset" \
    '{"finetune": {"mixup": 0.2, "label_smoothing": 0.1, "augment": ["crop", "cutout"], "distill": {"feature": 0.5}}}' \
    "/finetune/mixup /finetune/label_smoothing /finetune/augment /finetune/distill/feature" "is for classifiers"
refused_order "padding and a side before a crop" "$model" "$dataset" \
    '{"finetune": {"crop_padding": 2}, "preprocess": {"resize": 120}}' "/finetune/crop_padding /preprocess/resize" "is for classifiers"
refused_order "suppression where there are classes" "$classifier" "$shapes" \
    '{"detection": {"iou": 0.5, "default_boxes": "ssd-lite"}}' "/detection/default_boxes /detection/iou" "the data set has no boxes"
refused_order "two roles for one output" "$model" "$dataset" '{"detection": {"confidences": "locations"}}' \
    /detection/confidences "[N,boxes,5] for the data set's 4 classes and the background, and 'locations' is named"
upload models "$dir/whole.onnx"
whole=$id
model=$whole
order "$(jq -c '.finetune.epochs = 0' <<<"$spec")"
finishes succeeded
call GET "/v1/jobs/$job"
same "the plan of a job says where it is cut" '["raw_boxes","raw_scores"]' "$(field '.plan.cut.values | tojson')"
refused_order "a value that is not there" "$whole" "$dataset" '{"detection": {"locations": "raw_box", "confidences": "raw_scores"}}' \
    /detection/locations "and inside it 'raw_boxes'"
refused_order "default boxes of another size" "$model" "$dataset" '{"detection": {"default_boxes": "ssd300"}}' \
    /detection/default_boxes "for images of 300 x 300; the network takes 96 x 96"
refused_order "default boxes that the model does not have" "$model" "$dataset" '{"detection": {"default_boxes": {"tensor": "priors"}}}' \
    /detection/default_boxes "the network has no constant 'priors'"

finish
