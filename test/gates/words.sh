#!/bin/sh
# usage: words.sh FOLDER   (the root of the project)
#
# Words that must not stand in the sources, and why.
set -u
cd "$1" || exit 2
failed=0

# ban REASON PATTERN PATH...
ban() {
    reason=$1
    pattern=$2
    shift 2
    found=$(grep -rnE --exclude-dir=gates -e "$pattern" "$@" 2>/dev/null)
    [ -n "$found" ] || return 0
    printf '%s\n  %s\n' "$found" "$reason"
    failed=1
}

ban "operand order differs between xsimd 8 and 9: write a & ~b" 'xsimd::bitwise_andnot' include test bench examples
ban "walks a total order of levels on every call and asks no operating system: dispatch/ chooses" 'xsimd::dispatch' include test bench examples
ban "a library never ends or prints for its program: return a status" \
    '(^|[^_[:alnum:]])(abort|exit|_Exit|quick_exit|terminate|assert|perror|puts|printf) *\(|std::(cout|cerr|clog)|fprintf *\( *std(out|err)' include
ban "architectures and levels are the business of simd/, kernel/ and dispatch/" \
    '__(aarch64|arm|ARM|x86_64|i386|SSE|AVX|riscv)|_M_(X64|IX86|ARM)|TERN_HAS_[A-Z]' \
    include/tern/code include/tern/format include/tern/quantize include/tern/op include/tern/model
ban "paths of one machine" '(^|[^_[:alnum:].])/(home|root|work|Users)/' include test bench examples cmake docs .ci \
    .github CMakeLists.txt CMakePresets.json README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md

[ "$failed" -eq 0 ] && echo "no banned words"
exit "$failed"
