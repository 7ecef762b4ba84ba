#!/bin/sh
# MBPP's own solutions: 974 of 974 are correct, the classes that solutions make and set-up code included.
. "$(dirname "$0")/tap.inc"
set_file=$shared/mbpp/mbpp.jsonl.gz
[ -f "$set_file" ] || skip_all "no $set_file"
plan 2
gzip -dc "$set_file" | jq -c '{task_id: "Mbpp/\(.task_id)", solution: .code}' >"$tmp/s.jsonl"
LIMIT=300 assay grade -p "$set_file" -s "$tmp/s.jsonl" -o "$tmp/v" 2>"$tmp/err"
all_correct() {
    [ "$(jq -r .grade "$tmp/v" | grep -cE '^(correct|faster)$')" = 974 ] ||
        { cat "$tmp/err"; jq -c 'select(.grade != "correct" and .grade != "faster") | {task_id, grade, reason, infra, tests}' "$tmp/v"; return 1; }
}
check "974 of 974" all_correct
check "no fault of ours" same 0 "$(jq -r 'select(.infra != null) | .task_id' "$tmp/v" | wc -l)"
