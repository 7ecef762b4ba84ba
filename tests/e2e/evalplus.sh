#!/bin/sh
# EvalPlus: HumanEval+ Mini's and MBPP's canonical solutions are correct on all inputs; an answer other than the canonical one is
# accepted where many are right, and not where only the extra inputs tell. BigCodeBench's problems that need no other package run.
. "$(dirname "$0")/tap.inc"
humaneval=$shared/humaneval/HumanEvalPlus-Mini.jsonl.gz
mbpp=$shared/mbpp/mbpp_sanitized_evalplus_427.jsonl.gz
bigcode=$shared/sandboxfusion/bigcodebench.jsonl
[ -f "$humaneval" ] && [ -f "$mbpp" ] && [ -f "$bigcode" ] || skip_all "no $humaneval, $mbpp or $bigcode"
plan 8

all_correct() {
    grep -q . "$1" && jq -e -s 'all(.grade == "correct")' "$1" >/dev/null ||
        { jq -c 'select(.grade != "correct") | {task_id, grade, reason, infra, tests}' "$1" | head; return 1; }
}

gzip -dc "$humaneval" | jq -c '{task_id, completion: .canonical_solution}' >"$tmp/h.jsonl"
gzip -dc "$mbpp" | jq -c '{task_id: "Mbpp/\(.task_id)", solution: .canonical_solution}' >"$tmp/m.jsonl"
assay grade -p "$humaneval" -s "$tmp/h.jsonl" -o "$tmp/vh" >"$tmp/said" 2>&1
check "HumanEval+ Mini: 164 canonical solutions" all_correct "$tmp/vh"
check "base and plus have pass rates of their own" says "$tmp/said" "tests of base" "tests of plus"
assay grade -p "$mbpp" -s "$tmp/m.jsonl" -o "$tmp/vm" >"$tmp/said" 2>&1
check "MBPP sanitized: 427 canonical solutions" all_correct "$tmp/vm"
check "every problem has a verdict" same "164 427" "$(grep -c . "$tmp/vh") $(grep -c . "$tmp/vm")"

cat >"$tmp/root.py" <<'P'
def find_zero(xs):
    f = lambda x: sum(c * x ** i for i, c in enumerate(xs))
    low, high = -1.0, 1.0
    while f(low) * f(high) > 0:
        low, high = low * 3, high * 3
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if f(low) * f(middle) <= 0 else (middle, high)
    return high
P
cat >"$tmp/close.py" <<'P'
def has_close_elements(numbers, threshold):
    return any(abs(a - b) < threshold for a, b in zip(numbers, numbers[1:])) or len(numbers) > 4 and threshold > 0.2
P
for id in 32:root 0:close; do
    jq -Rsc --arg id "HumanEval/${id%:*}" '{task_id: $id, solution: .}' "$tmp/${id#*:}.py"
done >"$tmp/o.jsonl"
assay grade -p "$humaneval" -s "$tmp/o.jsonl" -o "$tmp/vo" >"$tmp/said" 2>&1
check "another root of the polynomial" same '"correct"' "$(sed -n 1p "$tmp/vo" | jq -c .grade)"
check "wrong all the same" same '"fails-tests"' "$(sed -n 2p "$tmp/vo" | jq -c .grade)"

# 1009 works on files, which are the program's; 10 imports numpy.
jq -c 'select(.id == "BigCodeBench/1" or .id == "BigCodeBench/1009") | {task_id: .id, completion: .canonical_solution}' "$bigcode" >"$tmp/b.jsonl"
assay grade -p "$bigcode" -s "$tmp/b.jsonl" -o "$tmp/vb" >"$tmp/said" 2>&1
check "BigCodeBench: unittest cases on plain Python" all_correct "$tmp/vb"
packages=/usr/lib/python3/dist-packages
if [ -d "$packages/numpy" ]; then
    printf 'python: {path: [%s], preload: [numpy]}\n' "$packages" >"$tmp/config.yaml"
    jq -c 'select(.id == "BigCodeBench/10") | {task_id: .id, completion: .canonical_solution}' "$bigcode" >"$tmp/b.jsonl"
    assay grade --config "$tmp/config.yaml" -p "$bigcode" -s "$tmp/b.jsonl" -o "$tmp/vb" >"$tmp/said" 2>&1
    check "BigCodeBench: with numpy" all_correct "$tmp/vb"
else
    skip "BigCodeBench: with numpy" "no numpy"
fi
