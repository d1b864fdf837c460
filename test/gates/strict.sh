#!/bin/sh
# usage: strict.sh warnings INCLUDE COMPILER...     COMPILER...: with its own options
#        strict.sh cxx14 INCLUDE COMPILER...
#
# Headers are in users' files: they give no warning there, with the flags of strict projects and by -I, which hides none. An
# older language than theirs is one error that says so.
set -u
what=$1
include=$2
shift 2
here=$(dirname "$0")

case $what in
warnings)
    # -O1: GCC finds uninitialised values only where it optimises.
    "$@" -std=c++17 -O1 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wsign-conversion -Wdouble-promotion -Werror \
        -I"$include" -c "$here/strict.cpp" -o /dev/null || exit 1
    echo "no warnings"
    ;;
cxx14)
    for header in tern model; do
        found=$(printf '#include <tern/%s.hpp>\n' $header | LC_ALL=C "$@" -std=c++14 -fsyntax-only -I"$include" -x c++ - 2>&1)
        if [ "$(printf '%s\n' "$found" | grep -c 'error: ')" -ne 1 ] || ! printf '%s\n' "$found" | grep -q 'error:.*C++17'; then
            printf '%s\n' "tern/$header.hpp: expected one error that names C++17, found:" "$found"
            exit 1
        fi
    done
    echo "one error"
    ;;
esac
