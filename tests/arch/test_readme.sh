#!/bin/bash
# test_readme.sh [BUILD] - what the README lists is what there is: settings, commands, operators.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
build=${1:-build}

same "the table of settings is that of the program (tests/arch/settings_table.sh makes it)" \
    "$(tests/arch/settings_table.sh "$build")" \
    "$(sed -n '/<!-- settings: begin -->/,/<!-- settings: end -->/p' README.md | grep '^|')"
for command in $("$build/fsnet" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    check "the README has the command $command" grep -qE "^\| \`$command[ \`]" README.md
done
listed=$(sed -n '/Operators: Conv,/,/by name/p;' README.md | tr -c 'A-Za-z\n' ' ' | tr ' ' '\n' |
    grep -E '^[A-Z][A-Za-z]+$' | grep -vxE 'Operators|Any' | sort | paste -sd' ')
have=$(grep -rhoE '\.name = "[A-Za-z0-9]+"' engine/ops | cut -d'"' -f2 | grep -vx FilterSummary |
    sort -u | paste -sd' ')
same "the README lists the operators of the engine" "$have" "$listed"
for file in ARCHITECTURE.md CONTRIBUTING.md deploy/RUNBOOK.md; do
    check "the README points to $file" grep -q "($file)" README.md
done
# Links between the documents lead somewhere.
for document in README.md ARCHITECTURE.md CONTRIBUTING.md deploy/RUNBOOK.md; do
    while read -r link; do
        case $link in http*) continue ;; esac
        check "$document: $link is there" test -e "$(dirname "$document")/${link%%#*}"
    done < <(grep -oE '\]\([^)]+\)' "$document" | sed -E 's/^\]\((.*)\)$/\1/')
done
finish
