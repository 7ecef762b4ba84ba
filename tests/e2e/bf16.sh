#!/bin/sh
# A run that computes in bf16: it says so and how, a killed one is resumed to the same bits, several processes make the bits of one, and the
# sampler agrees with the trainer.
. "$(dirname "$0")/tap.inc"
plan 9
export TMPDIR="$tmp" OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_btl_vader_single_copy_mechanism=none

cat >"$tmp/recipe.yaml" <<EOR
seed: 9
compute: bf16
model: {layers: 2, width: 48, heads: 2, ff: 64, max_positions: 64}
tokenizer: {vocab: 290}
verifier: {timing: false, slots: 1}
stages:
  - sft: {data: ["$data/additions.yaml?count=20"], epochs: 8, tokens_per_batch: 150, lr: 3e-3, warmup: 2}
  - grpo: {problems: "$data/additions.yaml?count=20&seed=2", steps: 4, prompts_per_step: 4, group: 4, max_new: 24, lr: 1e-3, warmup: 0,
      beta: 0.01, rewards: {grade: 1, length: 0.5}, save_every: 1}
EOR

train() {
    out=$1
    shift
    assay train "$tmp/recipe.yaml" --set threads=2 --out "$tmp/$out" "$@" >/dev/null 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

bits() {
    cat "$1"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)'
    jq -cS 'del(.step_time, .tokens_per_s, .verdicts_per_s, .seconds) | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
    sha256sum <"$1/model/model.safetensors"
    cat "$1"/checkpoints/step_4/optimizer | sha256sum
}

killed() {
    signalled KILL 137 killed checkpoints/step_1 summary.json "$tmp/recipe.yaml" --set threads=2
}

# by KERNEL FOLDER: the run by this kernel.
by() {
    ASSAY_BF16=$1 "$ASSAY_BUILD/assay" train "$tmp/recipe.yaml" --set threads=2 --out "$tmp/$2" >/dev/null 2>&1
}

check "a run in bf16" train whole
check "says so, and how" grep -q "products in .*bf16" "$tmp/progress"
check "its summary as well" sh -c "jq -e '.compute | contains(\"bf16\")' '$tmp/whole/summary.json'"
# A probability ratio before any update is 1 but for roundings that fall on the other side.
check "sampler and trainer agree" sh -c "jq -se 'map(select(.stage == \"grpo\") | .[\"sampling/logp_difference_max\"]) | length == 4 and all(. < 0.1)' '$tmp/whole/metrics.jsonl'"
check "one that is killed" killed
check "is resumed" train killed --resume
check "to the same bits" same_bits whole killed
by dot dot
if [ $? = 132 ]; then
    skip "the same bits by AVX512-BF16 and by f32 instructions" "this processor does not execute it"
else
    by fma fma
    check "the same bits by AVX512-BF16 and by f32 instructions" same_bits dot fma
fi
if command -v mpirun >/dev/null && [ -x "$ASSAY_BUILD/assay-trainer-mpi" ]; then
    ranks() {
        timeout -k 5 100 mpirun -n 2 "$ASSAY_BUILD/assay" train "$tmp/recipe.yaml" --set threads=1 --out "$tmp/two" >/dev/null 2>"$tmp/progress" &&
            same_bits whole two
    }
    check "two ranks of one worker make the bits of one of two" ranks
else
    skip "two ranks of one worker make the bits of one of two" "no MPI here"
fi
