#!/bin/bash
# test_readme.sh [BUILD] - what the README lists is what there is: settings, commands, operators.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
build=${1:-build}

# The table between the README's marks of this name.
table() { sed -n "/<!-- $1: begin -->/,/<!-- $1: end -->/p" README.md | grep '^|'; }

same "the settings of a job are those of fsnet (tests/arch/settings_table.sh makes the table)" \
    "$(tests/arch/settings_table.sh "$build")" "$(table settings)"
same "the settings of the service are those of fsnetd (fsnetd settings makes the table)" \
    "$("$build/fsnetd" settings)" "$(table "fsnetd settings")"
for command in $("$build/fsnet" --help | sed -nE 's/^  ([a-z]+) .*/\1/p'); do
    check "the README has the command $command" grep -qE "^\| \`$command[ \`]" README.md
done
listed=$(sed -n '/Operators: Conv,/,/^$/p;' README.md | tr -c 'A-Za-z0-9\n' ' ' | tr ' ' '\n' |
    grep -E '^[A-Z][A-Za-z0-9]+$' | grep -vxE 'Operators|Any' | sort | paste -sd' ')
have=$(grep -rhoE '\.name = "[A-Za-z0-9]+"' engine/ops | cut -d'"' -f2 | grep -vxE 'FilterSummary|FakeQuantize' |
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
