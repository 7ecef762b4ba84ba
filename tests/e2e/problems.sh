#!/bin/sh
# The problems that come with assay: the starter pack passes its own check, and listops is what its README says it is,
# a family that repeats itself for the same parameters and never shows a held-out composition in training.
set -u
cd "$(dirname "$0")/../.." || exit 1
assay=${ASSAY_BUILD:-build/release}/assay
dir=$(mktemp -d) || exit 1
server=
trap 'kill $server 2>/dev/null; rm -rf "$dir"' EXIT
trap 'exit 1' INT TERM
family=problems/listops.yaml
n=0

# report NAME STATUS [FILE]: one TAP line, and the file as a comment when the test failed.
report() {
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
        return
    fi
    echo "not ok $n - $1"
    [ -z "${3:-}" ] || grep -v '^ok ' "$3" | sed 's/^/# /' | head -40
}

# shown SOURCE: what a client sees of the problems of one -p option of the server, all of them.
shown() {
    curl -sS --unix-socket "$dir/socket" "http://localhost/v1/problems?source=$1&offset=0&limit=1000"
}

echo 1..14

timeout 180 "$assay" check --mutants 5 problems/starter >"$dir/starter" 2>&1
report "the starter pack passes its check" $? "$dir/starter"

timeout 120 "$assay" check --json --mutants 2 "$family?split=train&count=40&seed=7&mix=.3,.3,.3,.1&timed=1" >"$dir/train" 2>"$dir/err"
report "a listops draw passes its check" $? "$dir/err"
timeout 120 "$assay" check --json --mutants 2 "$family?split=test&count=20&seed=7" >"$dir/test" 2>"$dir/err"
report "so does a held-out one" $? "$dir/err"

# refused WORDS SPEC: exit status 2 and a message with these words.
refused() {
    timeout 60 "$assay" check "$2" >"$dir/out" 2>"$dir/err"
    status=$?
    [ $status -eq 2 ] && grep -q "$1" "$dir/err"
    report "refused: $1" $? "$dir/err"
}
refused 'want train, dev or test' "$family?split=final"
refused 'single operations are all in split=train' "$family?split=test&mix=1,1"
refused 'unexpected keyword argument' "$family?sed=1"

"$assay" serve --listen "unix:$dir/socket" -j 1 \
    -p "$family?split=train&count=800&seed=1&mix=.2,.4,.4&demonstrations=1" -p "$family?split=dev&count=400&seed=1" \
    -p "$family?split=test&count=400&seed=1" -p "$family?split=test&count=400&seed=2&timed=1" >"$dir/log" 2>&1 &
server=$!
tries=0
until curl -sf --unix-socket "$dir/socket" http://localhost/healthz >/dev/null 2>&1 || [ $tries -ge 300 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
for source in 0 1 2 3; do
    shown $source >"$dir/$source.json"
    # The composition stands in the id: listops/test-1/17-sort.append.first
    jq -r '.problems[] | select(.level > 1) | .id | sub(".*/[0-9]+-"; "")' "$dir/$source.json" | sort -u >"$dir/$source.names"
    jq -r '.problems[].prompt' "$dir/$source.json" | sort -u >"$dir/$source.prompts"
done

jq -e '.total == 800 and (.problems | length == 800) and all(.problems[]; .entry_point == "solve" and .level <= 3)' \
    "$dir/0.json" >"$dir/out" 2>&1
report "the server shows as many as were asked for" $? "$dir/log"
jq -e 'all(.problems[]; .demonstration | test("^<think>\n1\\. (.|\n)*</think>\n<answer>\n```python\ndef solve\\(xs\\):\n(.|\n)*```\n</answer>$"))' \
    "$dir/0.json" >"$dir/out" 2>&1
report "demonstrations think first, then answer" $?
jq -e 'all(.problems[]; has("cases") or has("reference") or has("timing") or has("demonstration") | not)' \
    "$dir/2.json" >"$dir/out" 2>&1
report "no answer is shown" $?

disjoint() {
    comm -12 "$dir/$2" "$dir/$3" >"$dir/common"
    [ -s "$dir/$2" ] && [ -s "$dir/$3" ] && ! [ -s "$dir/common" ]
    report "$1" $? "$dir/common"
}
disjoint "no composition is in train and dev" 0.names 1.names
disjoint "no composition is in train and test" 0.names 2.names
disjoint "no composition is in dev and test" 1.names 2.names

same=$(comm -12 "$dir/2.prompts" "$dir/3.prompts" | wc -l)
[ -s "$dir/2.prompts" ] && [ "$same" -lt 20 ]
report "another seed is another draw ($same prompts in common)" $?

kill $server && wait $server
"$assay" serve --listen "unix:$dir/socket" -j 1 -p "$family?split=test&count=400&seed=1" >"$dir/log" 2>&1 &
server=$!
tries=0
until curl -sf --unix-socket "$dir/socket" http://localhost/healthz >/dev/null 2>&1 || [ $tries -ge 300 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
shown 0 | jq -S .problems >"$dir/again"
jq -S .problems "$dir/2.json" | cmp -s - "$dir/again"
report "the same parameters give the same problems" $? "$dir/log"
