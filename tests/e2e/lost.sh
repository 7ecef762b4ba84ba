#!/bin/sh
# Nothing is lost: helpers killed at random, a disk that is full, a reader that has gone, hardly any descriptors.
# SEED=n repeats the choice of victims, ASSAY_TEST_FULL=1 kills for ten times as long.
. "$(dirname "$0")/tap.inc"
plan 22
seed=${SEED:-1}
count=100 storm=204
[ -z "$ASSAY_TEST_FULL" ] || storm=2040

# Right, wrong, broken, prose, raising, hostile: no two alike.
awk -v count=$count 'BEGIN {
    n = split("return a + b|return b + a|return a - b|return a +|raise ValueError|import os; os._exit(0)|import time; time.sleep(.02); return a + b|return [a + b for _ in range(9)][8]", body, "|")
    for (i = 0; i < count; i++)
        if (i % 25 == 9)
            printf "{\"task_id\":\"add\",\"response\":\"To add them, begin with number %d and count on from there.\"}\n", i
        else
            printf "{\"task_id\":\"add\",\"solution\":\"def add(a, b):  # %d\\n    %s\\n\"}\n", i, body[i % n + 1]
}' >"$tmp/s.jsonl"
few='{task_id, sample, grade, reward, reason, infra, tests, language}'
grade() {
    assay grade -p "$data/add.yaml" -j 2 --no-timing "$@"
}
check "undisturbed" status 0 grade -s "$tmp/s.jsonl" -o "$tmp/v"
jq -c "$few" "$tmp/v" >"$tmp/wanted"

# Somebody kills a process of the run in about the time that six jobs take.
check "helpers and guests killed at random: every verdict as in an undisturbed run, none lost, no infra" \
    python3 "$here/../bench/kill_storm.py" --jobs "$storm" --every-jobs 6 --seed "$seed" --build "$ASSAY_BUILD"
sed 's/^/# /' "$tmp/why"
check "no process is left" no_orphans

# Whoever kills itself, where it can, has crashed; in a process namespace of its own it cannot.
printf '{"task_id":"add","solution":"import os\\ndef add(a, b):\\n    os.kill(os.getpid(), 9)\\n    return a"}\n' >"$tmp/suicide"
check "a program that kills itself has crashed" status 0 env ASSAY_SANDBOX_WITHOUT=userns "$ASSAY_BUILD/assay" grade -p "$data/add.yaml" -s "$tmp/suicide" -o "$tmp/v5"
check "and nobody else is to blame" same "fails-tests crashed null" "$(jq -r '"\(.grade) \(.reason) \(.infra)"' "$tmp/v5")"

# The same of a program that is run: once is nothing, always is our fault.
printf 'import time\ntime.sleep(1)\nprint("done")\n' >"$tmp/sleeper.py"
run_killed() {
    "$ASSAY_BUILD/assay" run "$tmp/sleeper.py" --json >"$tmp/ran" 2>"$tmp/err" &
    run=$!
    python3 "$here/kill_guests.py" "$run" "$1"
    wait "$run"
}
check "run: a guest that is killed has another try" status 0 run_killed 1
check "and ends as if nothing had been" jq -e '.status == "exit 0" and .stdout == "done\n" and .infra == null' "$tmp/ran"
if jq -e '.isolation | index("pidns")' "$tmp/ran" >/dev/null; then
    check "run: one that is always killed is our fault" status 1 run_killed 1000
    check "says so" says "$tmp/err" "somebody kills"
else
    for i in 1 2; do skip "a guest that is always killed" "no process namespaces"; done
fi

# A file that may not grow any more stands for a full disk.
check "a full disk: exit 2" status 2 sh -c "ulimit -S -f 32; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' --no-timing -s '$tmp/s.jsonl' -o '$tmp/full'"
check "says where and what, and how to go on" says "$tmp/err" "$tmp/full.part: File too large" --resume
check "--resume goes on" status 0 grade -s "$tmp/s.jsonl" -o "$tmp/full" --resume
jq -c "$few" "$tmp/full" >"$tmp/got"
check "to the same verdicts" cmp "$tmp/wanted" "$tmp/got"

# A file system that is full.
if unshare -rm true 2>/dev/null; then
    check "a full file system: exit 2" status 2 unshare -rm sh -c "mkdir '$tmp/disk' && mount -t tmpfs -o size=16k none '$tmp/disk' &&
        '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' --no-timing -s '$tmp/s.jsonl' -o '$tmp/disk/v'; code=\$?; cp '$tmp/disk/v.part' '$tmp/v6.part'; exit \$code"
    check "says so" says "$tmp/err" "v.part: No space left on device" --resume
    check "what it holds goes on elsewhere" status 0 grade -s "$tmp/s.jsonl" -o "$tmp/v6" --resume
    jq -c "$few" "$tmp/v6" >"$tmp/got"
    check "to the same verdicts" cmp "$tmp/wanted" "$tmp/got"
else
    for i in 1 2 3 4; do skip "a full file system" "no user namespaces"; done
fi

grade -s "$tmp/s.jsonl" 2>"$tmp/err" | head -1 >"$tmp/first"
check "a reader that has gone ends the run" says "$tmp/err" "Broken pipe"

head -20 "$tmp/s.jsonl" >"$tmp/s20"
check "too few descriptors: exit 2 and a sentence" status 2 sh -c "ulimit -n 20; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' -s '$tmp/s20'"
few_files() {
    status 0 sh -c "$1 ulimit -n 64; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' -s '$tmp/s20' -o '$tmp/v4' -j 24"
}
check "fewer than the slots want: no job is lost" few_files ""
check "nor where the starter has left some open" few_files "$(seq -f 'exec %g</dev/null;' -s ' ' 3 9)"

# Clocks that are set do not matter to one that never reads them: only its log asks for the time of day.
check "the verifier times nothing by the time of day" sh -c "
    ! nm -D --undefined-only '$ASSAY_BUILD/assay-verifier' | grep -wE 'time|gettimeofday|ftime|timespec_get' &&
    ! grep -rn CLOCK_REALTIME '$here/../../verifier' '$here/../../sandbox' '$here/../../include' --include='*.[ch]' | grep -v base/log.h"
