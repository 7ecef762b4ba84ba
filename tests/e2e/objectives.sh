#!/bin/sh
# Every objective, baseline and divergence trains for two steps with the real verifier, and its metrics are numbers. Rewards differ
# by length and script, so that also a model that can do nothing yet has something to learn.
. "$(dirname "$0")/tap.inc"
plan 9
LIMIT=60
export TMPDIR="$tmp"

cat >"$tmp/echo.yaml" <<'EOF'
id: echo
params: {count: 40}
generate: |
  def generate(count):
      for i in range(count):
          code = f"def f(x):\n    return {i}\n"
          yield {"id": str(i), "prompt": f"give {i}", "entry_point": "f", "reference": code, "cases": [{"args": [1], "expected": i}],
                 "demonstration": f"<think>\n{i}\n</think>\n<answer>\n{code}</answer>"}
EOF
cat >"$tmp/recipe.yaml" <<EOF
out: $tmp/run
threads: 2
model: {layers: 1, width: 48, heads: 2, ff: 64, max_positions: 96}
tokenizer: {vocab: 280}
verifier: {timing: false}
stages:
  - sft: {data: ["$tmp/echo.yaml"], epochs: 2, tokens_per_batch: 700}
  - grpo:
      problems: "$tmp/echo.yaml"
      steps: 2
      prompts_per_step: 4
      group: 6
      max_new: 40
      warmup: 0
      minibatches: 2
      overlong_buffer: 36
      rewards: {grade: 1, format: .2, language: .3, overlong: .5}
EOF

# trains JQ-CONDITION [KEY=VALUE...]: two steps with these settings; every step's metrics meet the condition and are finite.
trains() {
    condition=$1
    shift
    set_options=
    for each; do set_options="$set_options --set grpo.$each"; done
    rm -rf "$tmp/run"
    assay train "$tmp/recipe.yaml" $set_options >"$tmp/out" 2>"$tmp/err" || { tail -3 "$tmp/err"; return 1; }
    jq -es "map(select(.stage == \"grpo\")) | length == 2 and all(.[]; .grad_norm > 0 and (.policy_loss | isfinite) and
            (.entropy > 0) and (.[\"rewards/overlong/std\"] >= 0) and (.[\"sampling/logp_difference_max\"] < 1e-3) and ($condition))" \
        "$tmp/run/metrics.jsonl" >/dev/null || { cat "$tmp/run/metrics.jsonl"; return 1; }
}
check "dapo" trains '.kl == 0'
check "grpo with k3" trains '.kl >= 0' loss_type=grpo beta=.04
check "rloo, the divergence in the reward" trains '.kl != null' advantage=rloo beta=.05 kl_in_reward=true scale_rewards=none
check "reinforce++ with k2" trains '.kl >= 0' advantage=reinforce_plus_plus kl_estimator=k2 beta=.01 kl_by_ratio=true
check "reinforce++ with a baseline" trains 'true' advantage=reinforce_plus_plus_baseline loss_type=bnpo
check "gspo" trains '.["ratio/mean"] > 0' loss_type=gspo epsilon=3e-4 epsilon_high=4e-4 num_iterations=2
check "cispo, clipped on both sides" trains 'true' loss_type=cispo two_sided=true
check "sapo, rewards normalised one by one" trains 'true' loss_type=sapo multi_objective_aggregation=normalize_then_sum
check "dr_grpo, dynamic sampling, truncated masked" trains '.groups >= 4' loss_type=dr_grpo scale_rewards=none dynamic_sampling=true
