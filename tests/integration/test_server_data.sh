#!/bin/bash
# test_server_data.sh [BUILD] - jobs on data sets of other kinds than CIFAR-10, through HTTP: photographs
# (with splits and without) and IDX files as they are downloaded; what the service says of them.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
start --workers 1
spec='{"finetune": {"epochs": 1, "batch_size": 40, "warmup_steps": 1, "augment": ["crop", "flip"]}, "seed": 3}'

# ---- photographs -----------------------------------------------------------------------------
"$build/photo_maker" "$dir/photos.zip" 200 50
"$fsnet" new resnet8 --seed 1 -o "$dir/resnet8.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/photos.zip" name=photos
dataset=$id
call GET "/v1/datasets/$dataset"
like dataset
same "the format is recognised" imagefolder "$(field .format)"
same "classes are the folders, sorted" "checker cross disc" \
    "$(field '.summary.class_names[:3] | join(" ")')"
same "images are counted" "200 50 20 5" \
    "$(field '.summary.splits | "\(.train.images) \(.test.images) \(.train.per_class[0]) \(.test.per_class[9])"')"
same "sizes are told as ranges" '[null,null,[40,56],[40,70]]' \
    "$(jq -c '.summary.image | [.height, .width, .height_range, .width_range]' "$dir/body")"
order "$spec"
finishes succeeded
call GET "/v1/jobs/$job/report"
same "the report knows that photographs have any size" '[3,null,null]' \
    "$(jq -c '.data.image | [.channels, .height, .width]' "$dir/body")"
top1=$(field '.compressed.top1 * 1e6 | round')
artifact model.onnx "$dir/small.onnx"
"$fsnet" eval "$dir/small.onnx" --data "$dir/photos.zip" --json >"$dir/eval" 2>"$dir/err"
same "the report's accuracy is that of the file" "$(jq '.top1 * 1e6 | round' "$dir/eval")" "$top1"
order "$spec"
finishes succeeded
artifact model.onnx "$dir/again.onnx"
check "the same job gives the same bytes" cmp -s "$dir/small.onnx" "$dir/again.onnx"

"$build/photo_maker" "$dir/one.zip" 100 0
upload datasets "$dir/one.zip"
same "a tenth of each class is split off, and it says so" "true 90 10 1" \
    "$(field '.summary | "\(.split_made) \(.splits.train.images) \(.splits.test.images) \(.splits.test.per_class[4])"')"
same "the command line tells the same" "$(field .summary | jq -cS .)" \
    "$("$fsnet" data "$dir/one.zip" --json | jq -cS .)"

call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" \
    '{model_id: $m, dataset_id: $d, preprocess: {resize: 16, crop: "none"}}')"
refused "resizing to less than the model's input" 422 invalid-spec "16 is less than the shorter side"
mkdir -p "$dir/bad/train/a" "$dir/bad/train/b"
printf 'GIF89a' >"$dir/bad/train/a/1.jpg"
cp "$dir/bad/train/a/1.jpg" "$dir/bad/train/b/1.jpg"
tar --sort=name -cf "$dir/bad.tar" -C "$dir/bad" .
call POST /v1/datasets --data-binary "@$dir/bad.tar"
refused "a file that is no photograph" 422 unsupported "train/a/1.jpg: neither JPEG nor PNG"

# ---- images without classes ---------------------------------------------------------------------
mkdir "$dir/flat"
for i in 1 2 3 4; do
    "$build/photo_maker" "$dir/flat/$i.jpg"
done
tar -cf "$dir/flat.tar" -C "$dir/flat" .
upload datasets "$dir/flat.tar"
images=$id
same "images at the top are a set without classes" "images 0 true 3 1" \
    "$(field '"\(.format) \(.summary.classes) \(.summary.split_made) \(.summary.splits.train.images) \(.summary.splits.test.images)"')"
same "the command line says where the test images come from" \
    "test   1 images (a tenth of all, by the order of names: the set has none of its own)" \
    "$("$fsnet" data "$dir/flat.tar" | grep '^test')"
call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$images" '{model_id: $m, dataset_id: $d, task: "classify"}')"
refused "a classifier's job on them" 422 invalid-spec "images without classes"

# ---- boxes -----------------------------------------------------------------------------------
voc=$dir/voc
mkdir -p "$voc/JPEGImages" "$voc/Annotations" "$voc/ImageSets/Main"
for i in 1 2 3; do
    "$build/photo_maker" "$voc/JPEGImages/$i.jpg"
    cat >"$voc/Annotations/$i.xml" <<XML
