#!/bin/sh
# The C library as it is installed: its example is built with pkg-config alone, and grades.
. "$(dirname "$0")/tap.inc"
command -v pkg-config >/dev/null && command -v "${CC:-gcc}" >/dev/null || skip_all "there is no compiler or no pkg-config"
top=$here/../..
usr=$tmp/usr
case $ASSAY_BUILD in *asan) sanitize=-fsanitize=address,undefined ;; *) sanitize= ;; esac

check "make install" env -u MAKEFLAGS -u MAKELEVEL make -C "$top" --no-print-directory CONFIG="$(basename "$ASSAY_BUILD")" PREFIX="$usr" install
export PKG_CONFIG_PATH="$usr/lib/pkgconfig" PATH="$usr/bin:$PATH"
check "pkg-config knows the version" same "assay $(pkg-config --modversion assay)" "$(assay --version)"
build() {
    # shellcheck disable=SC2086,SC2046  # lists of words are meant
    "${CC:-gcc}" -Wall -Wextra -Wconversion -Werror $sanitize -o "$tmp/grade_files" "$top/tools/example/grade_files.c" $(pkg-config --cflags --libs assay)
}
check "the example is built" build
shows() { nm -g --defined-only "$usr/lib/libassay.a" | awk 'NF == 3 && $3 !~ /^(assay_|__odr_asan)/ {print; bad = 1} END {exit bad}'; }
check "the library shows no names but its own" shows
if command -v g++ >/dev/null; then
    echo '#include <assay.h>' >"$tmp/it.cc"
    # shellcheck disable=SC2046
    check "C++ reads the header" g++ -fsyntax-only -Wall -Wextra -Werror $(pkg-config --cflags assay) "$tmp/it.cc"
else
    skip "C++ reads the header" "there is no g++"
fi

echo 'def add(a, b): return a + b' >"$tmp/good.py"
echo 'def add(a, b): return a - b' >"$tmp/bad.py"
echo 'I would add them.' >"$tmp/prose.py"
set -- "$tmp/good.py" "$tmp/bad.py" "$tmp/prose.py"
expected="bad.py: fails-tests
good.py: correct
prose.py: not-code"
# graded HOW: file and grade of the lines that begin with it.
graded() { sed -n "s|^$1: .*/\([a-z]*.py: [a-z-]*\),.*|\1|p" "$tmp/out" | sort; }

check "with a verifier of its own" status 0 timeout 60 "$tmp/grade_files" "$data/add.yaml" add "$@"
check "a batch has its grades" same "$expected" "$(graded together)"
check "and so have callbacks" same "$expected" "$(graded 'one by one')"
check "figures come along" says "$tmp/out" "good.py: correct, reward 1, " " ms of CPU"
check "an unknown problem is that item's error" status 1 timeout 60 "$tmp/grade_files" "$data/add.yaml" nowhere "$1"
check "which says so" says "$tmp/out" "none, " "HTTP 400" nowhere
check "a problem file that is not there" status 2 timeout 60 "$tmp/grade_files" "$tmp/none.yaml" add "$1"
check "is told" says "$tmp/err" "none.yaml"

echo secret-token-2 >"$tmp/token"
"$usr/bin/assay" serve -p "$data/add.yaml" --listen "unix:$tmp/s" --token-file "$tmp/token" 2>"$tmp/log" &
server=$!
for i in $(seq 400); do [ -S "$tmp/s" ] && break; sleep 0.1; done
check "with somebody else's" status 0 env ASSAY_TOKEN=secret-token-2 timeout 60 "$tmp/grade_files" "unix:$tmp/s" add "$@"
check "the same grades" same "$expected" "$(graded together)"
check "without the token" status 2 timeout 60 "$tmp/grade_files" "unix:$tmp/s" add "$1"
check "it says 401" says "$tmp/err" "HTTP 401"
check "nobody there" status 2 timeout 60 "$tmp/grade_files" http://127.0.0.1:9 add "$1"
plan $tests
