#!/bin/bash
# test_server_backup.sh [BUILD] - fsnetd backup beside the running service, restore elsewhere: everything is
# there, byte for byte, and the job that ran goes on to the same result. Damaged backups are refused.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 400 60
backup=$dir/backup

# run EXPECTED_CODE ARG...: fsnetd's output in $out and $err.
run() {
    local want=$1
    shift
    "$build/fsnetd" "$@" >"$dir/out" 2>"$dir/err"
    same "exit code of: fsnetd ${*//$dir/DIR}" "$want" "$?"
    out=$(<"$dir/out") err=$(<"$dir/err")
}
# failed_with TEXT: the last run said so, and left nothing half done.
failed_with() {
    holds "it says: $1" "$1" "$err"
    same "nothing half done stays" "" "$(find "$dir" -maxdepth 1 -name '*.partial-*')"
}
files_of() { (cd "$1" && find . -type f | sort); }

# everything FOLDER: all that clients can ask for, and every file, into FOLDER.
everything() {
    mkdir "$1"
    for path in "models" "models/$model" "datasets/$dataset" "jobs/$done_job" "jobs/$done_job/metrics" \
        "jobs/$done_job/artifacts" "jobs/$done_job/report"; do
        call GET "/v1/$path"
        same "$path is there" 200 "$status"
        cp "$dir/body" "$1/${path//\//_}"
    done
    call GET "/v1/models/$model/content"
    cp "$dir/body" "$1/model.onnx"
    for name in $(jq -r '.items[].name' "$1/jobs_${done_job}_artifacts"); do
        call GET "/v1/jobs/$done_job/artifacts/$name"
        cp "$dir/body" "$1/artifact_$name"
    done
}

start --workers 1
upload models "$dir/resnet8.onnx" name=resnet8
model=$id
upload datasets "$dir/shapes.tar.gz" name=shapes
dataset=$id
spec='{"finetune": {"epochs": 3, "batch_size": 50, "warmup_steps": 2}, "seed": 3, "threads": 2}'
order "$spec"
finishes succeeded
done_job=$job
everything "$dir/before"
order "$(jq -c '.finetune.epochs = 12' <<<"$spec")"
check "a job runs" wait_for 60 epochs_done 1
running_job=$job
tus=(-H 'Tus-Resumable: 1.0.0' -H 'Content-Type: application/offset+octet-stream')
call POST /v1/uploads "${tus[@]}" -H "Upload-Length: $(stat -c %s "$dir/resnet8.onnx")" \
    -H "Upload-Metadata: kind $(printf model | base64)" --data-binary @<(head -c 1000 "$dir/resnet8.onnx")
same "an upload in parts has begun" "201 1000" "$status $(header upload-offset)"
partial=$(header location)

run 0 backup --data-dir "$data" --to "$backup"
holds "it says what it holds" "$(files_of "$data/blobs" | wc -l) files of $(find "$data/blobs" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }') bytes" "$out"
call GET "/v1/jobs/$running_job"
same "the job still runs" running "$(field .status)"
same "the backup is a database, a manifest and the blobs" \
    "$({ printf '%s\n' ./fsnetd.db ./manifest.json; cd "$data" && find ./blobs -type f; } | sort)" \
    "$(files_of "$backup")"
same "each file has the digest that the manifest states" "" \
    "$(cd "$backup/blobs" && jq -r '.blobs[] | "\(.sha256)  \(.sha256[:2])/\(.sha256)"' ../manifest.json | sha256sum -c --quiet 2>&1)"
same "so has the database" "$(sum_of "$backup/fsnetd.db") $(stat -c %s "$backup/fsnetd.db")" \
    "$(jq -r '.database | "\(.sha256) \(.size_bytes)"' "$backup/manifest.json")"
same "others cannot read it" 700 "$(stat -c %a "$backup")"
finishes succeeded
artifact model.onnx "$dir/undisturbed.onnx"
run 2 backup --data-dir "$data" --to "$backup"
failed_with "is there already"

