# bash completion of fsnet and fsnetd; both say themselves what may follow (fsnet complete -- WORD...).
_fsnet() {
    mapfile -t COMPREPLY < <("$1" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _fsnet fsnet fsnetd
