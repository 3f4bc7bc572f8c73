#!/bin/bash
# test_server_tls.sh [BUILD] - HTTPS with a certificate of one's own: a whole job over it, streams, what is too old
# to be spoken, and files that cannot serve as certificate or key.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
if ! command -v openssl >/dev/null; then
    skip "HTTPS" "openssl is not installed"
    finish
fi
# certificate NAME: NAME.crt, valid for 127.0.0.1, and NAME.key.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=fsnetd \
        -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/$1.key" -out "$dir/$1.crt" 2>"$dir/out" || cat "$dir/out"
}
certificate one
certificate two
make_inputs 60 20

# will_not_start TEXT CERTIFICATE KEY
will_not_start() {
    said=$(timeout 20 "$build/fsnetd" serve --listen 127.0.0.1:0 --data-dir "$data" --tls-cert "$2" --tls-key "$3" 2>&1)
    code=$?
    same "$(basename "$2") and $(basename "$3"): does not start" 1 $code
    holds "$(basename "$2") and $(basename "$3"): says why" "$1" "$(tail -n 1 <<<"$said")"
}
: >"$dir/empty"
head -c 2000000 /dev/zero >"$dir/large"
head -c 100 "$dir/one.crt" >"$dir/cut.crt"
openssl ec -in "$dir/one.key" -aes128 -passout pass:x -out "$dir/locked.key" 2>"$dir/out"
will_not_start "cannot read $dir/none: No such file" "$dir/none" "$dir/one.key"
will_not_start "cannot read $dir/none: No such file" "$dir/one.crt" "$dir/none"
will_not_start "--tls-cert: $dir/empty is no certificate in PEM" "$dir/empty" "$dir/one.key"
will_not_start "--tls-cert: $dir/cut.crt is no certificate in PEM" "$dir/cut.crt" "$dir/one.key"
will_not_start "$dir/large: more than 1048576 bytes" "$dir/large" "$dir/one.key"
will_not_start "--tls-key: $dir/empty is no private key in PEM" "$dir/one.crt" "$dir/empty"
will_not_start "--tls-key: $dir/one.crt is no private key" "$dir/one.crt" "$dir/one.crt"
will_not_start "is no private key in PEM without a password" "$dir/one.crt" "$dir/locked.key"
will_not_start "do not go together" "$dir/one.crt" "$dir/two.key"

start --tls-cert "$dir/one.crt" --tls-key "$dir/one.key"
call GET /healthz 2>"$dir/out"
same "without TLS nothing is answered" 000 "$status"
url=https://${url#http://}
call GET /healthz 2>"$dir/out"
same "a certificate that nobody vouches for is not trusted" 000 "$status"
export CURL_CA_BUNDLE=$dir/one.crt
call GET /healthz
same "over HTTPS the service answers" "200 ok" "$status $(field .status)"
port=$(<"$dir/port")
for version in tls1 tls1_1; do
    said=$(openssl s_client -connect "127.0.0.1:$port" -$version -cipher 'ALL@SECLEVEL=0' </dev/null 2>&1)
    holds "$version is offered" "has read 0 bytes and written 1" "$said"
    holds "and the server does not speak it" "Cipher is (NONE)" "$said"
done
for version in tls1_2 tls1_3; do
    check "it speaks $version" grep -qE '^Verification: OK' \
        <(openssl s_client -connect "127.0.0.1:$port" -$version -CAfile "$dir/one.crt" </dev/null 2>"$dir/out")
done

token=$("$build/fsnetd" token create --name a --role user --data-dir "$data" 2>"$dir/out")
echo "header = \"Authorization: Bearer $token\"" >"$dir/.curlrc"
export CURL_HOME=$dir # every call has the token from here on
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
order '{"finetune": {"epochs": 2, "batch_size": 20}, "threads": 1}'
curl -sSN --max-time 120 -o "$dir/events" "$url/v1/jobs/$job/events"
same "a stream lasts to the job's end" "0 2" "$? $(grep -c '^event: epoch' "$dir/events")"
finishes succeeded
call GET "/v1/jobs/$job/artifacts"
want=$(field '.items[] | select(.name == "model.onnx") | .sha256')
artifact model.onnx "$dir/small.onnx"
same "a file comes whole" "$want" "$(sum_of "$dir/small.onnx")"
call GET "/v1/models/$model/content" -H 'Range: bytes=100-199'
same "and in part" "206 $(tail -c +101 "$dir/resnet8.onnx" | head -c 100 | sha256sum | cut -d' ' -f1)" \
    "$status $(sum_of "$dir/body")"
truncate -s 60M "$dir/far"
call POST /v1/jobs -H 'Transfer-Encoding: chunked' -H 'Expect:' --data-binary "@$dir/far"
refused "far more than is taken, in the middle of it" 413 body-too-large "at most 1048576 bytes"
check "the log has the address" grep -q '"address":"https://127.0.0.1:' "$dir/log"
same "no key is in it" "" "$(grep -F "$(sed -n 2p "$dir/one.key")" "$dir/log")"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
