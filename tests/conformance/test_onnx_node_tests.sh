#!/bin/bash
# test_onnx_node_tests.sh [BUILD] - ONNX's own operator tests through build/onnx-conformance, and whole
# networks through `fsnet check`.
#
# Looks for the suites in $FSNET_SHARED/onnx-node-tests*. What cannot pass stands in exclusions.txt with
# the reason.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
fsnet=${1:-build}/fsnet
shared=${FSNET_SHARED:-../shared}

suites=()
for suite in "$shared"/onnx-node-tests*; do
    [ -d "$suite" ] && suites+=("$suite")
done
if [ ${#suites[@]} -gt 0 ]; then
    said=$("${1:-build}/onnx-conformance" "${suites[@]}" 2>&1)
    code=$?
    echo "$said"
    counts=$(tail -n 1 <<<"$said")
    if [[ $counts =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed,\ ([0-9]+)\ skipped$ ]]; then
        passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[3]}
        [ "$code" -eq 0 ] || [ "$failed" -gt 0 ] || not_ok "ONNX operator tests" "none passed"
    else
        not_ok "ONNX operator tests" "onnx-conformance ended with: $counts"
    fi
else
    skip "ONNX operator tests" "$shared/onnx-node-tests* is not there"
fi

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
