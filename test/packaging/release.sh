#!/bin/sh
# usage: release.sh SOURCE FOLDER
#
# Runs cmake/release on a copy of the tracked files of SOURCE, a repository of its own in FOLDER: it must accept a
# commit that is ready and say what is wrong with others. Ends with 77 where SOURCE has no git to copy from.
set -u
source=$1
folder=$2
command -v git >/dev/null && git -c safe.directory='*' -C "$source" rev-parse --git-dir >/dev/null 2>&1 || exit 77
# Whose clone it is is none of git's business here, nor are the settings of this machine.
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME=test GIT_AUTHOR_EMAIL=test@localhost GIT_COMMITTER_NAME=test GIT_COMMITTER_EMAIL=test@localhost

rm -rf "$folder"
mkdir -p "$folder/copy" || exit 1
git -c safe.directory='*' -C "$source" ls-files -z | (cd "$source" && xargs -0 tar -cf - --) | tar -xf - -C "$folder/copy" || exit 1
cd "$folder/copy" || exit 1
version=$(sed -nE 's/^#define TERN_VERSION_STRING "(.*)"$/\1/p' include/tern/version.hpp)
failed=0

commit() {
    git add -A && git commit -q -m "$1" || exit 1
}
# expect STATUS TEXT ARGUMENT...: what cmake/release with these arguments ends with and says.
expect() {
    status=$1
    text=$2
    shift 2
    said=$(bash cmake/release "$@" 2>&1)
    found=$?
    if [ "$found" -ne "$status" ] || ! printf '%s\n' "$said" | grep -q -e "$text"; then
        printf "cmake/release %s: ended with %d, expected %d and '%s' in:\n%s\n" "$*" "$found" "$status" "$text" "$said"
        failed=1
    fi
}

git init -q .
sed -i.old "s/^## Unreleased\$/## $version - 2026-01-01/" CHANGELOG.md && rm CHANGELOG.md.old
grep -q "^## $version - " CHANGELOG.md || { echo "CHANGELOG.md has neither 'Unreleased' nor $version"; exit 1; }
commit ready
expect 0 "tern-$version could be released" --dry-run
[ ! -e build ] && [ -z "$(git tag)" ] || { echo "--dry-run left something behind"; failed=1; }
expect 0 "made the tag v$version" --tag --output ../out
[ "$(git tag)" = "v$version" ] || { echo "--tag made no tag"; failed=1; }
tar -xzf "../out/tern-$version.tar.gz" -C .. && cmp include/tern/tern.hpp "../tern-$version/include/tern/tern.hpp" || failed=1
expect 1 "the tag v$version exists" --dry-run
git tag -d "v$version" >/dev/null

echo new >new_file
expect 1 "not committed" --dry-run
rm new_file
sed -i.old 's/^version: .*/version: 9.9.9/' CITATION.cff && rm CITATION.cff.old && commit cited
expect 1 "CITATION.cff has version '9.9.9'" --dry-run
sed -i.old "s/^version: .*/version: $version/" CITATION.cff && rm CITATION.cff.old
sed -i.old 's/^\(#define TERN_VERSION_PATCH\) .*/\1 77/' include/tern/version.hpp && rm include/tern/version.hpp.old && commit parts
expect 1 "its parts are .*\.77" --dry-run
git checkout -q HEAD~2 -- include && sed -i.old "s/^## $version - .*/## Unreleased/" CHANGELOG.md && rm CHANGELOG.md.old && commit undated
expect 1 "begins with '## Unreleased'" --dry-run
expect 2 "usage\|cmake/release" --frobnicate

[ "$failed" -eq 0 ] && echo "cmake/release accepts and refuses what it should"
exit "$failed"
