#!/bin/sh
# usage: meson.sh MESON CPACK BUILD RECIPE WORK     with the compiler in CXX
#
# Makes the archive of the sources that BUILD was configured from, and a consumer in WORK that has it as a subproject by the wrap file
# in RECIPE.
set -eu
meson=$1
cpack=$2
build=$3
recipe=$4
work=$5
here=$(dirname "$0")

rm -rf "$work"
mkdir -p "$work/subprojects/packagefiles"
(cd "$build" && "$cpack" --config CPackSourceConfig.cmake -B "$work/made")
mv "$work/made/"*.tar.gz "$work/subprojects/packagefiles"
rm -rf "$work/made"
cp "$here/meson/meson.build" "$here/main.cpp" "$work"
cp "$recipe/tern.wrap" "$work/subprojects"
cp -R "$recipe/packagefiles/tern" "$work/subprojects/packagefiles"

"$meson" setup --wrap-mode=default "$work/build" "$work"
"$meson" test -C "$work/build" --print-errorlogs
