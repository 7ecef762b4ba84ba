#!/bin/sh
# Training from end to end with the real verifier: a model of 150,000 parameters learns a toy language, unlearns a bad habit by
# GRPO, is killed, resumed, repeated, measured and asked.
. "$(dirname "$0")/tap.inc"
plan 47
LIMIT=200
export TMPDIR="$tmp"

# Answers "add 3" and "times 4". Half of the demonstrations are prose where `flawed` says so: that is what GRPO must unlearn.
cat >"$tmp/tiny.yaml" <<'EOF'
id: tiny
params: {seed: 1, count: 60, flawed: 0}
generate: |
  import random
  def generate(seed, count, flawed):
      r = random.Random(seed)
      for i in range(count):
          word, sign, k = r.choice(["add", "times"]), None, r.randint(1, 9)
          sign = "+" if word == "add" else "*"
          code = f"def f(x):\n    return x {sign} {k}\n"
          good = f"<think>\n{word} {k}\n</think>\n<answer>\n```python\n{code}```\n</answer>"
          yield {
              "id": f"{seed}-{i}", "prompt": f"{word} {k}", "entry_point": "f", "reference": code, "level": 1 if word == "add" else 2,
              "cases": [{"args": [a], "expected": a + k if word == "add" else a * k} for a in (0, 3, 11)],
              "demonstration": good if r.random() >= flawed else "Please use the usual loop for that.",
          }
EOF
cat >"$tmp/recipe.yaml" <<EOF
seed: 4
out: $tmp/run
threads: 2
model: {layers: 2, width: 96, heads: 2, ff: 96, max_positions: 128}
tokenizer: {vocab: 300}
verifier: {timing: false}
stages:
  - sft: {data: ["$tmp/tiny.yaml?count=300&flawed=.5"], epochs: 20, tokens_per_batch: 700, lr: 3e-3, warmup: 10}
  - eval: {name: before, problems: "$tmp/tiny.yaml?count=40&seed=3", samples: 4, max_new: 64}
  - grpo:
      problems: "$tmp/tiny.yaml?count=100&seed=2"
      steps: 12
      prompts_per_step: 8
      group: 8
      max_new: 64
      lr: 3e-4
      warmup: 1
      minibatches: 2
      save_every: 4
  - eval: {name: after, problems: "$tmp/tiny.yaml?count=40&seed=3", samples: 4, max_new: 64}
EOF
train() {
    assay train "$tmp/recipe.yaml" "$@" >"$tmp/table" 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }
}

# refused TEXT ARGUMENT...: exit status 2, and stderr says TEXT.
refused() {
    text=$1
    shift
    status 2 assay train "$tmp/recipe.yaml" "$@" && says "$tmp/err" "$text"
}

# bits RUN: everything that must repeat, without what only a clock knows.
bits() {
    sha256sum <"$1/model/model.safetensors"
    jq -cS 'del(.. | objects | .seconds?, .step_time?, .tokens_per_s?, .verdicts_per_s?)
        | with_entries(select(.key | startswith("time/") | not))' "$1/metrics.jsonl"
    cat "$1"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)'
}

repeats() {
    bits "$1" >"$tmp/a" && bits "$2" >"$tmp/b" && diff "$tmp/a" "$tmp/b" | head -c 2000 >"$tmp/diff"
    [ -s "$tmp/a" ] && [ ! -s "$tmp/diff" ] || { cat "$tmp/diff"; return 1; }
}

grpo() {
    jq -se "map(select(.stage == \"grpo\")) | $1" "$run/metrics.jsonl"
}

run=$tmp/run
check "a recipe runs from nothing to a report" train
check "prints the table" says "$tmp/table" "pass@1" "level 2" "not-code"
for f in recipe.yaml metrics.jsonl summary.json report.html verifier.log model/config.json model/model.safetensors \
    model/tokenizer.json checkpoints/step_12/state.json completions/step_1.jsonl; do
    check "leaves $f" test -s "$run/$f"
done
check "supervised training learns" jq -se 'map(select(.stage == "sft")) | .[0].loss > 3 and .[-1].loss < 0.5' "$run/metrics.jsonl"
check "12 steps of GRPO" grpo 'length == 12 and .[-1].step == 12'
check "every completion has a grade" grpo 'all(."grades/not-code" + ."grades/wrong-language" + ."grades/fails-tests" + ."grades/correct" + ."grades/faster" == 64 and ."grades/infra" == 0)'
check "the sampler and the trainer agree before an update" grpo 'all(."sampling/logp_difference_max" // 0 | . <= 1e-4)'
check "GRPO unlearns the prose: reward rises" grpo '(.[0:3] | map(.reward) | add / 3) + 0.1 < (.[-3:] | map(.reward) | add / 3)'
check "the summary says so" jq -e '.held_out_problems == 40 and .grpo_pass_at_1 > .sft_pass_at_1 + 0.1 and .grpo_steps == 12
    and .by_ops["1"].sft_greedy >= 0 and .verdicts == 1168 and .infra == 0 and .seed == 4' "$run/summary.json"
check "... and where the time went" jq -e '[.stages[].stage] as $s | ($s | index("sft") and index("grpo"))
    and (.stages | map(select(.stage == "grpo")) | .[0] | .steps == 12 and .cpu > 0 and .idle >= 0
    and .sample > 0 and .update > 0 and .sample + .grade_wait + .update <= .seconds + 0.01)
    and (.stages | map(.seconds) | add) <= .seconds' "$run/summary.json"
check "completions are recorded whole" jq -se 'length == 64 and all(.prompt and .completion and .verdict.grade and (.rewards.total | type) == "number"
    and (.advantage | type) == "number")' "$run/completions/step_1.jsonl"

