#!/bin/bash
# test_remote.sh [BUILD] - fsnet remote against the real service: who one is, the walk of a job from upload to download,
# a server that goes away and comes back, files that are not what they were.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
. tests/support/remote.sh
export XDG_CONFIG_HOME=$dir/config

# serve_again [SETTING...]: the server is back, at the address that it had.
serve_again() {
    "$build/fsnetd" serve --listen "${url#http://}" --data-dir "$data" --workers 1 "$@" 2>>"$dir/log" &
    server=$!
}
make_inputs 300 40
"$fsnet" new resnet8 --classes 7 --seed 1 -o "$dir/other.onnx" >"$dir/out" 2>&1

# ---- no server, a wrong one ----------------------------------------------------------------------
remote 2
is_said "a command is missing"
remote 2 explode
is_said "unknown command 'explode'"
remote 1 jobs
is_said "no server is named"
remote 1 jobs --server http://127.0.0.1:1
is_said "http://127.0.0.1:1: "
remote 1 jobs --server ftp://127.0.0.1
is_said "--server must be an http or https URL"
remote 1 jobs --server http://a:b@127.0.0.1
is_said "must not hold a user or a password"
remote 1 login "http://127.0.0.1/?a=b"
is_said "must not have a query"
check "nothing is kept of it" test ! -e "$dir/config/fsnet/remote.json"

# ---- without a token -----------------------------------------------------------------------------
start --workers 1
export FSNET_SERVER=$url
remote 0 jobs
same "there are no jobs" "" "$out"
remote 1 job job_0
is_said "job_0"
remote 2 job '../models'
is_said "is no id of a job"
remote 1 upload-model "$dir/none.onnx"
is_said "$dir/none.onnx: No such file"
remote 1 upload-data "$dir"
is_said "is a folder"
remote 1 upload-model "$dir/shapes.tar.gz"
check "what is no network is refused with a reason" test -n "$said"
remote 0 upload-model "$dir/resnet8.onnx" --name "näme & more"
model=$out
call GET "/v1/models/$model"
same "the id alone is printed, and names the model" "200 näme & more" "$status $(field .name)"
same "its bytes are those of the file" "$(sum_of "$dir/resnet8.onnx")" "$(curl -sS "$url/v1/models/$model/content" | sha256sum | cut -d' ' -f1)"
is_said "resnet8.onnx: "
remote 0 upload-data "$dir/shapes.tar.gz" --json
dataset=$(jq -r .id <<<"$out")
same "and the resource with --json" "shapes.tar.gz 10" "$(jq -r '"\(.name) \(.summary.classes)"' <<<"$out")"

mkdir "$dir/boxes"
run_local() { "$fsnet" "$@" >"$dir/out" 2>&1 || cat "$dir/out"; }
run_local draw --detection --train 6 --test 4 --seed 3 -o "$dir/boxes.tar.gz"
tar xf "$dir/boxes.tar.gz" -C "$dir/boxes"
find "$dir/boxes" -name test.txt -delete
sed -i '0,/<xmax>[0-9]*/s//<xmax>9999/' "$(find "$dir/boxes" -name 'train-*.xml' | sort | head -1)"
tar czf "$dir/bad.tar.gz" -C "$dir/boxes" .
remote 0 upload-data "$dir/bad.tar.gz"
is_said "note: boxes left out: 1; the first: "
is_said "note: the data set has no test images; a tenth of its train images is the test"
check "the id alone is on standard output" grep -q '^dst_[0-9a-f]*$' <<<"$out"

same "nothing of an upload is left" "" "$(ls -A "$data/partial")"
: >"$dir/empty"
remote 1 upload-model "$dir/empty"
is_said "is empty"

