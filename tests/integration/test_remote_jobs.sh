#!/bin/bash
# test_remote_jobs.sh [BUILD] - fsnet remote jobs where there are more than the service tells at once; models and datasets;
# deleting what has an id.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/remote.sh

make_inputs 60 20
start --workers 1 --max-queued-jobs 2000
export FSNET_SERVER=$url
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order '{"name": "0", "finetune": {"epochs": 5000, "batch_size": 20}, "threads": 1}' # the others wait for it
wait_for 60 job_is running
for ((i = 1; i <= 1002; i++)); do
    printf 'url = "%s/v1/jobs"\ndata = "{\\"model_id\\": \\"%s\\", \\"dataset_id\\": \\"%s\\", \\"name\\": \\"%d\\"}"\noutput = "%s"\nnext\n' \
        "$url" "$model" "$dataset" "$i" "$dir/out"
done | sed '$d' >"$dir/orders"
curl -sS -K "$dir/orders"

# listed OPTION...: "first last count", by the names of jobs; what is said is in $said.
listed() {
    "$fsnet" remote jobs "$@" 2>"$dir/said" | awk 'NR == 1 { first = $NF } { last = $NF } END { print first, last, NR }'
}
same "the newest twenty are listed" "1002 983 20" "$(listed)"
holds "and that there are more" "there are more" "$(<"$dir/said")"
same "as many as are asked for, beyond a page" "1002 1 1002" "$(listed --limit 1002)"
holds "and that there is one more" "there are more" "$(<"$dir/said")"
same "or all" "1002 0 1003" "$(listed --limit 5000)"
same "and nothing else is said" "" "$(<"$dir/said")"
same "of a status" "1002 1 1002" "$(listed --limit 5000 --status queued)"
same "in the service's form, each once" "1003 1003 null" \
    "$("$fsnet" remote jobs --limit 1003 --json | jq -r '"\(.items | length) \([.items[].id] | unique | length) \(.next_cursor)"')"
call PATCH "/v1/jobs/$job" -d '{"name": "a&b=c%", "labels": {"team": "x=1", "one": ""}}'
same "of a name, whatever is in it" "a&b=c% a&b=c% 1" "$(listed --name "a&b=c%")"
same "of a label" "a&b=c% a&b=c% 1" "$(listed --label team)"
same "and of a value that it has" "a&b=c% a&b=c% 1" "$(listed --label team=x=1)"
same "no other" "" "$("$fsnet" remote jobs --label team=x)"
remote 1 jobs --label "$(printf 'a%.0s' {1..600})"
is_said "the options are too long"

# ---- models and data sets ------------------------------------------------------------------------
upload models "$dir/resnet8.onnx" name=second
second=$id
bytes=$(stat -c %s "$dir/resnet8.onnx")
remote 0 models
same "models are listed, the newest first" "$second $model" "$(awk '{ print $1 }' <<<"$out" | paste -sd' ')"
check "with size, day and name" grep -qE "^$second +[0-9.]+ kB  20[0-9-]{8}T[0-9:]{8}  second\$" <<<"$out"
remote 0 models --limit 1
same "as many as are asked for" "$second" "$(awk '{ print $1 }' <<<"$out")"
is_said "there are more"
remote 0 models --name second --json
same "of a name, in the service's form" "$second $bytes null" "$(jq -r '"\(.items[0].id) \(.items[0].size_bytes) \(.next_cursor)"' <<<"$out")"
remote 0 datasets
same "data sets are listed" "$dataset" "$(awk '{ print $1 }' <<<"$out")"
remote 1 delete "$model"
is_said "needs the resource: job_"
remote 0 delete "$second"
same "a model is deleted" "$second deleted" "$out"
remote 1 delete "$second"
is_said "no model has the id '$second'"
remote 1 delete dst_none
is_said "no data set has the id 'dst_none'"
remote 2 delete "mdl_/../../jobs"
is_said "is no id of a model; 'fsnet remote models' lists them"
upload datasets "$dir/shapes.tar.gz" name=second
remote 0 delete "$id"
remote 0 datasets
same "and a data set" "$dataset" "$(awk '{ print $1 }' <<<"$out")"
finish
