#!/bin/sh
# HumanEval's own solutions: 164 of 164 are correct; as completions and as whole programs.
. "$(dirname "$0")/tap.inc"
set_file=$shared/humaneval/HumanEval.jsonl.gz
[ -f "$set_file" ] || skip_all "no $set_file"
plan 4
gzip -dc "$set_file" | jq -c '{task_id, completion: .canonical_solution}' >"$tmp/c.jsonl"
gzip -dc "$set_file" | jq -c '{task_id, response: ("```python\n" + .prompt + .canonical_solution + "\n```")}' >"$tmp/r.jsonl"
gzip -dc "$set_file" | jq -c '{task_id, completion: "    return None\n"}' >"$tmp/n.jsonl"

count() {
    jq -r .grade "$1" | grep -cE '^(correct|faster)$'
}
all_correct() {
    [ "$(count "$1")" = 164 ] || { jq -c 'select(.grade != "correct" and .grade != "faster") | {task_id, grade, reason, infra, tests}' "$1"; return 1; }
}

assay grade -p "$set_file" -s "$tmp/c.jsonl" -o "$tmp/vc" 2>"$tmp/err"
check "canonical completions" all_correct "$tmp/vc"
check "no fault of ours" says "$tmp/err" "164 verdicts"
assay grade -p "$set_file" -s "$tmp/r.jsonl" -o "$tmp/vr" 2>"$tmp/err"
check "the same as fenced replies" all_correct "$tmp/vr"
assay grade -p "$set_file" -s "$tmp/n.jsonl" -o "$tmp/vn" 2>"$tmp/err"
check "returning None solves none" same 0 "$(count "$tmp/vn")"
