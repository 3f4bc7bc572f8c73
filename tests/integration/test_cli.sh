#!/bin/bash
# test_cli.sh [BUILD] - the fsnet program itself: usage, help, JSON, the whole way from a drawn data set to
# a compressed model, interruption and what it does with bad input.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
. tests/support/fsnet.sh
. tests/support/interrupt.sh
. tests/support/onnx.sh
build=${1:-build}
fsnet=$build/fsnet
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
commands="inspect plan eval compress check new train draw bench"

# ---- usage -----------------------------------------------------------------------------------
run 2
holds "no command prints the usage" "usage: fsnet COMMAND" "$err"
run 0 --version
same "--version names the version of the header" \
    "fsnet $(sed -n 's/#define FSN_VERSION "\(.*\)"/\1/p' engine/include/fsnet.h)" "$out"
run 0 --help
for command in $commands; do
    holds "the usage lists $command" "  $command" "$out"
done
run 2 explode
holds "an unknown command is named" "unknown command 'explode'" "$err"
for command in $commands; do
    run 0 "$command" --help
    holds "$command --help begins with its usage" "usage: fsnet $command" "$out"
    holds "$command --help explains --json" "--json" "$out"
    holds "$command --help explains --threads" "--threads N" "$out"
    same "$command --help keeps standard error clean" "" "$err"
    run 2 "$command" --no-such-option
    holds "$command names an unknown option" "fsnet $command: unknown option '--no-such-option'" "$err"
done
run 2 eval
holds "a missing operand is named" "MODEL is missing" "$err"
run 2 eval model.onnx
holds "a missing option is named" "--data PATH is missing" "$err"
run 2 eval model.onnx other.onnx --data x
holds "an operand too many is named" "unexpected 'other.onnx'" "$err"
run 2 eval model.onnx --data
holds "a missing value is named" "--data needs a value" "$err"
run 2 eval model.onnx --data x --format jpeg
holds "a wrong choice is named" "--format must be one of cifar10|cifar100|idx|npz|voc|coco|masks|imagefolder|images, got 'jpeg'" "$err"
run 2 draw -o x --train 0
holds "a number out of range is named" "--train must be 1 to 1000000, got 0" "$err"
run 2 draw -o x --train ten
holds "a word for a number is named" "--train must be a whole number, got 'ten'" "$err"
run 2 eval model.onnx --data x --json=yes
holds "a flag takes no value" "--json takes no value" "$err"
run 2 bench sleep model.onnx
holds "bench names what it can time" "train or infer, got 'sleep'" "$err"
run 2 bench infer model.onnx --teacher model.onnx
holds "a teacher is for training" "--teacher is for bench train" "$err"

# ---- settings --------------------------------------------------------------------------------
run 2 plan m.onnx --ratio four --bits 7 --layout 2d
holds "a setting of the wrong type is named by its option" \
    '--ratio: must be a number, got the string "four"' "$err"
holds "a setting out of range is named by its option" "--bits: must be one of 1|2|3|4|6|8|32, got 7" "$err"
holds "all faults are listed at once" "--layout: must be one of 1d|3d" "$err"
echo '{"filter_summary": {"ratioo": 3}, "model_id": "m"}' >"$dir/spec.json"
run 2 plan m.onnx --spec "$dir/spec.json"
holds "an unknown field of a spec is named with file and pointer" \
    "spec.json: /filter_summary/ratioo: unknown field; the nearest known one is /filter_summary/ratio" "$err"
echo '{"seed": 1' >"$dir/spec.json"
run 2 plan m.onnx --spec "$dir/spec.json"
holds "a malformed spec is named with the line" "not valid JSON: line" "$err"
run 1 plan m.onnx --spec "$dir/nothing.json"
holds "a missing spec is named" "nothing.json: No such file" "$err"

# ---- the whole way ---------------------------------------------------------------------------
run 0 draw -o "$dir/set.tar.gz" --train 300 --test 100 --seed 5 --json
json "draw says what it drew" '[.train, .test]' "[300,100]"
"$fsnet" draw -o "$dir/again.tar.gz" --train 300 --test 100 --seed 5 >"$dir/out"
check "the same seed draws the same bytes" cmp "$dir/set.tar.gz" "$dir/again.tar.gz"

