#!/bin/bash
# test_search.sh [BUILD] - a search for the smallest file that holds its accuracy, and a sweep over budgets:
# on the command line, interrupted, and as a job of the service.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/interrupt.sh

# A baseline that is better than guessing, on which a drop can be measured.
"$fsnet" draw -o "$dir/set.tar.gz" --train 400 --test 120 --seed 5 >"$dir/log"
"$fsnet" new resnet8 -o "$dir/fresh.onnx" --seed 3 >"$dir/log"
"$fsnet" train "$dir/fresh.onnx" --data "$dir/set.tar.gz" --epochs 8 --batch 32 --warmup-steps 4 \
    --threads 2 -o "$dir/base.onnx" >"$dir/log" 2>&1
settings=(--data "$dir/set.tar.gz" --epochs 2 --batch 32 --warmup-steps 4 --threads 2 --seed 9)

# compress NAME OPTION...: the job's files are in $dir/NAME, what it printed in $out and $err.
compress() {
    local name=$1
    shift
    "$fsnet" compress "$dir/base.onnx" "${settings[@]}" "$@" --out "$dir/$name" >"$dir/out" 2>"$dir/err"
    code=$?
    out=$(<"$dir/out") err=$(<"$dir/err")
}
# report NAME FILTER
report() { jq -rc "$2" "$dir/$1/report.json"; }
files() { (cd "$dir/$1" && echo *); }

# ---- a search --------------------------------------------------------------------------------
compress found --max-accuracy-drop 5 --search-candidates 3
same "a search ends well" 0 "$code"
same "nothing is left but the result" "model-dense.onnx model.onnx report.html report.json training.csv" "$(files found)"
same "it tries what it may" "3 candidates" "$(report found '.search | "\(.candidates | length) \(.ended)"')"
same "it begins at the size of the ratio" \
    "$("$fsnet" plan "$dir/base.onnx" --json | jq .expected_bytes)" "$(report found '.search.candidates[0].budget_bytes')"
same "what holds is what loses at most the budget" true \
    "$(report found '[.search.candidates[] | .holds == (.drop <= 5)] | all')"
same "one that holds is followed by a smaller one, another by a larger" true \
    "$(report found '.search.candidates | .[0].holds == (.[1].budget_bytes < .[0].budget_bytes)')"
same "the smallest that holds is chosen" true \
    "$(report found '.search | .candidates as $c | .chosen as $i | ($c | map(select(.holds))) as $h |
        if ($h | length) > 0 then $c[$i].size_bytes == ($h | map(.size_bytes) | min)
        else $c[$i].drop == ($c | map(.drop) | min) end')"
same "the file is the chosen one" "$(stat -c %s "$dir/found/model.onnx")" \
    "$(report found '.search.candidates[.search.chosen].size_bytes')"
same "half of the test images choose, the others tell" "60 60" \
    "$(report found '.search | "\(.selection.images) \(.unseen.images)"')"
same "both halves together are the test images, of the baseline" true \
    "$(report found '((.search.selection.baseline_top1 + .search.unseen.baseline_top1) / 2 - .baseline.top1) | fabs < 1e-6')"
same "and of the file" true \
    "$(report found '((.search.candidates[.search.chosen].top1 + .search.unseen.top1) / 2 - .compressed.top1) | fabs < 1e-6')"
same "the spec is the one that was ordered" "5 0" "$(report found '.spec.budget | "\(.max_accuracy_drop) \(.size_bytes)"')"
holds "progress tells of the candidates" "candidate 1 of at most 3: " "$err"
holds "the report in short has the unseen images" "on 60 test images without a part in the choice" "$out"
"$fsnet" eval "$dir/found/model.onnx" --data "$dir/set.tar.gz" --threads 2 --json >"$dir/out" 2>"$dir/err"
same "the report's accuracy is that of the file" "$(jq '.top1 * 1e6 | round' "$dir/out")" \
    "$(report found '.compressed.top1 * 1e6 | round')"