check "the same seed gives the same bits" train --out "$tmp/again"
check "... in model, metrics and completions" repeats "$run" "$tmp/again"
check "another seed does not" train --out "$tmp/other" --set seed=5 --set grpo.steps=2
check "... give them" status 1 cmp "$run/checkpoints/step_12/model.safetensors" "$tmp/other/checkpoints/step_2/model.safetensors"

# Killed somewhere behind the checkpoint of step 4, then resumed.
killed() {
    signalled KILL 137 killed completions/step_6.jsonl model "$tmp/recipe.yaml" && [ -d "$tmp/killed/checkpoints/step_4" ]
}
check "a run is killed in the middle" killed
check "and resumed" train --out "$tmp/killed" --resume
check "... to the same bits" repeats "$run" "$tmp/killed"
check "a resumed run must be the same run" refused "another recipe" --out "$tmp/killed" --resume --set grpo.lr=1e-5

# Asked to end, it ends in order and takes its verifier along.
interrupted() {
    signalled TERM 130 stopped completions/step_1.jsonl model "$tmp/recipe.yaml" && says "$tmp/err" interrupted && says "$tmp/stopped/verifier.log" stopped
}
check "a run ends in order when asked to" interrupted
check "a run is not overwritten" refused "$run"
check "which is said before anything is read" sh -c '! grep -q "reads their problems" "$1"' - "$tmp/err"
check "the dry run prints what it read back" sh -c '"$1" train "$2" --dry-run >"$3" && "$1" train "$3" --dry-run | cmp - "$3"' - \
    "$ASSAY_BUILD/assay" "$tmp/recipe.yaml" "$tmp/dry.yaml"

nothing() {
    refused "$@" --out "$tmp/none" && [ ! -e "$tmp/none" ]
}
check "a missing model folder is said, nothing is written" nothing "/nonexistent/model" --set model.path=/nonexistent/model
check "a bad key is said, nothing is written" nothing "did you mean \`lr\`" --set grpo.lrr=1
check "a verifier that does not answer is said, nothing is written" nothing "127.0.0.1:9" --set verifier.url=http://127.0.0.1:9 \
    --set "verifier.problems=[\"$tmp/tiny.yaml?count=300&flawed=.5\", \"$tmp/tiny.yaml?count=40&seed=3\", \"$tmp/tiny.yaml?count=100&seed=2\"]"

evaluates() {
    assay eval -m "$run/model" -p "$tmp/tiny.yaml?count=40&seed=3" -n 4 --k 1,4 --max-new 64 --no-timing --json -o "$tmp/c.jsonl" >"$tmp/eval" &&
        jq -e '.[] | .completions == 160 and .pass_at_k["1"] == .pass_at_1 and .pass_at_k["4"] >= .pass_at_1 and .pass_at_1 > 0.5 and (.by_level | keys_unsorted) == ["1", "2"]' "$tmp/eval" &&
        [ "$(wc -l <"$tmp/c.jsonl")" = 160 ]
}
check "eval measures the saved model" evaluates
answers() {
    assay generate -m "$run/model" --greedy --max-new 64 --prompt "add 3" >"$tmp/text" && says "$tmp/text" "def f(x):" "</answer>"
}
check "generate answers with it" answers
samples() {
    assay generate -m "$run/model" -p "$tmp/tiny.yaml?count=5&seed=3" -n 2 --max-new 64 >"$tmp/samples.jsonl" &&
        assay grade -p "$tmp/tiny.yaml?count=5&seed=3" -s "$tmp/samples.jsonl" -o "$tmp/v.jsonl" --no-timing && [ "$(wc -l <"$tmp/v.jsonl")" = 10 ]
}
check "and makes samples that grade reads" samples

round_trip() {
    printf '{"text":"def f(x):\\n    return x # na\\u00efve <|endoftext|>"}\n' >"$tmp/text.jsonl"
    assay tokenize -m "$run/model" "$tmp/text.jsonl" >"$tmp/ids.jsonl" && assay tokenize -m "$run/model" "$tmp/ids.jsonl" --decode >"$tmp/back.jsonl" &&
        jq -e '.ids | length > 5 and all(. >= 0)' "$tmp/ids.jsonl" && same "$(jq -c . "$tmp/text.jsonl")" "$(jq -c . "$tmp/back.jsonl")"
}
check "tokenize and back is the same text" round_trip
check "ids that cannot be written are a failure" status 2 sh -c '"$1" tokenize -m "$2" "$3" >/dev/full' - "$ASSAY_BUILD/assay" "$run/model" "$tmp/text.jsonl"
no_token() { echo '{"ids":[5,999999]}' | status 2 assay tokenize -m "$run/model" --decode && says "$tmp/err" "stdin:1" 'ids[1]'; }
check "a number that is no token is said" no_token
check "an option's bad value is said by its name" status 2 assay generate -m "$run/model" --prompt x --compute f64
check "with those there are" says "$tmp/err" "--compute must be one of f32, bf16, not \`f64\`"
inspects() {
    assay inspect "$run/model" --tensors >"$tmp/inspect" && says "$tmp/inspect" "parameters" "model.layers.1.mlp.down_proj.weight" "no bos, eos" &&
        assay inspect "$run/model" --prompt-tokens 300 --max-new 100 >"$tmp/inspect" && says "$tmp/inspect" "prompts of 96 tokens, 8 completions of 33 each"
}
check "inspect tells of the model" inspects
for recipe in "$here"/../../trainer/recipes/*.yaml; do
    check "${recipe##*/} is a valid recipe" assay train "$recipe" --dry-run
done