run 0 new resnet8 -o "$dir/fresh.onnx" --seed 3
holds "new says how large the network is" "parameters" "$out"
"$fsnet" new resnet8 -o "$dir/again.onnx" --seed 3 >"$dir/out"
check "the same seed makes the same network" cmp "$dir/fresh.onnx" "$dir/again.onnx"
run 1 new resnet9 -o "$dir/x.onnx"
holds "an unknown architecture is named" "resnet9" "$err"

run 0 inspect "$dir/fresh.onnx" --json
json "inspect shows the input" '.inputs[0].shape' '["N",3,32,32]'
# 3x3 convolutions 3-16, 2 of 16-16, 16-32, 32-32, 32-64, 64-64; 1x1 shortcuts 16-32 and 32-64; Gemm 64-10.
# Parameters: 432 + 2*2304 + 4608 + 9216 + 18432 + 36864 + 512 + 2048, batch norms 4c+1, 650 in the Gemm.
json "inspect counts the convolutions" '[.layers[] | select(.op == "Conv")] | length' 9
json "inspect counts convolution weights" \
    '[.layers[] | select(.op == "Conv") | .weight_shape | .[0]*.[1]*.[2]*.[3]] | add' 76720
run 0 inspect "$dir/fresh.onnx"
holds "inspect prints a row per layer" "compressible" "$out"
# Two convolutions with 8-bit levels between them, and operators that nobody has.
ends=$(onnx_value 11 x N 3 4 4)$(onnx_value 12 y N 2 4 4)
weights=$(onnx_weight w1 8 3 3 3)$(onnx_weight w2 2 8 1 1)$(onnx_weight s 1)
onnx_model "$ends$weights$(onnx_node Conv first a x w1)$(onnx_node QuantizeLinear levels q a s)$(
    onnx_node DequantizeLinear back d q s)$(onnx_node Conv second y d w2)" >"$dir/quantised.onnx"
run 0 inspect "$dir/quantised.onnx"
holds "inspect names what keeps weights from being trained" \
    "weights cannot be trained through QuantizeLinear 'levels', which has no gradient" "$out"
run 0 inspect "$dir/quantised.onnx" --json
json "... and in JSON" '.blocks_training' '[{"name":"levels","op":"QuantizeLinear"}]'
run 1 plan "$dir/quantised.onnx"
holds "plan refuses to train it" "no gradient comes back through QuantizeLinear 'levels'" "$err"
echo '{"finetune": {"epochs": 0}}' >"$dir/untrained.json"
run 0 plan "$dir/quantised.onnx" --spec "$dir/untrained.json"
holds "plan says when no output can be trained" "none: no output gives one score a class" "$out"
onnx_model "$ends$weights$(onnx_node Twist one a x)$(onnx_node Frobnicate two b a)$(
    onnx_node Twist three y b)" >"$dir/strange.onnx"
run 1 inspect "$dir/strange.onnx"
holds "all operators that are missing are named, with their nodes" \
    "operators 'Twist' of nodes 'one', 'three', 'Frobnicate' of node 'two' are not supported" "$err"
run 0 inspect "$dir/fresh.onnx" --kernels --batch 4 --threads 1 --json
json "inspect --kernels says what runs" '[.mode, .batch_size, .threads, .fast]' '["training",4,1,true]'
json "inspect --kernels has a row for every convolution, with an algorithm for every pass" \
    '[.nodes[] | select(.op == "Conv") | .algorithm | length] == [range(9) | 3]' true
json "the plan is no smaller than its lower bound" '.planned_bytes >= .lower_bound_bytes' true
FSNET_ISA=baseline run 0 inspect "$dir/fresh.onnx" --kernels --mode inference --json
json "inspect --kernels names the instruction set in use" '[.mode, .isa]' '["inference","baseline"]'
FSNET_ISA=mmx run 1 inspect "$dir/fresh.onnx" --kernels
holds "an instruction set that is not there is named" "FSNET_ISA is 'mmx'" "$err"
FSNET_FAST=0 run 0 inspect "$dir/fresh.onnx" --kernels
holds "inspect --kernels shows the plain operators with FSNET_FAST=0" "BatchNormalization" "$out"
holds "inspect --kernels prints the algorithm" "im2col" "$out"

run 0 train "$dir/fresh.onnx" --data "$dir/set.tar.gz" --epochs 2 --batch 32 --lr 0.05 \
    --warmup-steps 4 --threads 2 -o "$dir/base.onnx" --json
