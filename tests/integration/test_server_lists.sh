#!/bin/bash
# test_server_lists.sh [BUILD] - lists of jobs: what they can be narrowed to, and their order over pages.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/integration/server.sh
make_inputs 60 20
start --workers 1
upload models "$dir/resnet8.onnx"
model=$id
upload datasets "$dir/shapes.tar.gz"
dataset=$id
upload datasets "$dir/shapes.tar.gz"
other=$id
names() { # QUERY
    call GET "/v1/jobs$1"
    field '[.items[].name] | join(" ")'
}

order '{"name": "a", "finetune": {"epochs": 5000, "batch_size": 20}, "threads": 1}' # the others wait for it
order "$(jq -nc --arg d "$other" '{name: "b", dataset_id: $d, labels: {team: "x"}}')"
order '{"name": "c"}'
order '{"name": "b", "labels": {"team": "x"}}'

same "the newest come first" "b c b a" "$(names '')"
same "which can be said" "b c b a" "$(names '?sort=-created_at')"
same "or the oldest" "a b c b" "$(names '?sort=created_at')"
same "jobs of a name" "b b" "$(names '?name=b')"
same "of a data set" "b" "$(names "?dataset_id=$other")"
same "of a model" "b c b a" "$(names "?model_id=$model")"
same "of none" "" "$(names '?model_id=mdl_000000000000000000000000')"
same "of all that is asked for at once" "b" "$(names "?name=b&dataset_id=$dataset&label=team:x&status=queued")"
for sort in created_at -created_at; do
    whole=$(names "?sort=$sort") pages= cursor=
    for page in 1 2; do
        call GET "/v1/jobs?sort=$sort&limit=2$cursor"
        pages+="${pages:+ }$(field '[.items[].name] | join(" ")')"
        cursor="&cursor=$(field .next_cursor)"
    done
    same "pages by $sort follow each other" "$whole" "$pages"
    same "and end" null "$(field .next_cursor)"
done
call GET "/v1/jobs?sort=created_at&limit=1&name=b"
call GET "/v1/jobs?sort=created_at&limit=1&name=b&cursor=$(field .next_cursor)"
same "what is left out is so on each page" "1 b null" "$(field '"\(.items | length) \(.items[0].name) \(.next_cursor)"')"
call GET "/v1/jobs?sort=age"
refused "another order" 400 bad-query "sort: expected created_at or -created_at, got 'age'"
stop
same "SIGTERM ends it in order" 0 "$code"
finish
