#!/bin/sh
# Every program of tests/escape as a solution of add(a, b): each gets the grade that its first line expects, in bounded time, and
# leaves neither a process nor an effect on the honest ones graded after it.
. "$(dirname "$0")/tap.inc"
escape=$here/../escape
hostile=$(ls "$escape"/*.py 2>/dev/null)
[ -n "$hostile" ] || skip_all "no programs in $escape"
honest=$(ls "$escape"/honest/*.py 2>/dev/null)
set -- $hostile $honest
plan $(($# + 4))

honest_sample='{"task_id":"add","solution":"def add(a, b):\n    return a + b  # '
for file in $hostile $honest; do
    jq -Rsc --arg f "$file" '{task_id: "add", solution: ., file: $f}' "$file"
    printf '%s%s"}\n' "$honest_sample" "$file"
done >"$tmp/s.jsonl"
start=$(date +%s)
LIMIT=400 check "graded without a fault of ours" status 0 assay grade -p "$data/add.yaml" -s "$tmp/s.jsonl" -o "$tmp/v.jsonl" --no-timing
took=$(($(date +%s) - start))
check "within the limits of all of them" [ "$took" -le $(($# * 5 + 30)) ]

# as_expected FILE: grade (and reason, if any) of its first line: "# expect: fails-tests time-limit".
as_expected() {
    wanted=$(sed -n '1s/^# expect: *//p' "$1")
    got=$(jq -r --arg f "$1" 'select(.file == $f) | "\(.grade) \(.reason)"' "$tmp/v.jsonl")
    grade=${wanted%% *}
    reason=
    [ "$grade" != "$wanted" ] && reason=${wanted#* }
    echo "wanted: $wanted"
    echo "got:    $got"
    [ "${got%% *}" = "$grade" ] || return 1
    [ -z "$reason" ] && return 0
    for each in $(echo "$reason" | tr '|,' '  '); do
        [ "${got#* }" = "$each" ] && return 0
    done
    return 1
}

is_correct() {
    jq -se --arg f "$1" 'map(select(.file == $f))[0].grade == "correct"' "$tmp/v.jsonl" >/dev/null ||
        { jq -c --arg f "$1" 'select(.file == $f)' "$tmp/v.jsonl"; return 1; }
}

for file in $hostile; do
    check "$(basename "$file")" as_expected "$file"
done
# lacks FILE: the isolation that the program says it needs, when its guest did not have it.
lacks() {
    need=$(sed -n '2s/^# needs: *//p' "$1")
    [ -z "$need" ] || jq -r --arg f "$1" --arg need "$need" \
        'select(.file == $f and (.isolation | index($need) | not)) | $need' "$tmp/v.jsonl"
}

for file in $honest; do
    lacking=$(lacks "$file")
    if [ -n "$lacking" ]; then
        skip "honest/$(basename "$file")" "this host grants no $lacking"
    else
        check "honest/$(basename "$file")" is_correct "$file"
    fi
done
check "the honest one after each stays correct" same "$#" "$(jq -r 'select(.file == null) | .grade' "$tmp/v.jsonl" | grep -c '^correct$')"
check "no process is left" no_orphans
