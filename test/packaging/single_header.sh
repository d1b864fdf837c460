#!/bin/sh
# usage: single_header.sh HEADER WORK COMPILER [FLAG...]
#
# Two files compiled alike and one for this very machine, which include HEADER (tern_single.hpp) and nothing else of the
# library, make one program; it compares convolutions with plain loops. A warning in HEADER is an error.
set -eu
header=$1
work=$2
shift 2
here=$(dirname "$0")/single_header

rm -rf "$work"
mkdir -p "$work/include"
cp "$header" "$work/include/tern_single.hpp"
compile() {
    name=$1
    shift
    "$@" -std=c++17 -O0 -Wall -Wextra -Werror -I"$work/include" -DTERN_TEST_CONVOLUTION="$name" \
        -c "$here/convolution.cpp" -o "$work/$name.o"
}
compile first_of_two "$@"
compile second_of_two "$@"
compile native "$@" -march=native
"$@" -std=c++17 "$here/main.cpp" "$work/first_of_two.o" "$work/second_of_two.o" "$work/native.o" -o "$work/program"
"$work/program"
