#!/bin/sh
# Nothing is lost: helpers killed at random, a disk that is full, a reader that has gone, hardly any descriptors.
# SEED=n repeats the choice of victims, ASSAY_TEST_FULL=1 grades ten times as many.
. "$(dirname "$0")/tap.inc"
plan 16
seed=${SEED:-1}
count=300
[ -z "$ASSAY_TEST_FULL" ] || count=3000

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

# Some helper of the run is killed every 200 ms or so.
"$ASSAY_BUILD/assay" grade -p "$data/add.yaml" -j 2 --no-timing -s "$tmp/s.jsonl" -o "$tmp/v2" 2>"$tmp/killed.log" &
run=$!
kills=0
: >"$tmp/victims"
while kill -0 $run 2>/dev/null && [ $kills -lt 600 ]; do
    victim=$(ps -eo ppid=,pid=,comm= | awk -v p=$run -v s=$((seed * 10007 + kills)) '
        $1 == p && $3 ~ /^assay-/ {pid[n] = $2; name[n++] = $3} END {srand(s); i = int(rand() * n); if (n) print pid[i], name[i]}')
    [ -n "$victim" ] && kill -KILL "${victim% *}" 2>/dev/null && echo "${victim#* }" >>"$tmp/victims"
    kills=$((kills + 1))
    sleep 0.2
done
wait $run
echo "# SEED=$seed: $(sort "$tmp/victims" | uniq -c | xargs)"
check "judges, keepers and linters were killed" same 3 "$(sort -u "$tmp/victims" | wc -l)"
check "every sample has its line, in order" same "$(jq -c '[.task_id, .sample]' "$tmp/v")" "$(jq -c '[.task_id, .sample]' "$tmp/v2")"
check "what was graded has the undisturbed verdict, the rest no reward" \
    jq -es --slurpfile wanted "$tmp/wanted" "[., \$wanted] | transpose | all(if .[0].infra then .[0].grade == null and .[0].reward == null else (.[0] | $few) == .[1] end)" "$tmp/v2"
jq -r 'if .infra then 1 else 0 end' "$tmp/v2" | paste -d ' ' - "$tmp/s.jsonl" | sed -n 's/^1 //p' >"$tmp/again.jsonl"
echo "# $(wc -l <"$tmp/again.jsonl") of $count were killed twice"
check "those are few" [ "$(wc -l <"$tmp/again.jsonl")" -le $((count / 5)) ]
check "graded once more they have no fault" status 0 grade -s "$tmp/again.jsonl" -o "$tmp/v3"
jq -c '[.grade, .reward, .reason, .tests]' "$tmp/v3" >"$tmp/got"
jq -r 'if .infra then 1 else 0 end' "$tmp/v2" | paste -d ' ' - "$tmp/wanted" | sed -n 's/^1 //p' | jq -c '[.grade, .reward, .reason, .tests]' >"$tmp/then"
check "and the undisturbed verdict" cmp "$tmp/then" "$tmp/got"
check "no process is left" no_orphans

# A file that may not grow any more stands for a full disk.
check "a full disk: exit 2" status 2 sh -c "ulimit -S -f 32; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' --no-timing -s '$tmp/s.jsonl' -o '$tmp/full'"
check "says where and what, and how to go on" says "$tmp/err" "$tmp/full.part: File too large" --resume
check "--resume goes on" status 0 grade -s "$tmp/s.jsonl" -o "$tmp/full" --resume
jq -c "$few" "$tmp/full" >"$tmp/got"
check "to the same verdicts" cmp "$tmp/wanted" "$tmp/got"
grade -s "$tmp/s.jsonl" 2>"$tmp/err" | head -1 >"$tmp/first"
check "a reader that has gone ends the run" says "$tmp/err" "Broken pipe"

head -20 "$tmp/s.jsonl" >"$tmp/s20"
check "too few descriptors: exit 2 and a sentence" status 2 sh -c "ulimit -n 20; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' -s '$tmp/s20'"
check "fewer than the slots want: no job is lost" status 0 sh -c "ulimit -n 64; exec '$ASSAY_BUILD/assay' grade -p '$data/add.yaml' -s '$tmp/s20' -o '$tmp/v4' -j 24"

# Clocks that are set do not matter to one that never reads them: only its log asks for the time of day.
check "the verifier times nothing by the time of day" sh -c "
    ! nm -D --undefined-only '$ASSAY_BUILD/assay-verifier' | grep -wE 'time|gettimeofday|ftime|timespec_get' &&
    ! grep -rn CLOCK_REALTIME '$here/../../verifier' '$here/../../sandbox' '$here/../../include' --include='*.[ch]' | grep -v base/log.h"
