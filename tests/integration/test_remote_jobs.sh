#!/bin/bash
# test_remote_jobs.sh [BUILD] - fsnet remote jobs where there are more than the service tells at once.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
export HOME=$dir/home
mkdir -p "$HOME"
unset FSNET_SERVER FSNET_TOKEN

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
finish
