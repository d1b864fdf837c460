#!/bin/sh
# usage: vocabulary.sh NM OBJECT...
#
# Objects that keep every inline function but the forced ones: all functions of the library must be in the namespace of
# a mode (tern::v1::tu_, n_ or rt). One in tern::v1 itself may be merged with its copy in code compiled with other
# flags. Left out are default constructors that nobody wrote, which cannot be forced inline and are where anything is
# optimised, and what the standard library makes of the library's types.
set -u
nm=$1
shift

failed=0
for object in "$@"; do
    symbols=$("$nm" -P "$object") || exit 2
    printf '%s\n' "$symbols" | awk -v object="${object##*/}" '
        $2 !~ /^[TW]$/ || $1 !~ /^_ZZ?N[KVOR]*4tern2v1/ || $1 ~ /C[12]Ev$/ { next }
        $1 ~ /[0-9](tu_|n_)[a-z]/ || $1 ~ /(4tern2v1|_)2rt/ {
            count++
            next
        }
        {
            print object ": " $1 " is in no namespace of a mode"
            bad = 1
        }
        END {
            if (!count) {
                print object " has no function of the library"
                exit 2
            }
            exit bad
        }' || failed=1
done
[ "$failed" -eq 0 ] && echo "all functions are in the namespace of a mode"
exit "$failed"
