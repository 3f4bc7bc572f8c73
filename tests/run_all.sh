#!/bin/bash
# run_all.sh [--code] BUILD TEST_PROGRAM... - runs every test and sums them up.
#
# Test programs are cmocka's, or fuzz targets over their corpus; scripts are tests/{arch,conformance,integration,fuzz}/test_*.sh, called with
# the build folder and ending in a line "N passed, N failed[, N skipped]". --code leaves out the
# scripts that look at the tree or start the server. The last line printed is the sum; the exit
# code is 0 only when nothing failed.
set -u
cd "$(dirname "$0")/.."

folders="arch conformance fuzz integration"
if [ "${1:-}" = --code ]; then
    folders=fuzz
    shift
fi
build=$1
shift
passed=0 failed=0 skipped=0
failures=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export FSNET_SHARED=${FSNET_SHARED:-../shared}

# The N of the first line that matches the pattern, which has one group; 0 without one.
number() {
    local n
    n=$(sed -nE "s/$1/\1/p" "$log" | tail -n 1)
    echo "${n:-0}"
}

# Adds up what the log says; a program that fails without naming a test is one failure.
count() { # NAME EXIT_CODE PASSED FAILED SKIPPED
    local bad=$4
    if [ "$2" -ne 0 ] && [ "$bad" -eq 0 ]; then
        bad=1
    fi
    if [ "$2" -eq 0 ] && [ $(($3 + $4 + $5)) -eq 0 ]; then
        bad=1 # said nothing: it tested nothing
    fi
    passed=$((passed + $3)) failed=$((failed + bad)) skipped=$((skipped + $5))
    if [ "$bad" -gt 0 ]; then
        failures+=("$1 (exit code $2)")
        cat "$log"
    else
        grep -E '^(skipped|SKIP)|^\[  SKIPPED \] [a-z_0-9]+$' "$log" | sort -u
    fi
    printf '%-52s %5d passed %3d failed %3d skipped\n' "$1" "$3" "$bad" "$5"
}

for program in "$@"; do
    "$program" >"$log" 2>&1
    code=$?
    # A fuzz target says how many inputs it has seen; it is one test an input.
    count "${program#"$build"/tests/}" $code \
        $(($(number '^\[  PASSED  \] ([0-9]+) test.*') + $(number '^.*: ([0-9]+) inputs$'))) \
        "$(number '^\[  FAILED  \] ([0-9]+) test.*')" \
        "$(number '^\[  SKIPPED \] ([0-9]+) test.*')"
done
for folder in $folders; do
    for script in tests/"$folder"/test_*.sh; do
        [ -e "$script" ] || continue
        "$script" "$build" >"$log" 2>&1
        count "${script#tests/}" $? \
            "$(number '^([0-9]+) passed, [0-9]+ failed.*')" \
            "$(number '^[0-9]+ passed, ([0-9]+) failed.*')" \
            "$(number '^[0-9]+ passed, [0-9]+ failed, ([0-9]+) skipped.*')"
    done
done

for failure in "${failures[@]}"; do
    echo "FAILED: $failure"
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
