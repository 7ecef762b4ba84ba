#!/bin/sh
# Our own faults: a helper that dies is replaced and its job done again; where nothing can be graded there is no grade and no reward.
. "$(dirname "$0")/tap.inc"
plan 14
sock=$tmp/s.sock

mkdir "$tmp/bin"
cp "$ASSAY_BUILD"/assay "$ASSAY_BUILD"/assay-verifier "$ASSAY_BUILD"/assay-keeper "$ASSAY_BUILD"/assay-lint "$tmp/bin"
printf '#!/bin/sh\nexit 1\n' >"$tmp/bin/assay-judge"
chmod +x "$tmp/bin/assay-judge"
check "no judge: exit 1" status 1 "$tmp/bin/assay" grade -p "$data/classic.yaml" -s "$data/classic.jsonl" -o "$tmp/v"
check "what the linter decides has its grade" same "not-code wrong-language" "$(jq -r .grade "$tmp/v" | head -2 | xargs)"
check "the rest has none, no reward, and a cause" jq -se '.[2:] | all(.grade == null and .reward == null and (.infra | test("assay-judge")))' "$tmp/v"
check "the summary says whose fault it is" says "$tmp/err" "infra" "a fault of ours"
rm "$tmp/bin/assay-lint"
check "no linter either: exit 1" status 1 "$tmp/bin/assay" grade -p "$data/classic.yaml" -s "$data/classic.jsonl" -o "$tmp/v"
check "then nothing has a grade" same "null" "$(jq -r .grade "$tmp/v" | sort -u)"

# A program has time enough to be killed at.
sed 's/cpu_s: 1, wall_s: 3/cpu_s: 2, wall_s: 60/' "$data/add.yaml" >"$tmp/add.yaml"
"$ASSAY_BUILD/assay" serve -p "$tmp/add.yaml" --listen "unix:$sock" -j 1 2>"$tmp/log" &
server=$!
server_answers "$sock"

# killed NAME N: the server's helper of that name is killed while the Nth slow program runs; the verdict must not suffer.
killed() {
    printf '{"task_id":"add","solution":"def add(a, b):\\n    while True: pass # %s"}' "$2" >"$tmp/slow"
    curl -s --max-time 60 --unix-socket "$sock" http://x/v1/grade -d "@$tmp/slow" >"$tmp/a" &
    asked=$!
    becomes "$sock" assay_slots_busy 1 || return 1
    kill -KILL "$(ps -eo ppid=,pid=,comm= | awk -v p="$server" -v c="$1" '$1 == p && $3 == c {print $2; exit}')"
    wait $asked
    jq -e '.verdicts[0] | .infra == null and .grade == "fails-tests" and .reason == "time-limit"' "$tmp/a" || { cat "$tmp/a"; return 1; }
}
curl -s --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b): return a + b"}' >/dev/null
check "judge killed in a job" killed assay-judge 1
check "keeper killed in a job" killed assay-keeper 2
curl -s --unix-socket "$sock" http://x/metrics >"$tmp/metrics"
check "both were restarted" says "$tmp/metrics" "assay_slot_restarts_total 2" "assay_retries_total 2" 'assay_verdicts_total{grade="infra"} 0'
linter=$(ps -eo ppid=,pid=,comm= | awk -v p="$server" '$1 == p && $3 == "assay-lint" {print $2}')
kill -KILL "$linter"
curl -s --unix-socket "$sock" http://x/v1/grade -d '{"task_id":"add","solution":"def add(a, b): return b + a"}' >"$tmp/a"
check "linter killed between jobs" jq -e '.verdicts[0].grade == "correct"' "$tmp/a"
kill -KILL "$server"
wait "$server" 2>/dev/null
server=
check "a server killed outright leaves no process" no_orphans
"$ASSAY_BUILD/assay" serve -p "$data/add.yaml" --listen "unix:$sock" 2>"$tmp/log" &
server=$!
check "and its stale socket is taken over" server_answers "$sock"
down

printf '{"task_id":"add","solution":"def add(a, b): return a + b"}\n' >"$tmp/one"
check "a host without user namespaces still grades" status 0 \
    env ASSAY_SANDBOX_WITHOUT=userns,landlock "$ASSAY_BUILD/assay" grade -p "$data/add.yaml" -s "$tmp/one" -o "$tmp/v"
check "and the verdict says what was missing" \
    jq -e '.grade == "correct" and (.isolation | index("userns") == null and index("landlock") == null and index("seccomp") != null)' "$tmp/v"
