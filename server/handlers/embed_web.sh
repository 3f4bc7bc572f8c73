#!/bin/bash
# embed_web.sh FILE... - writes C that embeds the files and lists them in srv_web_files[] (handlers/web.h)
# by name, with content type, SHA-256 and size. The assembler reads the files (.incbin).
set -eu
content_type() {
    case $1 in
    *.html) echo 'text/html; charset=utf-8' ;;
    *.css) echo 'text/css; charset=utf-8' ;;
    *.js) echo 'text/javascript; charset=utf-8' ;;
    *.svg) echo 'image/svg+xml' ;;
    *.txt) echo 'text/plain; charset=utf-8' ;;
    *.schema.json) echo 'application/schema+json' ;;
    *.json) echo 'application/json' ;;
    *.yaml) echo 'application/yaml' ;;
    *.md) echo 'text/markdown; charset=utf-8' ;;
    *) echo "embed_web.sh: no content type for $1" >&2 && return 1 ;;
    esac
}
symbol() { echo "srv_web_$(basename "$1" | tr -c 'A-Za-z0-9\n' _)"; }

echo '#include "handlers/web.h"'
for file in "$@"; do
    printf '__asm__(".section .rodata\\n%s: .incbin \\"%s\\"\\n.previous");\n' \
        "$(symbol "$file")" "$file"
    printf 'extern const char %s[];\n' "$(symbol "$file")"
done
echo 'const struct srv_embedded srv_web_files[] = {'
for file in "$@"; do
    type=$(content_type "$file")
    sum=$(sha256sum <"$file")
    printf '    {"%s", "%s", "%s", %s, %d},\n' "$(basename "$file")" "$type" "${sum%% *}" \
        "$(symbol "$file")" "$(stat -c %s "$file")"
done
echo '    {.name = NULL},'
echo '};'
