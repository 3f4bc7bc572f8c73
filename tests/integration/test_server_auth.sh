#!/bin/bash
# test_server_auth.sh [BUILD] - tokens: who may call what (every route by every role), whose things one sees,
# tokens that end, and that none of them is written down anywhere.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20

# token NAME ROLE [OPTION...]: a new one in $token, its id in $token_id.
token() {
    local name=$1 role=$2
    shift 2
    token=$("$build/fsnetd" token create --name "$name" --role "$role" --data-dir "$data" "$@" 2>"$dir/said")
    token_id=${token:4:24}
}
# as TOKEN METHOD PATH [CURL_OPTION...]
as() {
    local bearer=$1
    shift
    call "$@" -H "Authorization: Bearer $bearer"
}
# cli TEXT CODE ARGUMENT...: `fsnetd token ARGUMENT...` ends with the code and says the text.
cli() {
    local text=$1 want=$2
    shift 2
    said=$("$build/fsnetd" token "$@" 2>&1)
    same "fsnetd token $*: exit code" "$want" $?
    holds "fsnetd token $*" "$text" "$said"
}

# ---- without tokens: on loopback, and nowhere else ---------------------------------------------
# will_not_start WHY SETTING...
will_not_start() {
    local why=$1
    shift
    said=$(timeout 20 "$build/fsnetd" serve --data-dir "$data" "$@" 2>&1)
    same "serve $*: ends" 1 $?
    holds "serve $*: says why" "$why" "$said"
}
will_not_start "make a token first ('fsnetd token create" --listen 0.0.0.0:0
will_not_start "or say '--auth none'" --listen '[::]:0'
start
call GET /v1/models
same "on loopback without a token everything is answered" 200 "$status"
upload models "$dir/resnet8.onnx"
old=$id
same "what is made then has no owner" null "$(field .owner)"

# A web page of another site: by the name of that site, or by the service's own.
for host in evil.example "localhost.evil.example:${url##*:}" 192.168.1.1; do
    for route in "GET /v1/models" "GET /v1/jobs/x/events" "POST /v1/jobs" "GET /metrics"; do
        call ${route% *} "${route#* }" -H "Host: $host"
        refused "$route as $host" 403 foreign-origin "got '$host'; by another name the service is asked with a token"
    done
done
for host in "localhost:${url##*:}" a.localhost '[::1]:80' 127.0.0.2 ''; do
    call GET /v1/models -H "Host:${host:+ $host}"
    same "as '$host' it answers" 200 "$status"
done
call GET /healthz -H 'Host: evil.example'
same "health is told to everybody" 200 "$status"
# posts CURL_OPTION...: an order that is refused as one (422) where it is taken.
posts() { call POST "/v1/jobs" -d '{}' -H 'Content-Type: text/plain' "$@"; }
posts -H 'Sec-Fetch-Site: cross-site' -H 'Origin: http://evil.example'
refused "an order by another site's page" 403 foreign-origin "got Sec-Fetch-Site 'cross-site'"
posts -H 'Sec-Fetch-Site: same-site' -H 'Origin: http://127.0.0.1:1'
refused "by another port's" 403 foreign-origin "got Sec-Fetch-Site 'same-site'"
for origin in http://evil.example http://127.0.0.1:1 null; do
    posts -H "Origin: $origin"
    refused "by a page of $origin in an older browser" 403 foreign-origin "got Origin '$origin'"
done
call DELETE "/v1/models/$old" -H 'Sec-Fetch-Site: cross-site'
refused "a removal by another site's page" 403 foreign-origin "DELETE: expected from a page of this service"
call GET "/v1/models/$old" -H 'Sec-Fetch-Site: cross-site'
same "what only reads goes on: the page does not see the answer" 200 "$status"
posts -H 'Sec-Fetch-Site: same-origin' -H "Origin: $url"
same "the service's own page orders" 422 "$status"
posts -H "Origin: $url"
same "in an older browser too" 422 "$status"
posts
same "and who is no browser" 422 "$status"
stop
"$build/fsnetd" serve --listen 0.0.0.0:0 --data-dir "$data" --port-file "$dir/port" --auth none 2>>"$dir/log" &
server=$!
rm -f "$dir/port"
check "beyond loopback it starts without tokens when it is told to" wait_for 30 test -s "$dir/port"
url=http://127.0.0.1:$(<"$dir/port")
call GET "/v1/models/$old"
same "and asks nobody" 200 "$status"
call GET "/v1/models/$old" -H 'Host: fsnet.example'
same "by any name, which a proxy before it judges" 200 "$status"
call POST /v1/jobs -d '{}' -H 'Host: fsnet.example' -H 'Origin: http://evil.example'
refused "but changes nothing for another site's page" 403 foreign-origin "got Origin 'http://evil.example'"
stop
start --auth tokens
call GET /v1/models
refused "--auth tokens asks before there is one" 401 unauthorized "fsnetd token create"
stop

