#!/bin/sh
# Stdin-style problem formats: this tree's own samples pass `assay check`; public sets, where they are, load whole and grade as they
# are labelled; a program that prints the expected output of one test passes that test and those with the same one, no other.
. "$(dirname "$0")/tap.inc"
golden=$here/../golden/formats
sets=$shared/sandboxfusion
plan 13

# verdicts FILE: "id grade passed/total" a line.
verdicts() {
    jq -r '"\(.task_id) \(.grade) \(.tests.passed)/\(.tests.total)"' "$1"
}
grades() {
    set=$1 samples=$2 lines=$3
    status 0 assay grade -p "$set" -s "$samples" -o "$tmp/v" || return 1
    verdicts "$tmp/v" >"$tmp/got"
    printf '%s\n' "$lines" | diff - "$tmp/got"
}
solution() {
    jq -Rsc --arg id "$1" '{task_id: $id, solution: .}'
}

check "references pass, wrong programs fail, mutants are caught" status 0 assay check "$golden/apps.jsonl" "$golden/codecontests.jsonl" \
    "$golden/openr1.jsonl" "$golden/primeintellect.jsonl" "$golden/kattis"
{
    echo 'print(max(map(int, input().split())))' | solution LCB/abc_1
    printf 'class Solution:\n    def addAll(self, nums, k): return sum(nums, k)\n' | solution LCB/3000
    printf 'def addAll(nums, k): return sum(nums, k)\n' | solution LCB/3000
    printf 'class Solution:\n    def addAll(self, nums, k): return float(sum(nums, k))\n' | solution LCB/3000
    echo 'print(input()[::-1])' | solution 77
    echo 'dashes = "-".join' | solution 78
} >"$tmp/s"
check "LiveCodeBench: programs, methods, functions, large integers" grades "$golden/livecodebench.jsonl" "$tmp/s" "LCB/abc_1 correct 3/3
LCB/3000 correct 3/3
LCB/3000 correct 3/3
LCB/3000 correct 3/3
77 correct 2/2
78 correct 2/2"
{
    printf 'n = int(input())\nprint(n - 1, 1)\n' | solution 9999/B
    echo 'print("2 3")' | solution 9999/B
    printf 'n = int(input())\nprint(n, 0)\n' | solution 9999/B
    echo 'print("two three " * 9999)' | solution 9999/B
} >"$tmp/s"
check "Codeforces: a checker with files decides" grades "$golden/codeforces.jsonl" "$tmp/s" "9999/B correct 3/3
9999/B fails-tests 1/3
9999/B fails-tests 0/3
9999/B fails-tests 0/3"
{
    printf 'import sys\nfor word in sys.stdin.read().split(): print(word)\n' | solution 7
    printf 'import sys\nfor word in sys.stdin.read().split(): print(word.upper())\n' | solution 7
    echo 'print("yEs" if int(input()) % 2 == 0 else "no")' | solution 8
    echo 'print("YES NO")' | solution 8
} >"$tmp/s"
check "CommonOJ: case counts where the statement does not waive it" grades "$golden/commonoj.jsonl" "$tmp/s" "7 correct 2/2
7 fails-tests 1/2
8 correct 2/2
8 fails-tests 0/2"
{
    printf 'def in_order(x): return [sorted(x)]\n' | solution APPS/2
    printf 'def in_order(x): return sorted(x)[:1]\n' | solution APPS/2
    printf 'def tally(x): return {str(n): x.count(n) for n in x}\n' | solution APPS/3
} >"$tmp/s"
check "APPS: a list of one may be its element, nothing else may" grades "$golden/apps.jsonl" "$tmp/s" "APPS/2 correct 3/3
APPS/2 fails-tests 1/3
APPS/3 fails-tests 0/2"

# ---- public sets ----------------------------------------------------------------------------------------------

# echoes PROBLEMS: for each problem a program that prints its first expected output, and how many tests that should pass. The
# lines of a native or CommonOJ set.
echoes() {
    jq -c 'def words: [split("\n")[] | split("\r")[] | split(" ")[] | select(. != "")];
        (if .stdio then [.stdio[].stdout] else [.test | fromjson | .[].output.stdout] end | map(words)) as $out
        | (if .stdio then .stdio[0].stdout else .test | fromjson | .[0].output.stdout end) as $first
        | {task_id: "\(.id)", solution: "import sys\nsys.stdout.write(\($first | @json))", same: ([$out[] | select(. == $out[0])] | length)}' "$1"
}
echo_passes_its_own() {
    set=$1 problems=$2
    echoes "$set" >"$tmp/s" && status 0 assay grade -p "$set" -s "$tmp/s" -o "$tmp/v" || return 1
    ! jq -c 'select(.tests.passed != .same) | {task_id, reason, infra, same, passed: .tests.passed}' "$tmp/v" | grep . &&
        same "$problems" "$(wc -l <"$tmp/v")"
}

