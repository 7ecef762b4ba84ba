#!/bin/sh
# lint.sh SOURCES...: clang-format, file sizes, clang-tidy and cppcheck over the C sources. Every check runs; any finding fails the whole.
set -u
bad=0
fail() { echo "lint: $1"; bad=1; }

clang-format --dry-run --Werror "$@" || fail "clang-format: run make format"

for f in "$@"; do
    case $f in tests/*) max=1200 ;; *.h) max=200 ;; *) max=800 ;; esac
    n=$(wc -l < "$f")
    [ "$n" -le $max ] || fail "$f has $n lines, more than $max"
done

python=$(pkg-config --cflags python-3.11-embed | sed "s/-I/-isystem /g")
blas=$(pkg-config --cflags openblas | sed "s/-I/-isystem /g")
mpi=$(pkg-config --cflags ompi-c 2>/dev/null | sed "s/-I/-isystem /g")
left_out='^tests/'
[ -n "$mpi" ] || { left_out="$left_out\|^trainer/mpi/"; echo "lint: no MPI here: clang-tidy leaves trainer/mpi out"; }
# One file a run: the analyser of clang 14 mistakes the va_lists of a second one.
echo "$@" | tr ' ' '\n' | grep '\.c$' | grep -v "$left_out" |
    xargs -P "$(nproc)" -n 1 sh -c 'clang-tidy --quiet "$@" -- -std=gnu17 -D_GNU_SOURCE -Iinclude -I. '"$python $blas $mpi"' 2>/dev/null' sh ||
    fail "clang-tidy"

cppcheck --quiet --error-exitcode=1 --enable=warning,portability --inline-suppr --std=c11 -Iinclude -I. -D_GNU_SOURCE \
    --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=missingReturn --suppress=unusedStructMember --suppress=normalCheckLevelMaxBranches \
    $(echo "$@" | tr ' ' '\n' | grep '\.c$' | grep -v '^tests/') || fail "cppcheck"

[ $bad = 0 ] && echo "lint: clean"
exit $bad
