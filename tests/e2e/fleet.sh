#!/bin/sh
# A run with two verifiers by URL, one of which is killed and comes back: the same run as with a verifier of its own.
. "$(dirname "$0")/tap.inc"
LIMIT=200
export TMPDIR="$tmp"
pids=
trap 'kill $pids 2>/dev/null; kill -CONT $pids 2>/dev/null; cleanup' EXIT

cat >"$tmp/tiny.yaml" <<'EOF'
id: tiny
params: {seed: 1, count: 60}
generate: |
  import random
  def generate(seed, count):
      r = random.Random(seed)
      for i in range(count):
          k = r.randint(1, 9)
          yield {"id": f"{seed}-{i}", "prompt": f"add {k}", "entry_point": "f", "cases": [{"args": [a], "expected": a + k} for a in (0, 3)],
                 "reference": f"def f(x):\n    return x + {k}\n", "demonstration": f"```\ndef f(x):\n    return x + {r.choice([k, 1])}\n```"}
EOF
cat >"$tmp/recipe.yaml" <<EOF
seed: 4
threads: 2
model: {layers: 1, width: 64, heads: 2, ff: 64, max_positions: 96}
tokenizer: {vocab: 280}
verifier: {timing: false, problems: ["$tmp/tiny.yaml?count=200", "$tmp/tiny.yaml?count=60&seed=2"]}
stages:
  - sft: {data: ["$tmp/tiny.yaml?count=200"], epochs: 8, tokens_per_batch: 700, lr: 5e-3, warmup: 5}
  - grpo: {problems: "$tmp/tiny.yaml?count=60&seed=2", steps: 9, prompts_per_step: 6, group: 8, max_new: 40, lr: 1e-4}
EOF
train() { assay train "$tmp/recipe.yaml" "$@" >"$tmp/table" 2>"$tmp/progress" || { tail -5 "$tmp/progress"; return 1; }; }

# serve NAME: a verifier at $tmp/NAME; its number is in $started.
echo fleet-token >"$tmp/token"
serve() {
    "$ASSAY_BUILD/assay" serve -j 1 -p "$tmp/tiny.yaml?count=200" -p "$tmp/tiny.yaml?count=60&seed=2" --listen "unix:$tmp/$1" --token-file "$tmp/token" 2>>"$tmp/log" &
    started=$!
    pids="$pids $started"
}
up() {
    for name; do
        server_answers "$tmp/$name" || return 1
    done
}
steps() {
    n=$(grep -c '"stage":"grpo"' "$tmp/run/metrics.jsonl" 2>/dev/null)
    echo "${n:-0}"
}
# reached N: waits until the run has done N steps, or is over.
reached() { while [ "$(steps)" -lt "$1" ] && kill -0 $run 2>/dev/null; do sleep 0.02; done; }
graded() { curl -s --unix-socket "$tmp/$1" -H 'Authorization: Bearer fleet-token' http://x/metrics | awk '/^assay_verdicts_total/ {n += $2} END {print n + 0}'; }
same_run() {
    for r; do
        cat "$r"/completions/step_*.jsonl | jq -cS 'del(.verdict.time, .verdict.memory_peak_kib, .verdict.cached)' >"$r.rows"
    done
    cmp "$1.rows" "$2.rows" || diff "$1.rows" "$2.rows" | cut -c1-1200 | head -8
    cmp "$1.rows" "$2.rows" && cmp "$1/model/model.safetensors" "$2/model/model.safetensors"
}

check "a run with a verifier of its own" train --out "$tmp/alone"
serve one
one=$started
serve two
two=$started
check "two verifiers" up one two
train --out "$tmp/run" --set "verifier.urls=[\"unix:$tmp/one\",\"unix:$tmp/two\"]" --set "verifier.token_file=$tmp/token" &
run=$!
reached 2
kill -STOP "$one" # so that the run does not end meanwhile
before=$(graded two)
kill -KILL "$two"
wait "$two" 2>/dev/null
killed_at=$(steps)
kill -CONT "$one"
reached $((killed_at + 1))
alone_at=$(steps)
# While the other one stands still the run cannot end before it has found the new one.
kill -STOP "$one"
serve two
check "it says which one is back" says_soon "$tmp/progress" "verifier unix:$tmp/two is back"
kill -CONT "$one"
check "a run with both, one killed on the way" wait $run
check "it was killed in the middle, after its share of the work" [ "$before" -gt 10 -a "$killed_at" -lt 8 ]
check "the run went on without it" [ "$alone_at" -gt "$killed_at" ]
check "it says which one is gone" says "$tmp/progress" "verifier unix:$tmp/two is gone"
check "and counts what each left without a grade" jq -es "map(select(.stage == \"grpo\") | .[\"verifiers/unix:$tmp/one/infra\", \"verifiers/unix:$tmp/two/infra\"]) | length == 18 and all(. == 0)" "$tmp/run/metrics.jsonl"
check "it is the same run to the bit" same_run "$tmp/alone" "$tmp/run"
check "nothing was lost, nothing came twice" jq -e '.infra == 0 and .verdicts == 432 and ([.verifiers[].verdicts] | add) == 432' "$tmp/run/summary.json"
check "the dead one was missed, the other was not" jq -e '.verifiers[0].refusals == 0 and .verifiers[1].refusals > 0' "$tmp/run/summary.json"
check "TensorBoard's events lie beside the metrics" says "$tmp/run/events.out.tfevents.assay" sft/loss train/reward train/completions/mean_length
check "without the token" status 1 assay train "$tmp/recipe.yaml" --out "$tmp/none" --set "verifier.url=unix:$tmp/one"
check "it says so" says "$tmp/err" "HTTP 401"
check "two that are not there" status 2 assay train "$tmp/recipe.yaml" --out "$tmp/gone" --set 'verifier.urls=["http://127.0.0.1:9","unix:/nowhere"]'
check "one of them is named" says "$tmp/err" "/nowhere"
plan $tests
