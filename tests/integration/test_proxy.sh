#!/bin/bash
# test_proxy.sh [BUILD] - deploy/nginx.conf before the real service: an upload reaches the service while it is sent, events
# come while a job waits, limits and ranges are the service's; and deploy/compose.yaml mounts what the file names.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
for folder in /usr/sbin /usr/local/sbin; do PATH=$PATH:$folder; done

for mount in ./nginx.conf:/etc/nginx/nginx.conf:ro ./tls:/etc/nginx/tls:ro; do
    check "compose.yaml mounts $mount" grep -qxF "      - $mount" deploy/compose.yaml
done
for file in $(sed -nE 's/^ *ssl_certificate(_key)? (.*);/\2/p' deploy/nginx.conf); do
    check "$file is below what is mounted" test "$(dirname "$file")" = /etc/nginx/tls
done
same "the proxy asks the service by its name and port in compose.yaml" "fsnetd 8080" \
    "$(sed -nE 's#^ *proxy_pass http://([a-z]+):([0-9]+);#\1 \2#p' deploy/nginx.conf)"
check "the image serves on that port" grep -qF '"0.0.0.0:8080"' Dockerfile
if /usr/bin/python3 -c 'import yaml' 2>"$dir/out"; then
    same "only the proxy is published" '{"proxy":["443:443"]}' "$(/usr/bin/python3 -c 'import json, yaml
print(json.dumps({k: v["ports"] for k, v in yaml.safe_load(open("deploy/compose.yaml"))["services"].items() if "ports" in v}, separators=(",", ":")))')"
else
    skip "what compose.yaml publishes" "python3-yaml is not installed"
fi
if ! command -v nginx >/dev/null || ! command -v openssl >/dev/null; then
    skip "the proxy at work" "nginx or openssl is not installed"
    finish
fi

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=proxy \
    -addext subjectAltName=IP:127.0.0.1 -keyout "$dir/key.pem" -out "$dir/cert.pem" 2>"$dir/out" || cat "$dir/out"
make_inputs 60 20
start --workers 1 --max-upload-bytes 4M --trusted-proxies 127.0.0.1
service=$url
# A free port: that of a server which has gone.
"$build/fsnetd" serve --listen 127.0.0.1:0 --data-dir "$dir/other" --port-file "$dir/free" 2>"$dir/out" &
other=$!
wait_for 30 test -s "$dir/free"
kill "$other" && wait "$other"
port=$(<"$dir/free")
{
    echo "daemon off; pid $dir/nginx.pid; error_log $dir/nginx.log;"
    [ "$(id -u)" != 0 ] || echo "user root;"
    sed -e "s#/etc/nginx/tls#$dir#" -e "s#listen 443#listen 127.0.0.1:$port#" -e "s#http://fsnetd:8080#$service#" -e "s#/dev/stdout#$dir/requests#" \
        -e "s#^http {#&\nclient_body_temp_path $dir/body-temp; proxy_temp_path $dir/proxy-temp; fastcgi_temp_path $dir/a; uwsgi_temp_path $dir/b; scgi_temp_path $dir/c;#" \
        deploy/nginx.conf
} >"$dir/nginx.conf"
nginx -c "$dir/nginx.conf" -e "$dir/nginx.log" 2>"$dir/out" &
proxy=$!
trap 'kill "$proxy" 2>/dev/null; at_exit' EXIT
url=https://127.0.0.1:$port
export CURL_CA_BUNDLE=$dir/cert.pem
answers() { curl -fsS -o "$dir/body" "$url/readyz" 2>"$dir/out"; }
check "the service answers through the proxy" wait_for 20 answers

# An upload that pauses near its end: what was sent lies at the service by then, but for less than a piece (256 KiB, spool.h).
arrived() { [ "$(cat "$data"/tmp/* 2>/dev/null | wc -c)" -ge 262144 ]; }
mkfifo "$dir/pipe"
curl -sS --max-time 60 -o "$dir/answer" -w '%{http_code}' -T - -X POST "$url/v1/models?name=slow" <"$dir/pipe" >"$dir/code" 2>"$dir/out" &
sender=$!
exec 3>"$dir/pipe"
head -c 300000 "$dir/resnet8.onnx" >&3
check "most of an upload is at the service before the rest is sent" wait_for 20 arrived
tail -c +300001 "$dir/resnet8.onnx" >&3
exec 3>&-
wait "$sender"
same "and the whole is taken" "201 $(sum_of "$dir/resnet8.onnx")" "$(<"$dir/code") $(jq -r .sha256 "$dir/answer")"
model=$(jq -r .id "$dir/answer")
upload datasets "$dir/shapes.tar.gz"
dataset=$id
head -c 5000000 /dev/zero >"$dir/large"
call POST /v1/models --data-binary "@$dir/large"
refused "what is too large" 413 body-too-large "4194304"
call GET "/v1/models/$model/content" -H 'Range: bytes=100-199'
same "a part of a file" "206 100" "$status $(stat -c %s "$dir/body")"

order '{"finetune": {"epochs": 1000, "batch_size": 20}, "threads": 1}'
curl -sSN --max-time 120 -o "$dir/events" "$url/v1/jobs/$job/events" &
watcher=$!
check "events come while the job runs" wait_for 60 grep -qs '^event: epoch' "$dir/events"
call POST "/v1/jobs/$job/cancel"
check "and the stream ends with the job" wait "$watcher"
check "by its last event" grep -qx 'id: end' "$dir/events"
same "the proxy wrote no body to the disk" "" "$(find "$dir/body-temp" "$dir/proxy-temp" -type f 2>/dev/null)"
# Who asked, by the proxy's log, and the same request in the service's.
call GET "/v1/models/$model?" -H 'X-Request-Id: asked-7'
asked() { grep -q "127.0.0.1 GET /v1/models/$model 200 asked-7\$" "$dir/requests"; }
check "the proxy's log says who asked" wait_for 20 asked
check "under the id that the service's log has" wait_for 20 grep -q '"request":"asked-7"' "$dir/log"
call GET "/v1/models/$model" --interface 127.0.0.5 -H 'X-Request-Id: asked-8' -H 'X-Forwarded-For: 203.0.113.9'
same "an answer" 200 "$status"
client() { jq -r 'select(.event == "request" and .request == "asked-8") | .client' "$dir/log"; }
check "which has who asked, too" wait_for 20 eval '[ "$(client)" = 127.0.0.5 ]'
kill "$proxy"
wait "$proxy"
stop
same "the service ends in order" 0 "$code"
finish