if [ -f "$sets/code_contests.jsonl" ]; then
    for program in "$data"/codecontests/*.py; do
        solution "$(basename "$program" .py)" <"$program"
    done >"$tmp/right"
    check "CodeContests: right programs, 35 to 331 tests each" status 0 assay grade -p "$sets/code_contests.jsonl" -s "$tmp/right" -o "$tmp/v"
    check "all of them are correct" same "8 correct" "$(jq -r .grade "$tmp/v" | sort | uniq -c | sed 's/^ *//')"
    check "CodeContests: an echo passes its own test" echo_passes_its_own "$sets/code_contests.jsonl" 20
    # What is printed up to the first line end, as a grader that pairs lines off would want it.
    jq -c 'select(.task_id == "14") | .solution |= (split("print(*out") | .[0] + "print(out[0])")' \
        "$tmp/right" >"$tmp/first"
    assay grade -p "$sets/code_contests.jsonl" -s "$tmp/first" -o "$tmp/v" 2>"$tmp/err"
    check "the first right line alone is wrong where there are more" same "fails-tests wrong-answer" "$(jq -r '"\(.grade) \(.reason)"' "$tmp/v")"
else
    for title in "right programs" "are correct" "an echo" "the first line"; do
        skip "CodeContests: $title" "no $sets"
    done
fi

if [ -f "$sets/live_code_bench_v1.jsonl" ]; then
    ids=$(jq -r .id "$sets/live_code_bench_v1.jsonl" | xargs)
    set -- $ids
    {
        printf 'for _ in range(int(input())):\n    s = input()\n    print("YES" if sum(a != b for a, b in zip(s, "abc")) < 3 else "NO")\n' | solution "$1"
        printf 'class Solution:\n    def countSeniors(self, details):\n        return sum(int(d[11:13]) > 60 for d in details)\n' | solution "$2"
        printf 'n, s = int(input()), input()\nt, a = s.count("T"), s.count("A")\nprint("T" if t > a or t == a and s[-1] == "A" else "A")\n' | solution "$3"
        printf 'class Solution:\n    def countSeniors(self, details):\n        return sum(int(d[11:13]) >= 60 for d in details)\n' | solution "$2"
    } >"$tmp/s"
    assay grade -p "$sets/live_code_bench_v1.jsonl" -s "$tmp/s" -o "$tmp/v" 2>"$tmp/err"
    check "LiveCodeBench: right programs are correct, a wrong one is not" same "correct correct correct fails-tests" "$(jq -r .grade "$tmp/v" | xargs)"
    check "rl_train_oj loads whole" status 0 assay grade -p "$sets/rl_train_oj_0328_1707.jsonl" -s /dev/null
else
    skip "LiveCodeBench" "no $sets"
    skip "rl_train_oj" "no $sets"
fi

jam=$shared/codejam/codejam_dev.jsonl.gz
if [ -f "$jam" ]; then
    gzip -dc "$jam" | jq -c '{id, prompt: .statement, limits: {cpu_s: 20, wall_s: 60},
        checker: {float: {absolute: 1e-6, relative: 1e-6, integers: "exact"}},
        stdio: [.tests[] | {stdin: .input, stdout: .output, group}]}' >"$tmp/jam.jsonl"
    gzip -dc "$jam" | jq -c '. as $p | .python_solutions[]? | {task_id: $p.id, solution: .code, wanted: [.verdicts[] | .[1] == "pass"]}' >"$tmp/s"
    check "Code Jam: an echo passes its own test, in 345 problems" echo_passes_its_own "$tmp/jam.jsonl" 345
    gzip -dc "$jam" | jq -c '. as $p | .python_solutions[]? | {task_id: $p.id, solution: .code, wanted: [.verdicts[] | .[1] == "pass"]}' >"$tmp/s"
    assay grade -p "$tmp/jam.jsonl" -s "$tmp/s" -o "$tmp/v" 2>"$tmp/err"
    check "Code Jam: known solutions do as labelled" same "" \
        "$(jq -c 'select(([.tests.groups[] | .passed == .total]) != .wanted) | {task_id, tests, wanted}' "$tmp/v")"
else
    skip "Code Jam: echoes" "no $jam"
    skip "Code Jam: known solutions" "no $jam"
fi
