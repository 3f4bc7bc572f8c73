# remote.sh - fsnet remote, and what it says; sourced after tests/integration/server.sh.
export HOME=$dir/home # of its own: whoever runs the test may be logged in somewhere
mkdir -p "$HOME"
unset FSNET_SERVER FSNET_TOKEN

# remote CODE WORD...: fsnet remote ends with the code; what it says is in $out and $said.
remote() {
    local want=$1
    shift
    out=$("$fsnet" remote "$@" 2>"$dir/said" </dev/null)
    same "fsnet remote $*: exit code" "$want" $?
    said=$(<"$dir/said")
}
# is_said TEXT: the last command's message holds it.
is_said() { holds "and says: $1" "$1" "$said"; }
