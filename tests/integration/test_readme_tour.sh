#!/bin/bash
# test_readme_tour.sh [BUILD] - every line of the README's tour of the API, and of that of tokens, as it stands
# there but for the address, the folder of the data and that of the programs.
set -u
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build}")
. tests/integration/server.sh

# block FROM TO: the code of the README between these two lines.
block() {
    awk -v from="$1" -v to="$2" 'index($0, to) == 1 { on = 0 } index($0, from) == 1 { on = 1 }
        on && /^    / { sub(/^    /, ""); sub(/^\$ /, ""); print }' README.md
}
port=$((20000 + RANDOM % 20000))
{
    # Every request's status, in order; the server may need a moment.
    echo 'curl() { command curl --retry 60 --retry-delay 1 --retry-connrefused -w "%{stderr}%{http_code}\n" "$@" 2>>codes; }'
    echo 'set -eu -o pipefail'
    block '## A job, with curl' '| resource'
    block 'The first token ends it' '| role'
} | sed "s#127.0.0.1:8080#127.0.0.1:$port#; s#/var/tmp/fsnet#$data#; s#build/#$build/#; s#jq .errors\$#jq -c '[.errors[].pointer]'#" \
    >"$dir/tour.sh"
for word in serve 'dry_run' Idempotency-Key events report predict sweep cancel DELETE layuot 'token create' Authorization; do
    check "the tour has a line with: $word" grep -q -- "$word" "$dir/tour.sh"
done

# What its files stand for.
"$build/fsnet" new resnet8 --seed 1 -o "$dir/resnet20.onnx" >"$dir/said" 2>&1
"$build/fsnet" draw --train 300 --test 100 --seed 1 -o "$dir/cifar-10-binary.tar.gz" >"$dir/said" 2>&1
"$build/photo_maker" "$dir/cat.jpg" >"$dir/said" 2>&1
(cd "$dir" && : >codes && exec bash tour.sh) >"$dir/out" 2>"$dir/err"
same "every command of it succeeds" 0 $?
server=$(pgrep -f -- "serve --listen 127.0.0.1:$port") # server.sh stops it
[ -s "$dir/err" ] && grep -v '^{' "$dir/err" | head -n 20

same "each request is answered as it is to be" "201 201 200 201 200 200 200 200 200 201 202 200 204 422 200" \
    "$(paste -sd' ' "$dir/codes")"
planned=$(head -n 1 "$dir/out") made=$(wc -c <"$dir/small.onnx")
check "the plan has the bytes of the file, or a few dozen more" test "$made" -le "$planned" -a "$made" -gt $((planned - 100))
check "the file is smaller than the model" test "$(wc -c <"$dir/small.onnx")" -lt "$(wc -c <"$dir/resnet20.onnx")"
check "the job goes through its stages" grep -q '^event: ' "$dir/out"
check "the image is taken for something" grep -q '"probability"' "$dir/out"
same "what is wrong with an order is named" '["/filter_summary/ratio","/filter_summary/layuot"]' \
    "$(grep -F layuot "$dir/out" | tail -n 1)"
kill "$server" # not this script's child
gone() { ! kill -0 "$server" 2>/dev/null; }
check "SIGTERM ends it" wait_for 20 gone
gone && server=
finish
