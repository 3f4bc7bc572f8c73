#!/bin/bash
# test_server_disk_full.sh [BUILD] - a data folder on a disk that fills up: what is refused says so, nothing is left of
# it, and all works again when there is room. The disk is a tmpfs in a mount namespace of the test's own.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
if [ -z "${OWN_MOUNTS:-}" ] && unshare --map-root-user --mount true 2>/dev/null; then
    OWN_MOUNTS=1 exec unshare --map-root-user --mount "$0" "$@"
fi
. tests/integration/server.sh
mkdir "$data"
if [ -z "${OWN_MOUNTS:-}" ] || ! mount -t tmpfs -o size=40M,mode=750 none "$data" 2>"$dir/out"; then
    skip "a full disk" "no tmpfs can be mounted here"
    finish
fi
trap 'umount -l "$data"; at_exit' EXIT
make_inputs 20 10
start
# fill LEFT_MB: until so many MB are left.
fill() {
    rm -f "$data/filler"
    head -c $((($(stat -f -c %a "$data") - $1 * 256) * 4096)) /dev/zero >"$data/filler"
}
check "the disk is as small as it should be" test "$(stat -f -c %b "$data")" -eq 10240
call GET /readyz
same "it is ready" 200 "$status"
upload models "$dir/resnet8.onnx"
head -c 45M /dev/zero >"$dir/large"

for kind in models datasets; do
    call POST "/v1/$kind" --data-binary "@$dir/large"
    refused "$kind: more than there is room for" 507 insufficient-storage "the disk is full: delete what is not needed"
    check "$kind: nothing is left of it" wait_for 10 no_temporary_files
done
holds "the log has the cause" "the body could not be stored: No space left on device" "$(grep 'request failed' "$dir/log")"

tus=(-H 'Tus-Resumable: 1.0.0')
call POST /v1/uploads "${tus[@]}" -H "Upload-Length: $((45 << 20))" -H "Upload-Metadata: kind $(printf dataset | base64)"
path=$(header location)
send() { # OFFSET
    call PATCH "$path" "${tus[@]}" -H 'Content-Type: application/offset+octet-stream' -H "Upload-Offset: $1" \
        --data-binary @<(tail -c "+$(($1 + 1))" "$dir/large")
}
send 0
refused "a part for which there is no room" 507 insufficient-storage "the disk is full"
call GET "$path"
offset=$(field .offset)
same "what has come stays" "receiving true" "$(field .status) $([ "$offset" -gt $((20 << 20)) ] && echo true)"
mount -o remount,size=120M "$data"
send "$offset"
same "with more room it goes on from there, and is then read" 422 "$status"
given_back() { [ "$(stat -f -c %a "$data")" -gt $((100 * 256)) ]; }
check "what was refused takes no room" wait_for 10 given_back

fill 8
call GET /readyz
refused "hardly any room" 503 unavailable "the disk of the data folder is full"
rm "$data/filler"
call GET /readyz
same "ready again" 200 "$status"
fill 0
call POST /v1/models --data-binary "@$dir/resnet8.onnx"
refused "no room at all" 507 insufficient-storage "the disk is full"
call GET /v1/models
same "what is there is still served" "200 1" "$status $(field '.items | length')"
rm "$data/filler"
upload models "$dir/resnet8.onnx"
stop
same "it ends in order" 0 "$code"
same "fsnetd check finds nothing wrong" 0 "$("$build/fsnetd" check --data-dir "$data" --deep --max-upload-bytes 1M >"$dir/out" 2>&1; echo $?)"
finish
