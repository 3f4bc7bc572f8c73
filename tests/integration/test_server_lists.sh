#!/bin/bash
# test_server_lists.sh [BUILD] - lists of jobs, models and data sets: what they can be narrowed to, and their order
# over pages.
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

for twice in "status=queued&status=succeeded" "label=a&label=b" "limit=1&limit=1" "name=&name="; do
    call GET "/v1/jobs?$twice"
    refused "?$twice" 400 bad-query "${twice%%=*}: expected once, came more than once"
done

# ---- models and data sets ----------------------------------------------------------------------
named() { # LIST: names of models or data sets, of which $1 is the path with its query
    call GET "/v1/$1"
    field '[.items[].name] | join(" ")'
}
upload models "$dir/resnet8.onnx" name=b
"$fsnet" new resnet8 --seed 2 -o "$dir/second.onnx" >"$dir/out"
upload models "$dir/second.onnx" name=a
upload models "$dir/resnet8.onnx" name=a
upload datasets "$dir/shapes.tar.gz" name=drawn
same "models: the newest come first" "a a b " "$(named models)"
same "or the oldest" " b a a" "$(named 'models?sort=created_at')"
same "models of a name" "a a" "$(named 'models?name=a')"
same "of a content" "a b " "$(named "models?sha256=$(sum_of "$dir/resnet8.onnx")")"
same "of both" a "$(named "models?name=a&sha256=$(sum_of "$dir/second.onnx")")"
same "of none" "" "$(named "models?sha256=$(printf 0%.0s {1..64})")"
same "data sets of a name" drawn "$(named 'datasets?name=drawn')"
same "in the other order" "  drawn" "$(named 'datasets?sort=created_at')"
format=$(field '.items[0].format')
same "of a format" "drawn  " "$(named "datasets?format=$format")"
same "of another" "" "$(named 'datasets?format=voc')"
call GET "/v1/datasets?format=tar"
refused "a format that there is not" 400 bad-query "format: expected one of"
for sha256 in zz "$(printf 0%.0s {1..63})" "$(printf A%.0s {1..64})"; do
    for list in models datasets; do
        call GET "/v1/$list?sha256=$sha256"
        refused "$list of the content $sha256" 400 bad-query "sha256: expected 64 lower-case hexadecimal digits, got '$sha256'"
    done
done
call GET "/v1/models?name=a&sort=created_at&name=b"
refused "two names" 400 bad-query "name: expected once, came more than once"
call GET "/v1/models?sort=name"
refused "models in another order" 400 bad-query "sort: expected created_at or -created_at, got 'name'"
whole=$(named 'models?sort=created_at') pages= cursor=
for page in 1 2; do
    pages+="${pages:+ }$(named "models?sort=created_at&limit=2$cursor")"
    cursor="&cursor=$(field .next_cursor)"
done
same "pages of the oldest first follow each other" "$whole" "$pages"
same "and end" null "$(field .next_cursor)"

stop
same "SIGTERM ends it in order" 0 "$code"
finish
