#!/bin/sh
# usage: c_exports.sh NM HEADER SHARED STATIC
#
# The shared library exports what the header declares, all of it and nothing else, and the library runs nothing when a program
# starts: its objects have no initialisers.
set -u
nm=$1
header=$2
shared=$3
static=$4

symbols=$("$nm" -D -P --defined-only "$shared" | awk '$2 == "T" || $2 == "W" || $2 == "D" || $2 == "B" || $2 == "V" { print $1 }' | sort)
[ -n "$symbols" ] || { echo "$shared exports nothing"; exit 2; }
declared=$(awk '/^TERN_C_API / { text = $0; sub(/\(.*/, "", text); sub(/.*[ *]/, "", text); print text }' "$header" | sort)
[ -n "$declared" ] || { echo "$header declares nothing"; exit 2; }
printf '%s\n' "$declared" >"$shared.declared"
printf '%s\n' "$symbols" | diff "$shared.declared" - >"$shared.difference" || {
    sed -n 's/^< \(.*\)/\1 is declared and not exported/p; s/^> \(.*\)/\1 is exported and not declared/p' "$shared.difference"
    exit 1
}
starts=$("$nm" -P "$static" 2>/dev/null | grep -E '_GLOBAL__sub_I|__cxx_global_var_init' | awk '{ print $1 }')
if [ -n "$starts" ]; then
    printf '%s runs at the start of a program\n' $starts
    exit 1
fi
echo "$(printf '%s\n' "$symbols" | wc -l) symbols, all declared; nothing runs at start"