same "the page has a point for each file, of which those on the front are marked" \
    "3 $(report found '[.search.candidates[] | select(.pareto)] | length')" \
    "$(grep -c '<title>File ' "$dir/found/report.html") $(grep -c '<title>File .*Pareto front' "$dir/found/report.html")"
holds "and what the unseen images say" "60 test images that had no part in the choice" "$(<"$dir/found/report.html")"
compress ordinary --size-bytes "$(report found '.search.candidates[.search.chosen].budget_bytes')"
check "a candidate is the file of an ordinary job of its size" \
    cmp -s "$dir/found/model.onnx" "$dir/ordinary/model.onnx"
same "an ordinary job has no search" null "$(report ordinary .search)"

compress hurried --max-accuracy-drop 5 --search-seconds 1
same "a search out of time keeps what it has" "1 time" \
    "$(report hurried '.search | "\(.candidates | length) \(.ended)"')"
compress hopeless --max-accuracy-drop 0.01 --search-candidates 1 --ratio 400
same "where nothing holds there is a result all the same" "0 false" "$code $(report hopeless .search.holds)"
holds "and a warning" "warning: no file that was tried loses at most 0.01 points" "$out"
compress refused --max-accuracy-drop 1 --size-bytes 30000
same "the size cannot be given too" 2 "$code"
holds "the refusal names the option" "--max-accuracy-drop: the size is searched for" "$err"

# ---- a sweep ---------------------------------------------------------------------------------
compress swept --sweep-ratio 2,8
same "a sweep has a file for each budget" \
    "candidate-1.onnx candidate-2.onnx model-dense.onnx model.onnx report.html report.json training.csv" "$(files swept)"
same "the sizes are those of the files" "$(stat -c %s "$dir"/swept/candidate-?.onnx | paste -sd' ')" \
    "$(report swept '[.search.candidates[].size_bytes] | join(" ")')"
same "the most accurate one is chosen" true \
    "$(report swept '.search | .candidates[.chosen].top1 == (.candidates | map(.top1) | max)')"
check "it is model.onnx" cmp -s "$dir/swept/model.onnx" \
    "$dir/swept/candidate-$(report swept '.search.chosen + 1').onnx"
same "the front is what nothing else is better than" true "$(report swept '.search.candidates as $c |
    [$c[] | . as $i | .pareto == ([$c[] | select(.top1 >= $i.top1 and .size_bytes <= $i.size_bytes and
        (.top1 > $i.top1 or .size_bytes < $i.size_bytes))] | length == 0)] | all')"
compress eight --ratio 8
check "a file of a sweep is that of an ordinary job" cmp -s "$dir/swept/candidate-2.onnx" "$dir/eight/model.onnx"
compress refused --sweep-size-bytes 300,40000
same "a budget that cannot be met is refused" 1 "$code"
"$fsnet" plan "$dir/base.onnx" --spec <(echo '{"sweep": {"size_bytes": [300, 40000]}}') >"$dir/out" 2>"$dir/err"
same "by the plan, too" 1 $?
holds "and named" "300 bytes cannot be reached" "$(<"$dir/err")"

