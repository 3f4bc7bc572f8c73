#!/bin/bash
# run.sh [--missing] [BUILD] - the dashboard in a real, headless Chromium: every tests/browser/test_*.mjs.
#
# Needs node, Debian's chromium, and playwright-core and axe-core, which are taken from $PLAYWRIGHT_DIR (default
# BUILD/npm-browser); what is missing is installed where we may. --missing runs nothing and says what cannot be
# had; without it that is a failure. SHOTS=FOLDER keeps pictures of pages, TESTS="test_main.mjs" runs these alone.
set -u
cd "$(dirname "$0")/../.."
only_say=
if [ "${1:-}" = --missing ]; then
    only_say=yes
    shift
fi
build=${1:-build}
. tests/support/check.sh

install_playwright() {
    [ -d "$PLAYWRIGHT_DIR/node_modules/playwright-core" ] && [ -d "$PLAYWRIGHT_DIR/node_modules/axe-core" ] && return
    mkdir -p "$PLAYWRIGHT_DIR"
    npm install --prefix "$PLAYWRIGHT_DIR" --ignore-scripts --no-audit --no-fund --no-save \
        playwright-core@1.65 axe-core@4.10.3 >"$build/install-playwright.log" 2>&1
}
missing() {
    command -v node >/dev/null || { echo "node is not installed"; return; }
    command -v chromium >/dev/null || tests/install_deps.sh chromium >"$build/install-chromium.log" 2>&1
    command -v chromium >/dev/null || { echo "chromium is not installed"; return; }
    install_playwright || echo "playwright-core and axe-core cannot be installed, see $build/install-playwright.log"
}
export BUILD=$build PLAYWRIGHT_DIR=${PLAYWRIGHT_DIR:-$build/npm-browser}
lacking=$(missing)
if [ -n "$only_say$lacking" ]; then
    echo "$lacking"
    [ -z "$lacking" ]
    exit
fi
CHROMIUM=$(command -v chromium)
export CHROMIUM

INPUTS=$(mktemp -d)
export INPUTS
trap 'rm -rf "$INPUTS"' EXIT
"$build/fsnet" new resnet8 --seed 1 -o "$INPUTS/resnet8.onnx" >"$INPUTS/log" 2>&1 || cat "$INPUTS/log"
"$build/fsnet" draw --train 1000 --test 200 --seed 1 -o "$INPUTS/shapes.tar.gz" >"$INPUTS/log" 2>&1 ||
    cat "$INPUTS/log"
"$build/fsnet" draw --masks --train 12 --test 4 --seed 1 -o "$INPUTS/masks.tar.gz" >"$INPUTS/log" 2>&1 ||
    cat "$INPUTS/log"
"$build/fsnet" draw --detection --train 20 --test 10 --seed 1 -o "$INPUTS/boxes.tar.gz" >"$INPUTS/log" 2>&1 ||
    cat "$INPUTS/log"
echo "this is no model" >"$INPUTS/letter.onnx"

for test in ${TESTS:-$(cd tests/browser && echo test_*.mjs)}; do
    node "tests/browser/$test" 2>&1 | tee "$INPUTS/said"
    read -r good bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$INPUTS/said")
    passed=$((passed + ${good:-0})) failed=$((failed + ${bad:-1})) # no line: it ended before its end
done
finish
