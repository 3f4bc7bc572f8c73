# check.sh - what the test scripts share; sourced. A script calls ok or not_ok (or a helper) once per
# thing it checks, and `finish` last, which prints the closing line and gives the exit code.
passed=0 failed=0 skipped=0 failures=()

ok() {
    passed=$((passed + 1))
    echo "ok: $1"
}

not_ok() { # WHAT [DETAIL]
    failed=$((failed + 1))
    failures+=("NOT OK: $1${2:+ -- $2}")
    echo "${failures[-1]}"
}

skip() { # WHAT REASON
    skipped=$((skipped + 1))
    echo "skipped: $1: $2"
}

# check WHAT COMMAND...: the command must succeed.
check() {
    local what=$1
    shift
    if "$@"; then ok "$what"; else not_ok "$what" "$*"; fi
}

same() { # WHAT EXPECTED ACTUAL
    if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "expected '$2', got '$3'"; fi
}

holds() { # WHAT PART TEXT
    case "$3" in
    *"$2"*) ok "$1" ;;
    *) not_ok "$1" "'$2' is not in '$3'" ;;
    esac
}

# wait_for SECONDS COMMAND...: until the command succeeds; fails past the deadline.
wait_for() {
    local deadline=$((SECONDS + $1 * ${PATIENCE:-1}))
    shift
    until "$@"; do
        [ "$SECONDS" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ]
    exit
}
