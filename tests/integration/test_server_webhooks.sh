#!/bin/bash
# test_server_webhooks.sh [BUILD] - webhooks against a receiver of the test's own: signatures checked by openssl,
# failures tried again, redirects and private targets refused, nothing lost over a restart, no secret told.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 100 20
mkdir "$dir/got"
"$build/hook_receiver" "$dir/hook.port" "$dir/got" &
receiver=$!
trap 'kill "$receiver"; at_exit' EXIT
check "the receiver is up" wait_for 30 test -s "$dir/hook.port"
hook=http://127.0.0.1:$(<"$dir/hook.port")
quick='{"finetune": {"epochs": 1, "batch_size": 20}, "threads": 1}'
secret=whsec_$(printf 'a key of 32 bytes for the tests.' | base64)

# with URL [MORE]: an order that is told to this path of the receiver.
with() { jq -c --arg url "$hook$1" '.webhook = {url: $url} + $more' --argjson more "${2:-{\}}" <<<"$quick"; }
# all_are STATUS: every delivery of $job is.
all_are() {
    call GET "/v1/jobs/$job/deliveries"
    [ "$(field '[.items[].status] | unique | join(" ")')" = "$1" ]
}
# requests FILTER: numbers of what came to the receiver for $job, in order, whose event FILTER matches.
requests() {
    local file
    for file in $(ls "$dir/got" | grep '\.body$' | sort -n); do
        [ "$(jq -r '"\(.data.id) \(.type)"' "$dir/got/$file")" = "$job $1" ] && echo "${file%.body}"
    done
}
head_of() { sed -n "s/^$2: //p" "$dir/got/$1.head"; }
# signed NUMBER SECRET: whether the signature is that of the bytes that came, by openssl.
signed() {
    local key
    key=$(base64 -d <<<"${2#whsec_}" | od -An -v -tx1 | tr -d ' \n')
    [ "$(head_of "$1" webhook-signature)" = "v1,$({ printf '%s.%s.' "$(head_of "$1" webhook-id)" "$(head_of "$1" webhook-timestamp)"
        cat "$dir/got/$1.body"; } | openssl dgst -sha256 -mac HMAC -macopt "hexkey:$key" -binary | base64)" ]
}

# ---- what is refused -----------------------------------------------------------------------------
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
# refuses POINTER TEXT WEBHOOK
refuses() {
    call POST /v1/jobs -d "$(jq -c --arg m "$model" --arg d "$dataset" --argjson w "$3" \
        '{model_id: $m, dataset_id: $d, webhook: $w} + .' <<<"$quick")"
    refused "$3" 422 invalid-spec "$2"
    same "its place" "$1" "$(field '.errors[0].pointer')"
}
refuses /webhook/url "must not be an address of this machine" "{\"url\": \"$hook/\"}"
refuses /webhook/url "must not name this machine" '{"url": "http://localhost/"}'
refuses /webhook/url "must not be an address" '{"url": "http://[::ffff:10.0.0.1]/"}'
refuses /webhook/url "must not be an address" '{"url": "http://0x7f.1/"}'
refuses /webhook/url "http or https" '{"url": "file:///etc/passwd"}'
refuses /webhook/url "is required" '{}'
refuses /webhook "must be an object" '"http://example.com"'
refuses /webhook/url 'http or https URL, got \"file:///etc/passwd\"' '{"url": "file:///etc/passwd"}'
refuses /webhook/url 'http or https URL, got 5' '{"url": 5}'
refuses /webhook 'got \"http://example.com\"' '"http://example.com"'
refuses /webhook/events/0 'got \"job.queued\"' '{"url": "http://example.com/", "events": ["job.queued"]}'
refuses /webhook/events "got 0" '{"url": "http://example.com/", "events": []}'
refuses /webhook/method "is unknown" '{"url": "http://example.com/", "method": "PUT"}'
refuses /webhook/secret "whsec_" '{"url": "http://example.com/", "secret": "password"}'
refuses /webhook/events "1 to 4 events" '{"url": "http://example.com/", "events": []}'
refuses /webhook/events/1 "job.started" '{"url": "http://example.com/", "events": ["job.failed", "job.queued"]}'

# That a name leads to this machine is known only when it is called.
name=
for candidate in ip6-localhost "$(hostname)"; do
    getent ahosts "$candidate" | grep -qE '^(127\.|10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|::1 |f[cd])' && name=$candidate
