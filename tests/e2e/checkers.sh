#!/bin/sh
# Checkers, points, groups and the rule for many tests, as verdicts tell them: each line of data/checkers.txt is a program.
. "$(dirname "$0")/tap.inc"
rows=$here/data/checkers.txt
plan 4

# Samples of all rows, numbered.
grep -v '^#' "$rows" | jq -cR 'split(" | ") | {task_id: .[0] | rtrimstr(" ") | gsub(" "; ""), wanted: .[1] | gsub(" +$"; ""),
    solution: .[2:] | join(" | ") | gsub("^ +"; "") | split("\\\\") | join("\u0000") | split("\\n") | join("\n") | split("\u0000") | join("\\")}' \
    >"$tmp/s.jsonl"

said() {
    jq -r '(if .infra then "infra - -" else "\(.grade) \(.reason // "-") \(.tests.passed)/\(.tests.total) \(.tests.not_run // 0) " +
        (if .tests.points then "\(.tests.points.earned)/\(.tests.points.total)" else "-" end) end) as $said
        | if $said == .wanted then "ok \(.task_id)" else "WRONG \(.task_id): \(.solution | @json)\n  wanted \(.wanted)\n  got    \($said)" end' "$1"
}
as_wanted() {
    said "$1" >"$tmp/said"
    ! grep -A2 WRONG "$tmp/said" && [ "$(grep -c '^ok' "$tmp/said")" = "$(grep -vc '^#' "$rows")" ]
}

assay grade -p "$here/data/checkers.yaml" -s "$tmp/s.jsonl" -o "$tmp/v" 2>"$tmp/err"
check "each program gets its verdict" as_wanted "$tmp/v"
grep -m1 '"weighted"' "$tmp/v" | jq -c .tests.groups >"$tmp/groups"
check "groups are counted apart" same '{"small":{"passed":2,"total":2},"large":{"passed":0,"total":1}}' "$(cat "$tmp/groups")"
jq -r 'select(.task_id == "broken") | .infra' "$tmp/v" >"$tmp/infra"
check "a broken checker is told as such" says "$tmp/infra" "the problem's checker fails on the expected output too: NameError"

# Eighty inputs, for each of which the program is fast enough; all together it is not.
jq -nc '{id: "many", prompt: "p", limits: {cpu_s: 0.05, wall_s: 5}, stdio: [range(80) | {stdin: "", stdout: "1"}]}' >"$tmp/many.jsonl"
printf 'import time\nwhile time.process_time() < %s: pass\nprint(1)\n' 0.03 | jq -Rsc '{task_id: "many", solution: .}' >"$tmp/s.jsonl"
assay grade -p "$tmp/many.jsonl" -s "$tmp/s.jsonl" -o "$tmp/v" 2>"$tmp/err"
check "many inputs share thirty times the limit" jq -e '.reason == "time-limit" and .tests.not_run > 0 and .tests.passed > 20
    and (.tests.failures[-1].message | test("together"))' "$tmp/v"
