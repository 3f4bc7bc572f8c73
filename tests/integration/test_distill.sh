#!/bin/bash
# test_distill.sh [BUILD] - a network whose outputs mean anything is compressed on images without labels, on
# the command line and as a job of the service; what the report says of its outputs; what is refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
start --workers 1

# ---- a network of two outputs, and images of no kind ------------------------------------------
"$fsnet" new ssd-lite --input-size 64 --classes 3 --seed 1 -o "$dir/two.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
"$build/photo_maker" "$dir/classes.zip" 60 0
mkdir "$dir/classes" "$dir/flat"
bsdtar -xf "$dir/classes.zip" -C "$dir/classes" 2>/dev/null || python3 -m zipfile -e "$dir/classes.zip" "$dir/classes"
find "$dir/classes" -type f | sort | while read -r file; do
    cp "$file" "$dir/flat/$(basename "$(dirname "$file")")-$(basename "$file")"
done
tar -cf "$dir/flat.tar" -C "$dir/flat" .
options=(--epochs 2 --batch 16 --ratio 2 --lr 0.01 --clip-norm 1 --warmup-steps 1 --threads 2)

"$fsnet" compress "$dir/two.onnx" --data "$dir/flat.tar" -o "$dir/a" "${options[@]}" >"$dir/text" 2>"$dir/err" ||
    cat "$dir/err"
report=$dir/a/report.json
same "without labels a job distills" '"distill"' "$(jq .task "$report")"
same "all outputs follow, each by what fits it" "locations mse confidences mse" \
    "$(jq -r '[.outputs[] | "\(.name) \(.loss)"] | join(" ")' "$report")"
same "errors are told before fine-tuning and after" true \
    "$(jq '[.outputs[] | .start_error, .error | type == "number" and . > 0] | all' "$report")"
same "fine-tuning mends outputs" true "$(jq '[.outputs[] | .error < .start_error] | all' "$report")"
same "there are no figures of labels" '[null,null,[],null,null]' \
    "$(jq -c '[.baseline.top1, .compressed.map50, .classes, .confusion, .detection]' "$report")"
same "the file is smaller" true "$(jq '.compressed.size_bytes < .baseline.size_bytes / 1.5' "$report")"
check "the command line shows the errors" grep -qE '^locations +mse +[0-9.]+ +[0-9.]+$' "$dir/text"
check "the page is there" test -s "$dir/a/report.html"

"$fsnet" compress "$dir/two.onnx" --data "$dir/flat.tar" -o "$dir/b" "${options[@]}" >"$dir/text" 2>"$dir/err"
check "the same job gives the same bytes" cmp -s "$dir/a/model.onnx" "$dir/b/model.onnx"

"$fsnet" compress "$dir/two.onnx" --data "$dir/classes.zip" -o "$dir/c" "${options[@]}" --task distill --int8 on \
    --distill-outputs '[{"name": "confidences", "loss": "kl", "weight": 2}, "locations"]' >"$dir/text" 2>"$dir/err" ||
    cat "$dir/err"
report=$dir/c/report.json
same "labelled images serve too, and losses are stated" "confidences kl 2 locations mse 1" \
    "$(jq -r '[.outputs[] | "\(.name) \(.loss) \(.weight)"] | join(" ")' "$report")"
same "the file of 8-bit integers is compared too" true \
    "$(jq '[.outputs[].int8_error | type == "number"] | all' "$report")"

# A classifier on labelled images: its accuracy is known besides.
"$fsnet" new resnet8 --seed 1 -o "$dir/classifier.onnx" >"$dir/out" 2>&1
"$fsnet" compress "$dir/classifier.onnx" --data "$dir/classes.zip" -o "$dir/d" --task distill --epochs 0 --int8 on \
    >"$dir/text" 2>"$dir/err" || cat "$dir/err"
same "where labels fit, accuracy is told" 'number 1' \
    "$(jq -r '"\(.compressed.top1 | type) \(.outputs | length)"' "$dir/d/report.json")"
same "outputs that nobody named are found in the int8 file too" true "$(jq '.outputs[0].int8_error > 0' "$dir/d/report.json")"

# Several files: what has no accuracy is judged by how much of the baseline's outputs is there.
"$fsnet" compress "$dir/two.onnx" --data "$dir/flat.tar" -o "$dir/e" "${options[@]}" --sweep-ratio 2,8 \
    >"$dir/text" 2>"$dir/err" || cat "$dir/err"
report=$dir/e/report.json
same "files of a sweep are judged by agreement" '[true,true,true]' "$(jq -c '.search.candidates |
    [length == 2, all(.agreement < 100 and (.drop + .agreement - 100 | fabs) < 1e-4), all(.top1 == null and .map50 == null)]' "$report")"
