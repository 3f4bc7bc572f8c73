#!/bin/bash
# test_server_log.sh [BUILD] - what happened to a job and when, through restarts and failures, and the files of a
# sweep and a search with where each of them stands.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 200 40
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
spec='{"finetune": {"epochs": 2, "batch_size": 20}, "threads": 1}'

log_of() { # JOB FILTER: of the rows
    call GET "/v1/jobs/$1/log"
    jq -rc "$2" "$dir/body"
}
logged() { # EVENT [AT_LEAST]
    [ "$(log_of "$job" "[.items[] | select(.event == \"$1\")] | length")" -ge "${2:-1}" ]
}

for part in log candidates; do
    call GET "/v1/jobs/job_000000000000000000000000/$part"
    refused "the $part of an unknown job" 404 not-found "no job has the id"
done

# ---- a job from order to end -----------------------------------------------------------------
order "$(jq -c '.sweep = {ratio: [2, 8]}' <<<"$spec")"
swept=$job
order "$(jq -c '.finetune.epochs = 1000' <<<"$spec")"
long=$job
same "a job that waits was ordered" '["ordered"]' "$(log_of "$long" '[.items[].event]')"
job=$swept
check "the sweep trains" wait_for 60 epochs_done 1
call GET "/v1/jobs/$job/candidates"
same "of a sweep that runs the first file is in hand, the second to come" \
    "sweep 2 running,waiting 2,8 null" \
    "$(field '"\(.kind) \(.most) \([.items[].status] | join(",")) \([.items[].budget_ratio] | join(",")) \(.items[1].artifact)"')"
finishes succeeded
call GET "/v1/jobs/$job/log"
like job-log
same "it was ordered, started, and came to its end" "ordered started succeeded" \
    "$(field '[.items[].event | select(. != "stage" and . != "candidate" and . != "warning")] | join(" ")')"
same "each file's stages went by in order" "fit finetune quantize export verify" \
    "$(field '[.items[] | select(.event == "stage" and .candidate == 2) | .stage | select(. != "plan" and . != "report")] | .[:5] | join(" ")')"
same "what comes before the files is of none" "null" "$(field '[.items[] | select(.stage == "baseline") | .candidate] | unique[]')"
same "numbers have no gap and times do not go back" true \
    "$(field '.items | ([.[].number] == [range(1; length + 1)]) and ([.[].at] == ([.[].at] | sort))')"
cp "$dir/body" "$dir/log.json"
call GET "/v1/jobs/$job/report"
same "the warnings are the report's" "$(field .warnings)" \
    "$(jq '[.items[] | select(.event == "warning") | .detail]' "$dir/log.json")"
same "and each file is told when it is done" "1 2" \
    "$(jq -r '[.items[] | select(.event == "candidate") | .candidate] | join(" ")' "$dir/log.json")"
cp "$dir/body" "$dir/report.json"
call GET "/v1/jobs/$job/log?after=$(jq '.items[-1].number - 1' "$dir/log.json")"
same "who has rows asks for what came after" succeeded "$(field '.items[].event')"
call GET "/v1/jobs/$job/log?after=-1"
refused "a number of no row" 400 bad-query "after: expected the number of a row"

call GET "/v1/jobs/$job/candidates"
like candidates
same "every file is done" "done done" "$(field '[.items[].status] | join(" ")')"
same "the best is the report's choice" "$(jq .search.chosen "$dir/report.json")" \
    "$(field '[.items[].best] | index(true)')"
same "its figures are those of the report" "$(jq -c '.search.candidates | map([.size_bytes, .top1, .drop, .pareto])' "$dir/report.json")" \
    "$(field '.items | map([.size_bytes, .top1, .drop, .pareto]) | tojson')"
for k in 1 2; do
    href=$(field ".items[$((k - 1))].artifact.href")
    want=$(field ".items[$((k - 1))] | \"\(.artifact.sha256) \(.size_bytes)\"")
    curl -s "$url$href" -o "$dir/candidate"
    same "file $k can be had" "$want" "$(sum_of "$dir/candidate") $(stat -c %s "$dir/candidate")"
done

# ---- starts ----------------------------------------------------------------------------------
job=$long
check "the long job trains" wait_for 60 epochs_done 1
stop
start --workers 1
check "and is taken up again" wait_for 60 logged started 2
stop KILL
start --workers 1
check "and again" wait_for 60 logged started 3
same "the log tells how each start ended" "ordered 0,started 1,released 1,started 1,retried 1,started 2" \
    "$(log_of "$job" '[.items[] | select(.event != "stage") | "\(.event) \(.attempt)"] | join(",")')"
call POST "/v1/jobs/$job/cancel"
finishes cancelled
same "that it is to end, and its end" "cancel-requested cancelled" \
    "$(log_of "$job" '[.items[-2:][].event] | join(" ")')"
# (Levels bound a network that is trained as it is when quantised; floating point does not.)
order "$(jq -c '.finetune.lr = 100 | .finetune.warmup_steps = 0 | .quantize.least_bits = 8' <<<"$spec")"
finishes failed
why=$(field .error.detail)
same "a job that failed says why" "failed: $why" "$(log_of "$job" '.items[-1] | "\(.event): \(.detail)"')"
call GET "/v1/jobs/$job/candidates"
same "a job of one file has no others" '{"kind":null,"max_accuracy_drop":null,"most":null,"items":[]}' "$(field tojson)"

# ---- a search --------------------------------------------------------------------------------
order "$(jq -c '.budget = {max_accuracy_drop: 5, search_candidates: 2}' <<<"$spec")"
finishes succeeded
call GET "/v1/jobs/$job/candidates"
same "of a search the chosen file stays" "search 5 1 model.onnx" \
    "$(field '[.items[] | select(.artifact)] as $kept | "\(.kind) \(.max_accuracy_drop) \($kept | length) \($kept[0].artifact.name)"')"
same "and that is the best" true "$(field '[.items[] | select(.artifact)][0].best')"
call DELETE "/v1/jobs/$job"
call GET "/v1/jobs/$job/log"
refused "the log of a job that was deleted" 404 not-found "no job has the id"
stop

# ---- who asked -------------------------------------------------------------------------------
# client_of REQUEST: who sent it, by the service's log.
client_of() { jq -r --arg id "$1" 'select(.event == "request" and .request == $id) | "\(.client) \(.status)"' "$dir/log"; }
is_in_log() { [ -n "$(client_of "$1")" ]; }
start --workers 1
call GET /v1/jobs -H 'X-Request-Id: plain' -H 'X-Forwarded-For: 203.0.113.9'
wait_for 20 is_in_log plain
same "the log says who was connected, and not who a header says it was" "127.0.0.1 200" "$(client_of plain)"
call GET /v1/nothing --interface 127.0.0.2 -H 'X-Request-Id: other'
wait_for 20 is_in_log other
same "of what is refused as well" "127.0.0.2 404" "$(client_of other)"
stop
start --workers 1 --trusted-proxies '127.0.0.1, 10.0.0.0/8'
# came_from ADDRESS WHAT [CURL_OPTION...]
asked=0
came_from() {
    call GET /v1/jobs -H "X-Request-Id: asked-$((++asked))" "${@:3}"
    wait_for 20 is_in_log "asked-$asked"
    same "$2" "$1 200" "$(client_of "asked-$asked")"
}
came_from 203.0.113.9 "of a trusted proxy the log says who asked it" -H 'X-Forwarded-For: 203.0.113.9'
came_from 203.0.113.9 "behind several of them too, and not who that says it is" \
    -H 'X-Forwarded-For: 198.51.100.1, 203.0.113.9' -H 'x-forwarded-for: 10.1.2.3'
came_from 127.0.0.1 "a proxy that says nothing asked itself" -H 'X-Request: none'
came_from 127.0.0.1 "what is no address is not taken for one" -H 'X-Forwarded-For: 203.0.113.9, "status":200'
came_from 127.0.0.2 "who is no proxy is not believed" --interface 127.0.0.2 -H 'X-Forwarded-For: 203.0.113.9'
stop
if [ -e /proc/net/if_inet6 ]; then
    start --workers 1 --listen '[::1]:0'
    call GET /healthz -H 'X-Request-Id: six' --connect-to "::[::1]:"
    wait_for 20 is_in_log six
    same "an address of IPv6" "::1 200" "$(client_of six)"
    stop
else
    skip "an address of IPv6" "there is no IPv6"
fi
finish