# ---- fsnetd token ------------------------------------------------------------------------------
cli "usage:" 2
cli "usage:" 2 make
cli "usage:" 0 --help
cli "--data-dir (or FSNETD_DATA_DIR) must be given" 2 list
cli "--name: expected 1 to 100 bytes" 2 create --role admin --data-dir "$data"
cli "--name: expected 1 to 100 bytes" 2 create --name $'a\nb' --role admin --data-dir "$data"
cli "--name: expected 1 to 100 bytes" 2 create --name $'\xff' --role admin --data-dir "$data"
cli "--role: expected admin, user or viewer, got 'root'" 2 create --name a --role root --data-dir "$data"
for time in 0d -1d 5 5w d 1.5h 99999999999999999999d 36501d; do
    cli "--expires: expected a number and d, h, m or s" 2 \
        create --name a --role user --expires=$time --data-dir "$data"
done
cli "unknown argument '--colour'" 2 list --colour red --data-dir "$data"
cli "are for create" 2 list --role admin --data-dir "$data"
cli "unknown argument 'x'" 2 list x --data-dir "$data"
cli "expected the id of a token" 2 revoke --data-dir "$data"
cli "no token has the id 'x'" 1 revoke x --data-dir "$data"
cli "is not the data folder of a service" 1 list --data-dir "$dir/nowhere"
check "and none is made of it" test ! -e "$dir/nowhere"
first=$("$build/fsnetd" token create --name first --role viewer --data-dir "$dir/new" 2>"$dir/said")
same "a first token can be made before the service has started" "0 93" "$? ${#first}"
same "the folder of a service is not for everybody" "750 640" \
    "$(stat -c %a "$dir/new") $(stat -c %a "$dir/new/fsnetd.db")"
# A service and several commands on a folder that is not there yet: each migration is applied once.
for i in 1 2 3 4; do
    "$build/fsnetd" token create --name $i --role user --data-dir "$dir/race" >"$dir/race.$i" 2>&1 &
    makers[i]=$!
done
wait "${makers[@]}"
same "tokens can be made at once" "1 2 3 4" \
    "$("$build/fsnetd" token list --data-dir "$dir/race" | awk 'NR > 1 { print $NF }' | sort | paste -sd' ')"

start
call GET /v1/models
same "the service asks for none yet" 200 "$status"
token boss admin
admin=$token
same "a token has the documented form" 1 "$(grep -cE '^fsn_[0-9a-f]{24}_[0-9a-f]{64}$' <<<"$token")"
holds "its id and role are told beside it" "token $token_id, role admin" "$(<"$dir/said")"
call GET /v1/models
refused "from the first token on it asks, without a new start" 401 unauthorized "Authorization: Bearer"
like problem-unauthorized
same "the challenge is RFC 6750's" 'Bearer realm="fsnetd"' "$(header www-authenticate)"
token alice user
alice=$token alice_id=$token_id
token bob user
bob=$token bob_id=$token_id
token wall viewer --expires 30d
viewer=$token

# ---- hostile headers ---------------------------------------------------------------------------
# hostile WHAT HEADER
hostile() {
    call GET /v1/models -H "$2"
    refused "$1" 401 unauthorized ""
}
hostile "another scheme" "Authorization: Basic Ym9zczpib3Nz"
hostile "a token without its scheme" "Authorization: $admin"
hostile "a token that is cut" "Authorization: Bearer ${admin:0:92}"
hostile "a token with more behind it" "Authorization: Bearer ${admin}0"
hostile "the id of one, the secret of another" "Authorization: Bearer ${admin:0:29}${bob:29}"
hostile "a secret that is off by one digit" "Authorization: Bearer ${admin:0:92}$(tr 0-9a-f 1-9a-f0 <<<"${admin:92}")"
hostile "SQL in the place of an id" "Authorization: Bearer fsn_' OR '1'='1' OR 'x'='xx_${admin:29}"
hostile "two tokens" "Authorization: Bearer $bob, Bearer $admin"
hostile "a header of 20 kB" "Authorization: Bearer $(head -c 20000 /dev/zero | tr '\0' f)"
same "an unknown token is called invalid" 'Bearer realm="fsnetd", error="invalid_token"' "$(header www-authenticate)"
call GET "/v1/models?access_token=$admin"
refused "a token in the query is none" 401 unauthorized ""
call GET /v1/models -H "authorization: bearer   $admin"
same "the scheme is taken in any case" 200 "$status"
call POST /v1/models --data-binary "@$dir/shapes.tar.gz" -H 'Expect: 100-continue'
refused "an upload without a token" 401 unauthorized ""
check "is refused before its bytes are sent" test "$(grep -ci '^HTTP/1.1 100' "$dir/head")" -eq 0
check "nothing of it is kept" no_temporary_files

