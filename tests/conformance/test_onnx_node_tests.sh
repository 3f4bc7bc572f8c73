#!/bin/bash
# test_onnx_node_tests.sh [BUILD] - ONNX's own operator tests, through `fsnet check`.
#
# Looks for the suites in $FSNET_SHARED/onnx-node-tests*. A test passes when every output is within the
# tolerance; one of an operator that the engine does not have must be refused by that operator's
# name and counts as skipped, and so does one written for an operator set older than 7; the rest
# that cannot pass stand in exclusions.txt with the reason. Anything else is a failure, an
# exclusion that passes included.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
fsnet=${1:-build}/fsnet
shared=${FSNET_SHARED:-../shared}
here=tests/conformance

# The engine's operators, from its own table.
operators=" $(grep -rhoE '\.name = "[A-Za-z0-9]+"' engine/ops | cut -d'"' -f2 | sort -u | paste -sd' ') "

# The reason why a test is excluded; nothing when it is not.
exclusion() { # SUITE TEST
    local pattern reason
    while read -r pattern reason; do
        case $pattern in '#'* | '') continue ;; esac
        # shellcheck disable=SC2053 # the left side of exclusions.txt is a pattern
        if [[ $1/$2 == $pattern ]]; then
            echo "$reason"
            return
        fi
    done <$here/exclusions.txt
}

found=
for suite in "$shared"/onnx-node-tests*/; do
    [ -d "$suite" ] || continue
    found=yes
    declare -A refused=()
    before=$passed old=0
    for test in "$suite"*/; do
        name=$(basename "$suite")/$(basename "$test")
        said=$("$fsnet" check "$test/model.onnx" --test-data "$test" 2>&1)
        code=$?
        operator=$(sed -nE "s/.*operator '([A-Za-z0-9]+)' of node .* is not supported.*/\1/p" <<<"$said")
        version=$(sed -nE 's/.*written for ONNX operator set version ([0-9]+);.*/\1/p' <<<"$said")
        reason=$(exclusion "$(basename "$suite")" "$(basename "$test")")
        if [ -n "$reason" ] && [ $code -eq 0 ]; then
            not_ok "$name" "passes, but is excluded: $reason"
        elif [ -n "$reason" ]; then
            skip "$name" "$reason"
        elif [ $code -eq 0 ]; then
            passed=$((passed + 1))
        elif [ $code -eq 1 ] && [ -n "$operator" ] && [[ $operators != *" $operator "* ]]; then
            refused[$operator]=$((${refused[$operator]:-0} + 1))
            skipped=$((skipped + 1))
        elif [ $code -eq 1 ] && [ -n "$version" ] && [ "$version" -lt 7 ]; then
            old=$((old + 1)) skipped=$((skipped + 1))
        else
            not_ok "$name" "exit code $code: $said"
        fi
    done
    echo "$(basename "$suite"): $((passed - before)) passed"
    list=$(for operator in "${!refused[@]}"; do
        echo "$operator ${refused[$operator]}"
    done | sort | paste -sd, | sed 's/,/, /g')
    [ -z "$list" ] || echo "skipped: $(basename "$suite"): tests of operators that the engine does not have: $list"
    [ "$old" -eq 0 ] || echo "skipped: $(basename "$suite"): $old of operator sets before 7"
done
[ -n "$found" ] || skip "ONNX operator tests" "$shared/onnx-node-tests* is not there"

# Whole networks, with outputs recorded from PyTorch.
for model in resnet20 resnet56; do
    path=$shared/models/$model-cifar10
    if [ -e "$path.onnx" ]; then
        check "$model gives PyTorch's outputs" \
            "$fsnet" check "$path.onnx" --test-data "${path}_test_data_set_0"
    else
        skip "$model gives PyTorch's outputs" "$path.onnx is not there"
    fi
done
if [ -d "$shared/models/zoo/mnist-opt" ]; then
    check "the CNTK export of an MNIST network gives the recorded outputs" \
        "$fsnet" check "$shared/models/zoo/mnist-opt/model.onnx" --test-data "$shared/models/zoo/mnist-opt"
fi
finish
