#!/bin/sh
# usage: xsimd_version.sh SOURCE WORK FOLDER LEVEL FLAGS COMPILER...     FOLDER: holds xsimd/xsimd.hpp; FLAGS: those of LEVEL
#
# With the xsimd in FOLDER: the kernels of LEVEL compile, and a convolution in static mode, for this very machine, computes
# what a plain loop does.
set -eu
source=$1
work=$2
folder=$3
level=$4
flags=$5
shift 5
here=$(dirname "$0")/single_header

config=$folder/xsimd/config/xsimd_config.hpp
major=$(sed -n 's/^#define XSIMD_VERSION_MAJOR *\([0-9]*\)$/\1/p' "$config")
minor=$(sed -n 's/^#define XSIMD_VERSION_MINOR *\([0-9]*\)$/\1/p' "$config")
[ -n "$major" ] && [ -n "$minor" ] || { echo "$config: expected the version of xsimd"; exit 1; }

rm -rf "$work"
mkdir -p "$work/include"
ln -s "$folder/xsimd" "$work/include/xsimd" # /usr/include itself would be searched last, whatever is asked for
echo '#include <tern/tern.hpp>' > "$work/include/tern_single.hpp" # which the program includes
printf '%s\n' "#define TERN_TARGET $level" '#include <tern/kernel/target_tu.hpp>' \
    "static_assert(XSIMD_VERSION_MAJOR == $major && XSIMD_VERSION_MINOR == $minor, \"another xsimd\");" > "$work/kernels.cpp"
compile() {
    "$@" -std=c++17 -O0 -Wall -Wextra -Werror -isystem "$work/include" -I"$source/include"
}

# shellcheck disable=SC2086
compile "$@" $flags -ffp-contract=off -fno-exceptions -fno-rtti -c "$work/kernels.cpp" -o "$work/kernels.o"
compile "$@" -march=native -DTERN_TEST_CONVOLUTION=native -c "$here/convolution.cpp" -o "$work/native.o"
compile "$@" -DTERN_TEST_NATIVE_ALONE "$here/main.cpp" "$work/native.o" -o "$work/program"
"$work/program"
echo "xsimd $major.$minor"