# ---- alice's things ----------------------------------------------------------------------------
# made TOKEN PATH FILE: a 201 whose owner is the token.
made() {
    as "$1" POST "$2" --data-binary "@$3"
    same "POST $2 by ${1:4:6}" "201 ${1:4:24}" "$status $(field .owner)"
    id=$(field .id)
}
made "$alice" /v1/models "$dir/resnet8.onnx"
model=$id
made "$alice" /v1/datasets "$dir/shapes.tar.gz"
dataset=$id
order=$(jq -nc --arg m "$model" --arg d "$dataset" '{model_id: $m, dataset_id: $d, finetune: {epochs: 0}, sweep: {ratio: [2, 8]}}')
as "$alice" POST /v1/jobs -d "$order" -H 'Idempotency-Key: one'
same "alice orders a job" "201 $alice_id" "$status $(field .owner)"
job=$(field .id)
alices_job_ends() {
    as "$alice" GET "/v1/jobs/$job"
    case "$(field .status)" in queued | running) return 1 ;; esac
}
wait_for 120 alices_job_ends
same "which succeeds" succeeded "$(field .status)"
snapshot() { # what the admin sees of all of it
    for path in models datasets jobs "models/$model" "datasets/$dataset" "jobs/$job" "jobs/$job/artifacts"; do
        as "$admin" GET "/v1/$path"
        cat "$dir/body"
    done | sha256sum
}
before=$(snapshot)

# ---- every route by every role -----------------------------------------------------------------
as "$alice" POST /v1/uploads -H 'Tus-Resumable: 1.0.0' -H 'Upload-Length: 9' -H 'Upload-Metadata: kind bW9kZWw='
partial=$(header location)
open="GET /reference OPTIONS /v1/uploads GET / GET /healthz GET /readyz GET /web/{name} GET /openapi.yaml GET /problems.md GET /job-spec.schema.json "
filled() { # ROUTE: alice's ids in the place of {id}
    case $1 in
    /v1/models/*) echo "${1//\{id\}/$model}" ;;
    /v1/datasets/*) echo "${1//\{id\}/$dataset}" ;;
    /v1/uploads/*) echo "$partial" ;;
    /v1/jobs/*) sed "s/{id}/$job/; s/{name}/model.onnx/; s/{number}/1/" <<<"$1" ;;
    /web/*) echo /web/main.js ;;
    *) echo "$1" ;;
    esac
}
routes=$(sed -nE 's/^ *\{"([A-Z]+)", "([^"]+)".*/\1 \2/p' server/handlers/api.c)
check "there are routes" test "$(wc -l <<<"$routes")" -ge 25
while read -r method route; do
    path=$(filled "$route")
    body=()
    case "$method $route" in # some take a body
    *'/cancel' | *'/retry') ;;
    POST* | PATCH*) body=(-d '{}') ;;
    esac
    call "$method" "$path" "${body[@]}"
    case "$open" in
    *"$method $route "*)
        same "$method $route is open" 200 "$status"
        continue
        ;;
    esac
    refused "$method $route without a token" 401 unauthorized ""
    as "$viewer" "$method" "$path" "${body[@]}"
    if [ "$method" = GET ]; then
        same "$method $route by a viewer" 200 "$status"
        as "$admin" "$method" "$path"
        same "$method $route by an admin" 200 "$status"
    elif [[ $route = */predict ]]; then
        check "$method $route by a viewer is answered: $status" test "$status" -ne 401 -a "$status" -ne 403
    else
        refused "$method $route by a viewer" 403 forbidden "a viewer's token may only read"
        like problem-forbidden
    fi
    as "$bob" "$method" "$path" "${body[@]}"
    case "$method $route" in
    *{id}*) refused "$method $route of another user" 404 not-found "has the id '" ;;
    "GET /metrics") refused "$method $route by a user" 403 forbidden "for tokens of viewers and admins" ;;
    GET*) same "$method $route by another user shows nothing" "200 0" "$status $(field '.items | length')" ;;
    esac
