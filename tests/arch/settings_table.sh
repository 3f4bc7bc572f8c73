#!/bin/bash
# settings_table.sh [BUILD] - the README's table of job settings, made from the help of `fsnet compress`
# (which comes from the engine's field table) and the option list.
set -eu
cd "$(dirname "$0")/../.."
fsnet=${1:-build}/fsnet
echo '| in the spec | option | what it sets |'
echo '|---|---|---|'
sed -nE 's/.*X\([A-Z0-9_]+, "([a-z0-9-]+)", 0, "[^"]*", SPEC, 0, 0, NULL, "(\/[a-z0-9_\/]+)", NULL\).*/\1 \2/p' \
    <(tr -d '\\\n' <engine/cli/cli.h | tr -s ' ' | sed 's/ X(/\n X(/g') | while read -r option pointer; do
    path=${pointer#/}
    help=$("$fsnet" compress --help | sed -nE "s/^ +(-.,)? *--$option [^ ]+ +(.*)/\2/p")
    echo "| \`${path//\//.}\` | \`--$option\` | $help |"
done