done
tried() {
    call GET "/v1/jobs/$job/deliveries"
    [ "$(field '.items[0].error')" != null ]
}
if [ -n "$name" ]; then
    order "$(jq -c --arg url "http://$name:${hook##*:}/" '.webhook = {url: $url, events: ["job.started"]}' <<<"$quick")"
    finishes succeeded
    check "what is not delivered says why" wait_for 60 tried
    holds "a name of this machine is not called" "the host's address is not public" "$(field '.items[0].error')"
    same "it waits for its next try" pending "$(field '.items[0].status')"
    same "nothing came to the receiver" "" "$(ls "$dir/got")"
    call DELETE "/v1/jobs/$job"
else
    skip "a name that leads to this machine" "neither its host name nor ip6-localhost does"
fi
stop
same "SIGTERM ends it in order" 0 "$code"

# ---- delivery ------------------------------------------------------------------------------------
start --workers 1 --webhook-allow-private on
order "$(with / "{\"secret\": \"$secret\"}")"
same "the answer to the order shows the webhook" "$hook/ $secret job.started job.succeeded job.failed job.cancelled" \
    "$(field '.webhook | "\(.url) \(.secret) \(.events | join(" "))"')"
finishes succeeded
check "both are delivered" wait_for 60 all_are delivered
like deliveries
same "the events of the job, in order" "job.started job.succeeded" "$(field '[.items[].event] | join(" ")')"
same "at the first try" "1 204 null 1 204 null" \
    "$(field '[.items[] | "\(.attempts) \(.response_status) \(.error)"] | join(" ")')"
started=$(requests job.started) ended=$(requests job.succeeded)
call GET "/v1/jobs/$job/deliveries"
same "the id is that of the log" "$(field '.items[1].id')" "$(head_of "$ended" webhook-id)"
same "a JSON body" application/json "$(head_of "$ended" content-type)"
check "the signature of the start is right" signed "$started" "$secret"
check "and that of the end" signed "$ended" "$secret"
check "another secret has another" eval '! signed "$ended" "whsec_$(base64 <<<"another key, of 32 bytes or more.")"'
now=$(date +%s)
check "the time is now" test $((now - $(head_of "$ended" webhook-timestamp))) -lt 300
call GET "/v1/jobs/$job"
same "it tells the job as it is" "$(jq -Sc 'del(.spec, .plan)' "$dir/body")" "$(jq -Sc .data "$dir/got/$ended.body")"
same "and when that was" "$(field .finished_at)" "$(jq -r .timestamp "$dir/got/$ended.body")"

order "$(with /fail/2 '{"events": ["job.succeeded"]}')"
made=$(field .webhook.secret)
check "a secret is made where none was given" grep -qE '^whsec_[A-Za-z0-9+/]{43}=$' <<<"$made"
same "of the events that were asked for" '["job.succeeded"]' "$(field '.webhook.events | tojson')"
finishes succeeded
check "a receiver that fails is asked again" wait_for 60 all_are delivered
same "until it succeeds" "3 204 null" "$(field '.items[0] | "\(.attempts) \(.response_status) \(.error)"')"
mapfile -t tries < <(requests job.succeeded)
same "three requests" 3 "${#tries[@]}"
same "of one id" 1 "$(for n in "${tries[@]}"; do head_of "$n" webhook-id; done | sort -u | wc -l)"
same "and the same bytes" 1 "$(for n in "${tries[@]}"; do sum_of "$dir/got/$n.body"; done | sort -u | wc -l)"
check "each is signed by the secret that was made" \
    eval 'signed "${tries[0]}" "$made" && signed "${tries[1]}" "$made" && signed "${tries[2]}" "$made"'

order "$(with /status/410)"
check "a receiver that is gone" wait_for 60 all_are failed
finishes succeeded
check "is told nothing more" all_are failed
same "which is one delivery" "1 job.started 1 410" "$(field '"\(.items | length) \(.items[0] | "\(.event) \(.attempts) \(.response_status)")"')"

# wait_of: whole seconds from the last attempt of the first delivery to the next.
wait_of() {
    field '.items[0] | [.next_attempt_at, .last_attempt_at] | map(sub("[.][0-9]+Z$"; "Z") | fromdate) | .[0] - .[1]'
}
for busy in 429 503; do
    order "$(with "/retry/$busy/300" '{"events": ["job.started"]}')"
    check "a receiver that answers $busy" wait_for 60 tried
    wait=$(wait_of)
    check "is asked again when Retry-After says" test "$wait" -ge 300 -a "$wait" -le 302
    finishes succeeded
    call DELETE "/v1/jobs/$job"