<annotation><object><name>thing</name><difficult>1</difficult>
<bndbox><xmin>1</xmin><ymin>2</ymin><xmax>30</xmax><ymax>40</ymax></bndbox></object></annotation>
XML
done
printf '1\n2\n' >"$voc/ImageSets/Main/train.txt"
echo 3 >"$voc/ImageSets/Main/test.txt"
tar -czf "$dir/voc.tar.gz" -C "$dir" voc
upload datasets "$dir/voc.tar.gz"
dataset=$id
same "boxes are counted" 'voc 2 {"count":2,"difficult":2,"truncated":0,"empty":0}' \
    "$(field '"\(.format) \(.summary.splits.train.images) \(.summary.splits.train.objects | tojson)"')"
same "no box is bad" '{"count":0,"listed":[]}' "$(field '.summary.bad_boxes | tojson')"
call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" '{model_id: $m, dataset_id: $d}')"
refused "a job of a classifier on boxes" 422 invalid-spec "a detector has outputs"
sed -i 's/<xmax>30</<xmax>300</' "$voc/Annotations/2.xml"
tar -czf "$dir/voc.tar.gz" -C "$dir" voc
upload datasets "$dir/voc.tar.gz"
same "a bad box is left out and named" \
    '1 1 {"image":"voc/JPEGImages/2.jpg","class":"thing","box":[1,2,300,40],"fault":"outside"}' \
    "$(field '"\(.summary.splits.train.per_class[0]) \(.summary.bad_boxes.count) \(.summary.bad_boxes.listed[0] | tojson)"')"
mkdir "$dir/coco" "$dir/coco/annotations" "$dir/coco/images"
cp "$voc/JPEGImages/"[12].jpg "$dir/coco/images"
jq -n '{images: [{id: 1, file_name: "1.jpg"}, {id: 2, file_name: "2.jpg"}], categories: [{id: 7, name: "thing"}],
    annotations: [{image_id: 1, category_id: 7, bbox: [0, 0, 8, 8], iscrowd: 1},
        {image_id: 2, category_id: 7, bbox: [1, 2, 3.5, 4]}, {image_id: 2, category_id: 8, bbox: [1, 2, 3, 4]}]}' \
    >"$dir/coco/annotations/instances_all.json"
tar -cf "$dir/coco.tar" -C "$dir" coco
upload datasets "$dir/coco.tar"
same "COCO's boxes are counted, and a bad one named" 'coco 2 1 "unknown_class"' \
    "$(field '"\(.format) \([.summary.splits[].objects.count] | add) \([.summary.splits[].objects.difficult] | add) \(.summary.bad_boxes.listed[0].fault | tojson)"')"

# ---- IDX -------------------------------------------------------------------------------------
# put_idx NAME DIMS... < bytes: the header (bytes 0 0 8 dims, sides of 4 bytes) and the data, gzip.
put_idx() {
    local name=$1 dim
    shift
    {
        printf '\0\0\10'"\\$(printf %o $#)"
        for dim in "$@"; do
            printf "\\$(printf %o $((dim >> 24 & 255)))\\$(printf %o $((dim >> 16 & 255)))\\$(printf %o $((dim >> 8 & 255)))\\$(printf %o $((dim & 255)))"
        done
        cat
    } | gzip >"$dir/digits/$name.gz"
}
mkdir "$dir/digits"
# Pixels that no label tells; labels 0 to 9 in turn.
labels() { for ((i = 0; i < $1; i++)); do printf "\\$(printf %o $((i % 10)))"; done; }
head -c $((80 * 28 * 28)) "$fsnet" | put_idx train-images-idx3-ubyte 80 28 28
labels 80 | put_idx train-labels-idx1-ubyte 80
head -c $((20 * 28 * 28)) "$fsnet" | put_idx t10k-images-idx3-ubyte 20 28 28
labels 20 | put_idx t10k-labels-idx1-ubyte 20
tar -cf "$dir/digits.tar" -C "$dir" digits
"$fsnet" new resnet8 --input-size 28 --input-channels 1 --seed 1 -o "$dir/grey.onnx" >"$dir/out" 2>&1 ||
    cat "$dir/out"
upload models "$dir/grey.onnx"
model=$id
upload datasets "$dir/digits.tar"
dataset=$id
same "four packed IDX files are a data set" "idx 1 28 80 20" \
    "$(field '"\(.format) \(.summary.image.channels) \(.summary.image.height) \(.summary.splits.train.images) \(.summary.splits.test.images)"')"
order "$spec"
finishes succeeded
stop
same "SIGTERM ends it in order" 0 "$code"
finish
