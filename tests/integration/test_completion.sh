#!/bin/bash
# test_completion.sh [BUILD] - what shells offer behind fsnet and fsnetd, and the man pages.
set -u
cd "$(dirname "$0")/../.."
. tests/support/check.sh
build=$(realpath "${1:-build}")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

offers() { # WHAT EXPECTED WORD...: the words behind the program, the last one begun
    local what=$1 want=$2
    shift 2
    same "$what" "$want" "$("$build/$program" complete -- "$@" | tr '\n' ' ')"
}

program=fsnet
offers "a begun command" "compress " com
offers "a begun option" "--exclude --epochs --ema " compress model.onnx --e
offers "all words of a choice" "train test " eval m.onnx --split ""
offers "a begun word of a setting's choice" "cosine " compress --schedule c
offers "a set's words, as bash parts the line" "crop cutout " compress --augment = c
offers "nothing where a file goes" "" compress --data ""
offers "nothing behind a command that there is not" "" explode --e
for command in $("$build/fsnet" complete -- ""); do
    named=$("$build/fsnet" "$command" --help | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE -- '--.*' | sort -u)
    same "the options of $command are those of its help" "$named" \
        "$("$build/fsnet" complete -- "$command" -- | sort -u)"
done
offers "a begun command of a group" "upload-model upload-data " remote up
offers "an option of it" "--data --dry-run --distribution --detections --distill-outputs --default-boxes " remote submit --d
offers "words of another command's option of the same name" "on off " remote change --keep ""
offers "a word of its option" "failed " remote jobs --status f
for part in $("$build/fsnet" complete -- remote ""); do
    named=$("$build/fsnet" remote "$part" --help | grep -oE '^  (-., |    )--[a-z0-9-]+' | grep -oE -- '--.*' | sort -u)
    same "the options of remote $part are those of its help" "$named" \
        "$("$build/fsnet" complete -- remote "$part" -- | sort -u)"
done
program=fsnetd
offers "a begun command of the service" "serve settings " se
offers "a begun setting" "--workers --worker-nice --webhook-attempts --webhook-allow-private " serve --w
offers "options of the command's own go first" "--to --tls-cert --tls-key --trusted-proxies " backup --t
for command in $("$build/fsnetd" complete -- "" | grep -v serve); do
    for word in $("$build/fsnetd" complete -- "$command" ""); do
        check "fsnetd $command $word: the command's own help or that of the service has it" \
            grep -qe "$word" <("$build/fsnetd" "$command" --help)
    done
done

# The shells themselves, with the program in the path.
PATH=$build:$PATH
same "bash completes" "eval" "$(bash -c '. deploy/completion/fsnet.bash
    COMP_WORDS=(fsnet ev) COMP_CWORD=1; _fsnet fsnet ev fsnet; echo "${COMPREPLY[*]}"')"
if command -v fish >/dev/null; then
    same "fish completes" "eval" "$(fish --no-config -c 'source deploy/completion/fsnet.fish; complete -C "fsnet ev"')"
else
    skip "completion in fish" "no fish"
fi
if command -v zsh >/dev/null; then
    check "zsh can read its part" zsh -n deploy/completion/_fsnet
else
    skip "completion in zsh" "no zsh"
fi

if command -v help2man >/dev/null; then
    check "man pages are made" deploy/man.sh "$build"
    for page in fsnet.1 fsnet-compress.1 fsnet-remote.1 fsnet-remote-submit.1 fsnetd.8; do
        check "$page says how to call it" grep -q "^.SH SYNOPSIS" "$build/man/$page"
    done
    check "fsnet-compress(1) has the settings" grep -qF '\-\-epochs' "$build/man/fsnet-compress.1"
    if command -v mandoc >/dev/null; then
        same "mandoc finds no error in them" "" "$(mandoc -T lint -W error "$build"/man/*.[18])"
    else
        skip "the form of the man pages" "no mandoc"
    fi
else
    skip "man pages" "no help2man"
fi
finish
