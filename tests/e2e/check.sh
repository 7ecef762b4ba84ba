#!/bin/sh
# `assay check` finds each kind of fault that a problem set can have, and nothing in a sound one.
. "$(dirname "$0")/tap.inc"
plan 34
set=$data/check

# found ID KIND LEVEL [TEXT]: the report $tmp/out has a finding of that kind on that problem.
found() {
    jq -se --arg id "$1" --arg kind "$2" --arg level "$3" --arg text "${4:-}" \
        'map(select(.id == $id)) | .[0].findings | any(.kind == $kind and .level == $level and (.message | contains($text)))' "$tmp/out" >/dev/null ||
        { grep "\"$1\"" "$tmp/out"; return 1; }
}

check "a sound set: exit 0" status 0 assay check "$set/good.yaml" --strict
check "its line counts what was run" says "$tmp/out" "ok     clip" "reference 3/3  others 1/1  wrong 1/1  mutants 3/3"
check "the summary goes to stderr" says "$tmp/err" "1 problem: 1 clean, 0 with warnings, 0 with errors; 3 of 3 mutants killed (100.0 %)"
check "--mutants 0 makes none" status 0 assay check --mutants 0 "$set/good.yaml"
check "and says so" says "$tmp/out" "mutants 0/0"

check "a bad set: exit 1" status 1 assay check --json --repeat 25 "$set/bad.yaml"
check "every problem of it has an error" jq -se 'length == 10 and all(.ok | not) and all(.level == "error") and all(.infra == null)' "$tmp/out"
check "a reference that fails" found reference_fails reference-fails error "wrong-answer, test 2: call double(3), got 6, expected 7"
check "references that disagree" found references_disagree references-disagree error "solution number 2 fails: exception"
check "a wrong solution that passes" found wrong_passes wrong-passes error "number 1"
check "no reference" found no_reference no-reference error
check "a constant that passes" found constant_passes weak-tests error "always returns True"
check "the identity that passes" found identity_passes weak-tests error "returns its first argument"
check "an echo that passes" found echo_passes weak-tests error "prints its input"
check "a flaky reference" found flaky flaky error "the same reference"
check "a prompt that shows every test" found all_shown leak error "every test (2)"
check "a prompt that shows the reference" found reference_shown leak error "contains the reference"
check "the order is the file's" same "reference_fails references_disagree wrong_passes" "$(jq -r .id "$tmp/out" | head -3 | xargs)"

check "doubts only: exit 0" status 0 assay check --json "$set/doubtful.yaml"
check "every problem is a good one with a warning, but the first of two that are alike" \
    jq -se 'all(.ok) and (map(select(.level == "clean").id) == ["shape_one"])' "$tmp/out"
check "a boundary that no test pins down" found boundary_untested mutants-survive warning
check "with the line before and after" jq -se 'any(.[0].findings[]; .was == "return age >= 18" and .now == "return age > 18" and .line == 1)' "$tmp/out"
check "an answer in the prompt" found answer_shown leak warning "answers of 1 other"
check "examples that are tests" found examples_shown examples warning "1 of 2 tests"
check "the same prompt" found same_prompt duplicate warning "the prompt is that of boundary_untested"
check "the same tests" found same_tests duplicate warning "the tests are those of same_prompt"
check "the same reference but for names" found shape_two duplicate warning "the reference is that of shape_one"
check "a reference near its limit" found slow slow-reference warning
check "--strict: exit 1" status 1 assay check --strict --mutants 0 "$set/doubtful.yaml"
check "--min-score fails what is below it alone" status 1 assay check --json --min-score 0.75 --repeat 1 "$set/doubtful.yaml"
check "those are two problems" same "boundary_untested slow" "$(jq -r 'select(.ok | not).id' "$tmp/out" | xargs)"
check "bad options: exit 2" status 2 assay check --min-score 2 "$set/good.yaml"
check "--allow makes notes of a kind" status 0 assay check --allow weak-tests,leak,mutants-survive --mutants 0 --repeat 1 "$set/shown.yaml"
check "and knows the kinds" status 2 assay check --allow leaks "$set/good.yaml"
