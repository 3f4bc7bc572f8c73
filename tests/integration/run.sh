#!/bin/bash
# run.sh [BUILD] [TEST...] - runs the scripts of this folder (or those named) one after another against
# BUILD and sums them up: last line "N passed, N failed, N skipped".
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- tests/integration/test_*.sh
passed=0 failed=0 skipped=0
for script in "$@"; do
    echo "== $script"
    closing=$("$script" "$build" | tee -a /dev/stderr | tail -n 1)
    if [[ $closing =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1])) failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        failed=$((failed + 1)) # it ended before its end
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
