#!/bin/sh
# Kill it any time: a run of SFT, GRPO and evaluation is killed outright at random instants, some of them while a checkpoint is being
# written, and resumed each time. What it leaves is bit for bit what an undisturbed run leaves, and no kill leaves a process or a file
# outside of the run's folder. KILLS=20 SEED=n for more, elsewhere (tests/bench/kill_resume.sh).
. "$(dirname "$0")/tap.inc"
KILLS=${KILLS:-3}
plan $((KILLS * 2 + 9))
mkdir "$tmp/tmpdir"
export TMPDIR="$tmp/tmpdir"

cat >"$tmp/recipe.yaml" <<EOF
seed: 9
threads: 2
model: {layers: 1, width: 48, heads: 2, ff: 64, max_positions: 64}
tokenizer: {vocab: 290}
verifier: {timing: false, slots: 1}
checkpoints: {keep_last: 2, keep_best: 1, best_metric: reward}
stages:
  - sft: {data: ["$data/additions.yaml"], epochs: 24, tokens_per_batch: 150, lr: 3e-3, warmup: 2, save_every: 7}
  - grpo: {problems: "$data/additions.yaml?seed=2", steps: 10, prompts_per_step: 4, group: 4, max_new: 32, lr: 1e-3, warmup: 0, minibatches: 2,
      beta: 0.01, dynamic_sampling: true, rewards: {grade: 1, language: 0.1, overlong: 0.2, math: 0.3, cosine: 0.1, length: 0.1}, save_every: 1}
  - eval: {name: after, problems: "$data/additions.yaml?seed=3", samples: 1, greedy: false, max_new: 32}
  - sft: {data: ["$data/additions.yaml?seed=4"], epochs: 4, tokens_per_batch: 150, lr: 1e-4, warmup: 0, save_every: 3}
EOF

train() {
    assay train "$tmp/recipe.yaml" --resume "$@" >/dev/null 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

# Everything that must repeat, without what only a clock knows.
bits() {
    cat "$1"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)'
    jq -cS 'del(.. | objects | .seconds?, .step_time?, .tokens_per_s?, .verdicts_per_s?)
        | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
    jq -cS 'del(.. | objects | .seconds?, .metrics_bytes?)' "$1"/checkpoints/*/state.json
    (cd "$1" && find . -type f ! -name '*.jsonl' ! -name state.json ! -name verifier.log ! -name report.html ! -name summary.json \
        ! -name recipe.yaml ! -name 'events.*' | LC_ALL=C sort | xargs sha256sum)
}

repeats() {
    bits "$1" >"$tmp/b" && diff "$tmp/a" "$tmp/b" >"$tmp/diff"
    [ ! -s "$tmp/diff" ] || { head -c 2000 "$tmp/diff"; return 1; }
}

now() {
    date +%s.%N
}

# The Nth number in 0 .. 1 of this SEED.
random() {
    awk -v seed="${SEED:-1}" -v n="$1" 'BEGIN { srand(seed * 1000 + n); rand(); print rand() }'
}

being_written() {
    stat -c '%i %Y' "$tmp/killed/checkpoints/new" 2>/dev/null
}

# Starts the run and kills it: every third time in the middle of a checkpoint, else within the time that a whole run takes. A run that
# ends before is compared, and another one begun.
kill_once() {
    while :; do
        before=$(being_written)
        "$ASSAY_BUILD/assay" train "$tmp/recipe.yaml" --resume --out "$tmp/killed" >/dev/null 2>"$tmp/progress" &
        victim=$!
        draw=$((draw + 1))
        if [ $((draw % 3)) = 0 ]; then
            while [ -e "/proc/$victim/exe" ]; do # not so for one that has ended
                new=$(being_written)
                [ -n "$new" ] && [ "$new" != "$before" ] && break
            done
        else
            sleep "$(awk -v u="$(random $draw)" -v whole="$whole" 'BEGIN { print 0.02 + u * whole }')"
        fi
        verifier=$(ps -eo pid=,ppid=,comm= | awk -v p=$victim '$2 == p && $3 == "assay-verifier" { print $1 }')
        kill -KILL $victim 2>/dev/null
        wait $victim
        got=$?
        if [ $got = 137 ]; then
            [ -n "$(being_written)" ] && halves=$((halves + 1))
            return 0
        fi
        [ $got = 0 ] && repeats "$tmp/killed" || { echo "exit status $got"; cat "$tmp/progress"; return 1; }
        whole_runs=$((whole_runs + 1))
        rm -rf "$tmp/killed"
    done
}

# Neither the verifier, nor its helpers, nor its socket. They may take a moment.
nothing_left() {
    for i in $(seq 200); do
        left=$(ls -d /tmp/assay-client-$victim-* 2>/dev/null
            [ -n "$verifier" ] && ps -eo pgid=,pid=,comm= | awk -v g="$verifier" '$1 == g'
            ls -A "$TMPDIR")
        [ -z "$left" ] && return 0
        sleep 0.1
    done
    echo "$left"
    return 1
}

began=$(now)
check "an undisturbed run" train --out "$tmp/whole"
whole=$(awk -v a="$began" -v b="$(now)" 'BEGIN { print b - a }')
bits "$tmp/whole" >"$tmp/a"
check "it trained, graded and saved" sh -c '[ "$(wc -l <"$1")" -gt 100 ]' - "$tmp/a"
draw=0 halves=0 whole_runs=1
for k in $(seq "$KILLS"); do
    check "kill $k" kill_once
    check "leaves nothing" nothing_left
done
check "the last resumed run ends" train --out "$tmp/killed"
check "to the same bits: models, optimisers, metrics, completions" repeats "$tmp/killed"
stay() {
    jq -se 'length == 3 and (map(.metric | values) | length) > 0' "$tmp"/killed/checkpoints/*/state.json
}
check "the checkpoints that stay: the two newest, and the best" stay
best() {
    jq -se '.[0].best_checkpoint.value - (.[1:] | map(.metric | values) | max) | fabs < 1e-6' "$tmp/killed/summary.json" "$tmp"/killed/checkpoints/*/state.json
}
check "the summary names the best" best
echo "# $KILLS kills of a run of $whole s, $halves of them while a checkpoint was written; $whole_runs whole runs compared"

# A file that may not grow any more stands for a full disk: recipe and metrics fit, the model does not.
full() {
    status 1 sh -c "ulimit -S -f 60; exec '$ASSAY_BUILD/assay' train '$tmp/recipe.yaml' --out '$tmp/full'" &&
        says "$tmp/err" "$tmp/full/checkpoints/new/model.safetensors: File too large" && [ -z "$(ls "$tmp/full/checkpoints")" ]
}
check "a full disk is an error that names the file, and no checkpoint" full
check "with room again, the run is resumed" train --out "$tmp/full"
check "... to the same bits" repeats "$tmp/full"
