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

# The text of the recipe, one bullet, and the files that it names outside of brackets.
text=$(awk -v title="recipe: $recipe" '/^\* / { found = index($0, "(" title ")") } /^$/ { found = 0 } found' "$source/docs/architecture.md" |
    tr '\n' ' ')
[ -n "$text" ] || fail "docs/architecture.md has no such recipe"
named=$(echo "$text" | sed 's/([^()]*)//g' | tr ' ,;:' '[\n*]' | sed -nE 's#^([-_./A-Za-z0-9]*\.(hpp|cpp|h|md|txt|cmake))\.?$#\1#p')

# Paths as the text has them.
short() {
    echo "$1" | sed 's|^include/tern/||; s|^model/graph/|graph/|'
}
# Whether the text names a file: itself or, if it is `new` or one of many, its folder.
names() {
    case $text in
    *"$1"*) return 0 ;;
    *"$(dirname "$1")/"[!A-Za-z0-9_.-]*) [ "$2" = new ] ;;
    *) return 1 ;;
    esac
}
# Each file of the list on stdin must be named, and each that is named must be one of them.
compare() {
    all=$(cat)
    for file in $all; do
        kind=new
        [ "$recipe" = architecture ] || [ ! -e "$source/$file" ] || kind=old
        names "$(short "$file")" $kind || fail "the recipe does not name $file"
    done
    for name in $named; do
        echo "$all" | grep -qF -- "$name" || fail "the recipe names $name, which has no part in it"
    done
}

if [ "$recipe" = architecture ]; then
    cd "$source" || exit 2
    {
        grep -rlE 'aarch64|_M_ARM64|TERN_HAS_NEON|TERN_LEVEL_IS_ARM|TERN_CPU_AARCH64|TERN_ARM_|_arm\.hpp|arm_costs|[^a-z_]neon' \
            include/tern cmake/*.cmake
        ls include/tern/simd/*_arm.hpp
    } | sort -u | compare || exit 1
    exit 0
fi

rm -rf "$folder" && mkdir -p "$folder/test" || exit 2
cp -R "$source/include" "$source/cmake" "$source/docs" "$folder" || exit 2
for part in code op model support; do
    cp -R "$source/test/$part" "$folder/test" || exit 2
done
# The folder may lie in a repository, whose paths are others.
(cd "$folder" && GIT_CEILING_DIRECTORIES=$(dirname "$(pwd)") git apply "$here/$recipe.patch") || fail "the patch does not apply: the recipe is not what it was"
sed -n 's|^+++ b/||p' "$here/$recipe.patch" | compare || exit 1

# Tests that it touches are read by the compiler.
for test in $(sed -n 's|^+++ b/\(test/.*_test.cpp\)|\1|p' "$here/$recipe.patch"); do
    "$@" -std=c++17 -fsyntax-only -DTERN_RUNTIME=1 '-DTERN_TEST_DATA=""' -DTERN_TEST_ZIP=0 "-I$folder/include" "$folder/$test" ||
        fail "$test does not compile"
done

flags=
program=$here/$recipe.cpp
case $recipe in
level)
    # Flags follow from the list, kernels compile with them and are the level's own.
    flags=$(cmake -DLEVELS="$folder/cmake/TernLevels.cmake" -P "$here/level_flags.cmake" 2>&1) || fail "$flags"
    printf '#define TERN_TARGET avx2_gfni\n#include <tern/kernel/target_tu.hpp>\n' >"$folder/kernels.cpp"
    # shellcheck disable=SC2086
    "$@" -std=c++17 -fsyntax-only $flags "-I$folder/include" "$folder/kernels.cpp" || fail "kernels do not compile"
    ;;
operator)
    program=$folder/test/op/argmax_test.cpp
    flags="-pthread -DDOCTEST_CONFIG_IMPLEMENT_WITH_MAIN"
    ;;
*) [ -f "$program" ] || fail "no such recipe" ;;
esac
# shellcheck disable=SC2086
"$@" -std=c++17 -O0 $flags "-I$folder/include" "$program" -o "$folder/program" || fail "the program does not compile"
"$folder/program" || fail "the program finds a fault"
