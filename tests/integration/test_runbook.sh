#!/bin/bash
# test_runbook.sh [BUILD] - every `sh` block of deploy/RUNBOOK.md works, one after the other in one shell, with the
# names at its top set to a folder of the test. `console` blocks need systemd, Docker or Kubernetes; nothing else may
# hide in them.
set -u
cd "$(dirname "$0")/../.."
build=$(realpath "${1:-build}")
. tests/integration/server.sh
runbook=deploy/RUNBOOK.md

# blocks KIND: their lines, each block after a line "# line N".
blocks() {
    awk -v kind="$1" '/^```/ { inside = $0 == "```" kind; if (inside) print "# line " NR; next } inside' "$runbook"
}
same "blocks are sh or console" "" "$(grep -E '^```.' "$runbook" | grep -vxE '```(sh|console)')"
same "what no test runs is of systemd, Docker or Kubernetes" "" \
    "$(blocks console | grep -v '^#' | tr ';' '\n' | sed 's/^ *//' | grep -vE '^(systemctl|journalctl|docker|kubectl) ')"
check "there is much to run" test "$(blocks sh | wc -l)" -ge 50

# The first block names folders and the address: ours in its place. The server takes a free port first.
start
stop
{
    echo 'set -eEuo pipefail'
    echo 'trap '\''kill -KILL $(jobs -p) 2>/dev/null || true'\'' EXIT'
    printf '%s=%q\n' data "$dir/runbook" backups "$dir/backups" log "$dir/runbook.log" url "$url"
    blocks sh | awk '/^# line/ { block++; print "echo \"" $0 "\""; next } block > 1'
    echo 'curl -fsSN "$url/v1/jobs/$job/events" >"$work/events"'
    echo 'curl -fsS "$url/v1/jobs/$job" | jq -r '\''"at last: \(.status)"'\'
} >"$dir/script"
same "the first block sets the names that the others use" "backups data log url" \
    "$(blocks sh | awk '/^# line/ { block++; next } block == 1' | sed -n 's/=.*//p' | sort | paste -sd' ')"
# A job that runs when the runbook comes to stuck jobs: the smoke test's, but long.
cat >"$dir/long" <<'LONG'
model=$(curl -fsS "$url/v1/models" --data-binary "@$work/model.onnx" | jq -r .id)
dataset=$(curl -fsS "$url/v1/datasets" --data-binary "@$work/images.tar.gz" | jq -r .id)
job=$(curl -fsS "$url/v1/jobs" -d '{"model_id": "'$model'", "dataset_id": "'$dataset'", "finetune": {"epochs": 1000}}' | jq -r .id)
LONG
stuck=$(awk '/^## Job stuck/ { here = 1 } here && /^```sh/ { print NR; exit }' "$runbook")
sed -i "/^echo \"# line $stuck\"\$/r $dir/long" "$dir/script"
check "there is a block about stuck jobs" grep -q '"epochs": 1000' "$dir/script"

# TMPDIR: what the runbook makes with mktemp goes with the test's folder.
if (cd "$dir" && TMPDIR=$dir PATH=$build:$PATH FSNETD_MAX_UPLOAD_BYTES=16M bash "$dir/script") >"$dir/said" 2>&1; then
    ok "every block works"
else
    not_ok "every block works" "$(tail -n 15 "$dir/said")"
fi
same "every block was run" "$(blocks sh | grep -c '^# line')" "$(grep -c '^# line' "$dir/said")"
check "the smoke test's job succeeded" grep -q '"to":"succeeded"' "$dir/runbook.log"
holds "figures were seen" 'fsnetd_jobs{status="succeeded"} 1' "$(<"$dir/said")"
holds "the long one was cancelled" "at last: cancelled" "$(<"$dir/said")"
finish
