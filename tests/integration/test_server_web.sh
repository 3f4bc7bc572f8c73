#!/bin/bash
# test_server_web.sh [BUILD] - the dashboard's files as HTTP sees them, the contract that the server
# serves, and plans without an order. What they do in a browser is tested by tests/browser.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
start

# ---- what is served --------------------------------------------------------------------------
call GET / -H 'Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8'
same "a browser gets the dashboard" "200 text/html; charset=utf-8" "$status $(header content-type)"
same "which is server/web/index.html" "$(sum_of server/web/index.html)" "$(sum_of "$dir/body")"
same "what / is depends on Accept" Accept "$(header vary)"
call GET /
same "curl gets text" "200 text/plain; charset=utf-8" "$status $(header content-type)"
same "whose form depends on Accept too" Accept "$(header vary)"
holds "the text leads to the contract" /openapi.yaml "$(<"$dir/body")"

# served PATH FILE TYPE
served() {
    call GET "$1"
    same "$1 is $2" "200 $3 $(sum_of "$2")" "$status $(header content-type) $(sum_of "$dir/body")"
    same "$1: the tag is the SHA-256" "\"$(sum_of "$2")\"" "$(header etag)"
    same "$1 is asked for anew" no-cache "$(header cache-control)"
    same "$1 is taken as what it is" nosniff "$(header x-content-type-options)"
    same "$1 tells no referrer" no-referrer "$(header referrer-policy)"
    holds "$1 has a policy" "default-src 'none'" "$(header content-security-policy)"
    case "$(header content-security-policy)" in
    *unsafe* | *http* | *\**) not_ok "$1: the policy is strict" "$(header content-security-policy)" ;;
    *) ok "$1: the policy is strict" ;;
    esac
    call GET "$1" -H "If-None-Match: \"$(sum_of "$2")\""
    same "$1 is not sent twice" "304 0" "$status $(stat -c %s "$dir/body")"
    call GET "$1" -H 'If-None-Match: "of another version"'
    same "$1 is sent to who has another" 200 "$status"
}
for file in server/web/*.* server/web/vendor/*.*; do
    case $file in
    *.html) type='text/html; charset=utf-8' ;;
    *.css) type='text/css; charset=utf-8' ;;
    *.js) type='text/javascript; charset=utf-8' ;;
    *.svg) type=image/svg+xml ;;
    *.txt) type='text/plain; charset=utf-8' ;;
    *) continue ;;
    esac
    served "/web/$(basename "$file")" "$file" "$type"
done
served /openapi.yaml api/openapi.yaml application/yaml
served /problems.md api/problems.md 'text/markdown; charset=utf-8'
served /job-spec.schema.json api/job-spec.schema.json application/schema+json

for path in /web/none.js /web/ /web/README.md /web/..%2fopenapi.yaml /web/%00; do
    call GET "$path" --path-as-is
    same "$path is not there" "404 application/problem+json" "$status $type"
done
call POST /web/main.js -d x
same "files are read only" "405 GET, HEAD" "$status $(header allow)"

same "the page has no script or style of its own" "" \
    "$(grep -nE '<style|style=|<script>|[ "]on[a-z]+=|javascript:' server/web/index.html)"
same "no file asks another origin" "" \
    "$(sed 's|"http://www.w3.org/2000/svg"||' server/web/*.{html,css,js} server/web/vendor/*.css | grep -nE "https?://")"

# ---- plans without an order ------------------------------------------------------------------
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec=$(jq -nc --arg m "$model" --arg d "$dataset" '{model_id: $m, dataset_id: $d, quantize: {bits: 4}}')
call POST '/v1/jobs?dry_run=true' -d "$spec"
same "an order is planned" "200 application/json" "$status $type"
like job-planned
plan=$(field '.plan | tojson')
same "the defaults are written out" "8 4" "$(field '"\(.spec.finetune.epochs) \(.spec.quantize.bits)"')"
call GET /v1/jobs
same "nothing was ordered" 0 "$(field '.items | length')"
call POST '/v1/jobs?dry_run=true' -d '{"filter_summary": {"ratio": 0.5}, "colour": 1}'
refused "a faulty order" 422 invalid-spec "/filter_summary/ratio"
same "every fault has its place" "/colour /dataset_id /filter_summary/ratio /model_id" \
    "$(field '[.errors[].pointer] | sort | join(" ")')"
call POST '/v1/jobs?dry_run=true' -d '{'
refused "what is not JSON" 400 malformed-json ""
call POST '/v1/jobs?dry_run=maybe' -d "$spec"
refused "neither true nor false" 400 bad-query "dry_run: expected true or false, got 'maybe'"
call POST '/v1/jobs?dry_run=false' -d "$(jq -c '.finetune.epochs = 0' <<<"$spec")"
same "false orders" 201 "$status"
same "and has the same plan" "$plan" "$(field '.plan | tojson')"
job=$(field .id)
finishes succeeded
finish
