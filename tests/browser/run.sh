#!/bin/bash
# run.sh [BUILD] - the dashboard in a real, headless Chromium: every tests/browser/test_*.mjs.
#
# Needs node, Debian's chromium and playwright-core, which is taken from $PLAYWRIGHT_DIR (default
# BUILD/npm) or installed there; ends with code 77, saying what is missing, where one cannot be had.
# SHOTS=FOLDER keeps pictures of the pages.
set -u
cd "$(dirname "$0")/../.."
build=${1:-build}
. tests/support/check.sh

missing() {
    echo "skipped: $1"
    exit 77
}
command -v node >/dev/null || missing "node is not installed"
command -v chromium >/dev/null || tests/install_deps.sh chromium >"$build/install-chromium.log" 2>&1
CHROMIUM=$(command -v chromium) || missing "chromium is not installed"
export CHROMIUM BUILD=$build PLAYWRIGHT_DIR=${PLAYWRIGHT_DIR:-$build/npm}
if [ ! -d "$PLAYWRIGHT_DIR/node_modules/playwright-core" ]; then
    command -v npm >/dev/null || missing "npm is not installed"
    mkdir -p "$PLAYWRIGHT_DIR"
    npm install --prefix "$PLAYWRIGHT_DIR" --ignore-scripts --no-audit --no-fund --no-save \
        playwright-core@1.65 >"$build/npm-playwright.log" 2>&1 || missing "playwright-core cannot be installed, see $build/npm-playwright.log"
fi

INPUTS=$(mktemp -d)
export INPUTS
trap 'rm -rf "$INPUTS"' EXIT
"$build/fsnet" new resnet8 --seed 1 -o "$INPUTS/resnet8.onnx" >"$INPUTS/log" 2>&1 || cat "$INPUTS/log"
"$build/fsnet" draw --train 1000 --test 200 --seed 1 -o "$INPUTS/shapes.tar.gz" >"$INPUTS/log" 2>&1 ||
    cat "$INPUTS/log"
echo "this is no model" >"$INPUTS/letter.onnx"

for test in tests/browser/test_*.mjs; do
    said=$(node "$test" 2>&1)
    code=$?
    echo "$said"
    counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$said")
    passed=$((passed + ${counts%% *}0 / 10)) failed=$((failed + ${counts##* }0 / 10))
    if [ $code -ne 0 ] && [ -z "$counts" ]; then
        failed=$((failed + 1)) # ended before it could count
    fi
done
finish
