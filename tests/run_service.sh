#!/bin/bash
# run_service.sh BUILD - the service's tests against a build with sanitizers; `make asan-service` runs it.
#
# SERVICE_TESTS (scripts of tests/integration), BROWSER_TESTS (of tests/browser; empty: none). Whatever a sanitizer reports
# of any program fails the run, also where the test did not notice: programs that were asked to end look for leaks.
set -u
cd "$(dirname "$0")/.."
build=$1
reports=$(mktemp -d) browser=$(mktemp)
trap 'rm -rf "$reports" "$browser"' EXIT
export PATIENCE=${PATIENCE:-10} END_SIGNAL=TERM
export ASAN_OPTIONS=log_path=$reports/report${ASAN_OPTIONS:+:$ASAN_OPTIONS}
export UBSAN_OPTIONS=$ASAN_OPTIONS:print_stacktrace=1

failed=0
# Beside the scripts, which mostly wait.
[ -z "${BROWSER_TESTS:-}" ] || TESTS=$BROWSER_TESTS tests/browser/run.sh "$build" >"$browser" 2>&1 &
if [ -n "${SERVICE_TESTS:-}" ]; then
    # shellcheck disable=SC2086 # a list of files
    tests/integration/run.sh "$build" $SERVICE_TESTS || failed=1
fi
wait $! || failed=1
cat "$browser"
count=$(find "$reports" -type f | wc -l)
echo "reports of sanitizers: $count"
find "$reports" -type f -exec cat {} +
[ "$failed" -eq 0 ] && [ "$count" -eq 0 ]
