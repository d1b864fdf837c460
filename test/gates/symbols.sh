#!/bin/sh
# usage: symbols.sh NM OBJECT...
#
# Checks the objects of kernel sources (kernels_<level>.cpp.*; others are skipped): the linker merges equal symbols of
# different objects, so a function that two levels share would run with either's instructions. Allowed is what no other
# level can have: the exported table, names within tern::v1::tu_<level>, names within xsimd_<level>.
set -u
nm=$1
shift

checked=0
failed=0
for object in "$@"; do
    file=${object##*/}
    case $file in
    kernels_*.cpp.*) ;;
    *) continue ;;
    esac
    level=${file#kernels_}
    level=${level%%.*}
    checked=$((checked + 1))
    symbols=$("$nm" -P "$object") || exit 2
    printf '%s\n' "$symbols" | awk -v level="$level" -v object="$file" '
        BEGIN {
            table = "tern_v1_kernels_" level
            # Mangled names carry lengths, so that avx512 does not match avx512_icl.
            tu = "4tern2v1" length("tu_" level) "tu_" level
            xsimd = length("xsimd_" level) "xsimd_" level
            # Leftovers: symbols whose code is the same at every level, each with its reason. None is needed today.
        }
        {
            name = $1
            kind = $2
            sub(/^_/, "", name)  # as on macOS; _Z becomes Z, which changes nothing below
            if ($1 ~ /_GLOBAL__sub_I|__cxx_global_var_init/) {
                print object ": " $1 " runs before main, whatever the CPU is"
                bad = 1
            }
            if (kind !~ /^[ABCDGRSTVWui]$/)  # local or undefined
                next
            if ($1 == table || name == table) {
                found = 1
                next
            }
            if (index($1, tu) || index($1, xsimd))
                next
            print object ": " $1 " (" kind ") may be merged with code of another level"
            bad = 1
        }
        END {
            if (!found) {
                print object ": " table " is missing"
                bad = 1
            }
            exit bad
        }' || failed=1
done
if [ "$checked" -eq 0 ]; then
    echo "no kernel objects among: $*"
    exit 2
fi
[ "$failed" -eq 0 ] && echo "$checked kernel objects share no symbol"
exit "$failed"
