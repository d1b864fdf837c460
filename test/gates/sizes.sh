#!/bin/sh
# usage: sizes.sh FOLDER LINES   (the root of the project)
#
# A file has one idea, and no more lines than this: a reader guesses its path. Those that may have more are named here.
# Pages of docs/ are not counted: formats and figures are looked up on one page.
set -u
cd "$1" || exit 2

larger="include/tern/kernel/reference.hpp"    # the oracle: obvious loops, side by side
larger="$larger include/tern/c_api.h"         # users in C copy this one header

folders=
for folder in include test bench examples cmake; do
    [ ! -d "$folder" ] || folders="$folders $folder"
done
# shellcheck disable=SC2086
find $folders -type f \( -name '*.[ch]pp' -o -name '*.[ch]' -o -name '*.py' -o -name '*.sh' -o -name '*.cmake' -o \
    -name CMakeLists.txt \) -exec wc -l {} + | awk -v most="$2" -v larger=" $larger " '
    $2 == "total" { next }
    { may = index(larger, " " $2 " ") != 0 }
    $1 > most && !may { print $2 ": " $1 " lines, expected at most " most ": split it by idea"; failed = 1 }
    $1 <= most && may { print $2 ": " $1 " lines: it needs no exception"; failed = 1 }
    END { if (!failed) print "no file is too long"; exit failed }'