json "train reports the accuracy on the test images" '.images' 100
holds "train prints a line per epoch" "epoch 2/2" "$err"

run 0 eval "$dir/base.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "eval counts the images" '.images' 100
json "eval's shares are in per cent and in order" '.top1 >= 0 and .top1 <= .top5 and .top5 <= 100' true
top1=$(jq .top1 <<<"$out")
run 0 eval "$dir/base.onnx" --data "$dir/set.tar.gz" --split train --threads 2 --json
json "eval --split train reads the other images" '.images' 300

run 0 plan "$dir/base.onnx" --ratio 4 --json
json "plan has a row per convolution" '.layers | length' 9
json "a compressed network is smaller" '.compressed_parameters < .parameters' true
json "effective parameters are fewer still" '.effective_parameters < .compressed_parameters' true
expected_bytes=$(jq .expected_bytes <<<"$out")
run 0 plan "$dir/base.onnx" --layout 3d
holds "plan prints the totals" "effective parameters" "$out"
first=$("$fsnet" plan "$dir/base.onnx" --json | jq -r '.layers[1].name')
run 0 plan "$dir/base.onnx" --exclude "$first" --json
json "an excluded layer stays dense" '.layers[1].layout' dense
run 1 plan "$dir/base.onnx" --exclude no_such_layer
holds "an unknown excluded layer is named" "no_such_layer" "$err"

compress=(compress "$dir/base.onnx" --data "$dir/set.tar.gz" --ratio 4 --epochs 2 --batch 32
    --lr 0.05 --warmup-steps 4 --threads 2 --seed 9)
run 0 "${compress[@]}" --out "$dir/one" --json
json "the report's baseline is what eval says" '.baseline.top1' "$top1"
json "the report has a row per layer" '.layers | length' 9
json "the report has a row per epoch" '.training | length' 2
# Equal constants are written once, so a trained network can differ by a few of them.
json "the plan told the size of the file within a hundredth" \
    "(.compressed.size_bytes - $expected_bytes) | fabs < $expected_bytes / 100" true
same "the file has the size that the report states" "$(stat -c %s "$dir/one/model.onnx")" \
    "$(jq .compressed.size_bytes "$dir/one/report.json")"
compressed_top1=$(jq .compressed.top1 "$dir/one/report.json")
for model in model.onnx model-dense.onnx; do
    run 0 eval "$dir/one/$model" --data "$dir/set.tar.gz" --threads 2 --json
    json "$model reaches the accuracy of the report" '.top1' "$compressed_top1"
done
# model-dense.onnx has its batch norm folded, as most exporters leave it.
run 0 plan "$dir/one/model-dense.onnx" --json
json "a folded network is trained with batch norm" '.restored_bn' 9
json "the plan names the output that is trained" '.output' logits
run 0 plan "$dir/one/model-dense.onnx" --restore-bn none --json
json "--restore-bn none leaves it as it is" '.restored_bn' 0
run 0 compress "$dir/one/model-dense.onnx" --data "$dir/set.tar.gz" --ratio 2 --epochs 1 --batch 32 \
    --threads 2 --out "$dir/again" --json
json "a folded network is compressed as the file that it is" '.baseline.top1' "$compressed_top1"
run 0 inspect "$dir/again/model-dense.onnx" --json
json "and folded again" '.operators.BatchNormalization' null
run 0 compress "$dir/fresh.onnx" --data "$dir/set.tar.gz" --ratio 2 --epochs 0 --threads 2 --out "$dir/guess"
holds "a baseline that guesses is warned of" "warning: the baseline is right on" "$out"
run 1 eval "$dir/base.onnx" --data "$dir/set.tar.gz" --output scores
holds "an output that is not there is named, with those that are" "has no output 'scores'; it has 'logits'" "$err"
check "training.csv has a heading and a row per epoch" \
    test "$(wc -l <"$dir/one/training.csv")" = 3

page=$dir/one/report.html
same "report.html needs nothing from elsewhere" "" \
    "$(sed -E 's|xmlns="http://www.w3.org/[a-z0-9/]+"||g' "$page" | grep -noE '(https?:)?//[a-z]|<script|<link|src=|href=|url\(')"
if command -v xmllint >/dev/null; then
    check "report.html is well-formed" xmllint --noout --nonet "$page"
else
    skip "report.html is well-formed" "xmllint is not installed"
fi
for layer in $(jq -r '.layers[].name' "$dir/one/report.json"); do
    grep -q "<code>$layer</code>" "$page" || not_ok "report.html has the layer $layer"