done <<<"$routes"
same "insufficient scope is what RFC 6750 calls it" 1 \
    "$(as "$viewer" DELETE "/v1/jobs/$job"; header www-authenticate | grep -c 'error="insufficient_scope"')"
as "$viewer" POST "/v1/models/$model/predict?dataset_id=$dataset&index=0"
same "a viewer may ask a model what it sees" "200 1" "$status $(field '.items | length')"
as "$viewer" POST "/v1/jobs/$job/artifacts/model.onnx/predict?dataset_id=$dataset&index=0"
same "and a job's file" "200 1" "$status $(field '.items | length')"
as "$viewer" POST '/v1/jobs?dry_run=true' -d "$order"
same "and for the plan of an order" "200 true" "$status $(field '.plan != null')"
as "$viewer" POST "/v1/jobs/$job/duplicate?dry_run=true"
same "and for that of another one like it" "200 true" "$status $(field '.plan != null')"
for query in dry_run=false dry_run= dry_run=True 'dry_run=false&dry_run=true' name=dry_run; do
    as "$viewer" POST "/v1/jobs?$query" -d "$order"
    refused "but not for the order itself by $query" 403 forbidden "a viewer's token may only read"
done
for path in "models/$model" "datasets/$dataset" "jobs/$job"; do
    as "$viewer" DELETE "/v1/$path?dry_run=true"
    refused "nor for anything else by it: $path" 403 forbidden "a viewer's token may only read"
done
as "$viewer" HEAD "/v1/jobs/$job" -I
same "a viewer may HEAD" 200 "$status"
same "what was refused has changed nothing" "$before" "$(snapshot)"
for kind in models datasets jobs; do
    case $kind in models) mine=$model ;; datasets) mine=$dataset ;; jobs) mine=$job ;; esac
    as "$bob" GET "/v1/$kind/$mine"
    of_another=$(jq 'del(.request_id)' "$dir/body" | sed "s/$mine/ID/")
    as "$bob" GET "/v1/$kind/${mine:0:4}000000000000000000000000"
    same "what another has in $kind looks like what is not there" \
        "$(jq 'del(.request_id)' "$dir/body" | sed "s/${mine:0:4}0*/ID/")" "$of_another"
done

# ---- owners --------------------------------------------------------------------------------------
as "$bob" POST /v1/jobs -d "$order"
refused "a job on another's model and data" 422 invalid-spec "no model has the id '$model'"
holds "the data set is not there either" "no data set has the id '$dataset'" "$(<"$dir/body")"
as "$bob" POST '/v1/jobs?dry_run=true' -d "$order"
refused "nor can it be planned" 422 invalid-spec "no model has the id '$model'"
as "$alice" POST /v1/jobs -d "$(jq -c --arg m "$old" '.model_id = $m' <<<"$order")"
refused "what is older than owners is no user's" 422 invalid-spec "no model has the id '$old'"
blobs=$(stored_blobs)
made "$bob" /v1/models "$dir/resnet8.onnx"
bobs=$id
same "equal content of two users is stored once" "$blobs" "$(stored_blobs)"
made "$bob" /v1/datasets "$dir/shapes.tar.gz"
bobs_data=$id
as "$bob" POST /v1/jobs -H 'Idempotency-Key: one' \
    -d "$(jq -nc --arg m "$bobs" --arg d "$id" '{model_id: $m, dataset_id: $d, finetune: {epochs: 0}}')"
same "another's Idempotency-Key is not in the way" "201 $bob_id " "$status $(field .owner) $(header idempotency-replayed)"
bobs_job=$(field .id)
as "$alice" POST /v1/jobs -d "$order" -H 'Idempotency-Key: one'
same "and one's own still is the same job" "$job true" "$(field .id) $(header idempotency-replayed)"
items() { # TOKEN KIND
    as "$1" GET "/v1/$2"
    field '[.items[].id] | sort | join(" ")'
}
sorted() { printf '%s\n' "$@" | sort | paste -sd' '; }
same "alice sees her model" "$model" "$(items "$alice" models)"
same "bob sees his" "$bobs" "$(items "$bob" models)"
same "an admin sees all, those without an owner too" "$(sorted "$old" "$model" "$bobs")" "$(items "$admin" models)"
same "and so does a viewer" "$(sorted "$old" "$model" "$bobs")" "$(items "$viewer" models)"
same "jobs likewise" "$job $bobs_job $(sorted "$job" "$bobs_job")" \
    "$(items "$alice" jobs) $(items "$bob" jobs) $(items "$admin" jobs)"
