#!/bin/sh
# usage: by_pkg_config.sh PKG_CONFIG PACKAGE COMPILER SOURCE PROGRAM [FLAG...]
#
# Builds SOURCE with what pkg-config says of PACKAGE, and runs it.
set -eu
pkg_config=$1
package=$2
compiler=$3
source=$4
program=$5
shift 5

cflags=$("$pkg_config" --cflags "$package")
libs=$("$pkg_config" --libs "$package")
case $package in
tern-runtime*)
    case "$libs $("$pkg_config" --print-requires "$package")" in
    *xsimd*) echo "$package asks for xsimd, which is compiled in"; exit 1 ;;
    esac
    ;;
esac
# shellcheck disable=SC2086
"$compiler" -std=c++17 $cflags "$@" "$source" -o "$program" $libs
LD_LIBRARY_PATH="$("$pkg_config" --variable=libdir "$package"):${LD_LIBRARY_PATH-}" "$program"
