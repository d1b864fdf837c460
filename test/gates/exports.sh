#!/bin/sh
# usage: exports.sh NM CXXFILT INCLUDE LIBRARY   (the folder that holds tern/)
#
# A shared library exports what public headers declare with TERN_FUNC, and nothing else: each symbol is a promise, and
# one more that two libraries of a program may share.
set -u
nm=$1
filt=$2
include=$3
library=$4

symbols=$("$nm" -D -P --defined-only "$library") || exit 2
[ -n "$symbols" ] || { echo "$library exports nothing"; exit 2; }
headers=$(find "$include/tern" -name '*.hpp' ! -name '*-inl.hpp')
{
    # The name before the first parenthesis behind TERN_FUNC, which may be on the next line.
    # shellcheck disable=SC2086
    awk '
        /TERN_FUNC/ && !/#define/ {
            text = $0
            sub(/.*TERN_FUNC/, "", text)
            if (text !~ /\(/ && (getline more) > 0) text = text " " more
            sub(/\(.*/, "", text)
            sub(/.*[^_[:alnum:]~]/, "", text)
            print "declared", text
        }' $headers
    printf '%s\n' "$symbols" | awk '{ print $2, $1 }' | "$filt" | sed 's/\[abi:[a-z0-9]*\]//'
} | awk '
    $1 == "declared" { known[$2] = 1; next }
    {
        kind = $1
        name = $0
        sub(/^[^ ]* /, "", name)
        last = name
        sub(/\(.*/, "", last)
        if (kind != "T" || last !~ /^tern::v1::/ || last ~ / /) found = 0
        else {
            sub(/.*::/, "", last)
            found = last in known
        }
        if (!found) {
            print name " (" kind ") is exported, and no public header declares it with TERN_FUNC"
            bad = 1
        }
        count++
    }
    END {
        if (!bad) print count " exported symbols, all declared in public headers"
        exit bad
    }'