same "the one that is nearest is chosen" true "$(jq '.search as $s | $s.candidates | (map(.drop) | min) ==
    .[$s.chosen].drop' "$report")"
same "and is told on other images" '[100,true]' "$(jq -c '.search.unseen | [.baseline_agreement, .agreement < 100]' "$report")"
same "a file is verified once, and the chosen one once more" 3 "$(grep -c '^verify' "$dir/err")"
check "each file is there" test -s "$dir/e/candidate-2.onnx"
check "the page has them" grep -q "Agreement" "$dir/e/report.html"
"$fsnet" compress "$dir/two.onnx" --data "$dir/flat.tar" -o "$dir/f" "${options[@]}" --max-accuracy-drop 99 \
    --search-candidates 2 >"$dir/text" 2>"$dir/err" || cat "$dir/err"
same "a search goes by it" '[2,true]' "$(jq -c '.search | [(.candidates | length),
    .holds == (.candidates[.chosen].drop <= 99)]' "$dir/f/report.json")"

mkdir "$dir/few"
ls "$dir/flat" | head -n 22 | while read -r file; do cp "$dir/flat/$file" "$dir/few"; done
tar -cf "$dir/few.tar" -C "$dir/few" .
"$fsnet" compress "$dir/two.onnx" --data "$dir/few.tar" -o "$dir/g" "${options[@]}" --sweep-ratio 2,8 \
    >"$dir/text" 2>"$dir/err"
same "too few images to tell files apart by are refused before any is made" 1 $?
check "and it is said why" grep -q "each half needs two" "$dir/err"

# ---- a face detector that people use, on photographs without labels -----------------------------
shared=${FSNET_SHARED:-../shared}
faces=$shared/models/zoo/ultraface-rfb-320/model.onnx cells=$shared/data/bccd/bccd-voc.tar.gz
if [ -e "$faces" ] && [ -e "$cells" ]; then
    mkdir "$dir/cells" "$dir/photographs"
    tar -xzf "$cells" -C "$dir/cells"
    find "$dir/cells" -name '*.jpg' -exec mv {} "$dir/photographs" ';'
    tar -cf "$dir/photographs.tar" -C "$dir/photographs" .
    "$fsnet" compress "$faces" --data "$dir/photographs.tar" --task distill --mean 127,127,127 --std 128,128,128 \
        --scale 0..255 --crop none --epochs 2 --batch 16 --warmup-steps 5 -o "$dir/faces" >"$dir/text" 2>"$dir/err" ||
        cat "$dir/err"
    report=$dir/faces/report.json
    same "a face detector's outputs follow, as what they are" "scores kl boxes mse" \
        "$(jq -r '[.outputs[] | "\(.name) \(.loss)"] | join(" ")' "$report")"
    same "two epochs on 328 photographs mend both" true "$(jq '[.outputs[] | .error < 0.95 * .start_error] | all' "$report")"
    same "nothing is to be warned of" '[]' "$(jq -c .warnings "$report")"
    same "the file is a fifth of the upload, and has the size that the report says" "true $(stat -c %s "$dir/faces/model.onnx")" \
        "$(jq -r '"\(.compressed.size_bytes < .baseline.size_bytes / 5) \(.compressed.size_bytes)"' "$report")"
else
    skip "a face detector on photographs" "$faces and $cells are not there"
fi

# ---- the service ------------------------------------------------------------------------------
upload datasets "$dir/flat.tar"
dataset=$id
upload models "$dir/classifier.onnx"
model=$id
order '{"finetune": {"epochs": 1, "batch_size": 16, "lr": 0.01, "clip_norm": 1, "warmup_steps": 1}, "seed": 3,
    "distill_outputs": [{"name": "logits", "loss": "kl"}]}'
finishes succeeded
call GET "/v1/jobs/$job/report"
same "the service's job says the same of its outputs" 'distill logits kl 1' \
    "$(field '"\(.task) \(.outputs[0].name) \(.outputs[0].loss) \(.outputs | length)"')"
upload models "$dir/two.onnx"
model=$id

# refuses NAME SPEC POINTER TEXT: an order that is refused at this place.
refuses() {
    call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" --argjson s "$2" '{model_id: $m, dataset_id: $d} + $s')"
    refused "$1" 422 invalid-spec "$4"
    same "$1: the place is named" "$3" "$(field '.errors[0].pointer')"
}
refuses "an output that is not there" '{"distill_outputs": ["locations", "nowhere"]}' \
    /distill_outputs/1 "has no output 'nowhere'"
refuses "a loss that is not known" '{"distill_outputs": [{"name": "locations", "loss": "l1"}]}' \
    /distill_outputs/0/loss "must be one of auto|mse|cosine|kl"
refuses "classes of what has none" '{"task": "classify"}' /task "images without classes"
refuses "boxes of what has none" '{"task": "detect"}' /task "has no boxes"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
