#!/bin/bash
# test_server_check.sh [BUILD] - fsnetd check: a sound data folder, beside the running service and without
# it, and each kind of damage by name.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 20 10

# check_data EXIT_CODE [OPTION...]: the findings in $out, as JSON in $json.
check_data() {
    local want=$1
    shift
    out=$("$build/fsnetd" check --data-dir "$data" --max-upload-bytes 1M "$@" 2>&1)
    same "exit code of: check $*" "$want" "$?"
    json=$("$build/fsnetd" check --data-dir "$data" --max-upload-bytes 1M --json "$@")
    same "the JSON form agrees" "$want" "$(jq 'if .ok and .errors == 0 then 0 else 1 end' <<<"$json")"
    same "and has a finding for each line" "$(sed '$d' <<<"$out" | grep -c .)" "$(jq '.findings | length' <<<"$json")"
}
says() { holds "check says: $2" "$2" "$(jq -r --arg level "$1" '.findings[] | select(.level == $level) | .detail' <<<"$json")"; }
listing() { (cd "$data" && find . -type f ! -name '*-shm' ! -name '*-wal' -exec sha256sum {} + | sort); }

check_data 1
says error "No such file"
mkdir -m 750 "$data"
check_data 0
says ok "none yet: the first start makes it"

start
upload models "$dir/resnet8.onnx"
first=$id
upload datasets "$dir/shapes.tar.gz"
check_data 0 --deep
says ok "2 files of $(find "$data/blobs" -type f -printf '%s\n' | awk '{ s += $1 } END { print s }') bytes"
says ok "the newest of this program"
call DELETE "/v1/models/$first"
upload models "$dir/resnet8.onnx"
same "the service works on beside it" 201 "$status"
stop
before=$(listing)
check_data 0
same "it changes nothing" "$before" "$(listing)"

chmod 755 "$data"
check_data 0
says warning "mode 0755"
chmod 750 "$data"
check_data 1 --max-upload-bytes 1024G
says error "an upload may have 1099511627776"
check_data 1 --workers 99
says error "--workers: expected a whole number from 0 to 64"

# ---- what serve needs beside the folder --------------------------------------------------------
# start_fails [OPTION...]: what check refuses, serve refuses too.
start_fails() {
    timeout 20 "$build/fsnetd" serve --listen 127.0.0.1:0 --data-dir "$data" "$@" >"$dir/out" 2>&1
    check "serve $* fails too" test $? -eq 1
}
check_data 0 --listen 127.0.0.1:0
says ok "127.0.0.1:0 is free"
says ok "photographs can be unpacked in ${TMPDIR:-/var/tmp}"
export TMPDIR=$dir/nowhere
check_data 1
says error "cannot make a temporary file in $dir/nowhere (TMPDIR)"
start_fails
unset TMPDIR
check_data 1 --tls-cert "$dir/none.pem" --tls-key "$dir/none.key"
says error "cannot read $dir/none.pem"
start_fails --tls-cert "$dir/none.pem" --tls-key "$dir/none.key"
check_data 1 --listen 0.0.0.0:0
says error "make a token first"
start_fails --listen 0.0.0.0:0
check_data 0 --listen 0.0.0.0:0 --auth tokens
check_data 1 --listen no.such.host.invalid:0
says error "cannot resolve no.such.host.invalid:0"
check_data 1 --listen 192.0.2.1:0 --auth tokens
says error "cannot listen on 192.0.2.1:0"
check_data 1 --port-file "$dir/none/port"
says error "$dir/none: expected to write there"
start_fails --port-file "$dir/none/port"
check_data 0 --port-file "$dir/port"
start
check_data 0 --listen "${url#http://}"
says warning "${url#http://} is in use: by the service, if it runs"
stop
"$build/fsnetd" token create --name a --role admin --data-dir "$data" >"$dir/token" 2>"$dir/out"
check_data 0 --listen 0.0.0.0:0
says ok "0.0.0.0:0 is free"
export FSNETD_MAX_UPLOAD=5
check_data 0
says warning "FSNETD_MAX_UPLOAD of the environment is no setting; the nearest is FSNETD_MAX_UPLOAD_BYTES"
unset FSNETD_MAX_UPLOAD

# ---- damage ----------------------------------------------------------------------------------
largest=$(find "$data/blobs" -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
cp "$largest" "$dir/kept"
damage() { printf X | dd of="$largest" bs=1 seek=100 conv=notrunc status=none; }
damage
check_data 0
check_data 1 --deep
says error "$(basename "$largest"): the content has changed: its SHA-256 is $(sum_of "$largest")"
truncate -s 7 "$largest"
check_data 1
says error "expected $(stat -c %s "$dir/kept") bytes, the file has 7"
rm "$largest"
check_data 1
says error "$(basename "$largest"): the file is missing"
cp "$dir/kept" "$largest"
mkdir -p "$data/blobs/zz"
echo nobody >"$data/blobs/zz/nobodys"
check_data 0
says warning "zz/nobodys: nothing names this file of 7 bytes"
rm -r "$data/blobs/zz"

# ---- the database ------------------------------------------------------------------------------
cp "$data/fsnetd.db" "$dir/kept.db"
pages=$(($(stat -c %s "$data/fsnetd.db") / 4096))
check "there are pages to damage" test "$pages" -gt 3
for page in $(seq 1 $((pages - 1))); do
    printf 'XXXXXXXXXXXXXXXX' | dd of="$data/fsnetd.db" bs=1 seek=$((page * 4096)) conv=notrunc status=none
done
check_data 1
holds "damage is named" malformed "$(jq -r '.findings[] | select(.level == "error") | .detail' <<<"$json")"
head -c 5000 /dev/urandom >"$data/fsnetd.db"
check_data 1
says error "file is not a database"
rm "$data/fsnetd.db"
check_data 1
says error "a start would begin an empty one and remove the files"
if command -v sqlite3 >/dev/null; then
    cp "$dir/kept.db" "$data/fsnetd.db"
    newest=$(sqlite3 "$data/fsnetd.db" 'SELECT max(version) FROM schema_migrations')
    sqlite3 "$data/fsnetd.db" "DELETE FROM schema_migrations WHERE version = $newest"
    before=$(sqlite3 "$data/fsnetd.db" 'SELECT max(version) FROM schema_migrations')
    check_data 0
    says warning "version $before, this program has $newest: the next start applies 1 migrations; back up before"
    cp "$dir/kept.db" "$data/fsnetd.db"
    sqlite3 "$data/fsnetd.db" "UPDATE schema_migrations SET version = 99 WHERE version = $newest"
    check_data 1
    says error "schema version 99, this program knows $newest"
else
    skip "databases of newer and older programs" "sqlite3 is not installed"
fi
finish
