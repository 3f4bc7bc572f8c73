#!/bin/bash
# test_server_workers.sh [BUILD] - several jobs at once: workers share the cores, one job more waits, and
# what else runs changes nobody's results.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 1000 60 # long enough for two jobs to be seen running
start
holds "there is a worker for each core" "\"workers\":$(cores)," "$(grep 'workers ready' "$dir/log")"
stop
start --workers 2
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec='{"finetune": {"epochs": 3, "batch_size": 50, "warmup_steps": 2}, "seed": 5}'

jobs=()
for n in 1 2 3; do
    order "$spec"
    same "job $n is cut into a slice for each core" "$(cores)" "$(field .spec.threads)"
    jobs+=("$job")
done
count_of() { # STATUS
    call GET "/v1/jobs?status=$1"
    field '.items | length'
}
threads_by() { # FIELD OF: how many threads have each value of a field of their stat above OF: "0 x, 19 y"
    cat /proc/"$server"/task/*/stat | sed 's/.*) //' | awk -v field="$1" -v own="$2" \
        '{ count[$(field - 2) - own]++ } END { for (n in count) printf "%s %d\n", n, count[n] }' | sort -n
}
# stand_back VALUE FIELD OF: it is the value of two threads or more, and 0 that of all others.
stand_back() {
    awk -v value="$1" 'NR == 1 { first = $1 == 0 && $2 >= 4 } NR == 2 { second = $1 == value && $2 >= 2 }
        END { exit !(first && second && NR == 2) }' <(threads_by "$2" "$3")
}
niceness=19 policy=41 idle=5 # proc(5), sched(7)
two_run_one_waits() { [ "$(count_of running) $(count_of queued)" = "2 1" ]; }
check "two workers run two jobs at once and the third waits" wait_for 60 two_run_one_waits
# On one core a job starts no thread of its own.
check "what works on jobs, and nothing else, has what nothing else wants" stand_back $idle $policy 0
for n in 1 2 3; do # the first two beside each other, the third beside one of them and alone
    job=${jobs[n - 1]}
    finishes succeeded
    artifact model.onnx "$dir/$n.onnx"
done
for n in 2 3; do
    check "job $n gives the same bytes as job 1" cmp -s "$dir/1.onnx" "$dir/$n.onnx"
done
same "their small files are stored once" 1 \
    "$(find "$data/blobs" -name "$(sum_of "$dir/1.onnx")" | wc -l)"

order "$(jq -c '.threads = 3' <<<"$spec")"
same "threads that are asked for are kept" 3 "$(field .spec.threads)"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
stop
same "SIGTERM ends it in order" 0 "$code"
own=$(ps -o ni= -p $$)
most=$((19 - own))
start --workers 2 --worker-nice 19
check "or is as nice as one may be" stand_back $most $niceness "$own"
stop
finish
