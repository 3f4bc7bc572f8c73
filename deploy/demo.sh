#!/bin/bash
# demo.sh [BUILD] - the main job from end to end: draws a data set, trains a small baseline, starts the
# service in a temporary folder, compresses the baseline through HTTP with curl alone, downloads the
# result and shows the report. A few minutes on two cores; nothing is left behind but the folder
# demo-result/ in BUILD.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
result=$build/demo-result
work=$(mktemp -d)
server=
stop() {
    [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
    rm -rf "$work"
}
trap stop EXIT
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# api METHOD PATH [CURL_OPTION...]: the answer's body; what went wrong, in words, on failure.
api() {
    local method=$1 path=$2 code
    shift 2
    code=$(curl -sS -o "$work/answer" -w '%{http_code}' -X "$method" "$url$path" "$@")
    if [ "$code" -ge 400 ]; then
        echo "$method $path: HTTP $code" >&2
        jq . "$work/answer" >&2 || cat "$work/answer" >&2
        return 1
    fi
    cat "$work/answer"
}

say "1. Draw a data set and train a small baseline (ResNet-8)"
"$build/fsnet" draw -o "$work/shapes.tar.gz" --train 2000 --test 500
"$build/fsnet" new resnet8 -o "$work/fresh.onnx"
"$build/fsnet" train "$work/fresh.onnx" --data "$work/shapes.tar.gz" --epochs 8 --batch 64 \
    --lr 0.1 --warmup-steps 30 -o "$work/baseline.onnx"

say "2. Start the service"
"$build/fsnetd" serve --listen 127.0.0.1:0 --port-file "$work/port" --data-dir "$work/data" \
    >"$work/log" 2>&1 &
server=$!
for _ in $(seq 200); do
    if [ -s "$work/port" ]; then
        url=http://127.0.0.1:$(<"$work/port")
        curl -fsS -o "$work/answer" "$url/readyz" 2>"$work/error" && break
    fi
    kill -0 "$server" || { cat "$work/log"; exit 1; }
    sleep 0.1
done
echo "listening on $url"

say "3. Upload the model and the data, and order a job"
model_id=$(api POST "/v1/models?name=resnet8" --data-binary "@$work/baseline.onnx" | jq -r .id)
dataset_id=$(api POST "/v1/datasets?name=shapes" --data-binary "@$work/shapes.tar.gz" | jq -r .id)
job_id=$(api POST /v1/jobs -H 'Content-Type: application/json' -d '{
    "model_id": "'"$model_id"'", "dataset_id": "'"$dataset_id"'",
    "filter_summary": {"layout": "1d", "ratio": 4},
    "finetune": {"epochs": 6, "batch_size": 64, "warmup_steps": 30}}' | jq -r .id)
echo "model $model_id, data set $dataset_id, job $job_id"

say "4. Watch it"
while :; do
    job=$(api GET "/v1/jobs/$job_id")
    status=$(jq -r .status <<<"$job")
    step=$(jq -r '"\(.status)  \(.stage // "-")  epoch \(.epoch // 0)"' <<<"$job")
    if [ "$step" != "${last:-}" ]; then
        last=$step
        jq -r --arg step "$step" '"\($step)  \((.progress // 0) * 100 | floor) %"' <<<"$job"
    fi
    case $status in
    succeeded) break ;;
    failed | cancelled) jq . <<<"$job"; tail -n 20 "$work/log"; exit 1 ;;
    esac
    sleep 1
done

say "5. Download"
mkdir -p "$result"
cp "$work/baseline.onnx" "$result/baseline.onnx"
for name in model.onnx model-dense.onnx report.json report.html; do
    api GET "/v1/jobs/$job_id/artifacts/$name" >"$result/$name"
done
ls -l "$result"

say "6. The report"
jq -r '
    def row(title; key): [title, .baseline[key], .compressed[key]];
    (["", "baseline", "compressed"], row("top1 %"; "top1"), row("loss"; "loss"),
     row("bytes"; "size_bytes"), row("parameters"; "parameters"),
     row("effective parameters"; "effective_parameters")) | @tsv' "$result/report.json" |
    awk -F'\t' '{ printf "%-22s %14s %14s\n", $1, $2, $3 }'
before=$(stat -c %s "$result/baseline.onnx")
after=$(stat -c %s "$result/model.onnx")
echo
echo "model.onnx is $(awk "BEGIN { printf \"%.1f\", $before / $after }") times smaller than the baseline"
if [ $((after * 10)) -gt "$before" ]; then
    echo "demo: expected at most a tenth of $before bytes, got $after" >&2
    exit 1
fi
