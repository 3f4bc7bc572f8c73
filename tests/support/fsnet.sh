# fsnet.sh - the fsnet program, $fsnet, and what it says; sourced after check.sh, with a folder $dir.

# run EXPECTED_CODE ARG...: runs fsnet; standard output in $out, standard error in $err.
run() {
    local want=$1 code
    shift
    "$fsnet" "$@" >"$dir/out" 2>"$dir/err"
    code=$?
    out=$(<"$dir/out") err=$(<"$dir/err")
    same "exit code of: fsnet ${*//$dir/DIR}" "$want" "$code"
}

# json WHAT FILTER EXPECTED: what jq's filter makes of $out.
json() {
    same "$1" "$3" "$(jq -rc "$2" <<<"$out" 2>&1)"
}
