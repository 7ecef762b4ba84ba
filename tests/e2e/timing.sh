#!/bin/sh
# The speed grade as a user meets it: its clock, growth over sizes, what growth may earn, and limits relative to the reference.
. "$(dirname "$0")/tap.inc"
plan 13

cat >"$tmp/p.yaml" <<'END'
id: distinct
prompt: p
entry_point: distinct
cases:
  - {args: [[1, 2, 1]], expected: 2}
timing:
  setup: |
    import random
    xs = [random.randrange(10 * size) for _ in range(size)]
  call: distinct(xs)
  sizes: [100, 200, 400, 800]
limits: {cpu_s: 20x}
reference: |
  def distinct(numbers):
      seen = []
      for n in numbers:
          found = False
          for other in seen:
              if n == other:
                  found = True
          if not found:
              seen.append(n)
      return len(seen)
END
cat >"$tmp/s.jsonl" <<'END'
{"task_id": "distinct", "solution": "def distinct(numbers):\n    for _ in range(20):\n        seen = set()\n        for n in numbers:\n            seen.add(n)\n    return len(seen)\n"}
{"task_id": "distinct", "solution": "def distinct(numbers):\n    while True: pass\n"}
{"task_id": "distinct", "solution": "def distinct(numbers):\n    return len(set(numbers)) if len(numbers) != 400 else 0\n"}
END
echo 'faster: {base: 1.1, scale: 0, growth: 0.2, max: 1}' >"$tmp/growth.yaml"
check "graded" status 0 assay grade -p "$tmp/p.yaml" -s "$tmp/s.jsonl" --reward "$tmp/growth.yaml" -o "$tmp/v.jsonl" -j 1
check "grades" same "faster fails-tests fails-tests" "$(jq -r .grade "$tmp/v.jsonl" | xargs)"
check "an interval" jq -se '.[0].time.speedup | .low > 1.1 and .low <= .high and .pairs >= 8' "$tmp/v.jsonl"
clock=cpu
assay doctor --json 2>/dev/null | jq -e '.. | objects | select(.name? == "instruction counter") | .ok' >/dev/null && clock=instructions
check "the clock that doctor finds" same "$clock" "$(jq -r '.time.speedup.clock // empty' "$tmp/v.jsonl")"
check "the reference grows faster than its input, and than the program" \
    jq -se '.[0].time.complexity | .reference_exponent > 1.2 and .exponent < .reference_exponent and .error >= 0 and .gain >= 0' "$tmp/v.jsonl"
check "an endless program meets a limit of the reference's" jq -se '.[1].reason == "time-limit" and .[1].time.cpu_limit_ms >= 500 and .[1].time.cpu_limit_ms < 20000' "$tmp/v.jsonl"
check "and not much later" jq -se '.[1].time.cpu_ms < .[1].time.cpu_limit_ms + 1000' "$tmp/v.jsonl"
check "a wrong answer at one size fails" jq -se '.[2].reason == "wrong-answer" and .[2].time.speedup == null and (.[2].tests.failures[0].call == "timing")' "$tmp/v.jsonl"
check "growth is paid for where the table says so" \
    jq -se '.[0] | (.reward - 1.1 - 0.2 * .time.complexity.gain) * 1e6 | floor | . >= -1 and . <= 1' "$tmp/v.jsonl"
check "without timing there is none" jq -se '.[0] | .grade == "correct" and .time.speedup == null and (.time | has("complexity") | not)' <<END
$(head -1 "$tmp/s.jsonl" | assay grade -p "$tmp/p.yaml" -s - --no-timing 2>/dev/null)
END
sed 's/return len(seen)/return 0/' "$tmp/p.yaml" >"$tmp/bad.yaml"
check "a reference that fails its tests is nobody's time" jq -se '.[0] | .grade == null and (.infra | contains("the reference passes 0 of 1 tests"))' <<END
$(head -1 "$tmp/s.jsonl" | assay grade -p "$tmp/bad.yaml" -s - 2>/dev/null)
END

# A guest whose clock starts has met a megabyte of small memory already: of its first half megabyte few pages are new, of four more nearly
# all. Both programs answer with these counts, so the timed answers differ, and the verdict tells them.
cat >"$tmp/m.yaml" <<'END'
id: memory
prompt: p
entry_point: faults
cases:
  - {args: [0], expected: 0}
timing: {setup: "n = 500", call: faults(n)}
reference: |
  def faults(n):
      return n
END
cat >"$tmp/m.py" <<'END'
import resource

def faults(n):
    if not n:
        return 0
    kept, counts = [], []
    for blocks in 2 * n, 16 * n:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        kept.append([bytes(460) for _ in range(blocks)])
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
    return counts
END
jq -Rsc '{task_id: "memory", solution: .}' "$tmp/m.py" >"$tmp/m.jsonl"
check "graded for its memory" status 0 assay grade -p "$tmp/m.yaml" -s "$tmp/m.jsonl" -o "$tmp/m.v.jsonl"
check "memory that a timed program takes first is not new to its guest" \
    jq -se '.[0].tests.failures[0] | .call == "timing" and (.got | fromjson | .[0] * 8 < .[1] / 2)' "$tmp/m.v.jsonl"
