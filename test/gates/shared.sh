#!/bin/sh
# usage: shared.sh NM OBJECT...
#
# The objects were compiled with different flags, or for different modes: no function of the library may be in two of
# them, or the linker would run one copy for all. Those of the run-time mode are one set of flags' own. (What the
# standard library's own templates share is the program's business, as it is without this library.)
set -u
nm=$1
shift

for object in "$@"; do
    symbols=$("$nm" -P "$object") || exit 2
    printf '%s\n' "$symbols" | awk -v object="${object##*/}" '$2 ~ /^[TW]$/ && index($1, "4tern2v1") { print $1, object }'
done | awk '
    { own[$2] = 1 }
    $1 ~ /(4tern2v1|_)2rt/ { next }
    $1 in in_object {
        print $1 " is in " in_object[$1] " and " $2 ", which are compiled with different flags"
        bad = 1
        next
    }
    { in_object[$1] = $2 }
    END {
        for (name in own) count++
        if (count < 2) {
            print "expected two objects that have functions of the library, found " count + 0
            exit 2
        }
        if (!bad) print count " objects share nothing"
        exit bad
    }'
