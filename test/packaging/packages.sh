#!/bin/sh
# usage: packages.sh CMAKE CPACK BUILD CONFIG WORK VERSION
#
# Makes the packages of BUILD and unpacks them into WORK/archive and WORK/deb: what is in them is what is installed otherwise, and
# beside it what only packages have.
set -eu
cmake=$1
cpack=$2
build=$3
configuration=$4
work=$5
version=$6
prefix=$work/installed

fail() {
    echo "$1"
    exit 1
}
rm -rf "$work"
mkdir -p "$work/archive" "$work/deb"
"$cmake" --install "$build" --config "$configuration" --prefix "$prefix" >/dev/null
(cd "$build" && "$cpack" --config CPackConfig.cmake -C "$configuration" -B "$work/made")
rm -rf "$work/made/_CPack_Packages"

if command -v sha256sum >/dev/null; then
    (cd "$work/made" && sha256sum -c ./*.sha256)
fi
tar -xzf "$work/made/tern-$version-"*.tar.gz -C "$work/archive" --strip-components=1
differences=$(diff -r "$prefix" "$work/archive" || true)
printf '%s\n' "Beside what is installed, the archive has:" "$differences"
if printf '%s\n' "$differences" | grep -vE "^Only in $work/archive: (LICENSE|README.md|CHANGELOG.md|tern_single.hpp)\$"; then
    fail "which is more than expected"
fi
[ -f "$work/archive/LICENSE" ] || fail "no licence"
if [ -f "$build/tern_single.hpp" ]; then
    cmp "$build/tern_single.hpp" "$work/archive/tern_single.hpp"
fi

for deb in "$work/made/"*.deb; do
    [ -f "$deb" ] || continue
    dpkg-deb --info "$deb"
    [ "$(dpkg-deb --field "$deb" Package)" = tern-dev ] || fail "$deb: another package"
    [ "$(dpkg-deb --field "$deb" Version)" = "$version" ] || fail "$deb: another version"
    dpkg-deb --field "$deb" Recommends | grep -q libxsimd-dev || fail "$deb: expected libxsimd-dev to be recommended"
    needs=$(dpkg-deb --field "$deb" Depends)
    if grep -q minizip "$prefix"/lib*/pkgconfig/tern-runtime-model.pc "$prefix"/lib/*/pkgconfig/tern-runtime-model.pc 2>/dev/null; then
        [ "$needs" = "libminizip-dev, zlib1g-dev" ] || fail "$deb: it links to minizip, and depends on '$needs'"
    else
        [ -z "$needs" ] || fail "$deb: it links to nothing, and depends on '$needs'"
    fi
    dpkg-deb -x "$deb" "$work/deb"
    differences=$(diff -r "$prefix" "$work/deb/usr" || true)
    [ "$differences" = "Only in $work/deb/usr/share: doc" ] || [ "$differences" = "Only in $work/deb/usr: share" ] ||
        fail "$deb: unexpected $differences"
    [ -f "$work/deb/usr/share/doc/tern-dev/copyright" ] || fail "$deb: no licence"
done
