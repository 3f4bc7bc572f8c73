#!/bin/bash
# man.sh [BUILD] - man pages of both programs from what their --help says, in BUILD/man: fsnet(1), one page
# for each of its commands and of those of a group (fsnet-remote-submit(1)), fsnetd(8). Wants help2man. `make man` runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
build=${1:-build}
mkdir -p "$build/man"

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# page NAME SECTION SUMMARY COMMAND...: help2man calls a program of that name, which speaks as it expects.
page() {
    local name=$1 section=$2 summary=$3
    shift 3
    printf '#!/bin/sh\n%s --help | sed "s|%s/||g; s/^usage:/Usage:/; s/^options:/Options:/; s/^commands:/Commands:/"\n' \
        "$*" "$build" >"$tmp/$name"
    chmod +x "$tmp/$name"
    help2man --no-info --section "$section" --name "$summary" --version-string "$version" \
        --output "$build/man/$name.$section" "$tmp/$name"
}

version=$("$build/fsnet" --version | cut -d' ' -f2)
page fsnet 1 "compress trained convolutional networks by Filter Summary" "$build/fsnet"
for command in $("$build/fsnet" complete -- ""); do
    summary=$("$build/fsnet" --help | sed -n "s/^  $command  *//p")
    page "fsnet-$command" 1 "$summary" "$build/fsnet $command"
    for part in $("$build/fsnet" complete -- "$command" ""); do
        summary=$("$build/fsnet" "$command" --help | sed -n "s/^  $part  *//p")
        page "fsnet-$command-$part" 1 "$summary" "$build/fsnet $command $part"
    done
done
page fsnetd 8 "the network compression service" "$build/fsnetd"
page fsnetd-token 8 "who may call the service" "$build/fsnetd token"
