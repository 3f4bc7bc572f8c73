#!/bin/bash
# embed_migrations.sh FILE... - writes C that embeds migrations/NNNN_name.sql and lists them in
# srv_migrations[] (store/migrate.h), in the order given. The assembler reads the files (.incbin).
set -eu
echo '#include "store/migrate.h"'
for file in "$@"; do
    symbol=srv_migration_$(basename "$file" .sql)
    printf '__asm__(".section .rodata\\n%s: .incbin \\"%s\\"\\n.byte 0\\n.previous");\n' \
        "$symbol" "$file"
    printf 'extern const char %s[];\n' "$symbol"
done
echo 'const struct srv_migration srv_migrations[] = {'
for file in "$@"; do
    name=$(basename "$file" .sql)
    printf '    {%d, "%s", srv_migration_%s},\n' "$((10#${name%%_*}))" "${name#*_}" "$name"
done
echo '    {0, NULL, NULL},'
echo '};'
