#!/bin/sh
# usage: amalgamate.sh PYTHON AMALGAMATE HEADER COMPILER [FLAG...]
#
# HEADER is what AMALGAMATE writes, whoever runs it and where, and includes nothing of the library. Of the planted headers,
# which are included under conditions, each is there under its own; one that fits nowhere is named.
set -eu
python=$1
amalgamate=$2
header=$3
shift 3
planted=$(cd "$(dirname "$0")/amalgamate" && pwd)

fail() {
    echo "$1"
    exit 1
}
(cd / && LC_ALL=C PYTHONHASHSEED=2 "$python" "$amalgamate" - | cmp - "$header")
if grep -nE '^[ 	]*#[ 	]*include[ 	]*("|<tern/)|^[ 	]*#[ 	]*pragma[ 	]+once' "$header"; then
    fail "$header: not to be included by itself alone"
fi

single=$("$python" "$amalgamate" - "$planted")
for options in "" "-DPLANTED_A=1" "-DPLANTED_B=1" "-DPLANTED_A=1 -DPLANTED_B=1"; do
    # shellcheck disable=SC2086
    printf '%s\n' "$single" "#include \"$planted/check.hpp\"" | "$@" -std=c++17 $options -fsyntax-only -x c++ - ||
        fail "planted headers, with '$options'"
    # shellcheck disable=SC2086
    "$@" -std=c++17 $options -fsyntax-only -I"$planted" -include tern/tern.hpp -x c++ "$planted/check.hpp" ||
        fail "planted headers as they are, with '$options'"
done
[ "$(printf '%s\n' "$single" | grep -c '^struct needed_by_all {')" -eq 1 ] || fail "a header is there twice"

found=$("$python" "$amalgamate" - "$planted/nowhere" 2>&1) && fail "a header that fits nowhere was written somewhere"
case $found in
*"tern/late.hpp: its places share"*) echo "one file" ;;
*) fail "expected the header to be named, found: $found" ;;
esac