# A server that is killed while it receives: halted at once where bytes have come, so that some are still missing.
received() { find "$data/partial" -type f -size +0 2>"$dir/out" | grep -q .; }
"$fsnet" new resnet18 --seed 1 -o "$dir/large.onnx" >"$dir/out" 2>&1 || cat "$dir/out"
for try in 1 2 3 4 5; do
    "$fsnet" remote upload-model "$dir/large.onnx" --json >"$dir/made" 2>"$dir/said" &
    sender=$!
    until received || ! kill -0 "$sender" 2>"$dir/out"; do :; done
    kill -STOP "$server"
    come=$(cat "$data/partial/"* 2>"$dir/out" | wc -c)
    [ "$come" -gt 0 ] && [ "$come" -lt "$(stat -c %s "$dir/large.onnx")" ] && break
    kill -CONT "$server"
    wait "$sender"
done
check "some of an upload has come" test "$come" -gt 0
stop KILL
serve_again
wait "$sender"
same "the upload goes on when the server is back" 0 $?
check "where it was" grep -q "the connection broke; going on behind" "$dir/said"
same "and is whole" "$(sum_of "$dir/large.onnx")" "$(jq -r .sha256 "$dir/made")"

# ---- orders --------------------------------------------------------------------------------------
remote 1 submit --model "$model" --data "$dataset" --ratio four --epochs -1
is_said "/filter_summary/ratio: must be a number"
is_said "/finetune/epochs: "
remote 1 submit --data "$dataset"
is_said "/model_id: "
echo '{"ratio": ' >"$dir/cut.json"
remote 2 submit --spec "$dir/cut.json"
is_said "$dir/cut.json:2:0: unexpected token"
echo '{"labels": {"from": "file"}, "finetune": {"epochs": 7, "batch_size": 30, "warmup_steps": 4}, "threads": 1}' >"$dir/spec.json"
remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 2 --exclude conv1 --dry-run
holds "a dry run shows the plan" "model.onnx, expected, bytes" "$out"
planned=$(awk '/expected/ { gsub(",", "", $NF); print $NF }' <<<"$out")
remote 0 jobs --json
same "and orders nothing" 0 "$(jq '.items | length' <<<"$out")"
remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 2 --exclude conv1 --name walk --wait
job=$out
is_said "finetune"
is_said "epoch 1/2  lr"
is_said "epoch 2/2  lr"
is_said "$job has succeeded"
call GET "/v1/jobs/$job"
same "file and options make the order, the options over the file" "walk file 2 30 [\"conv1\"] $planned" \
    "$(field '"\(.name) \(.labels.from) \(.spec.finetune.epochs) \(.spec.finetune.batch_size) \(.spec.filter_summary.exclude) \(.plan.expected_bytes)"')"
remote 0 watch "$job" --json
same "watching what has ended tells how" "succeeded 2" "$(jq -r '"\(.status) \(.epoch)"' <<<"$out")"
remote 0 jobs --status succeeded
holds "the job is listed" "$job" "$out"
remote 0 jobs --status failed
same "and not among those that failed" "" "$out"
remote 0 job "$job"
holds "a job is shown" "status         succeeded" "$out"
remote 0 report "$job"
holds "its report is shown" "effective parameters" "$out"
remote 0 report "$job" --json
same "and is that of the service" "$(curl -sS "$url/v1/jobs/$job/report" | jq -S .)" "$(jq -S . <<<"$out")"
remote 1 cancel "$job"
check "what has ended cannot be cancelled" test -n "$said"