as "$bob" DELETE "/v1/models/$model"
refused "another's model is not deleted" 404 not-found "no model"
as "$alice" GET "/v1/models/$model/content"
same "alice gets her file" "200 $(sum_of "$dir/resnet8.onnx")" "$status $(sum_of "$dir/body")"
as "$alice" PATCH "/v1/jobs/$job" -d '{"name": "hers"}'
same "and changes her job" "200 hers" "$status $(field .name)"
as "$admin" PATCH "/v1/jobs/$job" -d '{"priority": 3}'
same "an admin changes anybody's, and the owner stays" "200 3 $alice_id" "$status $(field .priority) $(field .owner)"
as "$admin" POST /v1/jobs -d "$(jq -c '.finetune = {epochs: 1000}' <<<"$order")"
needing=$(field .id)
as "$alice" DELETE "/v1/models/$model"
refused "a model that another's job needs" 409 in-use "a job of another owner needs this model; wait for its end"
check "is refused without the job's id" test "$(grep -c "$needing" "$dir/body")" -eq 0
as "$admin" DELETE "/v1/models/$model"
refused "who may know the job is told which it is" 409 in-use "$needing needs this model; cancel the job or wait"
as "$admin" POST "/v1/jobs/$needing/cancel"
needing_ends() {
    as "$admin" GET "/v1/jobs/$needing"
    [ "$(field .status)" = cancelled ]
}
check "the job ends" wait_for 60 needing_ends
as "$admin" DELETE "/v1/jobs/$needing"
as "$alice" DELETE "/v1/models/$model"
same "alice deletes her model" 204 "$status"
as "$bob" GET "/v1/models/$bobs/content"
same "bob's equal one stays" "200 $(sum_of "$dir/resnet8.onnx")" "$status $(sum_of "$dir/body")"
as "$admin" DELETE "/v1/models/$old"
same "what has no owner is deleted by an admin" 204 "$status"

# ---- quotas ----------------------------------------------------------------------------------------
as "$admin" POST "/v1/jobs/$bobs_job/cancel" # whatever it was doing: the worker is free
size=$(stat -c %s "$dir/resnet8.onnx")
for quota in "--max-queued-jobs 0" "--max-queued-jobs 1K" "--max-stored-bytes -1" "--max-stored-bytes 1T" "--max-stored-bytes 99999999999G"; do
    cli "expected a whole number from 1" 2 create --name a --role user $quota --data-dir "$data"
done
cli "quotas are for create" 2 list --max-queued-jobs 1 --data-dir "$data"
token carol user --max-stored-bytes $((2 * size)) --max-queued-jobs 2
carol=$token
made "$carol" /v1/models "$dir/resnet8.onnx"
first=$id
made "$carol" /v1/models "$dir/resnet8.onnx" # stored once, counted twice: what others have is not told
call POST /v1/models -H "Authorization: Bearer $carol" -H 'Expect: 100-continue' --data-binary "@$dir/resnet8.onnx"
refused "more bytes than a token may store" 429 quota-exceeded \
    "more bytes than the token may store: it may store $((2 * size)) and has $((2 * size)), this has $size;"
check "are refused before they are sent" test "$(grep -ci '^HTTP/1.1 100' "$dir/head")" -eq 0
as "$carol" POST /v1/models -H 'Transfer-Encoding: chunked' --data-binary "@$dir/resnet8.onnx"
refused "and after, where their number is not told before" 429 quota-exceeded \
    "more bytes than the token may store: it may store $((2 * size)) and has $((2 * size)), this has $size;"
check "nothing of them is kept" no_temporary_files
same "both others are" 2 "$(items "$carol" models | wc -w)"
made "$alice" /v1/models "$dir/resnet8.onnx"
as "$carol" DELETE "/v1/models/$first"
made "$carol" /v1/models "$dir/resnet8.onnx"
model=$id
token erin user --max-stored-bytes "$size"
erin=$token
for replayed in "" true; do
    as "$erin" POST /v1/models -H 'Idempotency-Key: one' --data-binary "@$dir/resnet8.onnx"
    same "an upload under a key fits however often it is sent" "201 $replayed" "$status $(header idempotency-replayed)"
