#!/bin/sh
# usage: sizes.sh FOLDER LINES   (the root of the project)
#
# A file has one idea, and no more lines than this: a reader guesses its path. Those that may have more are named here.
set -u
cd "$1" || exit 2
most=$2

larger() {
    case $1 in
    include/tern/kernel/reference.hpp) ;; # the oracle: obvious loops, side by side
    include/tern/c_api.h) ;; # users in C copy this one header
    *) return 1 ;;
    esac
}

failed=0
folders=
for folder in include test bench examples cmake; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2086
for file in $(find $folders -type f \( -name '*.[ch]pp' -o -name '*.[ch]' -o -name '*.py' -o -name '*.sh' -o -name '*.cmake' \
    -o -name CMakeLists.txt \)); do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt "$most" ] && ! larger "$file"; then
        echo "$file: $((lines)) lines, expected at most $most: split it by idea"
        failed=1
    elif [ "$lines" -le "$most" ] && larger "$file"; then
        echo "$file: $((lines)) lines: it needs no exception"
        failed=1
    fi
done
[ "$failed" -eq 0 ] && echo "no file is too long"
exit "$failed"