# ---- files ---------------------------------------------------------------------------------------
remote 0 download "$job" --out "$dir/result"
call GET "/v1/jobs/$job/artifacts"
cp "$dir/body" "$dir/artifacts"
jq -r '.items[] | "\(.sha256)  \(.name)"' "$dir/artifacts" >"$dir/sums"
check "every file is there, as the service says" sh -c "cd '$dir/result' && sha256sum --quiet -c ../sums"
same "and nothing else" "$(jq '.items | length' "$dir/artifacts")" "$(find "$dir/result" -type f | wc -l)"
remote 0 download "$job" --out "$dir/result"
is_said "model.onnx is there"
sha=$(jq -r '.items[] | select(.name == "model-dense.onnx") | .sha256' "$dir/artifacts")
part=$dir/part/.model-dense.onnx.${sha:0:16}.part
mkdir "$dir/part"
head -c 1000 "$dir/result/model-dense.onnx" >"$part"
remote 0 download "$job" --out "$dir/part" --only model-dense.onnx
is_said "1.00 kB were there"
check "what was there of a file is gone on with" cmp -s "$dir/result/model-dense.onnx" "$dir/part/model-dense.onnx"
same "and the part is gone" "model-dense.onnx" "$(ls -A "$dir/part")"
rm "$dir/part/model-dense.onnx"
head -c 1000 /dev/zero >"$part"
remote 1 download "$job" --out "$dir/part" --only model-dense.onnx
is_said "its SHA-256 is not $sha"
same "a part that is of something else leaves nothing" "" "$(ls -A "$dir/part")"
blob=$(find "$data/blobs" -name "*${sha#??}*" -type f | head -n 1)
chmod u+w "$blob"
printf 'X' | dd of="$blob" bs=1 seek=2000 conv=notrunc 2>"$dir/out"
remote 1 download "$job" --out "$dir/part" --only model-dense.onnx
is_said "its SHA-256 is not $sha"
same "nor does a file that was changed on the server" "" "$(ls -A "$dir/part")"
remote 1 download "$job" --only ../../etc/passwd --out "$dir/part"
is_said "has no file"
remote 0 delete "$job"
remote 1 download "$job" --out "$dir/part"
check "a job that is gone has no files" test -n "$said"

# ---- several files -------------------------------------------------------------------------------
remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 1 --sweep-ratio 2,6 --wait --json
same "the job as it ended is printed, once" succeeded "$(jq -r .status <<<"$out")"
is_said "candidate 1 of at most 2"
size=$(jq -r '.search.done[1].size_bytes' <<<"$out" | sed -E 's/([0-9]{3})$/,\1/')
is_said "candidate 2: $size bytes, drop "

# ---- while it runs -------------------------------------------------------------------------------
# watch_on JOB [OPTION...]: in the background; said in $dir/watched, its process in $watcher.
watch_on() {
    : >"$dir/watched" # what the one before has said is not waited for
    setsid "$fsnet" remote watch "$@" >"$dir/watch_out" 2>"$dir/watched" &
    watcher=$!
}
watched() { grep -qE "$1" "$dir/watched"; }
remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 1000
job=$out
remote 1 download "$job"
is_said "has no files; only a job that has succeeded has"
watch_on "$job"
check "a running job's epochs are shown" wait_for 60 watched '^epoch 2/'
kill -INT "$watcher"
wait "$watcher"
same "Ctrl-C ends watching" 130 $?
check "and says so" watched "interrupted; the job runs on: 'fsnet remote watch $job'"
job_is running
same "the job runs on" running "$(field .status)"
watch_on "$job"
check "watching goes on" wait_for 60 watched '^epoch '
stop
check "a server that ends is noticed" wait_for 30 watched 'asking again'
serve_again
last=$(grep -c '^epoch ' "$dir/watched")
more() { [ "$(grep -c '^epoch ' "$dir/watched")" -gt "$last" ]; }
check "and when it is back, watching goes on" wait_for 60 more
remote 0 cancel "$job"
wait "$watcher"
same "a job that is cancelled ends it by its own code" 4 $?
check "each epoch was shown once" sh -c "grep -oE '^epoch [0-9]+' '$dir/watched' | sort | uniq -d | wc -l | grep -qx 0"
remote 4 watch "$job"
is_said "$job was cancelled"

remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 1000
job=$out
watch_on "$job"
check "another runs" wait_for 60 watched '^epoch '
stop KILL
serve_again --max-attempts 1
wait "$watcher"
same "a job that fails ends watching by its own code" 3 $?
check "and its error is told" watched "$job has failed: .*started 1 time"

remote 0 submit --spec "$dir/spec.json" --model "$model" --data "$dataset" --epochs 1000
job=$out
watch_on "$job" --wait-for-server 1
check "a third one runs" wait_for 60 watched '^epoch '
stop
wait "$watcher"
same "who waits for a server no longer than a second gives up" 1 $?
check "and says why" watched "the server is gone for more than 1 s"

finish