done
order "$(with "/retry/503/$(LC_ALL=C TZ=GMT date -d '+600 seconds' '+%a, %d %b %Y %T GMT' | jq -sRr 'rtrimstr("\n") | @uri')" \
    '{"events": ["job.started"]}')"
check "a date" wait_for 60 tried
wait=$(wait_of)
check "is a time as well" test "$wait" -ge 570 -a "$wait" -le 602
finishes succeeded
call DELETE "/v1/jobs/$job"
order "$(with /retry/500/300 '{"events": ["job.started"]}')"
check "after any other failure" wait_for 60 tried
check "the delay is ours" test "$(wait_of)" -le 6
finishes succeeded
call DELETE "/v1/jobs/$job"

order "$(with /redirect '{"events": ["job.started"]}')"
check "a redirect is not followed" wait_for 60 tried
same "but a failure" "pending 302" "$(field '.items[0] | "\(.status) \(.response_status)"')"
same "the receiver saw no second path" /redirect \
    "$(for n in $(requests job.started); do head_of "$n" path; done | sort -u)"
finishes succeeded
order "$(with /long '{"events": ["job.succeeded"]}')"
finishes succeeded
check "an answer without end is cut off, and counts" wait_for 60 all_are delivered

call GET /v1/jobs/job_000000000000000000000000/deliveries
refused "the deliveries of an unknown job" 404 not-found "no job has the id"
order "$quick"
call GET "/v1/jobs/$job/deliveries"
same "a job without a webhook" '{"url":null,"events":[],"items":[]}' "$(jq -c . "$dir/body")"
finishes succeeded

# ---- restart -------------------------------------------------------------------------------------
call GET /metrics
value() { grep -v '^#' "$dir/body" | grep -F "fsnetd_$1 " | awk '{ print $NF }'; }
same "deliveries by outcome" "4 1" \
    "$(value 'webhook_attempts_total{outcome="delivered"}') $(value 'webhook_attempts_total{outcome="gone"}')"
check "and what waits" test "$(value webhooks_pending)" -ge 1
order "$(with /slow '{"events": ["job.cancelled"]}')"
call POST "/v1/jobs/$job/cancel"
slow_is_asked() { [ -n "$(requests job.cancelled)" ]; }
check "a receiver that says nothing is asked" wait_for 60 slow_is_asked
began=$SECONDS
stop
same "the server does not wait for it" 0 "$code"
check "but ends soon" test $((SECONDS - began)) -lt 10
start --workers 1 --webhook-allow-private on
asked_again() { [ "$(requests job.cancelled | wc -l)" -ge 2 ]; }
check "and asks again when it is back" wait_for 60 asked_again
call GET "/v1/jobs/$job/deliveries"
same "an attempt that was broken off is none" "pending 1" "$(field '.items[0] | "\(.status) \(.attempts)"')"
call DELETE "/v1/jobs/$job"
same "what is left goes with the job" 204 "$status"
stop KILL
start --workers 1 --webhook-allow-private on --webhook-attempts 1
order "$(with /status/500 '{"events": ["job.started"]}')"
check "after the last attempt it has failed" wait_for 60 all_are failed
same "and says why" "500 the receiver did not answer with a status of 200 to 299" \
    "$(field '.items[0] | "\(.response_status) \(.error)"')"
finishes succeeded

same "the log tells each attempt" "delivered failed gone retry" \
    "$(jq -r 'select(.event == "webhook sent") | .outcome' "$dir/log" | sort -u | paste -sd' ')"

# ---- secrets -------------------------------------------------------------------------------------
call GET /v1/jobs
cp "$dir/body" "$dir/shown"
for job in $(jq -r '.items[].id' "$dir/shown"); do
    for path in "/v1/jobs/$job" "/v1/jobs/$job/deliveries"; do
        call GET "$path"
        cat "$dir/body" >>"$dir/shown"
    done
done
check "there is something to look through" test "$(wc -c <"$dir/shown")" -gt 10000
same "no answer shows a secret again" "" "$(grep -oE 'whsec_.{10}' "$dir/shown")"
same "nor does the log" "" "$(grep -E "whsec_|:${hook##*:}/" "$dir/log")"
same "nor what is sent" "" "$(cat "$dir"/got/*.body | grep -o whsec_)"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
