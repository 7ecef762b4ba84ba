#!/bin/sh
# A program that sleeps keeps nobody from being graded, though one is graded at a time.
. "$(dirname "$0")/tap.inc"
sock=$tmp/s.sock
plan 7

# grade ITEMS: to $tmp/answer.
grade() { curl -s --max-time 100 --unix-socket "$sock" http://x/v1/grade -d "{\"items\": $1}" -o "$tmp/answer"; }
correct() { jq -e --argjson n "$1" '[.verdicts[].grade] | length == $n and all(. == "correct")' "$tmp/answer"; }

up() {
    sed 's/wall_s: 3/wall_s: 120/' "$data/add.yaml" >"$tmp/add.yaml"
    "$ASSAY_BUILD/assay" serve -p "$tmp/add.yaml" --listen "unix:$sock" -j 1 2>"$tmp/log" &
    server=$!
    server_answers "$sock"
}
quick=$(jq -nc '[range(20) | {task_id: "add", solution: "def add(a, b): return a + b # \(.)"}]')

check "a server with one slot" up
curl -s --unix-socket "$sock" http://x/v1/grade -d '{"task_id": "add", "solution": "import time\ntime.sleep(300)"}' >"$tmp/slept" &
sleeper=$!
check "its program is seen to sleep" becomes "$sock" assay_slots_asleep 1
check "others are graded" grade "$quick"
check "and graded right" correct 20
check "by one spare slot, while it sleeps" sh -c "kill -0 $sleeper && [ ! -s '$tmp/slept' ] && [ '$(metric "$sock" assay_slots) $(metric "$sock" assay_slots_ready) $(metric "$sock" assay_slots_asleep)' = '1 2 1' ]"
kill "$sleeper"
wait "$sleeper" 2>/dev/null
check "its client gone, it is given up" becomes "$sock" assay_cancelled_total 1
check "the server ends without it" down