done
check "report.html has the accuracy of the file" grep -q ">$(printf '%.2f' "$compressed_top1").%<" "$page"
same "a test image in the matrix is right where the report says so" \
    "$(jq '.compressed.top1 * .compressed.images / 100 | round' "$dir/one/report.json")" \
    "$(jq '.confusion.compressed | [to_entries[] | .value[.key]] | add' "$dir/one/report.json")"

run 0 "${compress[@]}" --out "$dir/two"
holds "compress prints the report in short" "smaller by: file" "$out"
check "the same job gives the same bytes" cmp "$dir/one/model.onnx" "$dir/two/model.onnx"
cat >"$dir/spec.json" <<'J'
{"model_id": "ignored", "dataset_id": "ignored", "filter_summary": {"ratio": 2},
 "finetune": {"epochs": 2, "batch_size": 32, "lr": 0.05, "warmup_steps": 4}, "threads": 2, "seed": 9}
J
run 0 compress "$dir/base.onnx" --data "$dir/set.tar.gz" --spec "$dir/spec.json" --ratio 4 \
    --out "$dir/three"
check "a spec with an option over it is the same job" cmp "$dir/one/model.onnx" "$dir/three/model.onnx"

# ---- few bits --------------------------------------------------------------------------------
few=(--bits 3 --granularity segment --aware-share 1)
run 0 plan "$dir/base.onnx" --bits 3 --granularity segment --json
json "the plan's rows have bits and segments" '.layers[1] | [.bits, .segment]' '[3,128]'
json "three bits for eight" ".expected_bytes < 0.75 * $expected_bytes" true
expected_bytes=$(jq .expected_bytes <<<"$out")
run 0 "${compress[@]}" "${few[@]}" --out "$dir/few" --json
json "the plan told the size of a file of few bits" \
    "(.compressed.size_bytes - $expected_bytes) | fabs < $expected_bytes / 100" true
json "the report has the errors of the quantiser, before training and after" \
    '[.layers[] | select(.bits == 3) | (.start_quant_error, .quant_error) | . > 0.05 and . < 0.5] | all' true
run 0 eval "$dir/few/model.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "a file of few bits reaches the accuracy of the report" '.top1' "$(jq .compressed.top1 "$dir/few/report.json")"
run 0 compress "$dir/few/model.onnx" --data "$dir/set.tar.gz" --ratio 2 --epochs 0 --threads 2 --out "$dir/from_few" --json
json "a file of few bits can be a baseline" '.baseline.top1' "$(jq .compressed.top1 "$dir/few/report.json")"

# ---- learned locations -----------------------------------------------------------------------
learned=(--layout learned --location-lr 1000 --sharing 0.2 --rounding 0.5 --bits 4)
run 0 plan "$dir/base.onnx" --layout learned --bits 4 --json
json "the plan's rows say what is learned" '.layers[1] | [.layout, .fs_shape, .moved]' '["learned",[576],null]'
expected_bytes=$(jq .expected_bytes <<<"$out")
run 0 "${compress[@]}" "${learned[@]}" --out "$dir/learned" --json
json "the report says how many filters moved" \
    '[.layers[] | select(.layout == "learned").moved | . >= 0 and . <= 1] | length > 0 and all' true
json "... which some did" '[.layers[].moved // 0] | max > 0' true
json "a file of learned locations is no larger than its plan" ".compressed.size_bytes <= $expected_bytes" true
for model in model.onnx model-dense.onnx; do
    run 0 eval "$dir/learned/$model" --data "$dir/set.tar.gz" --threads 2 --json
    json "$model of learned locations reaches the accuracy of the report" \
        '.top1' "$(jq .compressed.top1 "$dir/learned/report.json")"
done
run 0 compress "$dir/base.onnx" --data "$dir/set.tar.gz" --layout learned --epochs 0 --threads 2 --out "$dir/unmoved" --json
json "without epochs nothing moves" '[.layers[] | select(.layout == "learned").moved] | unique' '[0]'

# ---- widths of layers, integers -----------------------------------------------------------------
run 0 "${compress[@]}" --epochs 1 --least-bits 3 --int8 on --out "$dir/mixed"
holds "compress names the file in integers" "model-dense.onnx, model-int8.onnx, report.json" "$out"
out=$(<"$dir/mixed/report.json")
json "layers have widths of their own, and none below the least" \
    '[.layers[].bits | select(. < 32)] | (unique | length) > 1 and min >= 3 and max <= 8' true
