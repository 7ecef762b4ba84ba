#!/bin/sh
# Several processes train as one does: SFT, GRPO with a KL term and dynamic sampling, and evaluation, under mpirun, against one process
# of as many workers. Needs assay-trainer-mpi (make MPI=1, built by `make test` where MPI is installed) and mpirun.
. "$(dirname "$0")/tap.inc"
command -v mpirun >/dev/null && [ -x "$ASSAY_BUILD/assay-trainer-mpi" ] || skip_all "no MPI here: tools/deps.sh --with-mpi, make MPI=1"
plan 14
LIMIT=100
export TMPDIR="$tmp" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none

cat >"$tmp/recipe.yaml" <<EOF
seed: 9
model: {layers: 1, width: 48, heads: 2, ff: 64, max_positions: 64}
tokenizer: {vocab: 290}
verifier: {timing: false, slots: 1}
stages:
  - sft: {data: ["$data/additions.yaml?count=20"], epochs: 12, tokens_per_batch: 150, lr: 3e-3, warmup: 2}
  - grpo: {problems: "$data/additions.yaml?count=20&seed=2", steps: 3, prompts_per_step: 5, group: 4, max_new: 24, lr: 1e-3, warmup: 0, minibatches: 2,
      beta: 0.01, scale_rewards: batch, dynamic_sampling: true, rewards: {grade: 1, language: 0.1, overlong: 0.2, math: 0.3, cosine: 0.1, length: 0.1}, save_every: 1}
  - eval: {problems: "$data/additions.yaml?count=20&seed=3", samples: 2, greedy: false, max_new: 24}
EOF

# ranks N THREADS FOLDER ARGUMENT...
ranks() {
    n=$1 threads=$2 out=$3
    shift 3
    timeout -k 5 $LIMIT mpirun -n "$n" "$ASSAY_BUILD/assay" train "$tmp/recipe.yaml" --set "threads=$threads" --out "$tmp/$out" "$@" \
        >"$tmp/table" 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

one() {
    workers=$1 folder=$2
    shift 2
    assay train "$tmp/recipe.yaml" --set "threads=$workers" --out "$tmp/$folder" "$@" >/dev/null 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

bits() {
    cat "$1"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)'
    jq -cS 'del(.. | objects | .seconds?, .step_time?, .tokens_per_s?, .verdicts_per_s?)
        | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
    sha256sum <"$1/model/model.safetensors"
    cat "$1"/checkpoints/step_2/optimizer | sha256sum
}

# Loss and gradient of every step of SFT, relative.
close() {
    jq -ne --slurpfile a "$tmp/$1/metrics.jsonl" --slurpfile b "$tmp/$2/metrics.jsonl" '
        [$a, $b] | map(map(select(.stage == "sft") | [.loss, .grad_norm])) | transpose
        | length > 20 and all(. as [$x, $y] | range(2) | ($x[.] - $y[.]) / $x[.] | fabs < 1e-5)'
}

check "one process, two workers" one 2 one2
check "two ranks of one worker" ranks 2 1 two
check "give the bits of one process" same_bits one2 two
check "one process, three workers" one 3 one3
check "three ranks of one worker" ranks 3 1 three
check "give its bits" same_bits one3 three
check "two ranks of two workers: other sums" ranks 2 2 twice --set sft.lr=1e-5 --set grpo.steps=1
one4() {
    one 4 one4 --set sft.lr=1e-5 --set grpo.steps=1 && close one4 twice
}
check "but the loss and gradient of each step within 1e-5" one4

# ended FOLDER FILE ENDING ARGUMENT...: two ranks train until the file is there, then ENDING is done to their pids. They end before the run
# does; one that ended sooner, on a machine with other things to do, is begun anew.
ended() {
    folder=$1 file=$2 ending=$3
    shift 3
    for try in 1 2 3 4 5; do
        rm -rf "$tmp/$folder"
        timeout -k 5 $LIMIT mpirun -n 2 "$ASSAY_BUILD/assay" train "$tmp/recipe.yaml" --set threads=1 "$@" --out "$tmp/$folder" >/dev/null 2>&1 &
        launcher=$!
        while [ -e "/proc/$launcher/exe" ] && [ ! -s "$tmp/$folder/$file" ]; do
            sleep 0.01
        done
        $ending $(pgrep -f -- "assay-trainer-mpi train $tmp/recipe.yaml .*--out $tmp/$folder") 2>/dev/null
        wait $launcher
        [ $? != 0 ] && [ ! -e "$tmp/$folder/summary.json" ] && return 0
    done
    return 1
}

# A rank that is killed takes the others along; the run is resumed.
kill_last() {
    for pid; do :; done
    [ $# = 0 ] || kill -KILL "$pid"
}
killed() {
    ended killed checkpoints/step_1/state.json kill_last
}
check "a rank is killed, and all end" killed
resumed() {
    ranks 2 1 killed --resume && same_bits two killed
}
check "the run is resumed to the same bits" resumed
# Whoever is asked to end saves what was done.
termed() {
    ended termed metrics.jsonl "kill -TERM" --set grpo.save_every=100 && ls "$tmp/termed/checkpoints" | grep .
}
check "ranks that are asked to end leave a checkpoint" termed
termed_resumed() {
    ranks 2 1 termed --set grpo.save_every=100 --resume || return 1
    for run in two termed; do
        cat "$tmp/$run"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)' >"$tmp/$run.rows"
    done
    cmp "$tmp/two.rows" "$tmp/termed.rows" && cmp "$tmp/two/model/model.safetensors" "$tmp/termed/model/model.safetensors"
}
check "and go on from it to the same bits" termed_resumed
check "right is who has the answer, where that is rewarded" jq -es 'map(select(.stage == "grpo")) | length == 3 and
    all((.pass_rate - .["rewards/math/mean"]) | fabs < 1e-9)' "$tmp/one2/metrics.jsonl"
check "a trainer of one process refuses to be one of several" sh -c "OMPI_COMM_WORLD_SIZE=2 '$ASSAY_BUILD/assay-trainer' train '$tmp/recipe.yaml' \
    --out '$tmp/none' 2>'$tmp/err'; [ \$? = 2 ] && grep -q 'make MPI=1' '$tmp/err' && [ ! -e '$tmp/none' ]"
