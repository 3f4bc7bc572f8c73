#!/bin/bash
# test_layers.sh - dependencies run one way (ARCHITECTURE.md, "Floors"): no #include points upward, the
# server and the command line see the engine through fsnet.h alone, one place knows each library,
# and the engine neither prints nor ends the process.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh

# One floor a line, lowest first; folders of one floor do not know each other.
engine_floors="core
tensor
ops data
kernels
graph
fs quant zoo detect
train
onnx
compress"
server_floors="base
store http
jobs
handlers commands
."

# above FLOORS FOLDER: the folders that FOLDER may not include: higher ones and its neighbours.
above() {
    awk -v folder="$2" '{
        for (i = 1; i <= NF; i++) if ($i == folder) found = 1
        if (found) for (i = 1; i <= NF; i++) if ($i != folder && $i != ".") print $i
    }' <<<"$1"
}

# includes_of FILES... : "file:line:#include ..." of quoted includes
includes() { grep -nH -E '^ *# *include *"' "$@" /dev/null; }

check_tree() { # ROOT FLOORS
    local folder bad forbidden
    for folder in $2; do
        [ "$folder" = . ] && continue
        [ -d "$1/$folder" ] || continue
        forbidden=$(above "$2" "$folder" | paste -sd'|')
        bad=
        if [ -n "$forbidden" ]; then
            bad=$(includes "$1/$folder"/*.[ch] "$1/$folder"/*.inc 2>/dev/null |
                grep -E "\"(\.\./)*($forbidden)/")
        fi
        same "$1/$folder includes nothing from above or beside" "" "$bad"
    done
}

# Every folder has a floor, so that none is left unchecked.
for folder in engine/*/; do
    name=$(basename "$folder")
    case "$name" in include | cli) continue ;; esac
    check "engine/$name has a floor" grep -qw "$name" <<<"$engine_floors"
done
check_tree engine "$engine_floors"
if [ -d server ]; then
    for folder in server/*/; do
        case "$(basename "$folder")" in web) continue ;; esac
        check "$folder has a floor" grep -qw "$(basename "$folder")" <<<"$server_floors"
    done
    check_tree server "$server_floors"
fi

engine_folders=$(tr ' ' '\n' <<<"$engine_floors" | paste -sd'|')
same "the command line sees the engine through fsnet.h alone" "" \
    "$(includes engine/cli/*.[ch] | grep -E "\"(\.\./)*($engine_folders)/")"
same "the server sees the engine through fsnet.h alone" "" \
    "$(find server -name '*.[ch]' -exec grep -nH -E "# *include *\"(\.\./)*(engine/)?($engine_folders)/" {} + 2>/dev/null)"
same "the engine knows nothing of the server" "" \
    "$(grep -rnE '# *include *["<](server/|microhttpd|sqlite3|uv\.h)' engine)"

# one_place LIBRARY FOLDER: only the folder includes <LIBRARY>.
one_place() {
    same "only $2 knows $1" "" \
        "$(grep -rlE "# *include *[<\"]$1[>\"]" engine server --include="*.[ch]" 2>/dev/null | grep -v "^$2/")"
}
one_place sqlite3.h server/store
one_place gnutls/gnutls.h server/http
same "only server/jobs/courier.c and engine/cli/remote_http.c know curl" "" \
    "$(grep -rlE '# *include *[<"]curl/' engine server --include='*.[ch]' |
        grep -vxE 'server/jobs/courier.c|engine/cli/remote_http.c')"
one_place cblas.h engine/core
one_place archive.h engine/data
one_place jpeglib.h engine/data
one_place png.h engine/data
one_place onnx.pb-c.h engine/onnx

same "the engine neither prints nor ends the process" "" \
    "$(grep -rnE '\b(stdout|stderr|abort|exit|_exit|perror|puts|putchar|printf) *\(|\bf?printf *\( *(stdout|stderr)|\bassert *\(' \
        engine --include='*.c' | grep -vE '^engine/cli/|_Static_assert|static_assert' |
        grep -vE '^\S+ *(/\*| \*)')"
same "public functions of the engine begin with fsn_" "" \
    "$(grep -nE '^[a-z].*[ *]([a-z_]+)\(' engine/include/fsnet.h | grep -vE '[ *]fsn_[a-z0-9_]+\(|typedef')"
finish