# ---- interruption ----------------------------------------------------------------------------
# interrupted NAME TIMES LINE OPTION...: the job of NAME, stopped when it has printed LINE so many times,
# ends with its bytes.
interrupted() {
    local whole=$1 times=$2 line=$3 cut=cut-$1
    shift 3
    interrupt "$times" "$line" "$dir/cut.err" "$dir/$cut $dir/$cut.work" "$fsnet" compress \
        "$dir/base.onnx" "${settings[@]}" "$@" --out "$dir/$cut" --checkpoint "$dir/$cut.work"
    same "$whole: the job comes to '$line'" yes "$reached"
    same "$whole: Ctrl-C ends it" 1 "$code"
    check "$whole: and leaves no model" test ! -e "$dir/$cut/model.onnx"
    compress "$cut" "$@" --checkpoint "$dir/$cut.work"
    same "$whole: the same command goes on" 0 "$code"
    same "$whole: the first candidate is not made again" 0 "$(grep -c '^candidate 1 of' <<<"$err")"
    check "$whole: the model is that of an undisturbed job" cmp -s "$dir/$whole/model.onnx" "$dir/$cut/model.onnx"
    same "$whole: and so is what was found" "$(report "$whole" '.search.candidates[].seconds = 0 | .search')" \
        "$(report "$cut" '.search.candidates[].seconds = 0 | .search')"
}
interrupted found 1 "^candidate 2 of" --max-accuracy-drop 5 --search-candidates 3
same "a search keeps one candidate's files" 1 "$(find "$dir/cut-found.work" -name model.onnx | wc -l)"
interrupted swept 2 "^epoch 1/2" --sweep-ratio 2,8
same "a candidate goes on where it was" 0 "$(grep -c '^epoch 1/2' <<<"$err")"
compress cut-found --max-accuracy-drop 4 --checkpoint "$dir/cut-found.work"
same "another search does not take it up" 1 "$code"
holds "and says why" "belong to another search" "$err"

# ---- the service -----------------------------------------------------------------------------
start --workers 1
upload models "$dir/base.onnx" name=base
model=$id
upload datasets "$dir/set.tar.gz" name=shapes
dataset=$id
call POST /v1/jobs -d "$(jq -nc --arg m "$model" --arg d "$dataset" \
    '{model_id: $m, dataset_id: $d, sweep: {size_bytes: [300, 40000]}}')"
refused "a sweep out of reach" 422 invalid-spec "/sweep/size_bytes/0"
spec='{"finetune": {"epochs": 2, "batch_size": 32, "warmup_steps": 4}, "seed": 9, "threads": 2}'
order "$(jq -c '.budget = {max_accuracy_drop: 5, search_candidates: 3}' <<<"$spec")"
same "a job that waits has not searched" null "$(field .search)"
candidates_done() { # AT_LEAST
    call GET "/v1/jobs/$job"
    [ "$(field '.search.done // [] | length')" -ge "$1" ]
}
check "the job tells of its candidates" wait_for 120 candidates_done 1
like job-searching
same "which is at hand, and how many there may be" "3 5" "$(field '.search | "\(.candidates) \(.max_accuracy_drop)"')"
stop KILL
start --workers 1
finishes succeeded
same "all candidates are told" 3 "$(field '.search.done | length')"
call GET "/v1/jobs/$job/metrics"
same "the curve is one of candidates" "1.1 1.2 2.1 2.2 3.1 3.2" \
    "$(field '[.items[] | "\(.candidate).\(.epoch)"] | join(" ")')"
artifact model.onnx "$dir/served.onnx"
check "its file is that of the command line, though the server was killed" \
    cmp -s "$dir/found/model.onnx" "$dir/served.onnx"
call GET "/v1/jobs/$job/report"
like report-search
same "the report has what was chosen" "$(report found .search.chosen)" "$(field .search.chosen)"

order "$(jq -c '.sweep = {ratio: [2, 8]}' <<<"$spec")"
finishes succeeded
call GET "/v1/jobs/$job/artifacts"
same "the artifacts of a sweep" \
    "candidate-1.onnx candidate-2.onnx model-dense.onnx model.onnx report.html report.json training.csv" \
    "$(field '[.items[].name] | join(" ")')"
artifact candidate-2.onnx "$dir/served-2.onnx"
check "are those of the command line" cmp -s "$dir/swept/candidate-2.onnx" "$dir/served-2.onnx"

order "$(jq -c '.budget = {max_accuracy_drop: 5} | .finetune.epochs = 1000' <<<"$spec")"
check "a long search runs" wait_for 60 epochs_done 1
call POST "/v1/jobs/$job/cancel"
finishes cancelled
same "nothing of its work stays" "" "$(ls -A "$data/work")"
stop
finish