done
as "$erin" POST /v1/models -H 'Idempotency-Key: two' --data-binary "@$dir/resnet8.onnx"
refused "and another does not" 429 quota-exceeded "it may store $size and has $size, this has $size;"
token dave user --max-queued-jobs 1
dave=$token
made "$dave" /v1/models "$dir/resnet8.onnx"
model=$id
made "$dave" /v1/datasets "$dir/shapes.tar.gz"
long=$(jq -nc --arg m "$model" --arg d "$id" '{model_id: $m, dataset_id: $d, finetune: {epochs: 1000}}')
workers=$(sed -n 's/.*"workers ready","workers":\([0-9]*\).*/\1/p' "$dir/log" | tail -n 1)
daves=()
order_long() {
    as "$dave" POST /v1/jobs -d "$long"
    same "dave's job $1 is taken" 201 "$status"
    daves+=("$(field .id)")
}
daves_job_runs() {
    as "$dave" GET "/v1/jobs/${daves[-1]}"
    [ "$(field .status)" = running ]
}
for i in $(seq "$workers"); do
    order_long "$i"
    check "and taken up" wait_for 60 daves_job_runs
done
order_long "that waits"
as "$dave" POST /v1/jobs -d "$long"
refused "more jobs than may wait" 429 quota-exceeded "as many jobs of this token wait as may: 1 of 1;"
as "$dave" POST '/v1/jobs?dry_run=true' -d "$long"
same "a plan is no job" 200 "$status"
for job in "${daves[@]}"; do
    as "$dave" POST "/v1/jobs/$job/cancel"
done
as "$dave" POST /v1/jobs -d "$long"
same "a place is free again when one was cancelled" 201 "$status"
as "$dave" POST "/v1/jobs/$(field .id)/cancel"

# ---- tokens that end -----------------------------------------------------------------------------
as "$bob" POST "/v1/jobs/$bobs_job/cancel" # whatever it was doing
as "$bob" POST /v1/jobs -d "$(jq -nc --arg m "$bobs" --arg d "$bobs_data" \
    '{model_id: $m, dataset_id: $d, finetune: {epochs: 1000}}')"
same "bob orders a long job" 201 "$status"
bobs_job=$(field .id)
curl -sSN --max-time 100 -o "$dir/events" -H "Authorization: Bearer $bob" "$url/v1/jobs/$bobs_job/events" &
watcher=$!
check "bob watches his job" wait_for 20 grep -qs '^event: job' "$dir/events"
cli "token $bob_id is revoked" 0 revoke "$bob_id" --data-dir "$data"
as "$bob" GET /v1/models
refused "a revoked token, at once" 401 unauthorized "the token was revoked"
check "what bob watched ends" wait "$watcher"
as "$admin" GET "/v1/jobs/$bobs_job"
same "his things stay, for the admin" 200 "$status"
as "$admin" POST "/v1/jobs/$bobs_job/cancel"
cli "is revoked" 0 revoke "$bob_id" --data-dir "$data"
token brief user --expires 1s
brief=$token
it_has_expired() {
    as "$brief" GET /v1/models
    [ "$status" = 401 ]
}
check "a token ends when it expires" wait_for 20 it_has_expired
refused "and then" 401 unauthorized "the token has expired"
said=$("$build/fsnetd" token list --data-dir "$data")
same "list tells what has become of each" "admin valid boss,user valid alice,user revoked bob,viewer valid wall,user valid carol,user valid erin,user valid dave,user expired brief" \
    "$(tail -n +2 <<<"$said" | awk '{ print $2, $3, $NF }' | paste -sd,)"
holds "and their ids" "$alice_id" "$said"
for id in "$alice_id" "${admin:4:24}" "${viewer:4:24}"; do
    "$build/fsnetd" token revoke "$id" --data-dir "$data" 2>>"$dir/said"
done
call GET /v1/models
refused "when all tokens are revoked, the service still asks" 401 unauthorized ""
stop
start
call GET /v1/models
refused "after a new start too" 401 unauthorized ""
stop
same "SIGTERM ends it in order" 0 "$code"

# ---- secrets ---------------------------------------------------------------------------------------
for secret in "$admin" "$alice" "$bob" "$viewer" "$brief" "$carol" "$dave"; do
    same "the secret of ${secret:4:6} is in no file of the service" "" \
        "$(grep -rlaF "${secret:29}" "$data" "$dir/log")"
done
check "the log says which token called" grep -q "\"token\":\"$alice_id\"" "$dir/log"
check "every line of the log is JSON" jq -e '.event' "$dir/log" >"$dir/out"
finish
