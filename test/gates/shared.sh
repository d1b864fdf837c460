#!/bin/sh
# usage: shared.sh NM OBJECT OTHER...
#
# OBJECT was compiled with other flags than OTHER...: no function of the library may be in both, or the linker would run one
# copy for all. (What the standard library's own templates share is the program's business, as it is without this library.)
set -u
nm=$1
object=$2
shift 2

"$nm" -P "$object" >/dev/null || exit 2
{
    "$nm" -P "$object" | awk '$2 == "W" { print "own", $1 }'
    for other in "$@"; do
        "$nm" -P "$other" | awk '$2 ~ /^[TW]$/ { print "other", $1 }'
    done
} | awk '
    $1 == "own" && index($2, "4tern2v1") { own[$2] = 1 }
    $1 == "other" && ($2 in own) && !($2 in seen) {
        seen[$2] = 1
        print $2 " is in objects compiled with different flags"
        bad = 1
    }
    END {
        for (name in own) count++
        if (!count) {
            print "the object has no function of the library"
            exit 2
        }
        exit bad
    }' || exit 1
echo "nothing is shared"
