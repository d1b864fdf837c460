#!/bin/sh
# usage: recipes.sh SOURCE PYTHON
#
# Every recipe in SOURCE/cmake/packages names the version of the headers, and those that are Python or JSON can be read as that.
set -eu
cd "$1"
python=$2

version=$(sed -n 's/^#define TERN_VERSION_STRING "\(.*\)"/\1/p' include/tern/version.hpp)
xsimd=$(sed -n 's|.*/xsimd/archive/refs/tags/\(.*\).tar.gz$|\1|p' cmake/TernDependencies.cmake)
hash=$(sed -n '/xsimd\/archive/,$ s/^ *\([0-9a-f]\{64\}\)).*/\1/p' cmake/TernDependencies.cmake | head -n 1)
cd cmake/packages
expect() {
    grep -qF "$2" "$1" || { echo "cmake/packages/$1: expected $2"; exit 1; }
}
expect meson/tern.wrap "directory = tern-$version-source"
expect meson/tern.wrap "source_filename = tern-$version-source.tar.gz"
expect meson/packagefiles/tern/meson.build "version: '$version'"
expect bazel/MODULE.bazel "version = \"$version\""
expect bazel/MODULE.bazel "tags/$xsimd.tar.gz"
expect bazel/MODULE.bazel "$hash"
expect conan/conanfile.py "version = \"$version\""
expect vcpkg/tern/vcpkg.json "\"version\": \"$version\""

"$python" - <<'END'
import ast, json
for path in ("conan/conanfile.py", "bazel/MODULE.bazel", "bazel/BUILD.bazel"):
    with open(path) as file:
        ast.parse(file.read(), path)
with open("vcpkg/tern/vcpkg.json") as file:
    assert json.load(file)["name"] == "tern"
END
echo "recipes of tern $version"
