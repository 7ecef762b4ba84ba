#!/bin/sh
# loss_curve.sh [STEPS [SEED]]: the demo's supervised training in f32 and in bf16, the same data in the same order: the loss of each tenth of the
# steps (300 of them by default), and at the end the loss and the greedy pass rate on problems that were not shown. About two minutes.
set -eu
steps=${1:-300} seed=${2:-1}
assay=${ASSAY_BUILD:-build/release}/assay
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cat >"$tmp/recipe.yaml" <<EOR
seed: $seed
model: {layers: 4, width: 128, heads: 4, ff: 352, max_positions: 320, rope_theta: 10000, tied: true}
tokenizer: {vocab: 640}
stages:
  - sft: {data: ["problems/listops.yaml?split=train&count=14000&seed=1&mix=.30,.65,.05&demonstrations=1"], max_steps: $steps,
      tokens_per_batch: 1500, lr: 3e-3, warmup: 100, lr_end: 0.1, weight_decay: 0.1}
  - eval: {problems: "problems/listops.yaml?split=test&count=200&seed=1&mix=0,1,0", samples: 0, greedy: true, max_new: 176}
EOR
for compute in f32 bf16; do
    "$assay" train "$tmp/recipe.yaml" --set compute=$compute --out "$tmp/$compute" >/dev/null 2>"$tmp/log" || { cat "$tmp/log"; exit 1; }
done
echo "steps,f32,bf16,relative difference"
jq -nr --slurpfile a "$tmp/f32/metrics.jsonl" --slurpfile b "$tmp/bf16/metrics.jsonl" --argjson steps "$steps" '
    def losses: map(select(.stage == "sft").loss);
    def mean: add / length;
    ([($steps / 10 | floor), 1] | max) as $n | ($a | losses) as $x | ($b | losses) as $y
    | range(0; $x | length; $n) | [$x[.:. + $n], $y[.:. + $n]] as [$p, $q]
    | "\(. + 1)-\([. + $n, ($x | length)] | min),\($p | mean),\($q | mean),\((($q | mean) - ($p | mean)) / ($p | mean))"'
for compute in f32 bf16; do
    jq -r '"\(.compute): \(.sft_greedy * 1000 | round / 10) % pass greedily"' "$tmp/$compute/summary.json"
done
