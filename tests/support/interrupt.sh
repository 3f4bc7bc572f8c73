# interrupt.sh - a command stopped by Ctrl-C in the middle of its work; sourced after check.sh.

seen() { [ "$(grep -c "$2" "$3")" -ge "$1" ]; } # TIMES PATTERN FILE

# interrupt TIMES PATTERN LOG TRACES COMMAND...: starts the command with its standard error in LOG and sends
# it SIGINT once PATTERN stands there TIMES times. Leaves its exit code in $code, whether the pattern was
# seen (yes or no) in $reached. On a busy machine the command can end well before the signal comes, which
# shows nothing about interruption: then its TRACES (paths between spaces) are removed and it is run anew.
interrupt() {
    local times=$1 pattern=$2 log=$3 traces=$4 attempt pid
    shift 4
    for attempt in 1 2 3 4 5 6 7 8; do
        # shellcheck disable=SC2086 # TRACES is a list
        rm -rf $traces
        : >"$log" # an earlier run's pattern would have the signal sent before the command has begun
        reached=no
        "$@" 2>"$log" >/dev/null &
        pid=$!
        wait_for 120 seen "$times" "$pattern" "$log" && reached=yes
        kill -INT "$pid" 2>/dev/null
        wait "$pid"
        code=$?
        [ "$code" = 0 ] || return
        echo "attempt $attempt ended before the signal"
    done
}
