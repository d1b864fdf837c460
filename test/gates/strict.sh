#!/bin/sh
# usage: strict.sh warnings INCLUDE COMPILER...     COMPILER...: with its own options
#        strict.sh cxx14 INCLUDE COMPILER...
#        strict.sh unsafe INCLUDE COMPILER...
#
# Headers are in users' files: they give no warning there, with the flags of strict projects and by -I, which hides
# none. An older language than theirs is one error that says so, and so are options that change what floats mean.
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
unsafe)
    # Clang says so where it compiles kernels, of which this has as few as there may be.
    program='#include <tern/dispatch/select.hpp>
    bool has_kernels() { return tern::built_kernels(tern::isa::scalar) != nullptr; }'
    for option in -ffast-math -ffinite-math-only -funsafe-math-optimizations; do
        found=$(printf '%s\n' "$program" | LC_ALL=C "$@" -std=c++17 -O1 $option -I"$include" -c -x c++ - -o /dev/null 2>&1)
        if ! printf '%s\n' "$found" | grep -q 'error:.*TERN_ALLOW_FAST_MATH'; then
            printf '%s\n' "$option: expected an error that names TERN_ALLOW_FAST_MATH, found:" "$found"
            exit 1
        fi
    done
    "$@" -std=c++17 -ffast-math -DTERN_ALLOW_FAST_MATH -w -fsyntax-only -I"$include" "$here/strict.cpp" || exit 1
    echo "refused"
    ;;
esac
