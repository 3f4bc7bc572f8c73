#!/bin/bash
# test_server_rate.sh [BUILD] - how often a token may ask: the service's rate, a token's own, and what is said of it.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh

# make NAME [OPTION...]: a user's token in $token.
make() {
    token=$("$build/fsnetd" token create --name "$1" --role user --data-dir "$data" "${@:2}" 2>"$dir/said")
}
# asks TOKEN TIMES: the statuses.
asks() {
    for ((i = 0; i < $2; i++)); do
        call GET /v1/jobs -H "Authorization: Bearer $1"
        printf '%s ' "$status"
    done
}

make common
common=$token
make another
another=$token
make slow --rate-per-minute 2
slow=$token
make full --max-stored-bytes 1
full=$token
watcher=$("$build/fsnetd" token create --name watcher --role viewer --data-dir "$data" 2>"$dir/said")
start --rate-per-minute 4
same "the service's rate holds for a token" "200 200 200 200 429 429 " "$(asks "$common" 6)"
call GET /v1/jobs -H "Authorization: Bearer $common"
refused "what is beyond it" 429 rate-limited "4 requests a minute"
retry=$(header Retry-After)
check "Retry-After is within the pace of a request" test "$retry" -ge 1 -a "$retry" -le 15
same "RateLimit says the same" "\"token\";r=0;t=$retry" "$(header RateLimit)"
same "RateLimit-Policy has the quota" '"token";q=4;w=60' "$(header RateLimit-Policy)"
call POST /v1/models --data-binary x -H "Authorization: Bearer $common"
same "whatever is asked for" 429 "$status"
same "another token has a rate of its own" "200 " "$(asks "$another" 1)"
call GET /v1/jobs -H "Authorization: Bearer $another"
same "an answer says how many are left" '"token";r=2' "$(header RateLimit)"
same "a token's rate goes over the service's" "200 200 429 " "$(asks "$slow" 3)"
call GET /healthz
same "what is open to all is not counted" "200 " "$status $(header RateLimit)"
check "a request passes when Retry-After is over" eval 'sleep "$retry"; [ "$(asks "$common" 1)" = "200 " ]'
call GET /v1/jobs -H "Authorization: Bearer ${common%?}x"
same "a wrong token has no rate" "401 " "$status $(header RateLimit)"
call GET /metrics -H "Authorization: Bearer $watcher"
same "what was refused is counted" "fsnetd_http_problems_total{type=\"rate-limited\"} 5" \
    "$(grep -F 'problems_total{type="rate-limited"}' "$dir/body")"
same "by quota, nothing was" 'fsnetd_http_problems_total{type="quota-exceeded"} 0' \
    "$(grep -F 'problems_total{type="quota-exceeded"}' "$dir/body")"
call POST /v1/models --data-binary xx -H "Authorization: Bearer $full"
refused "a token without room" 429 quota-exceeded "more bytes"
call GET /metrics -H "Authorization: Bearer $watcher"
same "which is counted too" 'fsnetd_http_problems_total{type="quota-exceeded"} 1' \
    "$(grep -F 'problems_total{type="quota-exceeded"}' "$dir/body")"
stop
start
same "without a rate there is no limit" "200 200 200 200 200 200 " "$(asks "$common" 6)"
same "but a token's own" "200 200 429 " "$(asks "$slow" 3)"
"$build/fsnetd" token list --data-dir "$data" >"$dir/list"
holds "the list of tokens has the rates" " 2  slow" "$(<"$dir/list")"
make wrong --rate-per-minute 0
holds "a rate is at least one" "--rate-per-minute" "$(<"$dir/said")"
make wrong --rate-per-minute 60000001
holds "and at most a million" "--rate-per-minute" "$(<"$dir/said")"
finish
