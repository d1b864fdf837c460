#!/bin/sh
# usage: replay.sh RECIPE SOURCE FOLDER CXX [OPTION...]
#
# Follows a recipe of docs/architecture.md, "How to extend": applies RECIPE.patch to a copy of the sources in FOLDER, holds the files
# that it touches against those that the recipe names, compiles what the recipe promises and runs it.
set -u
recipe=$1
source=$2
folder=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)

fail() {
    echo "$recipe: $*"
    exit 1
}
rm -rf "$folder" && mkdir -p "$folder/test" || exit 2
cp -R "$source/include" "$source/cmake" "$folder" && cp -R "$source/test/code" "$folder/test" || exit 2
# The folder may lie in a repository, whose paths are others.
(cd "$folder" && GIT_CEILING_DIRECTORIES=$(dirname "$(pwd)") git apply "$here/$recipe.patch") || fail "the patch does not apply: the recipe is not what it was"

# The text of the recipe, one bullet.
text=$(awk -v title="recipe: $recipe" '/^\* / { found = index($0, "(" title ")") } found' "$source/docs/architecture.md")
[ -n "$text" ] || fail "docs/architecture.md has no such recipe"
for file in $(sed -n 's|^+++ b/||p' "$here/$recipe.patch"); do
    name=$(echo "$file" | sed 's|^include/tern/||')
    new=$(grep -c "^--- /dev/null" "$here/$recipe.patch")
    case $text in
    *"$name"*) ;;
    *"$(dirname "$name")/"*) [ "$new" -ne 0 ] || fail "$file is touched, and the recipe does not name it" ;;
    *) fail "$file is touched, and the recipe does not name it" ;;
    esac
done

case $recipe in
level)
    # Flags follow from the list, kernels compile with them and are the level's own.
    flags=$(cmake -DLEVELS="$folder/cmake/TernLevels.cmake" -P "$here/level_flags.cmake" 2>&1) || fail "$flags"
    printf '#define TERN_TARGET avx2_gfni\n#include <tern/kernel/target_tu.hpp>\n' >"$folder/kernels.cpp"
    # shellcheck disable=SC2086
    "$@" -std=c++17 -fsyntax-only $flags "-I$folder/include" "$folder/kernels.cpp" || fail "kernels do not compile"
    # shellcheck disable=SC2086
    "$@" -std=c++17 -O0 $flags "-I$folder/include" "$here/level.cpp" -o "$folder/program" || fail "the program does not compile"
    ;;
code)
    "$@" -std=c++17 -O0 "-I$folder/include" "$here/code.cpp" -o "$folder/program" || fail "the program does not compile"
    ;;
*) fail "no such recipe" ;;
esac
"$folder/program" || fail "the program finds a fault"