expected_bytes=$(jq .compressed.size_bytes "$dir/one/report.json")
json "in as many bytes as with one width for all" \
    "(.compressed.size_bytes - $expected_bytes) | fabs < $expected_bytes / 100" true
same "the report states the size of the file in integers" "$(stat -c %s "$dir/mixed/model-int8.onnx")" \
    "$(jq .int8.size_bytes <<<"$out")"
check "weights of a byte are less than a third of floats" test \
    $((3 * $(stat -c %s "$dir/mixed/model-int8.onnx"))) -lt "$(stat -c %s "$dir/base.onnx")"
mixed_top1=$(jq .compressed.top1 <<<"$out") int8_top1=$(jq .int8.top1 <<<"$out")
run 0 eval "$dir/mixed/model.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "a file of several widths reaches the accuracy of the report" '.top1' "$mixed_top1"
run 0 eval "$dir/mixed/model-int8.onnx" --data "$dir/set.tar.gz" --threads 2 --json
json "so does the one in integers" '.top1' "$int8_top1"
run 0 inspect "$dir/mixed/model-int8.onnx" --json
json "its activations need no operator" '[.operators.Relu, .operators.Conv]' '[null,9]'
run 0 "${compress[@]}" --epochs 1 --least-bits 3 --int8 on --out "$dir/mixed2"
check "the same job writes the same integers" \
    cmp "$dir/mixed/model-int8.onnx" "$dir/mixed2/model-int8.onnx"
run 2 "${compress[@]}" --bits 4 --least-bits 6 --out "$dir/no"
holds "a least width above the width is refused" "must not be more than bits" "$err"

# ---- interruption ----------------------------------------------------------------------------
# interrupted NAME SETTINGS..: the job, stopped and continued, gives the bytes of NAME.
interrupted() {
    local whole=$1 cut=$dir/cut-$1
    shift
    interrupt 1 'epoch 1/2' "$dir/cut.err" "$cut $cut.checkpoint" \
        "$fsnet" "${compress[@]}" "$@" --out "$cut" --checkpoint "$cut.checkpoint"
    same "$whole: the job reaches its first epoch" yes "$reached"
    same "$whole: Ctrl-C ends with a failure" 1 "$code"
    holds "$whole: Ctrl-C says how to go on" "cancelled; the same command continues from" "$(<"$dir/cut.err")"
    check "$whole: Ctrl-C leaves no model" test ! -e "$cut/model.onnx"
    run 0 "${compress[@]}" "$@" --out "$cut" --checkpoint "$cut.checkpoint"
    check "$whole: a continued job gives the bytes of an undisturbed one" \
        cmp "$dir/$whole/model.onnx" "$cut/model.onnx"
    case "$err" in
    *"epoch 1/2"*) not_ok "$whole: the continued job does not repeat its first epoch" "$err" ;;
    *) ok "$whole: the continued job does not repeat its first epoch" ;;
    esac
}
interrupted one
interrupted few "${few[@]}"
interrupted learned "${learned[@]}"
run 1 "${compress[@]}" "${few[@]}" --bits 2 --out "$dir/cut-few" --checkpoint "$dir/cut-few.checkpoint"
holds "a checkpoint of other bits is another run's" "belongs to another run" "$err"

# ---- bench and check ---------------------------------------------------------------------------
run 0 bench infer "$dir/base.onnx" --batch 4 --steps 2 --threads 1 --json
json "bench times inference" '.images_per_second_median > 0 and .batch_size == 4' true
run 0 bench train "$dir/base.onnx" --batch 4 --steps 2 --threads 1 --json
json "bench times training" '.memory_bytes > 0' true
run 0 bench train "$dir/base.onnx" --teacher "$dir/fresh.onnx" --batch 4 --steps 3 --threads 1 --json
json "bench states speed and memory" \
    '[.images_per_second_median, .images_per_second_p10, .ms_median, .ms_p10, .cpu_ms_p10, .gflops,
      .memory_bytes, .memory_bound_bytes, .peak_rss_bytes] | all(. > 0)' true
json "bench states the planned memory over its lower bound" \
    '.memory_over_bound >= 1 and
     (.memory_over_bound - .memory_bytes / .memory_bound_bytes | fabs) < 1e-9' true
