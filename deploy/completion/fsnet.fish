# fish completion of fsnet and fsnetd; both say themselves what may follow (fsnet complete -- WORD...).
function __fsnet_complete
    set -l words (commandline -opc)
    $words[1] complete -- $words[2..] (commandline -ct) 2>/dev/null
end
complete -c fsnet -a '(__fsnet_complete)'
complete -c fsnetd -a '(__fsnet_complete)'
