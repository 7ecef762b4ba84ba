#!/bin/sh
# The problems that come with assay: the starter pack passes its own check, and listops is what its README says it is,
# a family that repeats itself for the same parameters and never shows a held-out composition in training.
. "$(dirname "$0")/tap.inc"
problems=$here/../../problems
family=$problems/listops.yaml
LIMIT=180
plan 14

checks() { assay check "$@" >"$tmp/out" || { cat "$tmp/out"; return 1; }; }
check "the starter pack passes its check" checks --mutants 5 "$problems/starter"
check "a listops draw passes its check" checks --json --mutants 2 "$family?split=train&count=40&seed=7&mix=.3,.3,.3,.1&timed=1"
check "so does a held-out one" checks --json --mutants 2 "$family?split=test&count=20&seed=7"

# refused WORDS SPEC: exit status 2 and a message with these words.
refused() { status 2 assay check "$2" && says "$tmp/err" "$1"; }
check "another split" refused 'want train, dev or test' "$family?split=final"
check "a held-out single operation" refused 'single operations are all in split=train' "$family?split=test&mix=1,1"
check "another parameter" refused 'unexpected keyword argument' "$family?sed=1"

# serve SPEC...: a server of these problems.
serve() {
    for spec; do
        shift
        set -- "$@" -p "$spec"
    done
    "$ASSAY_BUILD/assay" serve --listen "unix:$tmp/socket" -j 1 "$@" >"$tmp/log" 2>&1 &
    server=$!
    server_answers "$tmp/socket"
}
# shown SOURCE: what a client sees of the problems of one -p option of the server, all of them.
shown() { curl -sS --unix-socket "$tmp/socket" "http://localhost/v1/problems?source=$1&offset=0&limit=1000"; }

serve "$family?split=train&count=800&seed=1&mix=.2,.4,.4&demonstrations=1" "$family?split=dev&count=400&seed=1" \
    "$family?split=test&count=400&seed=1" "$family?split=test&count=400&seed=2&timed=1"
for source in 0 1 2 3; do
    shown $source >"$tmp/$source.json"
    # The composition stands in the id: listops/test-1/17-sort.append.first
    jq -r '.problems[] | select(.level > 1) | .id | sub(".*/[0-9]+-"; "")' "$tmp/$source.json" | sort -u >"$tmp/$source.names"
    jq -r '.problems[].prompt' "$tmp/$source.json" | sort -u >"$tmp/$source.prompts"
done
check "the server shows as many as were asked for" \
    jq -e '.total == 800 and (.problems | length == 800) and all(.problems[]; .entry_point == "solve" and .level <= 3)' "$tmp/0.json"
check "demonstrations think first, then answer" jq -e \
    'all(.problems[]; .demonstration | test("^<think>\n1\\. (.|\n)*</think>\n<answer>\n```python\ndef solve\\(xs\\):\n(.|\n)*```\n</answer>$"))' "$tmp/0.json"
check "no answer is shown" \
    jq -e 'all(.problems[]; has("cases") or has("reference") or has("timing") or has("demonstration") | not)' "$tmp/2.json"

disjoint() {
    comm -12 "$tmp/$1" "$tmp/$2" >"$tmp/common"
    cat "$tmp/common"
    [ -s "$tmp/$1" ] && [ -s "$tmp/$2" ] && ! [ -s "$tmp/common" ]
}
check "no composition is in train and dev" disjoint 0.names 1.names
check "no composition is in train and test" disjoint 0.names 2.names
check "no composition is in dev and test" disjoint 1.names 2.names

another_draw() {
    same=$(comm -12 "$tmp/2.prompts" "$tmp/3.prompts" | wc -l)
    echo "$same prompts in common"
    [ -s "$tmp/2.prompts" ] && [ "$same" -lt 20 ]
}
check "another seed is another draw" another_draw

down
serve "$family?split=test&count=400&seed=1"
shown 0 | jq -S .problems >"$tmp/again"
jq -S .problems "$tmp/2.json" >"$tmp/before"
check "the same parameters give the same problems" cmp "$tmp/before" "$tmp/again"
