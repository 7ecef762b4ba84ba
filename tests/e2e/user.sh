#!/bin/sh
# The jail for whoever starts it: its tests once more as an ordinary user, and where user namespaces are
# refused, by a filter as a container has one; then whole verdicts of each kind of host.
. "$(dirname "$0")/tap.inc"
[ -x "$ASSAY_BUILD/tests/e2e/refuse" ] || skip_all "tests/e2e/refuse is not built"
plan 11

# Programs that any user can read, in a folder that any user can enter.
copy=$tmp/build
mkdir -p "$copy/tests/unit"
cp "$ASSAY_BUILD"/assay "$ASSAY_BUILD"/assay-[jklv]* "$ASSAY_BUILD"/tests/e2e/refuse "$copy/"
cp "$ASSAY_BUILD"/tests/unit/sandbox_keeper "$ASSAY_BUILD"/tests/unit/sandbox_policy "$copy/tests/unit/"
cat >"$tmp/problem.yaml" <<'YAML'
id: sum
prompt: Add two numbers.
entry_point: add
cases:
  - {args: [1, 2], expected: 3}
YAML
cat >"$tmp/samples.jsonl" <<'JSON'
{"task_id":"sum","solution":"import os, tempfile\nwith tempfile.TemporaryFile() as f:\n    f.write(b'x')\ndef add(a, b):\n    return a + b\n"}
{"task_id":"sum","solution":"import os\ndef add(a, b):\n    os.kill(os.getppid(), 9)\n    return a + b\n"}
{"task_id":"sum","solution":"def add(a, b):\n    return a - b\n"}
JSON
chmod -R a+rX "$tmp"

user() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && exec setpriv --reuid 65432 --regid 65432 --clear-groups env ASSAY_BUILD="$copy" TMPDIR=/tmp "$@")
    else
        ASSAY_BUILD=$copy "$@"
    fi
}

# grades LACKS COMMAND...: the three verdicts as they should be, without the isolation named.
grades() {
    lacks=$1
    shift
    "$@" "$copy/assay" grade -p "$tmp/problem.yaml" -s "$tmp/samples.jsonl" -j 1 >"$tmp/verdicts" || return 1
    same "correct fails-tests fails-tests" \
        "$(sed 's/.*"grade":"\([a-z-]*\)".*/\1/' "$tmp/verdicts" | tr '\n' ' ' | sed 's/ $//')" || return 1
    says "$tmp/verdicts" '"seccomp","rlimit","nnp"' || return 1
    ! grep -q "\"$lacks\"" "$tmp/verdicts" || { cat "$tmp/verdicts"; return 1; }
}

check "the keeper's tests as an ordinary user" user timeout 120 "$copy/tests/unit/sandbox_keeper"
check "the policy's tests as an ordinary user" user timeout 120 "$copy/tests/unit/sandbox_policy"
check "the keeper's tests as a user without user namespaces" \
    user timeout 120 "$copy/refuse" userns "$copy/tests/unit/sandbox_keeper"
check "verdicts for an ordinary user" grades nothing user
check "verdicts for a user without user namespaces" grades userns user "$copy/refuse" userns
check "verdicts for root without user namespaces" grades userns "$copy/refuse" userns
check "verdicts without mounts" grades mntns user "$copy/refuse" mount
doctor() {
    wanted=$1
    shift
    "$@" "$copy/assay" doctor >"$tmp/doctor"
    same "$wanted" $?
}
check "doctor says what is lost" doctor 0 user "$copy/refuse" userns,landlock
check "and how to get it" says "$tmp/doctor" "absent    Landlock" "lost: the second wall" "-> allow unprivileged user namespaces"

# Below the floor nothing is run, and nothing is rewarded.
below() {
    doctor 1 "$copy/refuse" seccomp || return 1
    says "$tmp/doctor" "MISSING   seccomp filters" || return 1
    "$copy/refuse" seccomp "$copy/assay" grade -p "$tmp/problem.yaml" -s "$tmp/samples.jsonl" >"$tmp/verdicts" && return 1
    ! grep -q '"reward":[0-9]' "$tmp/verdicts"
}
check "below the floor nothing is run" below
check "verdicts with closed streams" sh -c \
    '"$1/assay" grade -p "$2/problem.yaml" -s "$2/samples.jsonl" -o "$2/closed" <&- >&- 2>&-
     test "$(grep -c correct "$2/closed")" = 1' sh "$copy" "$tmp"