json "bench states what it ran" '[.what, .batch_size, .threads, .steps]' '["train",4,1,3]'
json "the fastest step is no slower than the others" \
    '.fastest_step.ms <= .ms_p10 and .ms_p10 <= .ms_median' true
json "every phase of a training step takes time" '.fastest_step.phases_ms |
    keys == ["backward","forward","loss","optimizer","teacher"] and all(. > 0)' true
json "the phases add up to the step" \
    '.fastest_step | .ms as $ms | .phases_ms | add | . <= $ms and . >= 0.9 * $ms' true
json "the operators fit into their phases" '.fastest_step | .phases_ms as $phase | .operators |
    (map(.forward_ms) | add) <= $phase.forward and (map(.backward_ms) | add) <= $phase.backward' true
listed='.fastest_step.operators | map({(.name): .nodes}) | add'
json "bench lists the operators of the fast path" "$listed | [.Conv, has(\"BatchNormalization\")]" '[9,false]'
FSNET_FAST=0 run 0 bench train "$dir/base.onnx" --batch 4 --steps 1 --threads 1 --json
operators=$(jq -c "$listed" <<<"$out")
run 0 inspect "$dir/base.onnx" --json
same "bench lists the operators of the model with FSNET_FAST=0" "$(jq -Sc .operators <<<"$out")" "$(jq -Sc . <<<"$operators")"
FSNET_FAST=0 run 0 bench train "$dir/base.onnx" --ratio 4 --batch 4 --steps 1 --threads 1 --json
json "bench --ratio times the network with Filter Summaries" "$listed | .FilterSummary > 0" true
run 2 bench train "$dir/base.onnx" --ratio 0.5 --batch 4 --steps 1 --threads 1
holds "bench says which ratios there are" "--ratio: must be 1.01 to 10000, got 0.5" "$err"
run 0 bench train "$dir/base.onnx" --teacher "$dir/fresh.onnx" --batch 4 --steps 1 --threads 1
holds "bench prints the phases" "forward" "$out"
holds "bench prints a row per operator" "GlobalAveragePool" "$out"
run 1 check "$dir/base.onnx" --test-data "$dir"
holds "check says that there is nothing to compare" "fsnet check:" "$err"

# ---- bad input ---------------------------------------------------------------------------------
head -c 20000 /dev/urandom >"$dir/garbage.onnx"
head -c 5000 "$dir/base.onnx" >"$dir/short.onnx"
: >"$dir/empty.onnx"
for file in garbage short empty nothing; do
    run 1 inspect "$dir/$file.onnx"
    holds "inspect on $file.onnx says so" "fsnet inspect: " "$err"
    same "inspect on $file.onnx prints no result" "" "$out"
done
run 1 inspect "$dir"
holds "inspect on a folder says so" "not a regular file" "$err"
head -c 3000 "$dir/set.tar.gz" >"$dir/short.tar.gz"
for file in short.tar.gz garbage.onnx nothing.tar.gz; do
    run 1 eval "$dir/base.onnx" --data "$dir/$file"
    holds "eval with $file as data names the file" "$file" "$err"
done
run 1 eval "$dir/base.onnx" --data "$dir/set.tar.gz" --format idx
holds "a wrong format is named" "fsnet eval: " "$err"
"$fsnet" new resnet8 -o "$dir/five.onnx" --classes 5 >"$dir/out"
run 1 eval "$dir/five.onnx" --data "$dir/set.tar.gz"
holds "data with more classes than the model is refused" "classes" "$err"
run 1 compress "$dir/five.onnx" --data "$dir/set.tar.gz" --out "$dir/five"
holds "compress refuses it too" "classes" "$err"
run 1 eval "$dir/base.onnx" --data "$dir/set.tar.gz" --mean 0.5 --std 0.5
holds "a mean for another number of channels is refused" "channels" "$err"
"$fsnet" new resnet8 -o "$dir/large.onnx" --input-size 64 >"$dir/out"
run 1 eval "$dir/large.onnx" --data "$dir/set.tar.gz"
holds "images of another size are refused" "64" "$err"
run 1 new resnet8 -o "$dir/no/such/folder/x.onnx"
holds "a folder that is not there is named" "no/such/folder" "$err"
"$fsnet" inspect "$dir/base.onnx" >/dev/full 2>"$dir/err"
same "a full disk under standard output is a failure" 1 $?
finish