# ---- another one, that shares files with the first ---------------------------------------------
run 0 backup --data-dir "$data" --to "$dir/second/" --link-from "$backup"
shared=$(files_of "$backup/blobs" | wc -l)
holds "files that are the same are shared" "$shared of them shared" "$out"
same "on the disk too" "$shared" "$(find "$dir/second/blobs" -type f -links 2 | wc -l)"
check "new ones are copied" test "$(files_of "$dir/second/blobs" | wc -l)" -gt "$shared"
largest=$(cd "$backup" && find blobs -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
cp -r "$backup" "$dir/rotten"
printf X | dd of="$dir/rotten/$largest" bs=1 seek=50 conv=notrunc status=none
run 0 backup --data-dir "$data" --to "$dir/third" --link-from "$dir/rotten"
check "a damaged file is not shared" cmp -s "$dir/third/$largest" "$data/$largest"
run 2 backup --data-dir "$data" --to "$dir/no" --link-from "$dir/nowhere"
failed_with "No such file"
stop

# ---- restored elsewhere --------------------------------------------------------------------------
original=$data
data=$dir/elsewhere/data
mkdir "$dir/elsewhere"
run 0 restore --from "$backup" --verify
holds "a whole backup" "is whole" "$out"
run 0 restore --from "$backup" --data-dir "$data"
run 0 check --data-dir "$data" --deep --max-upload-bytes 1M
start --workers 1
everything "$dir/after"
check "everything is there, byte for byte" diff -r "$dir/before" "$dir/after"
call GET "$partial" "${tus[@]}"
same "but of an upload in parts what had come" "200 0" "$status $(header upload-offset)"
call PATCH "$partial" "${tus[@]}" -H 'Upload-Offset: 0' --data-binary "@$dir/resnet8.onnx"
call GET "$partial" "${tus[@]}"
same "which is sent again" "$(sum_of "$dir/resnet8.onnx")" \
    "$(curl -s "$url$(field .resource)" | jq -r .sha256)"
job=$running_job
finishes succeeded
same "it was begun a second time" 2 "$(field .attempts)"
artifact model.onnx "$dir/again.onnx"
check "the job that ran ends with the same bytes" cmp -s "$dir/undisturbed.onnx" "$dir/again.onnx"
order "$spec"
finishes succeeded
stop
same "SIGTERM ends it in order" 0 "$code"
run 2 restore --from "$backup" --data-dir "$data"
failed_with "expected an empty folder or none"
mkdir -p "$dir/volume/lost+found"
run 0 restore --from "$dir/second" --data-dir "$dir/volume"

# ---- damage ----------------------------------------------------------------------------------
# refuses TEXT: the backup in $dir/bad is not restored.
refuses() {
    run 1 restore --from "$dir/bad" --data-dir "$dir/new"
    holds "the refusal says: $1" "$1" "$err"
    check "and nothing was made" test ! -e "$dir/new"
    mkdir "$dir/new"
    run 1 restore --from "$dir/bad" --data-dir "$dir/new"
    same "in an empty folder nothing either" "" "$(ls -A "$dir/new")"
    rm -r "$dir/new" "$dir/bad"
    cp -r "$backup" "$dir/bad"
}
cp -r "$backup" "$dir/bad"
printf X | dd of="$dir/bad/$largest" bs=1 seek=50 conv=notrunc status=none
refuses "$largest: expected SHA-256 $(basename "$largest"), got"
truncate -s 10 "$dir/bad/$largest"
refuses "$largest: expected $(stat -c %s "$backup/$largest") bytes, got 10"
rm "$dir/bad/$largest"
refuses "$largest: No such file"
printf X | dd of="$dir/bad/fsnetd.db" bs=1 seek=5000 conv=notrunc status=none
refuses "fsnetd.db: expected SHA-256"
rm "$dir/bad/manifest.json"
refuses "manifest.json: No such file or directory; a whole backup has one"
# manifest FILTER: changed by jq.
manifest() { jq "$1" "$backup/manifest.json" >"$dir/bad/manifest.json"; }
head -c 300 "$backup/manifest.json" >"$dir/bad/manifest.json"
run 2 restore --from "$dir/bad" --data-dir "$dir/new"
failed_with "manifest.json:"
manifest 'del(.blobs[0])'
refuses "its database names $(jq '.blobs | length' "$backup/manifest.json") files, its manifest"
manifest '.format = 2'
refuses "format 2, this program knows 1: it is of a newer fsnetd"
for change in '.blobs[0].sha256 = "../../../../etc/passwd"' '.blobs[0].size_bytes = -1' '.blobs |= reverse'; do
    manifest "$change"
    run 2 restore --from "$dir/bad" --data-dir "$dir/new"
    failed_with "/blobs/"
done
manifest 'del(.database)'
run 2 restore --from "$dir/bad" --data-dir "$dir/new"
failed_with "not the manifest of a backup"

# ---- a blob that is dropped meanwhile --------------------------------------------------------------
# The first blob is a pipe: the backup waits there, behind its copy of the database, while the other goes.
data=$dir/small
start --workers 1
upload models "$dir/resnet8.onnx"
ids[0]=models/$id names[0]=$(sum_of "$dir/resnet8.onnx")
upload datasets "$dir/shapes.tar.gz"
ids[1]=datasets/$id names[1]=$(sum_of "$dir/shapes.tar.gz")
[[ ${names[0]} < ${names[1]} ]] && first=0 || first=1
pipe=$data/blobs/${names[first]:0:2}/${names[first]}
mv "$pipe" "$dir/content"
mkfifo "$pipe"
"$build/fsnetd" backup --data-dir "$data" --to "$dir/fifth" >"$dir/out" 2>"$dir/err" &
copying=$!
exec 3<>"$pipe"
reads_pipe() { readlink /proc/"$copying"/fd/* | grep -q "${names[first]}"; }
check "it has come to the first file" wait_for 60 reads_pipe
call DELETE "/v1/${ids[1 - first]}"
same "the other one is deleted" 204 "$status"
cat "$dir/content" >&3
exec 3>&-
wait "$copying"
same "the backup is made all the same" "0 " "$? $(<"$dir/err")"
same "of what is there afterwards" "${names[first]}" "$(jq -r '.blobs[].sha256' "$dir/fifth/manifest.json")"
run 0 restore --from "$dir/fifth" --verify
stop

# ---- a data folder that is not whole -------------------------------------------------------------
data=$original
printf X | dd of="$data/$largest" bs=1 seek=50 conv=notrunc status=none
run 1 backup --data-dir "$data" --to "$dir/fourth"
failed_with "$largest is damaged"
rm "$data/$largest"
run 1 backup --data-dir "$data" --to "$dir/fourth"
failed_with "names blob $(basename "$largest"), which is not there"
run 1 backup --data-dir "$dir/nowhere" --to "$dir/fourth"
failed_with "cannot open database"
run 1 backup --data-dir "$data" --to "$dir/no/where"
failed_with "cannot make a folder beside"
run 2 backup --data-dir "$data"
failed_with "--to BACKUP must be given"
run 2 restore --data-dir "$dir/new"
failed_with "--from BACKUP must be given"
run 2 restore --from "$backup" --verify --data-dir "$dir/new"
failed_with "unknown argument '--data-dir'"
finish
