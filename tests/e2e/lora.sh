#!/bin/sh
# LoRA from end to end with the real verifier: a small model is made by one recipe; another trains an adapter of it by SFT and GRPO,
# is killed, resumed to the same bits, and leaves the adapter as PEFT has it and the two merged.
. "$(dirname "$0")/tap.inc"
plan 19
LIMIT=100
export TMPDIR="$tmp"

cat >"$tmp/add.yaml" <<'EOF'
id: add
params: {seed: 1, count: 60, flawed: 0}
generate: |
  import random
  def generate(seed, count, flawed):
      r = random.Random(seed)
      for i in range(count):
          k = r.randint(1, 9)
          code = f"def f(x):\n    return x + {k}\n"
          good = f"<think>\nadd {k}\n</think>\n<answer>\n{code}</answer>"
          yield {"id": f"{seed}-{i}", "prompt": f"add {k}", "entry_point": "f", "reference": code,
                 "cases": [{"args": [a], "expected": a + k} for a in (0, 3, 11)],
                 "demonstration": good if r.random() >= flawed else "Please use the usual loop."}
EOF
cat >"$tmp/base.yaml" <<EOF
out: $tmp/base
threads: 2
model: {family: qwen2, layers: 2, width: 96, heads: 4, kv_heads: 2, ff: 96, max_positions: 96}
tokenizer: {vocab: 280}
verifier: {timing: false}
stages:
  - sft: {data: ["$tmp/add.yaml?count=300&flawed=.5"], epochs: 24, tokens_per_batch: 700, lr: 3e-3, warmup: 10}
EOF
cat >"$tmp/lora.yaml" <<EOF
seed: 3
out: $tmp/run
threads: 2
model: {path: $tmp/base/model}
lora: {rank: 8, alpha: 16}
verifier: {timing: false}
stages:
  - sft: {data: ["$tmp/add.yaml?count=60&flawed=.5&seed=5"], epochs: 1, tokens_per_batch: 700, lr: 1e-3, warmup: 0}
  - grpo:
      problems: "$tmp/add.yaml?count=100&seed=2"
      steps: 8
      prompts_per_step: 8
      group: 8
      max_new: 48
      lr: 2e-3
      warmup: 0
      minibatches: 2
      beta: 0.001
      save_every: 2
EOF
train() {
    assay train "$@" >"$tmp/table" 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

# refused TEXT ARGUMENT...: exit status 2, stderr says TEXT, nothing is written.
refused() {
    text=$1
    shift
    status 2 assay train "$tmp/lora.yaml" --out "$tmp/none" "$@" && says "$tmp/err" "$text" && [ ! -e "$tmp/none" ]
}

grpo() {
    jq -se "map(select(.stage == \"grpo\")) | $1" "$tmp/run/metrics.jsonl"
}

bits() {
    sha256sum <"$1/model/model.safetensors"
    sha256sum <"$1/adapter/adapter_model.safetensors"
    sha256sum <"$1/checkpoints/step_8/adapter_model.safetensors"
    jq -cS 'del(.. | objects | .seconds?, .step_time?, .tokens_per_s?, .verdicts_per_s?)
        | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
}

check "a base model is made" train "$tmp/base.yaml"
before=$(sha256sum <"$tmp/base/model/model.safetensors")
check "an adapter of it is trained" train "$tmp/lora.yaml"
check "the base is as it was" same "$before" "$(sha256sum <"$tmp/base/model/model.safetensors")"
check "the sampler, which merges, and the trainer agree before an update" grpo 'all(."sampling/logp_difference_max" // 0 | . <= 1e-4)'
check "it learns: reward rises" grpo '(.[0:2] | map(.reward) | add / 2) + 0.1 < (.[-2:] | map(.reward) | add / 2)'
check "and moves away from the policy that the stage began with" grpo '.[0].kl * 10 < .[-1].kl'
check "the adapter is laid out as PEFT's" jq -e --arg base "$tmp/base/model" '.peft_type == "LORA" and .r == 8 and .lora_alpha == 16
    and .task_type == "CAUSAL_LM" and .base_model_name_or_path == $base and (.target_modules | length) == 7' "$tmp/run/adapter/adapter_config.json"
check "a checkpoint holds the adapter, no model" sh -c 'cd "$1" && [ -s adapter_model.safetensors ] && [ ! -e model.safetensors ]' - "$tmp/run/checkpoints/step_8"

# A checkpoint in the middle of a stage has the reference too.
killed() {
    signalled KILL 137 killed completions/step_5.jsonl adapter "$tmp/lora.yaml" &&
        (cd "$tmp/killed/checkpoints/step_4/reference" && [ -s adapter_model.safetensors ] && [ ! -e model.safetensors ]) && [ ! -e "$tmp/killed/model" ]
}
check "a run is killed in the middle" killed
check "and resumed" train "$tmp/lora.yaml" --out "$tmp/killed" --resume
resumed() {
    bits "$tmp/run" >"$tmp/a" && bits "$tmp/killed" >"$tmp/b" && cmp "$tmp/a" "$tmp/b" && [ "$(wc -l <"$tmp/a")" -gt 10 ]
}
check "... to the same bits" resumed

answers() {
    assay generate -m "$tmp/run/model" --greedy --max-new 48 --prompt "add 3" >"$tmp/merged" &&
        assay generate -m "$tmp/base/model" --adapter "$tmp/run/adapter" --greedy --max-new 48 --prompt "add 3" >"$tmp/beside" &&
        cmp "$tmp/merged" "$tmp/beside" && says "$tmp/merged" "def f(x):"
}
check "the merged model and the base with its adapter say the same" answers
evaluates() {
    assay eval -m "$tmp/base/model" --adapter "$tmp/run/adapter" -p "$tmp/add.yaml?count=30&seed=3" -n 2 --max-new 48 --no-timing --json >"$tmp/eval" &&
        jq -e '.[] | .completions == 60 and .pass_at_1 > 0.4' "$tmp/eval"
}
check "eval takes an adapter" evaluates
inspects() {
    assay inspect "$tmp/base/model" --adapter "$tmp/run/adapter" --tensors >"$tmp/inspect" &&
        says "$tmp/inspect" "rank 8, alpha 16" "o_proj" "layers.1.mlp.up_proj.lora_B.weight" "GRPO with a KL term"
}
check "inspect tells of it" inspects
check "an adapter goes on learning" train "$tmp/lora.yaml" --out "$tmp/more" --set "model.adapter=$tmp/run/adapter" --set grpo.steps=1
check "but not as another one" refused "wants another rank" --set "model.adapter=$tmp/run/adapter" --set lora.rank=4
check "an adapter needs its model" refused "\`lora\` needs a \`model.path\`" --set model.path=null
check "an unknown matrix is said" refused "lora.targets: \`qq\` is none of q_proj" --set 'lora.targets=[qq]'
check "so is a folder without an adapter" refused "/nonexistent/adapter_config.json" --set model.adapter=/nonexistent
