#!/bin/sh
# The first example of the documentation: five replies to one problem get the five grades.
. "$(dirname "$0")/tap.inc"
plan 15
v=$tmp/v.jsonl

check "grade exits 0" status 0 assay grade -p "$data/classic.yaml" -s "$data/classic.jsonl" -o "$v"
check "one verdict a sample, in order" same "0 1 2 3 4" "$(jq -r .sample "$v" | xargs)"
check "five grades" same "not-code wrong-language fails-tests correct faster" "$(jq -r .grade "$v" | xargs)"
check "extra keys are carried through" same "talker other nearly honest quick" "$(jq -r .who "$v" | xargs)"
check "reasons" same "prose other-language wrong-answer null null" "$(jq -r .reason "$v" | xargs)"
check "rewards rise with the grade" jq -se '[.[].reward] | . == sort and (unique | length) == 5' "$v"
check "the failing one names call, result and expectation" \
    jq -se '.[2].tests.failures[0] | .call == "sort_with_42([3, 1, 2])" and .got == "[1, 2, 3, 42]" and .expected == "[42, 1, 2, 3]"' "$v"
check "the faster one has an interval above the margin" jq -se '.[4].time.speedup | .low > 1.1 and .ratio >= .low and .high >= .ratio' "$v"
check "isolation is told" jq -se '.[3].isolation | index("seccomp") != null' "$v"
check "the summary counts" says "$tmp/err" "5 verdicts" "pass@1"

check "the same from stdin, gzipped, to stdout" \
    sh -c "gzip -c '$data/classic.jsonl' | timeout 60 '$ASSAY_BUILD/assay' grade -p '$data/classic.yaml' -s - --no-timing > '$tmp/two' 2>/dev/null"
check "without timing nothing is faster" same "correct correct" "$(jq -r .grade "$tmp/two" | tail -2 | xargs)"

yes "$(sed -n 4p "$data/classic.jsonl")" | head -50 >"$tmp/same.jsonl"
check "fifty identical replies are judged once" status 0 assay grade -p "$data/classic.yaml" -s "$tmp/same.jsonl" --no-timing -o "$tmp/same"
check "and say so" same "49 50" "$(jq -se 'map(select(.cached)) | length' "$tmp/same") $(jq -r .grade "$tmp/same" | grep -c correct)"
check "check finds the problem files well" status 0 assay check "$data/classic.yaml" "$data/add.yaml"
